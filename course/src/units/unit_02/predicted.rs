//! What will one read bring?
//!
//! Each probe asks for one thing that the prediction has to know of: what waits, how much room there is, what was taken
//! already, what was never announced, the end.

use super::{arrive, came, connected, predicted, read, words};
use crate::peer::Failure;
use crate::stage::Stage;

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

pub(super) fn waiting(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, words) = (connected(stage)?, words(stage));
    arrive(stage, &mut sender, &words)?;
    predicts(stage, 100, &words.len().to_string())?;
    came(stage, &words)
}

pub(super) fn room(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, words) = (connected(stage)?, words(stage));
    arrive(stage, &mut sender, &words)?;
    let (head, _) = stage.adversary.halves(&words);
    predicts(stage, head.len(), &head.len().to_string())?;
    came(stage, head)
}

pub(super) fn taken_off(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, first, second) = (connected(stage)?, words(stage), words(stage));
    for words in [first, second] {
        arrive(stage, &mut sender, &words)?;
        predicts(stage, 200, &words.len().to_string())?;
        came(stage, &words)?;
    }
    Ok(())
}

pub(super) fn rest(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, words) = (connected(stage)?, words(stage));
    arrive(stage, &mut sender, &words)?;
    let (head, rest) = stage.adversary.halves(&words);
    predicts(stage, head.len(), &head.len().to_string())?;
    came(stage, head)?;
    predicts(stage, 100, &rest.len().to_string())?;
    came(stage, rest)
}

pub(super) fn joined(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, first, second) = (connected(stage)?, words(stage), words(stage));
    arrive(stage, &mut sender, &first)?;
    arrive(stage, &mut sender, &second)?;
    let both = [first, second].concat();
    predicts(stage, 200, &both.len().to_string())?;
    came(stage, &both)?;
    // And not as many whole ones as there is room for.
    let (first, second) = (words(stage), words(stage));
    arrive(stage, &mut sender, &first)?;
    arrive(stage, &mut sender, &second)?;
    let (head, _) = stage.adversary.halves(&second);
    let piece = [&first, head].concat();
    predicts(stage, piece.len(), &piece.len().to_string())
}

/// Nothing is sent until the prediction is there: who reads first waits for ever.
pub(super) fn before(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, words) = (connected(stage)?, words(stage));
    read(stage, 100)?;
    sender.send(&words)?;
    came(stage, &words)
}

/// Though something has come before, and was read: that it was all is not known.
pub(super) fn wait(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, words) = (connected(stage)?, words(stage));
    arrive(stage, &mut sender, &words)?;
    predicts(stage, 100, &words.len().to_string())?;
    came(stage, &words)?;
    predicts(stage, 100, "wait")
}

/// What a read that waited has brought was never announced, and so there is nothing to take off for it.
pub(super) fn after_a_wait(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, first, second) = (connected(stage)?, words(stage), words(stage));
    predicts(stage, 100, "wait")?;
    sender.send(&first)?;
    came(stage, &first)?;
    arrive(stage, &mut sender, &second)?;
    predicts(stage, 100, &second.len().to_string())?;
    came(stage, &second)
}

/// The bytes are there, and nobody has said so.
pub(super) fn told_alone(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, words) = (connected(stage)?, words(stage));
    sender.send(&words)?;
    sender.arrived();
    predicts(stage, 100, "wait")
}

/// It was said while bytes still waited; what the program predicts for these is the next probe's question.
pub(super) fn end(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, words) = (connected(stage)?, words(stage));
    arrive(stage, &mut sender, &words)?;
    sender.finish();
    stage.feed(b"ended\n");
    read(stage, 100)?;
    came(stage, &words)?;
    predicts(stage, 100, "end")
}

/// The end is said while bytes still wait, and it comes after them, though there would be room for it in the last read.
pub(super) fn end_behind(stage: &mut Stage) -> Result<(), Failure> {
    let (mut sender, words) = (connected(stage)?, words(stage));
    arrive(stage, &mut sender, &words)?;
    sender.finish();
    stage.feed(b"ended\n");
    let (head, rest) = stage.adversary.halves(&words);
    for (piece, room) in [(head, head.len()), (rest, 100)] {
        predicts(stage, room, &piece.len().to_string())?;
        came(stage, piece)?;
    }
    Ok(())
}

pub(super) fn end_each_time(stage: &mut Stage) -> Result<(), Failure> {
    let mut sender = connected(stage)?;
    sender.finish();
    stage.feed(b"ended\n");
    for _ in 0..3 {
        predicts(stage, 100, "end")?;
        stage.expect_output_line("end")?;
    }
    Ok(())
}
