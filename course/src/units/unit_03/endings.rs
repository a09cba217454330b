//! Does the program end, and does it say so when not all was well?
//!
//! An end that comes too soon, to a program that reads and to one that writes; a copy that is none; and nothing at all.

use super::{END_IGNORED, TRUNCATION, copied, give_paths, large, start};
use crate::peer::{Failure, Peer};
use crate::stage::Stage;

/// It must not end as if all were well.
fn reported(status: std::process::ExitStatus, what: &str) -> Result<(), Failure> {
    match status.success() {
        false => Ok(()),
        true => Err(Failure::new(what, "another exit status than 0", "exit status 0: as if all were well")),
    }
}

/// Some of it goes back, and then the service is done with us.
fn cut_short(stage: &mut Stage) -> Result<Peer, Failure> {
    let content = stage.adversary.sentence().into_bytes();
    let mut echo = start(stage, &content)?;
    echo.expect(&content)?;
    let (first, _) = stage.adversary.halves(&content);
    echo.send_pieces([first])?;
    echo.finish();
    Ok(echo)
}

pub(super) fn end_too_soon(stage: &mut Stage) -> Result<(), Failure> {
    let _echo = cut_short(stage)?;
    stage.expect_exit_without_spinning(END_IGNORED).map(|_| ())
}

pub(super) fn truncation_told(stage: &mut Stage) -> Result<(), Failure> {
    let _echo = cut_short(stage)?;
    let status = stage.expect_exit_without_spinning(TRUNCATION)?;
    reported(status, "Only a part of the copy came, and the program is content.")
}

/// The service ends while the program is blocked in its `write`, and takes nothing any more.
pub(super) fn end_while_sending(stage: &mut Stage) -> Result<(), Failure> {
    let content = large(stage, stage.more_than_fits() / 2);
    give_paths(stage, &content)?;
    stage.start_narrow_client()?;
    let mut echo = stage.accept("Echo")?;
    stage.until_at_rest();
    echo.finish();
    stage.expect_exit().map(|_| ())
}

pub(super) fn copy_differs(stage: &mut Stage) -> Result<(), Failure> {
    let content = stage.adversary.sentence().into_bytes();
    let mut echo = start(stage, &content)?;
    echo.expect(&content)?;
    let mut other = content.clone();
    let place = stage.adversary.number(0..=other.len() - 1);
    // Another character, so that the copy is as long as the file, and text.
    other[place] ^= 1;
    echo.send(&other)?;
    let status = stage.expect_exit()?;
    reported(status, "The copy differs from the file in one byte, and the program is content.")
}

pub(super) fn empty_file(stage: &mut Stage) -> Result<(), Failure> {
    let _echo = start(stage, b"")?;
    copied(stage, b"")
}
