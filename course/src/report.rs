//! What is known afterwards?
//!
//! One model. Whatever is shown or written, to a terminal, as JSON, as JUnit, for Gradescope, is made from it, so that two
//! of them never disagree.
//!
//! # In production
//!
//! The same: a test runner has one event model and many reporters (libtest's JSON, nextest, pytest's plugins).

use serde::Serialize;

use crate::transcript::Transcript;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    Passed,
    Failed,
    /// One before it failed, or the time was up.
    NotAsked,
}

/// One probe's result.
#[derive(Debug, Clone, Serialize)]
pub struct Answer {
    pub name: String,
    /// Described to the student beforehand.
    pub visible: bool,
    pub outcome: Outcome,
    pub points: u32,
    pub out_of: u32,
    pub seconds: f64,
    pub diagnosis: Option<Diagnosis>,
    /// All that crossed the wire, for those who draw it or compare two runs.
    #[serde(skip)]
    pub transcript: Transcript,
}

/// Which mistake, and what was seen of it.
#[derive(Debug, Clone, Serialize)]
pub struct Diagnosis {
    /// Its name in the catalogue, and its title there.
    pub mistake: String,
    pub title: String,
    /// One sentence: what happened.
    pub what: String,
    pub expected: String,
    pub got: String,
    pub ladder: String,
    /// How the program ended, if it did, and what it wrote to standard error.
    pub ended: Option<String>,
    pub complaint: String,
}

/// One unit's result.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub unit: u8,
    pub label: String,
    pub title: String,
    /// The number that plays the same run again.
    pub seed: u64,
    pub command: Vec<String>,
    pub passed: bool,
    pub points: u32,
    pub out_of: u32,
    pub seconds: f64,
    pub answers: Vec<Answer>,
}

impl Report {
    /// Whether there was a program that anything could be asked of.
    pub fn was_run(&self) -> bool {
        !matches!(self.mistake(), Some("program-does-not-compile" | "program-cannot-be-started"))
    }

    /// The diagnosis: the first probe that failed.
    pub fn diagnosis(&self) -> Option<&Diagnosis> {
        self.answers.iter().find_map(|answer| answer.diagnosis.as_ref())
    }

    /// Its name in the catalogue.
    pub fn mistake(&self) -> Option<&str> {
        self.diagnosis().map(|diagnosis| diagnosis.mistake.as_str())
    }

    /// The number of the hole that the program came to, if one is left open.
    pub fn hole(&self) -> Option<u32> {
        let diagnosis = self.diagnosis().filter(|diagnosis| diagnosis.mistake == "hole-left-open")?;
        number_of_hole(&diagnosis.complaint)
    }
}

/// Several threads may have complained, each of its own hole: the first was first. Rust and C say "not yet implemented: hole
/// 2", Python's traceback shows its source line as well: the number is that of the message behind "Error:".
fn number_of_hole(complaint: &str) -> Option<u32> {
    let said = ["not yet implemented: hole ", "NotImplementedError: hole "];
    let at = said.iter().filter_map(|words| complaint.find(words).map(|at| at + words.len())).min()?;
    let digits = complaint[at..].split(|character: char| !character.is_ascii_digit()).next()?;
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::number_of_hole;

    #[test]
    fn the_hole_is_the_first_that_was_complained_of() {
        let rust = "thread panicked at src/main.rs:51:9:\nnot yet implemented: hole 12\nnot yet implemented: hole 3";
        assert_eq!(number_of_hole(rust), Some(12));
        let python = "    raise NotImplementedError(\"hole 4\")\nNotImplementedError: hole 4\n";
        assert_eq!(number_of_hole(python), Some(4));
        assert_eq!(number_of_hole("not yet implemented: this"), None);
        assert_eq!(number_of_hole("client 1: connection reset"), None);
    }
}
