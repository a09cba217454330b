//! What does one read bring, and what does it wait for?
//!
//! Each probe takes away one thing that a read could be thought to wait for, or adds one that is in no text: a cut, a byte
//! that is no character, an end.

use super::{END_IGNORED, arrive, came, connected, line, predicted, read, words};
use crate::peer::Failure;
use crate::stage::Stage;
use crate::transcript::shown;

/// Whatever one might wait for is there: as many bytes as there is room for, a line feed, the end; and the end of the
/// input, at which a program empties its buffers.
pub(super) fn recorded(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, line) = (connected(stage)?, line(stage));
    arrive(stage, &mut sender, &line)?;
    sender.finish();
    stage.feed(format!("read {}\n", line.len()).as_bytes());
    stage.close_input();
    predicted(stage)?;
    came(stage, &line)
}

pub(super) fn printed_at_once(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, line) = (connected(stage)?, line(stage));
    arrive(stage, &mut sender, &line)?;
    sender.finish();
    read(stage, line.len())?;
    came(stage, &line)
}

pub(super) fn without_the_end(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, line) = (connected(stage)?, line(stage));
    arrive(stage, &mut sender, &line)?;
    read(stage, line.len())?;
    came(stage, &line)
}

/// What it shows of its buffer is the next probe's question.
pub(super) fn without_a_full_buffer(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, line) = (connected(stage)?, line(stage));
    arrive(stage, &mut sender, &line)?;
    let room = line.len() + stage.adversary.number(1..=20);
    read(stage, room)?;
    stage.output_line(&format!("the {} bytes that have come", line.len()))?;
    Ok(())
}

pub(super) fn only_what_came(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, line) = (connected(stage)?, line(stage));
    arrive(stage, &mut sender, &line)?;
    let room = line.len() + stage.adversary.number(1..=20);
    read(stage, room)?;
    came(stage, &line)
}

pub(super) fn without_a_line_feed(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, words) = (connected(stage)?, words(stage));
    arrive(stage, &mut sender, &words)?;
    read(stage, 100)?;
    came(stage, &words)
}

pub(super) fn no_more_than_room(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, words) = (connected(stage)?, words(stage));
    arrive(stage, &mut sender, &words)?;
    let (head, _) = stage.adversary.halves(&words);
    read(stage, head.len())?;
    came(stage, head)
}

pub(super) fn rest_is_kept(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, words) = (connected(stage)?, words(stage));
    arrive(stage, &mut sender, &words)?;
    let (head, rest) = stage.adversary.halves(&words);
    read(stage, head.len())?;
    came(stage, head)?;
    read(stage, 100)?;
    came(stage, rest)
}

pub(super) fn rest_joins(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, first, second) = (connected(stage)?, words(stage), words(stage));
    arrive(stage, &mut sender, &first)?;
    let (head, rest) = stage.adversary.halves(&first);
    read(stage, head.len())?;
    came(stage, head)?;
    arrive(stage, &mut sender, &second)?;
    read(stage, 200)?;
    came(stage, &[rest, &second].concat())
}

/// What was not asked for stays in the system's queue, where that can be seen.
pub(super) fn nothing_unasked(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, words) = (connected(stage)?, words(stage));
    arrive(stage, &mut sender, &words)?;
    stage.until_at_rest();
    if sender.has_been_read() == Some(true) {
        let what = "The program has read what came, and nobody told it to.";
        return Err(Failure::new(what, "bytes that wait in the receive queue", "an empty queue"));
    }
    read(stage, 100)?;
    came(stage, &words)
}

/// The second comes the moment after the first was read, and there was room for both: who reads on until nothing comes has
/// both in one.
pub(super) fn read_once(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, first, second) = (connected(stage)?, words(stage), words(stage));
    arrive(stage, &mut sender, &first)?;
    stage.feed(b"read 200\n");
    sender.taken()?;
    sender.send(&second)?;
    predicted(stage)?;
    came(stage, &first)
}

pub(super) fn character_cut(stage: &mut Stage) -> Result<(), Failure> {
    let mut sender = connected(stage)?;
    // Two, three and four bytes in UTF-8 (RFC 3629 section 3), cut behind each of them but the last.
    let character = ["\u{e4}", "\u{20ac}", "\u{1f980}"][stage.adversary.number(0..=2)];
    let text = format!("{}{character}{}", stage.adversary.word(), stage.adversary.word());
    let begin = text.find(character).unwrap_or(0);
    let head = &text.as_bytes()[..begin + stage.adversary.number(1..=character.len() - 1)];
    arrive(stage, &mut sender, text.as_bytes())?;
    read(stage, head.len())?;
    came(stage, head)
}

/// Neither at the end of what came, nor in the middle of it.
pub(super) fn zero_byte(stage: &mut Stage) -> Result<(), Failure> {
    let mut sender = connected(stage)?;
    let bytes = format!("{}\0{}\0", stage.adversary.word(), stage.adversary.word()).into_bytes();
    arrive(stage, &mut sender, &bytes)?;
    read(stage, 100)?;
    came(stage, &bytes)
}

/// Nothing comes until the program has nothing to do any more. Whether it predicts before it reads is another's question.
pub(super) fn read_waits(stage: &mut Stage) -> Result<(), Failure> {
    let _sender = connected(stage)?;
    stage.feed(b"read 100\n");
    let mut told = Vec::new();
    while let Ok(line) = stage.output_line("a prediction") {
        told.push(shown(&line));
    }
    if told.len() > 1 || stage.has_ended() {
        let got = if stage.has_ended() { "its end".to_owned() } else { told.join(", then ") };
        let what = "Nothing has come, the connection is open, and the program does not wait.";
        return Err(Failure::new(what, "a prediction, and a read that does not return", got));
    }
    Ok(())
}

pub(super) fn end_of_input(stage: &mut Stage) -> Result<(), Failure> {
    let _sender = connected(stage)?;
    stage.close_input();
    stage.expect_exit().map(|_| ())
}

/// What it says of the end is the next probes' question; here it must come to its own.
pub(super) fn end_noticed(stage: &mut Stage) -> Result<(), Failure> {
    let mut sender = connected(stage)?;
    sender.finish();
    stage.feed(b"ended\nread 10\n");
    stage.close_input();
    sender.expect_end_without_spinning(END_IGNORED)
}

/// How it is told is the next probe's question.
pub(super) fn end_is_no_error(stage: &mut Stage) -> Result<(), Failure> {
    let mut sender = connected(stage)?;
    sender.finish();
    stage.feed(b"ended\n");
    read(stage, 10)?;
    stage.output_line("\"end\"")?;
    Ok(())
}

pub(super) fn end_told(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, words) = (connected(stage)?, words(stage));
    arrive(stage, &mut sender, &words)?;
    sender.finish();
    stage.feed(b"ended\n");
    read(stage, 100)?;
    came(stage, &words)?;
    read(stage, 100)?;
    stage.expect_output_line("end")
}

pub(super) fn end_each_time(stage: &mut Stage) -> Result<(), Failure> {
    let mut sender = connected(stage)?;
    sender.finish();
    stage.feed(b"ended\n");
    for _ in 0..3 {
        read(stage, 10)?;
        stage.expect_output_line("end")?;
    }
    Ok(())
}
