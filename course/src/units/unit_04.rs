//! Line chat: where does a line end, when TCP knows no lines?
//!
//! The protocol is defined in `course/units/04-line-chat/unit.md`. Each probe adds one thing to those above it: first a
//! network that happens to be kind, then cuts at ever more awkward places, then clients that do not keep the rules.

use super::{Role, Unit};
use crate::peer::{Failure, Peer};
use crate::probe::Probe;
use crate::stage::Stage;
use crate::transcript::shown;

mod cuts;
mod limit;

pub const UNIT: Unit = Unit {
    number: 4,
    name: "line-chat",
    title: "Delimiter framing: line chat",
    role: Role::Server,
    probes: &[
        Probe::visible("a line reaches all others", 1, NOT_PASSED_ON, reaches_all_others),
        Probe::visible("nothing is said that nobody said", 1, MORE_SAID, nothing_else),
        Probe::visible("a short line follows a long one", 1, "old-bytes-in-the-buffer", short_after_long),
        Probe::visible("its sender does not get it back", 1, "heard-by-its-sender", not_its_sender),
        Probe::visible("CR LF ends a line too", 1, "carriage-return-kept", carriage_return),
        Probe::visible("a line in two pieces is one line", 2, "one-read-is-one-message", cuts::in_two_pieces),
        Probe::visible("two lines in one segment are two lines", 2, "two-messages-in-one-segment", cuts::two_in_one),
        Probe::visible("the beginning of a second line is kept", 2, "rest-of-the-read-lost", cuts::beginning_kept),
        Probe::visible("CR and LF may come apart", 1, "delimiter-cut-in-two", cuts::delimiter_cut),
        Probe::visible("a character may come in two pieces", 1, "character-cut-in-two", cuts::character_cut),
        Probe::visible("an empty line is a line", 1, "empty-line-lost", empty_line),
        Probe::visible("only the ending is taken away", 1, "line-trimmed", only_the_ending),
        Probe::visible("two clients' pieces do not mix", 1, "state-shared-between-clients", no_mixing),
        Probe::visible("1024 bytes are a line", 1, OFF_BY_ONE, limit::exactly_the_limit),
        Probe::visible("many short lines are no long one", 1, "limit-over-several-lines", limit::many_short_lines),
        Probe::visible("a whole line may be too long", 1, "whole-line-not-measured", limit::whole_line_measured),
        Probe::visible("1025 bytes are no line", 1, "limit-too-generous", limit::just_too_long),
        Probe::visible("a line without end is refused", 2, "unbounded-line", limit::without_end),
        Probe::visible("who is refused is let go", 1, REFUSED_AND_KEPT, limit::let_go),
        Probe::visible("a refusal harms nobody else", 1, "refusal-stops-others", limit::refusal_harms_nobody),
        Probe::visible("the limit counts bytes", 1, "characters-counted-instead-of-bytes", limit::counts_bytes),
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

const END_IGNORED: &str = "end-of-the-stream-ignored";
const MORE_SAID: &str = "more-said-than-told";
const NOT_PASSED_ON: &str = "line-not-passed-on";
const OFF_BY_ONE: &str = "limit-off-by-one";
const REFUSED_AND_KEPT: &str = "refused-and-kept";

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

/// `listener` hears a line that `speaker` has said. If nothing comes, what the speaker was told instead says more.
fn hears(listener: &mut Peer, line: &str, speaker: &mut Peer) -> Result<(), Failure> {
    let Err(mut failure) = listener.expect_line(line) else { return Ok(()) };
    if failure.silent {
        if let Ok(told) = speaker.line("an answer") {
            let (who, to) = (speaker.name(), listener.name());
            failure.what = format!("{who}'s line did not come to {to}; {who} was told something instead.");
            failure.got = format!("{} to {who}", shown(&[&told[..], b"\n"].concat()));
            failure.silent = false;
        }
    }
    Err(failure)
}

/// The line that came instead of the expected one, if one did.
fn instead(peer: &mut Peer, failure: &Failure) -> Option<Vec<u8>> {
    if failure.silent { None } else { peer.line("a line").ok() }
}

/// Lines of one length, so that what is left of the first in a buffer does not show here. What the program says of its own
/// accord after the first comes before the second, for one thread says both.
fn nothing_else(stage: &mut Stage) -> Result<(), Failure> {
    let (mut anna, mut berta) = two(stage)?;
    let (first, second) = (stage.adversary.letters(16), stage.adversary.letters(16));
    anna.send(format!("{first}\n"))?;
    berta.expect_line(&format!("1: {first}"))?;
    // Whether the second comes, and comes whole, is the next question.
    let _ = anna.send(format!("{second}\n"));
    let Ok(next) = berta.line("the second line") else { return Ok(()) };
    if next.ends_with(second.as_bytes()) {
        return Ok(());
    }
    let what = "Berta was told something between two lines, and nobody has said it.";
    let got = shown(&[&next[..], b"\n"].concat());
    Err(Failure::new(what, shown(format!("1: {second}\n").as_bytes()), got))
}

/// A third line shows what is said after the second. If nothing comes at all, and Anna was told nothing, the line was lost.
fn short_after_long(stage: &mut Stage) -> Result<(), Failure> {
    let (mut anna, mut berta) = two(stage)?;
    let long = stage.adversary.letters(40);
    anna.send(format!("{long}\n"))?;
    berta.expect_line(&format!("1: {long}"))?;
    for _ in 0..2 {
        let short = stage.adversary.word();
        // Who was refused cannot send; what she was told is what counts.
        let _ = anna.send(format!("{short}\n"));
        hears(&mut berta, &format!("1: {short}"), &mut anna)
            .map_err(|failure| if failure.silent { failure.is(NOT_PASSED_ON) } else { failure })?;
    }
    Ok(())
}

/// That nothing came cannot be seen; that Berta's answer comes first can. The mistake has this name only if it is her own
/// line that Anna got.
fn not_its_sender(stage: &mut Stage) -> Result<(), Failure> {
    let (mut anna, mut berta) = two(stage)?;
    let (line, answer) = (stage.adversary.sentence(), stage.adversary.sentence());
    anna.send(format!("{line}\n"))?;
    berta.expect_line(&format!("1: {line}"))?;
    berta.send(format!("{answer}\n"))?;
    anna.expect_line(&format!("2: {answer}")).map_err(|failure| match instead(&mut anna, &failure) {
        Some(told) if told.ends_with(line.as_bytes()) => failure,
        Some(_) => failure.is(MORE_SAID),
        None => failure.is(NOT_PASSED_ON),
    })
}

/// Twice: who takes CR for an ending of its own says an empty line after the first.
fn carriage_return(stage: &mut Stage) -> Result<(), Failure> {
    let (mut anna, mut berta) = two(stage)?;
    for _ in 0..2 {
        let line = stage.adversary.sentence();
        anna.send(format!("{line}\r\n"))?;
        berta.expect_line(&format!("1: {line}")).map_err(|failure| match instead(&mut berta, &failure) {
            Some(told) if told == b"1: " => failure.is(MORE_SAID),
            _ => failure,
        })?;
    }
    Ok(())
}

/// With both endings, and it ends nothing: another line is heard after it.
fn empty_line(stage: &mut Stage) -> Result<(), Failure> {
    let (mut anna, mut berta) = two(stage)?;
    let line = stage.adversary.word();
    for line in ["", &line] {
        for ending in ["\n", "\r\n"] {
            anna.send(format!("{line}{ending}"))?;
            berta.expect_line(&format!("1: {line}"))?;
        }
    }
    Ok(())
}

/// One LF, or one CR LF, and not a byte more.
fn only_the_ending(stage: &mut Stage) -> Result<(), Failure> {
    let (mut anna, mut berta) = two(stage)?;
    let (first, second) = (stage.adversary.word(), stage.adversary.word());
    for line in [format!("{first}  "), format!("{first}\r{second}"), format!("{second}\r")] {
        anna.send(format!("{line}\r\n"))?;
        berta.expect_line(&format!("1: {line}"))?;
    }
    Ok(())
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
