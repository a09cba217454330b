//! What may one client be to the accept loop?
//!
//! One too many, or gone already. Neither concerns those who are in, or the next.

use super::say;
use crate::peer::{Failure, Peer};
use crate::stage::{Exhaustion, Stage};
use crate::vigil::PATIENCE;
use std::time::Instant;

/// There is room for sixteen, and two more come: `accept` fails, as long as none of them leaves. Not more than two: the queue
/// of a server that listens with room for five is soon full.
fn full(stage: &mut Stage) -> Result<(Peer, Exhaustion), Failure> {
    stage.start_server()?;
    let mut anna = stage.connect("Anna")?;
    say(&mut anna, "name Anna")?;
    let limit = stage.leave_descriptors(16);
    let crowd = stage.connect_crowd(18)?;
    let exhaustion = stage.exhaust_descriptors(limit);
    crowd.leave();
    Ok((anna, exhaustion))
}

/// How long it rests is its own business, within reason: a timer of a second or two is no end.
pub fn goes_on(stage: &mut Stage) -> Result<(), Failure> {
    let (_anna, _) = full(stage)?;
    let mut berta = stage.connect("Berta")?;
    berta.send("name Berta\n")?;
    let begun = Instant::now();
    loop {
        match berta.expect_line("ok") {
            Err(failure) if failure.silent && begun.elapsed() < PATIENCE => {}
            result => return result,
        }
    }
}

pub fn rests(stage: &mut Stage) -> Result<(), Failure> {
    match full(stage)?.1 {
        Exhaustion::Rests | Exhaustion::Unseen => Ok(()),
        Exhaustion::Spins => Err(Failure::new(
            "The server has no descriptor left for the next client, and asks for it again and again.",
            "a server that waits a moment, or closes something",
            "a whole processor used, though nobody says anything",
        )),
    }
}

/// While the program stands still, so that they have come and gone before it accepts the first of them.
pub fn gone_already(stage: &mut Stage) -> Result<(), Failure> {
    stage.start_server()?;
    let mut anna = stage.connect("Anna")?;
    say(&mut anna, "name Anna")?;
    stage.pause_program();
    let result = (0..4).map(|_| stage.connect("one who goes at once")).collect::<Result<Vec<_>, _>>();
    let result = result.map(|crowd| crowd.into_iter().for_each(Peer::reset));
    stage.resume_program();
    result?;
    let mut berta = stage.connect("Berta")?;
    say(&mut berta, "name Berta")
}
