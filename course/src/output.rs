//! How is it told to a person, a build server, Gradescope?
//!
//! Each from [`crate::report::Report`] alone.

use std::fmt;
use std::io::{self, Write};

pub mod gradescope;
pub mod json;
pub mod junit;
pub mod plain;
pub mod terminal;

use crate::report::{Answer, Outcome};

/// Writes to standard output. `println!` panics when nobody reads there any more (`cargo lab hint 4 | head -5`); here what
/// nobody reads is not written, and what the command does beside it is done all the same. Whether it was written.
pub(crate) fn write_out(text: fmt::Arguments) -> bool {
    let mut output = io::stdout().lock();
    output.write_fmt(text).and_then(|()| output.flush()).is_ok()
}

/// `println!` without its panic.
macro_rules! say {
    ($($text:tt)*) => {
        $crate::output::write_out(format_args!("{}\n", format_args!($($text)*)))
    };
}

pub(crate) use say;

/// A failed probe in plain text: what every reader but the terminal's gets.
pub(crate) fn in_words(answer: &Answer) -> String {
    match (&answer.outcome, &answer.diagnosis) {
        (Outcome::Passed, _) => "passed".to_owned(),
        (Outcome::NotAsked, _) => "not asked: one before it failed, or the time was up".to_owned(),
        (Outcome::Failed, None) => "failed".to_owned(),
        // Of a hidden probe its mistake is told, and not what was asked.
        (Outcome::Failed, Some(diagnosis)) if !answer.visible => format!("{} ({})", diagnosis.title, diagnosis.mistake),
        (Outcome::Failed, Some(diagnosis)) => {
            let mut text = format!(
                "{} ({})\n\n{}\n  expected: {}\n  got:      {}\n",
                diagnosis.title, diagnosis.mistake, diagnosis.what, diagnosis.expected, diagnosis.got
            );
            if let Some(ended) = &diagnosis.ended {
                text.push_str(&format!("  The program has ended: {ended}\n"));
            }
            if !diagnosis.ladder.is_empty() {
                text.push_str(&format!("\n{}", diagnosis.ladder));
            }
            if !diagnosis.complaint.is_empty() {
                text.push_str(&format!("\nIt wrote to standard error:\n{}\n", diagnosis.complaint));
            }
            text
        }
    }
}
