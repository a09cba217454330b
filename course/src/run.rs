//! In which order are the questions put, and what is the diagnosis?
//!
//! In the order of the unit, each to a program freshly started; and the first that fails. What fails after it is mostly its
//! consequence, so a check stops there. Grading goes on, because each probe has its points.
//!
//! # In production
//!
//! Test runners run tests in any order and side by side, and make them independent for it. Here the order is the message.

use std::time::{Duration, Instant};

use crate::catalogue::Catalogue;
use crate::peer::Failure;
use crate::probe::{Probe, Visibility};
use crate::program::Recipe;
use crate::report::{Answer, Diagnosis, Outcome, Report};
use crate::stage::Stage;
use crate::transcript::Transcript;
use crate::units::Unit;

#[derive(Debug, Clone)]
pub struct Options {
    pub seed: u64,
    /// Ask on after the first failure.
    pub all: bool,
    /// For the whole run. What is not asked by then gets no points.
    pub limit: Duration,
    /// For the tests of the tests: this probe is content with anything. No option of the command line reaches it.
    #[doc(hidden)]
    pub content: Option<usize>,
}

impl Options {
    pub fn seed(seed: u64) -> Self {
        Self { seed, all: false, limit: Duration::from_secs(120), content: None }
    }
}

/// Checks one program. `told` hears which probe is next, for whoever waits in front of a terminal.
pub fn check(
    unit: &Unit,
    recipe: &Recipe,
    catalogue: &Catalogue,
    options: &Options,
    mut told: impl FnMut(usize, &Probe),
) -> Report {
    let started = Instant::now();
    let mut answers: Vec<Answer> = Vec::new();
    let (mut failed, mut unreached) = (false, false);
    for (index, probe) in unit.probes.iter().enumerate() {
        let asked = started.elapsed() < options.limit && (options.all || !failed) && !unreached;
        let mut answer = if asked {
            told(index, probe);
            ask(probe, index == 0, recipe, catalogue, options, options.content == Some(index))
        } else {
            blank(probe)
        };
        failed |= answer.outcome == Outcome::Failed;
        // A program that nobody can speak to is not waited for again and again.
        let mistake = answer.diagnosis.as_ref().map_or("", |diagnosis| diagnosis.mistake.as_str());
        unreached |= index == 0 && UNREACHED.contains(&mistake);
        answer.points = if answer.outcome == Outcome::Passed { probe.points } else { 0 };
        answers.push(answer);
    }
    Report {
        unit: unit.number,
        label: unit.label(),
        title: unit.title.to_owned(),
        seed: options.seed,
        command: recipe.command.iter().map(|word| word.to_string_lossy().into_owned()).collect(),
        passed: answers.iter().all(|answer| answer.outcome == Outcome::Passed),
        points: answers.iter().map(|answer| answer.points).sum(),
        out_of: unit.points(),
        seconds: started.elapsed().as_secs_f64(),
        answers,
    }
}

/// What is true of a program that was never spoken to, in any probe.
const UNREACHED: [&str; 6] = [
    "machine-has-no-sockets",
    "program-cannot-be-started",
    "program-ends-at-once",
    "program-listens-elsewhere",
    "program-never-connects",
    "program-never-listens",
];

/// A program that could not even be built: nothing was asked, and the first answer says why.
pub fn not_built(unit: &Unit, catalogue: &Catalogue, seed: u64, complaint: String) -> Report {
    let mut answers: Vec<Answer> = unit.probes.iter().map(blank).collect();
    let failure =
        Failure::new("The program does not compile.", "a program that compiles", "what the compiler says below");
    if let Some(first) = answers.first_mut() {
        first.outcome = Outcome::Failed;
        first.diagnosis =
            Some(diagnosis("program-does-not-compile", failure, catalogue, String::new(), (None, errors(&complaint))));
    }
    Report {
        unit: unit.number,
        label: unit.label(),
        title: unit.title.to_owned(),
        seed,
        command: Vec::new(),
        passed: false,
        points: 0,
        out_of: unit.points(),
        seconds: 0.0,
        answers,
    }
}

fn blank(probe: &Probe) -> Answer {
    Answer {
        name: probe.name.to_owned(),
        visible: probe.visibility == Visibility::Visible,
        outcome: Outcome::NotAsked,
        points: 0,
        out_of: probe.points,
        seconds: 0.0,
        diagnosis: None,
        transcript: Transcript::default(),
    }
}

fn ask(probe: &Probe, first: bool, recipe: &Recipe, catalogue: &Catalogue, options: &Options, content: bool) -> Answer {
    let started = Instant::now();
    let mut stage = Stage::new(recipe, options.seed, probe.name);
    let mut result = (probe.ask)(&mut stage);
    if result.is_ok() && stage.excess().is_some() {
        result = Err(Failure::new("The program was ended.", "a program within its bounds", "one that is not"));
    }
    let mut answer = blank(probe);
    answer.outcome = Outcome::Passed;
    if let Err(mut failure) = result {
        if !content {
            let remains = stage.remains();
            let mistake = name(&stage, probe, first, &failure, &remains.1);
            // What its end did to the connection is true, and not what is to be read first.
            if mistake == "hole-left-open" {
                failure.what = "The program came to a hole that is still open.".to_owned();
            }
            answer.diagnosis = Some(diagnosis(mistake, failure, catalogue, stage.transcript().ladder(), remains));
            answer.outcome = Outcome::Failed;
        }
    }
    answer.transcript = stage.transcript();
    drop(stage);
    answer.seconds = started.elapsed().as_secs_f64();
    answer
}

/// What is certain comes before what is likely: the bound that it broke, the hole that it reached, what the probe itself is
/// sure of. Else the probe has its mistake because it varies one thing.
fn name(stage: &Stage, probe: &Probe, first: bool, failure: &Failure, complaint: &str) -> &'static str {
    if let Some(excess) = stage.excess() {
        return excess.mistake();
    }
    // What Rust's todo!, Python's NotImplementedError and the C starter's function say. A client whose first hole is its
    // connect ends before it connects: that it ended is true, and this is why.
    if complaint.contains("not yet implemented") || complaint.contains("NotImplementedError") {
        return "hole-left-open";
    }
    if let Some(mistake) = failure.mistake {
        return mistake;
    }
    // With the kindest network, and not one byte has come.
    if first && failure.silent && !stage.transcript().anything_came() {
        return "program-goes-silent";
    }
    probe.mistake
}

fn diagnosis(
    mistake: &str,
    failure: Failure,
    catalogue: &Catalogue,
    ladder: String,
    (ended, complaint): (Option<String>, String),
) -> Diagnosis {
    Diagnosis {
        mistake: mistake.to_owned(),
        title: catalogue.get(mistake).title,
        what: failure.what,
        expected: failure.expected,
        got: failure.got,
        ladder,
        ended: ended.map(|ended| ended + &panicked(&complaint)),
        complaint: last_lines(&complaint),
    }
}

/// Where, if a panic ended it: there is the cause, whatever the probe has asked for.
fn panicked(complaint: &str) -> String {
    match complaint.split_once("panicked at ").and_then(|(_, rest)| rest.lines().next()) {
        Some(place) => format!(". It panicked at {}: look there first", place.trim_end_matches(':')),
        None => String::new(),
    }
}

/// The first error is the one that counts. A warning is none, and of open holes there are pages of them.
fn errors(complaint: &str) -> String {
    let blocks: Vec<&str> =
        complaint.split("\n\n").filter(|block| !block.trim_start().starts_with("warning")).collect();
    blocks.join("\n\n").lines().take(40).collect::<Vec<_>>().join("\n")
}

/// The end of what it complained of: the first lines of a program's complaint are its own, the last say what came of it.
fn last_lines(complaint: &str) -> String {
    let lines: Vec<&str> = complaint.lines().collect();
    lines[lines.len().saturating_sub(40)..].join("\n")
}

/// The mistakes that the runner names by itself, whatever the unit. Each has its entry in the catalogue.
pub fn named_by_the_runner() -> &'static [&'static str] {
    &[
        "hole-left-open",
        "machine-has-no-sockets",
        "program-cannot-be-started",
        "program-does-not-compile",
        "program-eats-memory",
        "program-ends-at-once",
        "program-floods-its-output",
        "program-forks-without-end",
        "program-goes-silent",
        "program-listens-elsewhere",
        "program-never-connects",
        "program-never-ends",
        "program-never-listens",
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_it_panicked_is_told() {
        let complaint = "thread 'main' (7) panicked at src/main.rs:52:9:\nattempt to subtract with overflow\n";
        assert_eq!(panicked(complaint), ". It panicked at src/main.rs:52:9: look there first");
        assert_eq!(panicked("Error: connection refused"), "");
    }

    #[test]
    fn of_a_compilers_words_the_first_error_is_kept() {
        let warning = "warning: unused import\n --> src/main.rs:7:5\n";
        let error = "error[E0308]: mismatched types\n --> src/main.rs:80:9";
        let complaint = format!("{warning}\n{error}\n\n{}\n", format!("{warning}\n").repeat(30));
        assert_eq!(errors(&complaint).trim_end(), error);
    }
}
