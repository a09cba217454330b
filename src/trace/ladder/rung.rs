//! How does one step become lines of two columns?
//!
//! A [`Rung`] is what is to be drawn, already in words; [`Rung::draw`] only knows about columns. The two uprights of the
//! ladder stand for the two programs, as in the sequence diagrams of every textbook, and what crosses is an arrow
//! between them:
//!
//! ```text
//!      time tag   what the client does     │───▶│ what the server does
//! ```
//!
//! # In production
//!
//! Widths are counted in characters: a Chinese letter takes two cells of a terminal, and the column behind it shifts.
//! Terminal programs count cells with the `unicode-width` crate.

use crate::trace::Side;
use std::time::Duration;

/// Characters for the time, in milliseconds.
const TIME: usize = 9;
/// Characters for the tag, such as `#3`.
const TAG: usize = 5;
/// Characters for each side. With the uprights and spaces this makes a line of 110.
const COLUMN: usize = 43;
/// A paragraph that goes on in a second line is set in by this much.
const INDENT: usize = 2;
/// The spaces before a line, and their number says that it hangs below the first.
pub(super) const BELOW: &str = "  ";

/// What goes across between the two uprights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Arrow {
    /// Nothing: the step stays on its own side.
    Nothing,
    /// Bytes, or TCP's own signals, towards that side.
    Bytes(Side),
    /// What the bytes mean to a layer above, towards that side: an HTTP head, a frame.
    Meaning(Side),
}

/// One step, ready to be drawn.
#[derive(Debug, Clone)]
pub(super) struct Rung {
    /// Since the first step of the ladder.
    pub(super) time: Duration,
    /// Which conversation.
    pub(super) tag: String,
    /// Whose step it is.
    pub(super) side: Side,
    /// What crosses.
    pub(super) arrow: Arrow,
    /// Both sides are traced, so what crosses is drawn twice: where it leaves, and where it arrives.
    pub(super) halved: bool,
    /// What was done, a paragraph each. A paragraph that begins with [`BELOW`] belongs to the one before it.
    pub(super) ours: Vec<String>,
    /// What follows from it for the other side.
    pub(super) theirs: Option<String>,
}

impl Rung {
    /// The lines of this rung, each with its newline.
    pub(super) fn draw(&self) -> String {
        let ours: Vec<String> = self.ours.iter().flat_map(|paragraph| wrapped(paragraph)).collect();
        let theirs = self.theirs.as_deref().map(wrapped).unwrap_or_default();
        let (left, right) = match self.side {
            Side::Client => (ours, theirs),
            Side::Server => (theirs, ours),
        };
        let mut out = String::new();
        for line in 0..left.len().max(right.len()).max(1) {
            let (time, tag, middle) = match line {
                0 => (milliseconds(self.time), self.tag.as_str(), self.crossing()),
                _ => (String::new(), "", "│    │"),
            };
            let cell = |column: &[String]| column.get(line).cloned().unwrap_or_default();
            let drawn = format!("{time:>TIME$} {tag:<TAG$} {:<COLUMN$} {middle} {}", cell(&left), cell(&right));
            out.push_str(drawn.trim_end());
            out.push('\n');
        }
        out
    }

    /// The two uprights and what is between them.
    fn crossing(&self) -> &'static str {
        use Side::{Client, Server};
        let (target, meaning) = match self.arrow {
            Arrow::Nothing => return "│    │",
            Arrow::Bytes(target) => (target, false),
            Arrow::Meaning(target) => (target, true),
        };
        let arrives = target == self.side;
        match (self.halved, target, arrives, meaning) {
            (false, Server, _, false) => "│───▶│",
            (false, Server, _, true) => "│═══▶│",
            (false, Client, _, false) => "│◀───│",
            (false, Client, _, true) => "│◀═══│",
            (true, Server, false, false) => "│──  │",
            (true, Server, true, false) => "│  ─▶│",
            (true, Client, false, false) => "│  ──│",
            (true, Client, true, false) => "│◀─  │",
            (true, Server, false, true) => "│══  │",
            (true, Server, true, true) => "│  ═▶│",
            (true, Client, false, true) => "│  ══│",
            (true, Client, true, true) => "│◀═  │",
        }
    }
}

/// The line above a conversation: who stands on which side. It rules off what was before.
pub(super) fn heading(tag: &str, client: &str, server: &str) -> String {
    let (left, right) = (wrapped(client), wrapped(server));
    let mut out = String::new();
    for line in 0..left.len().max(right.len()) {
        let cell = |column: &[String]| match column.get(line) {
            Some(words) => format!("{words} "),
            None => String::new(),
        };
        let (time, tag) = if line == 0 { (" ms", tag) } else { ("", "") };
        let (width, last) = (COLUMN + 1, COLUMN);
        let line = format!("{time:─>TIME$} {tag:<TAG$} {:─<width$}┼────┼ {:─<last$}", cell(&left), cell(&right));
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

/// Three decimals while there is room: the steps of a loopback conversation are microseconds apart.
fn milliseconds(time: Duration) -> String {
    let exact = format!("{}.{:03}", time.as_millis(), time.as_micros() % 1000);
    if exact.len() <= TIME { exact } else { time.as_millis().to_string() }
}

/// A paragraph in lines that fit a column, broken at spaces where there are any.
fn wrapped(paragraph: &str) -> Vec<String> {
    let hangs = paragraph.starts_with(BELOW);
    let indent = " ".repeat(if hangs { 2 * INDENT } else { INDENT });
    let mut lines = Vec::new();
    let mut rest: Vec<char> = paragraph.chars().collect();
    while rest.len() > COLUMN {
        let lead = rest.iter().take_while(|character| **character == ' ').count();
        let space = rest[..=COLUMN].iter().rposition(|character| *character == ' ').filter(|place| *place > lead);
        let tail = rest.split_off(space.unwrap_or(COLUMN));
        lines.push(rest.iter().collect::<String>().trim_end().to_string());
        let kept = tail.iter().skip_while(|character| **character == ' ');
        rest = indent.chars().chain(kept.copied()).collect();
    }
    lines.push(rest.into_iter().collect());
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rung(side: Side, arrow: Arrow) -> Rung {
        let (time, tag) = (Duration::from_micros(12_345), "#3".to_string());
        let halved = false;
        Rung {
            time,
            tag,
            side,
            arrow,
            halved,
            ours: vec!["ours".into(), "  below".into()],
            theirs: Some("(theirs)".into()),
        }
    }

    #[test]
    fn each_side_has_its_column() {
        let client = rung(Side::Client, Arrow::Bytes(Side::Server)).draw();
        assert_eq!(
            client,
            "   12.345 #3    ours                                        │───▶│ (theirs)\n\
             \x20                 below                                     │    │\n"
        );
        let server = rung(Side::Server, Arrow::Meaning(Side::Client)).draw();
        assert_eq!(
            server,
            "   12.345 #3    (theirs)                                    │◀═══│ ours\n\
             \x20                                                           │    │   below\n"
        );
    }

    #[test]
    fn what_both_sides_saw_leaves_here_and_arrives_there() {
        let drawn = |side, arrow| Rung { halved: true, ..rung(side, arrow) }.crossing();
        assert_eq!(drawn(Side::Client, Arrow::Bytes(Side::Server)), "│──  │");
        assert_eq!(drawn(Side::Server, Arrow::Bytes(Side::Server)), "│  ─▶│");
        assert_eq!(drawn(Side::Server, Arrow::Meaning(Side::Client)), "│  ══│");
        assert_eq!(drawn(Side::Client, Arrow::Meaning(Side::Client)), "│◀═  │");
    }

    #[test]
    fn no_line_is_wider_than_a_projector() {
        let mut wide = rung(Side::Client, Arrow::Nothing);
        wide.ours = vec!["word ".repeat(60), "x".repeat(200), format!("  {}", "y".repeat(100))];
        wide.theirs = Some("z".repeat(300));
        let drawn = wide.draw() + &heading("#12", &"client ".repeat(30), &"s".repeat(80));
        for line in drawn.lines() {
            assert!(line.chars().count() <= 110, "{} characters: {line}", line.chars().count());
        }
        assert_eq!(drawn.matches('x').count(), 200, "nothing is lost where a line is broken");
        assert_eq!(drawn.matches("word").count(), 60);
    }

    #[test]
    fn the_uprights_stand_under_the_heading() {
        let heading = heading("#3", "client", "server");
        let place = |line: &str, mark| line.chars().position(|character| character == mark).unwrap();
        assert_eq!(place(&heading, '┼'), place(&rung(Side::Client, Arrow::Nothing).draw(), '│'));
    }

    #[test]
    fn a_long_lecture_gives_up_the_microseconds() {
        assert_eq!(milliseconds(Duration::from_micros(99_999_999)), "99999.999");
        assert_eq!(milliseconds(Duration::from_secs(100)), "100000");
    }
}
