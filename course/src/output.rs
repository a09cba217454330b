//! How is it told to a person, a build server, Gradescope?
//!
//! Each from [`crate::report::Report`] alone.

pub mod gradescope;
pub mod json;
pub mod junit;
pub mod plain;
pub mod terminal;

use crate::report::{Answer, Outcome};

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
