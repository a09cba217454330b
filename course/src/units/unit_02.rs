//! The recorder: what does one read bring, and can one know it before?
//!
//! The program's commands are defined in `course/units/02-recorder/unit.md`. The first probes ask what it sees, the later
//! ones what it predicts. The check plays the other side, and says `arrived` only when the bytes lie in the program's
//! receive queue: so there is one right answer, on any machine.

use super::{Role, Unit};
use crate::peer::{Failure, Peer};
use crate::probe::Probe;
use crate::stage::Stage;
use crate::transcript::shown;

pub const UNIT: Unit = Unit {
    number: 2,
    name: "recorder",
    title: "Bytes, not messages: predict the reads, then see them",
    role: Role::Client,
    probes: &[
        Probe::visible("a read is recorded", 2, "read-not-recorded", recorded),
        Probe::visible("without the end of the stream", 1, "both-sides-wait", without_the_end),
        Probe::visible("without a full buffer", 2, "full-buffer-awaited", without_a_full_buffer),
        Probe::visible("only what came is shown", 1, "old-bytes-in-the-buffer", only_what_came),
        Probe::visible("without a line feed", 1, "line-awaited", without_a_line_feed),
        Probe::visible("a read brings no more than it has room for", 1, "room-ignored", no_more_than_room),
        Probe::visible("the rest is there for the next read", 1, "rest-thrown-away", rest_is_kept),
        Probe::visible("the rest and what comes after it are one", 2, "read-ahead", rest_joins),
        Probe::visible("a character may be cut in two", 1, "character-cut-in-two", character_cut),
        Probe::visible("the end is noticed", 1, END_IGNORED, end_noticed),
        Probe::visible("the end is no read of nothing", 1, "end-taken-for-an-empty-text", end_told),
        Probe::visible("predicted: what has come, if there is room", 1, "full-buffer-predicted", predicted_waiting),
        Probe::visible("predicted: what there is room for, if more has come", 1, "all-predicted", predicted_room),
        Probe::visible("predicted: the rest", 1, "rest-predicted-lost", predicted_rest),
        Probe::visible("predicted: two writes in one read", 3, "one-read-is-one-message", predicted_joined),
        Probe::visible("predicted before the read", 1, "prediction-after-the-read", predicted_before),
        Probe::visible("predicted: to wait", 2, "nothing-yet-predicted-as-the-end", predicted_wait),
        Probe::visible("predicted: the end, behind the last byte", 2, "end-predicted-too-early", predicted_end),
    ],
    next: &[
        "src/buffer.rs: Buffer, which reads as much as there is room for, and keeps what is not yet a message",
        "src/framing.rs: Framing, how the two sides agree where a message ends",
        "examples/04_echo_server.rs: a server that needs to know nothing of messages",
    ],
};

const END_IGNORED: &str = "end-of-the-stream-ignored";

fn connected(stage: &mut Stage) -> Result<Peer, Failure> {
    stage.start_client()?;
    stage.accept("sender")
}

/// Sent in one write, and there: from now on a read can have it.
fn arrive(stage: &mut Stage, sender: &mut Peer, bytes: &[u8]) -> Result<(), Failure> {
    sender.send(bytes)?;
    sender.arrived();
    stage.feed(format!("arrived {}\n", bytes.len()).as_bytes());
    Ok(())
}

/// Has the program read, and lets it predict what it likes.
fn read(stage: &mut Stage, room: usize) -> Result<(), Failure> {
    stage.feed(format!("read {room}\n").as_bytes());
    predicted(stage)?;
    Ok(())
}

fn predicted(stage: &mut Stage) -> Result<String, Failure> {
    let line = stage.output_line("\"predicted ...\"")?;
    let line = String::from_utf8_lossy(&line).into_owned();
    match line.strip_prefix("predicted ") {
        Some(what) => Ok(what.to_owned()),
        None => Err(Failure::new("A read begins with its prediction.", "\"predicted ...\"", shown(line.as_bytes()))),
    }
}

fn came(stage: &mut Stage, bytes: &[u8]) -> Result<(), Failure> {
    stage.expect_output_line(&format!("read {}: {}", bytes.len(), bytes.escape_ascii()))
}

/// A prediction, and what came after it.
fn predicts(stage: &mut Stage, room: usize, expected: &str) -> Result<(), Failure> {
    stage.feed(format!("read {room}\n").as_bytes());
    let told = predicted(stage)?;
    if told == expected {
        return Ok(());
    }
    // For the ladder alone: what was predicted, and below it what came.
    if expected != "wait" {
        let _ = stage.output_line("what came");
    }
    let what = format!("The prediction of the read with room for {room} bytes is wrong.");
    Err(Failure::new(what, format!("\"predicted {expected}\""), format!("\"predicted {told}\"")))
}

fn line(stage: &mut Stage) -> Vec<u8> {
    format!("{}\n", stage.adversary.sentence()).into_bytes()
}

/// At least eight bytes, none of them a line feed.
fn words(stage: &mut Stage) -> Vec<u8> {
    format!("{} {}", stage.adversary.sentence(), stage.adversary.letters(2)).into_bytes()
}

// --- to see -----------------------------------------------------------------------------------------

/// Whatever one might wait for is there: as many bytes as there is room for, a line feed, the end.
fn recorded(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, line) = (connected(stage)?, line(stage));
    arrive(stage, &mut sender, &line)?;
    sender.finish();
    read(stage, line.len())?;
    came(stage, &line)
}

fn without_the_end(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, line) = (connected(stage)?, line(stage));
    arrive(stage, &mut sender, &line)?;
    read(stage, line.len())?;
    came(stage, &line)
}

/// What it shows of its buffer is the next probe's question.
fn without_a_full_buffer(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, line) = (connected(stage)?, line(stage));
    arrive(stage, &mut sender, &line)?;
    let room = line.len() + stage.adversary.number(1..=20);
    read(stage, room)?;
    stage.output_line(&format!("the {} bytes that have come", line.len()))?;
    Ok(())
}

fn only_what_came(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, line) = (connected(stage)?, line(stage));
    arrive(stage, &mut sender, &line)?;
    let room = line.len() + stage.adversary.number(1..=20);
    read(stage, room)?;
    came(stage, &line)
}

fn without_a_line_feed(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, words) = (connected(stage)?, words(stage));
    arrive(stage, &mut sender, &words)?;
    read(stage, 100)?;
    came(stage, &words)
}

fn no_more_than_room(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, words) = (connected(stage)?, words(stage));
    arrive(stage, &mut sender, &words)?;
    let (head, _) = stage.adversary.halves(&words);
    read(stage, head.len())?;
    came(stage, head)
}

fn rest_is_kept(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, words) = (connected(stage)?, words(stage));
    arrive(stage, &mut sender, &words)?;
    let (head, rest) = stage.adversary.halves(&words);
    read(stage, head.len())?;
    came(stage, head)?;
    read(stage, 100)?;
    came(stage, rest)
}

fn rest_joins(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, first, second) = (connected(stage)?, words(stage), words(stage));
    arrive(stage, &mut sender, &first)?;
    let (head, rest) = stage.adversary.halves(&first);
    read(stage, head.len())?;
    came(stage, head)?;
    arrive(stage, &mut sender, &second)?;
    read(stage, 200)?;
    came(stage, &[rest, &second].concat())
}

fn character_cut(stage: &mut Stage) -> Result<(), Failure> {
    let mut sender = connected(stage)?;
    // Two, three and four bytes in UTF-8 (RFC 3629 section 3), cut behind each of them but the last.
    let character = ["\u{e4}", "\u{20ac}", "\u{1f980}"][stage.adversary.number(0..=2)];
    let text = format!("{}{character}{}", stage.adversary.word(), stage.adversary.word());
    let begin = text.find(character).unwrap_or(0);
    let (head, tail) = text.as_bytes().split_at(begin + stage.adversary.number(1..=character.len() - 1));
    arrive(stage, &mut sender, text.as_bytes())?;
    read(stage, head.len())?;
    came(stage, head)?;
    read(stage, 100)?;
    came(stage, tail)
}

/// What it says of the end is the next probe's question; here it must come to its own.
fn end_noticed(stage: &mut Stage) -> Result<(), Failure> {
    let mut sender = connected(stage)?;
    sender.finish();
    stage.feed(b"ended\nread 10\n");
    stage.close_input();
    sender.expect_end_without_spinning(END_IGNORED)
}

fn end_told(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, words) = (connected(stage)?, words(stage));
    arrive(stage, &mut sender, &words)?;
    sender.finish();
    stage.feed(b"ended\n");
    read(stage, 100)?;
    came(stage, &words)?;
    read(stage, 100)?;
    stage.expect_output_line("end")
}

// --- to predict -------------------------------------------------------------------------------------

fn predicted_waiting(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, words) = (connected(stage)?, words(stage));
    arrive(stage, &mut sender, &words)?;
    predicts(stage, 100, &words.len().to_string())?;
    came(stage, &words)
}

fn predicted_room(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, words) = (connected(stage)?, words(stage));
    arrive(stage, &mut sender, &words)?;
    let (head, _) = stage.adversary.halves(&words);
    predicts(stage, head.len(), &head.len().to_string())?;
    came(stage, head)
}

fn predicted_rest(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, words) = (connected(stage)?, words(stage));
    arrive(stage, &mut sender, &words)?;
    let (head, rest) = stage.adversary.halves(&words);
    predicts(stage, head.len(), &head.len().to_string())?;
    came(stage, head)?;
    predicts(stage, 100, &rest.len().to_string())?;
    came(stage, rest)
}

fn predicted_joined(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, first, second) = (connected(stage)?, words(stage), words(stage));
    arrive(stage, &mut sender, &first)?;
    arrive(stage, &mut sender, &second)?;
    let both = [first, second].concat();
    predicts(stage, 200, &both.len().to_string())?;
    came(stage, &both)
}

/// Nothing is sent until the prediction is there: who reads first waits for ever.
fn predicted_before(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, words) = (connected(stage)?, words(stage));
    read(stage, 100)?;
    sender.send(&words)?;
    came(stage, &words)
}

fn predicted_wait(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, first, second) = (connected(stage)?, words(stage), words(stage));
    arrive(stage, &mut sender, &first)?;
    predicts(stage, 100, &first.len().to_string())?;
    came(stage, &first)?;
    predicts(stage, 100, "wait")?;
    sender.send(&second)?;
    came(stage, &second)
}

/// The end is said while bytes still wait, and it comes after them, as often as one asks.
fn predicted_end(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, words) = (connected(stage)?, words(stage));
    arrive(stage, &mut sender, &words)?;
    sender.finish();
    stage.feed(b"ended\n");
    let (head, rest) = stage.adversary.halves(&words);
    for piece in [head, rest] {
        predicts(stage, piece.len(), &piece.len().to_string())?;
        came(stage, piece)?;
    }
    for _ in 0..2 {
        predicts(stage, 100, "end")?;
        stage.expect_output_line("end")?;
    }
    Ok(())
}
