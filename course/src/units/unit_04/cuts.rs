//! Where may the network cut, and what may it glue together?
//!
//! Anywhere: in a line, behind a line, in its ending, in a character.

use super::two;
use crate::peer::Failure;
use crate::stage::Stage;

pub fn in_two_pieces(stage: &mut Stage) -> Result<(), Failure> {
    let (mut anna, mut berta) = two(stage)?;
    let line = stage.adversary.sentence();
    let (head, tail) = stage.adversary.halves(line.as_bytes());
    anna.send_pieces([head, &[tail, b"\n"].concat()])?;
    berta.expect_line(&format!("1: {line}"))
}

pub fn two_in_one(stage: &mut Stage) -> Result<(), Failure> {
    let (mut anna, mut berta) = two(stage)?;
    let (first, second) = (stage.adversary.sentence(), stage.adversary.sentence());
    anna.send(format!("{first}\n{second}\n"))?;
    berta.expect_line(&format!("1: {first}"))?;
    berta.expect_line(&format!("1: {second}"))
}

pub fn beginning_kept(stage: &mut Stage) -> Result<(), Failure> {
    let (mut anna, mut berta) = two(stage)?;
    let (first, second) = (stage.adversary.sentence(), stage.adversary.sentence());
    let (head, tail) = stage.adversary.halves(second.as_bytes());
    let glued = [first.as_bytes(), b"\n", head].concat();
    anna.send_pieces([&glued[..], &[tail, b"\n"].concat()])?;
    berta.expect_line(&format!("1: {first}"))?;
    berta.expect_line(&format!("1: {second}"))
}

pub fn delimiter_cut(stage: &mut Stage) -> Result<(), Failure> {
    let (mut anna, mut berta) = two(stage)?;
    let line = stage.adversary.sentence();
    anna.send_pieces([format!("{line}\r").as_bytes(), b"\n"])?;
    berta.expect_line(&format!("1: {line}"))
}

pub fn character_cut(stage: &mut Stage) -> Result<(), Failure> {
    let (mut anna, mut berta) = two(stage)?;
    // Two, three and four bytes in UTF-8 (RFC 3629 section 3), cut behind each of them but the last.
    let character = ["\u{e4}", "\u{20ac}", "\u{1f980}"][stage.adversary.number(0..=2)];
    let line = format!("{}{character}{}", stage.adversary.word(), stage.adversary.word());
    let begin = line.find(character).unwrap_or(0);
    let (head, tail) = line.as_bytes().split_at(begin + stage.adversary.number(1..=character.len() - 1));
    anna.send_pieces([head, &[tail, b"\n"].concat()])?;
    berta.expect_line(&format!("1: {line}"))
}
