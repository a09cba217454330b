//! The recorder: what does one read bring, and can one know it before?
//!
//! The program's commands are defined in `course/units/02-recorder/unit.md`. The first probes ask what it sees, the later
//! ones what it predicts. The check plays the other side, and says `arrived` only when the bytes lie in the program's
//! receive queue: so there is one right answer, on any machine. First it gives the program everything that a read could be
//! thought to wait for, and then takes one after the other away.

use super::{Role, Unit};
use crate::peer::{Failure, Peer};
use crate::probe::Probe;
use crate::stage::Stage;
use crate::transcript::shown;

mod predicted;
mod seen;

pub const UNIT: Unit = Unit {
    number: 2,
    name: "recorder",
    title: "Bytes, not messages: predict the reads, then see them",
    role: Role::Client,
    probes: &[
        Probe::visible("a read is recorded", 1, "read-not-recorded", seen::recorded),
        Probe::visible("it is printed before more is asked", 1, "output-not-flushed", seen::printed_at_once),
        Probe::visible("without the end of the stream", 1, "both-sides-wait", seen::without_the_end),
        Probe::visible("without a full buffer", 1, "full-buffer-awaited", seen::without_a_full_buffer),
        Probe::visible("only what came is shown", 1, "old-bytes-in-the-buffer", seen::only_what_came),
        Probe::visible("without a line feed", 1, "line-awaited", seen::without_a_line_feed),
        Probe::visible("a read brings no more than it has room for", 1, "room-ignored", seen::no_more_than_room),
        Probe::visible("the rest is there for the next read", 1, "rest-thrown-away", seen::rest_is_kept),
        Probe::visible("nothing is read unasked", 1, "reads-unasked", seen::nothing_unasked),
        Probe::visible("the rest and what comes after it are one", 2, "read-ahead", seen::rest_joins),
        Probe::visible("it is read once, and not until it is quiet", 1, "reads-until-it-is-quiet", seen::read_once),
        Probe::visible("a character may be cut in two", 1, "character-cut-in-two", seen::character_cut),
        Probe::visible("a zero byte is a byte", 1, "zero-byte-ends-the-text", seen::zero_byte),
        Probe::visible("a read waits", 1, "read-does-not-wait", seen::read_waits),
        Probe::visible("the end of the input ends the program", 1, "end-of-the-input-ignored", seen::end_of_input),
        Probe::visible("the end is noticed", 1, END_IGNORED, seen::end_noticed),
        Probe::visible("the end is no error", 1, "end-taken-for-an-error", seen::end_is_no_error),
        Probe::visible("the end is no read of nothing", 1, "end-taken-for-an-empty-text", seen::end_told),
        Probe::visible("the end is there for each read", 1, "leaves-at-the-end", seen::end_each_time),
        Probe::visible("predicted: what has come, if there is room", 1, "full-buffer-predicted", predicted::waiting),
        Probe::visible("predicted: what there is room for, if more has come", 1, "all-predicted", predicted::room),
        Probe::visible(
            "predicted: nothing that was read already",
            1,
            "read-bytes-predicted-again",
            predicted::taken_off,
        ),
        Probe::visible("predicted: the rest", 1, "rest-predicted-lost", predicted::rest),
        Probe::visible("predicted: two writes in one read", 3, "one-read-is-one-message", predicted::joined),
        Probe::visible("predicted before the read", 1, "prediction-after-the-read", predicted::before),
        Probe::visible("predicted: to wait", 2, "nothing-yet-predicted-as-the-end", predicted::wait),
        Probe::visible("predicted: what comes after a wait", 1, "unannounced-bytes-taken-off", predicted::after_a_wait),
        Probe::visible("predicted: by what was told alone", 1, "prediction-looks-at-the-socket", predicted::told_alone),
        Probe::visible("predicted: the end", 1, "end-not-predicted", predicted::end),
        Probe::visible("predicted: the end, behind the last byte", 1, "end-predicted-too-early", predicted::end_behind),
        Probe::visible("predicted: the end, as often as one asks", 1, "end-predicted-once", predicted::end_each_time),
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

fn line(stage: &mut Stage) -> Vec<u8> {
    format!("{}\n", stage.adversary.sentence()).into_bytes()
}

/// At least eight bytes, none of them a line feed.
fn words(stage: &mut Stage) -> Vec<u8> {
    format!("{} {}", stage.adversary.sentence(), stage.adversary.letters(2)).into_bytes()
}
