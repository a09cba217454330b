//! `results.json`, as Gradescope's autograders write it: <https://gradescope-autograders.readthedocs.io/en/latest/specs/>
//!
//! A hidden probe is a test that the student sees after the grades are published.

use serde::Serialize;

use super::in_words;
use crate::report::{Outcome, Report};

#[derive(Serialize)]
struct Results {
    score: u32,
    execution_time: f64,
    output: String,
    output_format: &'static str,
    visibility: &'static str,
    stdout_visibility: &'static str,
    tests: Vec<Test>,
}

#[derive(Serialize)]
struct Test {
    score: u32,
    max_score: u32,
    status: &'static str,
    name: String,
    number: String,
    output: String,
    output_format: &'static str,
    tags: Vec<String>,
    visibility: &'static str,
}

pub fn text(reports: &[Report]) -> String {
    let seeds: Vec<String> =
        reports.iter().map(|report| format!("unit {}: seed {}", report.unit, report.seed)).collect();
    let results = Results {
        score: reports.iter().map(|report| report.points).sum(),
        execution_time: reports.iter().map(|report| report.seconds).sum(),
        output: format!("The same run again: cargo lab check N --seed SEED, with {}.", seeds.join(", ")),
        output_format: "text",
        visibility: "visible",
        stdout_visibility: "hidden",
        tests: reports.iter().flat_map(tests).collect(),
    };
    serde_json::to_string_pretty(&results).unwrap_or_default()
}

fn tests(report: &Report) -> impl Iterator<Item = Test> {
    report.answers.iter().enumerate().map(|(index, answer)| Test {
        score: answer.points,
        max_score: answer.out_of,
        status: if answer.outcome == Outcome::Passed { "passed" } else { "failed" },
        name: answer.name.clone(),
        number: format!("{}.{}", report.unit, index + 1),
        output: in_words(answer),
        output_format: "text",
        tags: answer.diagnosis.iter().map(|diagnosis| diagnosis.mistake.clone()).collect(),
        visibility: if answer.visible { "visible" } else { "after_published" },
    })
}
