//! What becomes of a length that nobody should believe?
//!
//! It is refused before its payload comes; and a refusal is a message to one client, the last one, and nobody else's business.

use super::{BAD_LENGTH, LIMIT, answer, binary, mark, one, still_served};
use crate::peer::{Failure, Peer};
use crate::stage::Stage;

/// The smallest length that is refused.
const TOO_LONG: usize = LIMIT + 1;

/// Far too much, and no less in its last two bytes alone: how much of a number a program keeps is a question of its own.
fn far_too_long(stage: &mut Stage) -> [u8; 4] {
    mark(stage.adversary.number(2..=99) << 16 | stage.adversary.number(2 * LIMIT..=0xFFFF))
}

/// Anna announces far too much.
fn announces(stage: &mut Stage) -> Result<Peer, Failure> {
    let mut anna = one(stage)?;
    let length = far_too_long(stage);
    anna.send(length)?;
    Ok(anna)
}

/// Only the length comes. Who waits for what it announces, or makes room for it, has believed it. What a refusal looks like
/// is the next question.
pub fn hostile(stage: &mut Stage) -> Result<(), Failure> {
    match announces(stage)?.bytes(1, "a refusal") {
        Err(failure) if failure.silent => Err(failure),
        _ => Ok(()),
    }
}

pub fn refusal(stage: &mut Stage) -> Result<(), Failure> {
    announces(stage)?.expect(&binary(BAD_LENGTH))
}

pub fn let_go(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = announces(stage)?;
    anna.expect(&binary(BAD_LENGTH))?;
    anna.expect_end()
}

pub fn others_notice_nothing(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = one(stage)?;
    let mut berta = stage.connect("Berta")?;
    anna.send(far_too_long(stage))?;
    anna.expect(&binary(BAD_LENGTH))?;
    anna.expect_end()?;
    still_served(&mut berta, binary)
}

/// A whole message and a bad length in one read.
pub fn before_it(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = one(stage)?;
    let text = stage.adversary.sentence();
    anna.send([&binary(text.as_bytes())[..], &far_too_long(stage)].concat())?;
    anna.expect(&answer(&text, binary))
}

pub fn exactly(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = one(stage)?;
    let text = stage.adversary.letters(LIMIT);
    anna.send(binary(text.as_bytes()))?;
    anna.expect(&answer(&text, binary))?;
    anna.send(mark(TOO_LONG))?;
    anna.expect(&binary(BAD_LENGTH))
}
