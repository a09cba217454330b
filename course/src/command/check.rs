//! `cargo lab check 4`

use super::subject::{self, Found};
use super::{Problem, Subject, unit};
use crate::catalogue::Catalogue;
use crate::output::plain;
use crate::output::terminal::{self, Style};
use crate::output::write_out;
use crate::progress::Progress;
use crate::report::Report;
use crate::run::{self, Options};
use crate::units::Unit;

pub fn run(subject: &Subject) -> Result<bool, Problem> {
    let unit = unit(subject.unit)?;
    let report = once(subject, unit, Options::seed(subject.how.seed()))?;
    subject.how.write(std::slice::from_ref(&report))?;
    Ok(report.passed)
}

/// One check, shown and remembered.
pub fn once(subject: &Subject, unit: &Unit, options: Options) -> Result<Report, Problem> {
    let style = if subject.plain { Style::plain() } else { Style::of_standard_output() };
    let catalogue = Catalogue::load()?;
    let report = match subject::find(unit, subject.folder.as_deref(), &subject.program)? {
        Found::DoesNotCompile(complaint) => run::not_built(unit, &catalogue, options.seed, complaint),
        Found::Program(recipe) => run::check(unit, &recipe, &catalogue, &options, |index, probe| {
            let hidden = probe.visibility == crate::probe::Visibility::Hidden;
            terminal::progress(style, index, unit.probes.len(), if hidden { "(hidden)" } else { probe.name });
        }),
    };
    terminal::wipe(style);
    let text = terminal::text(&report, unit, style, &again(subject, report.seed));
    write_out(format_args!("{}", if subject.plain { plain::masked(&text) } else { text }));
    let mut progress = Progress::load();
    progress.checked(unit.number, report.passed, report.mistake(), report.hole());
    progress.save()?;
    Ok(report)
}

fn again(subject: &Subject, seed: u64) -> String {
    let mut command = format!("cargo lab check {} --seed {seed}", subject.unit);
    if let Some(folder) = &subject.folder {
        command += &format!(" --folder {}", folder.display());
    }
    if subject.plain {
        command += " --plain";
    }
    if !subject.program.is_empty() {
        let words: Vec<_> = subject.program.iter().map(|word| word.to_string_lossy().into_owned()).collect();
        command += &format!(" -- {}", words.join(" "));
    }
    command
}
