//! Line chat: where does a line end, when TCP knows no lines?
//!
//! The protocol is defined in `course/units/04-line-chat/unit.md`. Each probe adds one thing to those above it: first a
//! network that happens to be kind, then cuts at ever more awkward places, then clients that do not keep the rules.

use super::{Role, Unit};
use crate::peer::{Failure, Peer};
use crate::probe::Probe;
use crate::stage::Stage;

pub const UNIT: Unit = Unit {
    number: 4,
    name: "line-chat",
    title: "Delimiter framing: line chat",
    role: Role::Server,
    probes: &[
        Probe::visible("a line reaches all others", 2, "line-not-passed-on", reaches_all_others),
        Probe::visible("its sender does not get it back", 1, "heard-by-its-sender", not_its_sender),
        Probe::visible("CR LF ends a line too", 1, "carriage-return-kept", carriage_return),
        Probe::visible("a line in two pieces is one line", 2, "one-read-is-one-message", in_two_pieces),
        Probe::visible("two lines in one segment are two lines", 2, "two-messages-in-one-segment", two_in_one),
        Probe::visible("the beginning of a second line is kept", 2, "rest-of-the-read-lost", beginning_kept),
        Probe::visible("CR and LF may come apart", 1, "delimiter-cut-in-two", delimiter_cut),
        Probe::visible("a character may come in two pieces", 1, "character-cut-in-two", character_cut),
        Probe::visible("two clients' pieces do not mix", 1, "state-shared-between-clients", no_mixing),
        Probe::visible("1024 bytes are a line", 1, "limit-off-by-one", exactly_the_limit),
        Probe::visible("a line without end is refused", 2, "unbounded-line", without_end),
        Probe::visible("the limit counts bytes", 1, "characters-counted-instead-of-bytes", counts_bytes),
        Probe::visible("the end of the stream is noticed", 1, END_IGNORED, end_noticed),
        Probe::visible("half a line at the end is no line", 1, "half-a-line-passed-on", half_a_line),
        Probe::hidden("a client that vanishes harms nobody", 1, "vanished-client-stops-others", vanishes),
    ],
    next: &[
        "src/framing.rs and src/framing/decoder.rs: Decoder, the same with a maximum and a deadline for each message",
        "src/buffer.rs: how the rest of a read is kept without copying it for each line",
        "examples/05_framing.rs: the same bytes under every transmission mode",
    ],
};

const LIMIT: usize = 1024;
const END_IGNORED: &str = "end-of-the-stream-ignored";

/// Who comes in is told a number, and hears everything from then on: without that line nobody would know when.
fn enter(stage: &mut Stage, name: &str, number: u32) -> Result<Peer, Failure> {
    let mut peer = stage.connect(name)?;
    peer.expect_line(&format!("welcome {number}"))?;
    Ok(peer)
}

fn two(stage: &mut Stage) -> Result<(Peer, Peer), Failure> {
    stage.start_server()?;
    Ok((enter(stage, "Anna", 1)?, enter(stage, "Berta", 2)?))
}

/// Both are heard by the third, who says nothing.
fn three(stage: &mut Stage) -> Result<(Peer, Peer, Peer), Failure> {
    let (anna, berta) = two(stage)?;
    Ok((anna, berta, enter(stage, "Carla", 3)?))
}

fn reaches_all_others(stage: &mut Stage) -> Result<(), Failure> {
    let (mut anna, mut berta, mut carla) = three(stage)?;
    let line = stage.adversary.sentence();
    anna.send(format!("{line}\n"))?;
    berta.expect_line(&format!("1: {line}"))?;
    carla.expect_line(&format!("1: {line}"))
}

/// That nothing came cannot be seen; that Berta's answer comes first can.
fn not_its_sender(stage: &mut Stage) -> Result<(), Failure> {
    let (mut anna, mut berta) = two(stage)?;
    let (line, answer) = (stage.adversary.sentence(), stage.adversary.sentence());
    anna.send(format!("{line}\n"))?;
    berta.expect_line(&format!("1: {line}"))?;
    berta.send(format!("{answer}\n"))?;
    anna.expect_line(&format!("2: {answer}"))
}

fn carriage_return(stage: &mut Stage) -> Result<(), Failure> {
    let (mut anna, mut berta) = two(stage)?;
    let line = stage.adversary.sentence();
    anna.send(format!("{line}\r\n"))?;
    berta.expect_line(&format!("1: {line}"))
}

fn in_two_pieces(stage: &mut Stage) -> Result<(), Failure> {
    let (mut anna, mut berta) = two(stage)?;
    let line = stage.adversary.sentence();
    let (head, tail) = stage.adversary.halves(line.as_bytes());
    anna.send_pieces([head, &[tail, b"\n"].concat()])?;
    berta.expect_line(&format!("1: {line}"))
}

fn two_in_one(stage: &mut Stage) -> Result<(), Failure> {
    let (mut anna, mut berta) = two(stage)?;
    let (first, second) = (stage.adversary.sentence(), stage.adversary.sentence());
    anna.send(format!("{first}\n{second}\n"))?;
    berta.expect_line(&format!("1: {first}"))?;
    berta.expect_line(&format!("1: {second}"))
}

fn beginning_kept(stage: &mut Stage) -> Result<(), Failure> {
    let (mut anna, mut berta) = two(stage)?;
    let (first, second) = (stage.adversary.sentence(), stage.adversary.sentence());
    let (head, tail) = stage.adversary.halves(second.as_bytes());
    let glued = [first.as_bytes(), b"\n", head].concat();
    anna.send_pieces([&glued[..], &[tail, b"\n"].concat()])?;
    berta.expect_line(&format!("1: {first}"))?;
    berta.expect_line(&format!("1: {second}"))
}

fn delimiter_cut(stage: &mut Stage) -> Result<(), Failure> {
    let (mut anna, mut berta) = two(stage)?;
    let line = stage.adversary.sentence();
    anna.send_pieces([format!("{line}\r").as_bytes(), b"\n"])?;
    berta.expect_line(&format!("1: {line}"))
}

fn character_cut(stage: &mut Stage) -> Result<(), Failure> {
    let (mut anna, mut berta) = two(stage)?;
    // Two, three and four bytes in UTF-8 (RFC 3629 section 3), cut behind each of them but the last.
    let character = ["\u{e4}", "\u{20ac}", "\u{1f980}"][stage.adversary.number(0..=2)];
    let line = format!("{}{character}{}", stage.adversary.word(), stage.adversary.word());
    let begin = line.find(character).unwrap_or(0);
    let (head, tail) = line.as_bytes().split_at(begin + stage.adversary.number(1..=character.len() - 1));
    anna.send_pieces([head, &[tail, b"\n"].concat()])?;
    berta.expect_line(&format!("1: {line}"))
}

fn no_mixing(stage: &mut Stage) -> Result<(), Failure> {
    let (mut anna, mut berta, mut carla) = three(stage)?;
    let (first, second) = (stage.adversary.sentence(), stage.adversary.sentence());
    let (head, tail) = stage.adversary.halves(first.as_bytes());
    anna.send_pieces([head])?;
    berta.send(format!("{second}\n"))?;
    carla.expect_line(&format!("2: {second}"))?;
    anna.send([tail, b"\n"].concat())?;
    carla.expect_line(&format!("1: {first}"))
}

fn exactly_the_limit(stage: &mut Stage) -> Result<(), Failure> {
    let (mut anna, mut berta) = two(stage)?;
    let line = stage.adversary.letters(LIMIT);
    for ending in ["\n", "\r\n"] {
        anna.send(format!("{line}{ending}"))?;
        berta.expect_line(&format!("1: {line}"))?;
    }
    Ok(())
}

/// 1024 bytes and a CR may be a line still. One byte more is none, whatever follows, so the program need not wait.
fn without_end(stage: &mut Stage) -> Result<(), Failure> {
    let (mut anna, mut berta, mut carla) = three(stage)?;
    let length = stage.adversary.number(LIMIT + 2..=LIMIT + 400);
    let endless = stage.adversary.letters(length);
    anna.send(endless)?;
    anna.expect_line("error line too long")?;
    anna.expect_end()?;
    berta.send("still here\n")?;
    carla.expect_line("2: still here")
}

fn counts_bytes(stage: &mut Stage) -> Result<(), Failure> {
    let (mut anna, mut berta, mut carla) = three(stage)?;
    // More than 1024 bytes, fewer than 1024 characters.
    let line = "\u{e4}".repeat(stage.adversary.number(LIMIT / 2 + 1..=LIMIT - 100));
    anna.send(format!("{line}\n"))?;
    anna.expect_line("error line too long")?;
    berta.send("still here\n")?;
    carla.expect_line("2: still here")
}

fn end_noticed(stage: &mut Stage) -> Result<(), Failure> {
    let (mut anna, mut berta) = two(stage)?;
    let line = stage.adversary.sentence();
    anna.send(format!("{line}\n"))?;
    berta.expect_line(&format!("1: {line}"))?;
    anna.finish();
    anna.expect_end_without_spinning(END_IGNORED)
}

fn half_a_line(stage: &mut Stage) -> Result<(), Failure> {
    let (mut anna, mut berta, mut carla) = three(stage)?;
    let (line, half) = (stage.adversary.sentence(), stage.adversary.word());
    anna.send(format!("{line}\n{half}"))?;
    anna.finish();
    carla.expect_line(&format!("1: {line}"))?;
    // What the program makes of the end it has made when it closes. Whether it does was the question before.
    let _ = anna.expect_end_without_spinning(END_IGNORED);
    berta.send("after that\n")?;
    carla.expect_line("2: after that")
}

/// Several at the same moment, while the program stands still: it hears of a line and of their end together, and some of
/// them are written to before their threads have noticed. On a busy machine all of them may have noticed before: so again,
/// with others.
fn vanishes(stage: &mut Stage) -> Result<(), Failure> {
    const ROUNDS: u32 = 4;
    stage.start_server()?;
    let eight = |stage: &mut Stage, first| -> Result<Vec<Peer>, Failure> {
        (first..first + 8).map(|number| enter(stage, "one of eight", number)).collect()
    };
    let mut crowd = eight(stage, 1)?;
    let (mut berta, mut carla) = (enter(stage, "Berta", 9)?, enter(stage, "Carla", 10)?);
    for round in 1..=ROUNDS {
        let line = stage.adversary.sentence();
        stage.pause_program();
        let result = berta.send(format!("{line}\n"));
        crowd.into_iter().for_each(Peer::reset);
        stage.resume_program();
        result?;
        carla.expect_line(&format!("9: {line}"))?;
        crowd = if round < ROUNDS { eight(stage, 3 + 8 * round)? } else { Vec::new() };
    }
    let line = stage.adversary.sentence();
    berta.send(format!("{line}\n"))?;
    carla.expect_line(&format!("9: {line}"))
}
