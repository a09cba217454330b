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
}
