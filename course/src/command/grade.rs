//! `cargo lab grade`: every question, and points for each. What one program does costs its own points and nobody else's.

use std::ffi::OsString;

use super::subject::{self, Found};
use super::{How, Problem, unit};
use crate::catalogue::Catalogue;
use crate::output::terminal::{self, Style};
use crate::output::{say, write_out};
use crate::progress::Progress;
use crate::report::{Outcome, Report};
use crate::run::{self, Options};
use crate::units::{UNITS, Unit};

pub fn run(numbers: &[u8], how: &How, program: &[OsString]) -> Result<bool, Problem> {
    if !program.is_empty() && numbers.len() != 1 {
        return Err("one program is graded for one unit: cargo lab grade 4 -- COMMAND {port}".into());
    }
    let progress = Progress::load();
    let units = match numbers {
        [] => UNITS.iter().filter(|unit| progress.unit(unit.number).folder.is_some()).collect(),
        some => some.iter().map(|number| unit(*number)).collect::<Result<Vec<&Unit>, _>>()?,
    };
    if units.is_empty() {
        return Err("no unit was started: cargo lab start N, or cargo lab grade N -- COMMAND {port}".into());
    }
    let (seed, catalogue, style) = (how.seed(), Catalogue::load()?, Style::of_standard_output());
    let mut reports: Vec<Report> = Vec::new();
    for unit in units {
        let report = match subject::find(unit, None, program)? {
            Found::DoesNotCompile(complaint) => run::not_built(unit, &catalogue, seed, complaint),
            Found::Program(recipe) => {
                let options = Options { all: true, ..Options::seed(seed) };
                run::check(unit, &recipe, &catalogue, &options, |index, probe| {
                    terminal::progress(style, index, unit.probes.len(), probe.name);
                })
            }
        };
        terminal::wipe(style);
        write_out(format_args!("{}", table(&report)));
        reports.push(report);
    }
    let (points, out_of) = reports.iter().fold((0, 0), |sum, report| (sum.0 + report.points, sum.1 + report.out_of));
    say!("In all {points} of {out_of} points. Seed {seed}.");
    how.write(&reports)?;
    Ok(reports.iter().all(|report| report.passed))
}

fn table(report: &Report) -> String {
    let mut text = format!("Unit {}, {}: {} of {} points\n", report.unit, report.title, report.points, report.out_of);
    for answer in &report.answers {
        let mistake = answer.diagnosis.as_ref().map(|diagnosis| diagnosis.mistake.as_str());
        let outcome = match answer.outcome {
            Outcome::Passed => "pass",
            Outcome::Failed => "FAIL",
            Outcome::NotAsked => "-",
        };
        let hidden = if answer.visible { "" } else { " (hidden)" };
        let name = format!("{}{hidden}", answer.name);
        text += format!("  {outcome:<4} {}/{}  {name:<48} {}", answer.points, answer.out_of, mistake.unwrap_or(""))
            .trim_end();
        text += "\n";
    }
    text + "\n"
}
