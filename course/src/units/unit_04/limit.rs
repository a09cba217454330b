//! How long may a line be, and who has to go when it is longer?
//!
//! A limit has an inside, which must not be touched, and two doors: the line that came whole, and the one whose end has not
//! come. What is refused at one of them is one client's business.

use super::{hears, three, two};
use crate::peer::{Failure, Peer};
use crate::stage::Stage;

const LIMIT: usize = 1024;
const TOO_LONG: &str = "error line too long";

pub fn exactly_the_limit(stage: &mut Stage) -> Result<(), Failure> {
    let (mut anna, mut berta) = two(stage)?;
    let line = stage.adversary.letters(LIMIT);
    for ending in ["\n", "\r\n"] {
        anna.send(format!("{line}{ending}"))?;
        hears(&mut berta, &format!("1: {line}"), &mut anna)?;
    }
    // 1025 bytes have come, and the last may be the CR of a line that is just not too long.
    anna.send(format!("{line}\r"))?;
    anna.taken()?;
    anna.send("\n")?;
    hears(&mut berta, &format!("1: {line}"), &mut anna)
}

/// Together more than any line may be, in one segment.
pub fn many_short_lines(stage: &mut Stage) -> Result<(), Failure> {
    let (mut anna, mut berta) = two(stage)?;
    let count = stage.adversary.number(30..=60);
    let lines: Vec<String> = (0..count).map(|_| stage.adversary.letters(40)).collect();
    anna.send(lines.join("\n") + "\n")?;
    for line in lines {
        hears(&mut berta, &format!("1: {line}"), &mut anna)?;
    }
    Ok(())
}

/// Its end has come with it, so that no line is left over to be too long.
pub fn whole_line_measured(stage: &mut Stage) -> Result<(), Failure> {
    let (mut anna, _berta) = two(stage)?;
    let length = stage.adversary.number(LIMIT + 400..=2 * LIMIT);
    refused(&mut anna, &format!("{}\n", stage.adversary.letters(length)))
}

/// The smallest that is too long: who refuses the long one and not this one has another mistake.
pub fn just_too_long(stage: &mut Stage) -> Result<(), Failure> {
    let (mut anna, _berta) = two(stage)?;
    refused(&mut anna, &format!("{}\n", stage.adversary.letters(LIMIT + 1)))
}

fn refused(peer: &mut Peer, line: &str) -> Result<(), Failure> {
    peer.send(line)?;
    peer.expect_line(TOO_LONG)
}

/// 1024 bytes and a CR may be a line still. One byte more is none, whatever follows, so the program need not wait.
pub fn without_end(stage: &mut Stage) -> Result<(), Failure> {
    let (mut anna, _berta) = two(stage)?;
    let length = stage.adversary.number(LIMIT + 2..=LIMIT + 400);
    refused(&mut anna, &stage.adversary.letters(length))
}

/// At both doors, and the program is started anew for the second: what one refusal does to others is the next question.
pub fn let_go(stage: &mut Stage) -> Result<(), Failure> {
    for ending in ["\n", ""] {
        let (mut anna, _berta) = two(stage)?;
        let length = stage.adversary.number(LIMIT + 2..=LIMIT + 400);
        refused(&mut anna, &format!("{}{ending}", stage.adversary.letters(length)))?;
        anna.expect_end()?;
    }
    Ok(())
}

pub fn refusal_harms_nobody(stage: &mut Stage) -> Result<(), Failure> {
    let (mut anna, mut berta, mut carla) = three(stage)?;
    let length = stage.adversary.number(LIMIT + 2..=LIMIT + 400);
    refused(&mut anna, &format!("{}\n", stage.adversary.letters(length)))?;
    let _ = anna.expect_end();
    berta.send("still here\n")?;
    carla.expect_line("2: still here")
}

/// More than 1024 bytes, fewer than 1024 characters.
pub fn counts_bytes(stage: &mut Stage) -> Result<(), Failure> {
    let (mut anna, _berta) = two(stage)?;
    let line = "\u{e4}".repeat(stage.adversary.number(LIMIT / 2 + 1..=LIMIT - 100));
    refused(&mut anna, &format!("{line}\n"))
}
