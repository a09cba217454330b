//! For the person who waits: short when it went well, and the ladder when it did not.
//!
//! Each line says in words what its colour says, so that nothing is lost without colour, to a screen reader, or on a
//! projector that turns red into brown.

use std::io::{self, IsTerminal};

use super::write_out;
use crate::catalogue::Catalogue;
use crate::report::{Outcome, Report};
use crate::system;
use crate::transcript::COLUMNS;
use crate::units::Unit;

/// How to write on this output.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    colour: bool,
    /// Progress may be shown, for it can be wiped away again.
    pub live: bool,
    /// What fits in a row.
    columns: usize,
}

impl Style {
    /// Colour only on a terminal, and not where NO_COLOR is set (<https://no-color.org>).
    pub fn of_standard_output() -> Self {
        let terminal = io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb");
        let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let columns = if terminal { system::terminal_columns() } else { None };
        Self { colour: terminal && !unwanted, live: terminal, columns: columns.unwrap_or(COLUMNS) }
    }

    pub fn plain() -> Self {
        Self { colour: false, live: false, columns: COLUMNS }
    }

    fn paint(self, code: &str, text: &str) -> String {
        if self.colour { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    fn good(self, text: &str) -> String {
        self.paint("32", text)
    }

    fn bad(self, text: &str) -> String {
        self.paint("1;31", text)
    }

    fn strong(self, text: &str) -> String {
        self.paint("1", text)
    }
}

/// One line that the next one overwrites.
pub fn progress(style: Style, done: usize, of: usize, name: &str) {
    if style.live {
        // One that ran over its row could not be wiped away.
        let line: String = format!("  {}/{of} {name} ...", done + 1).chars().take(style.columns - 1).collect();
        write_out(format_args!("\r\x1b[2K{line}"));
    }
}

pub fn wipe(style: Style) {
    if style.live {
        write_out(format_args!("\r\x1b[2K"));
    }
}

/// What a check says. `again` is the command that plays the same run.
pub fn text(report: &Report, unit: &Unit, style: Style, again: &str) -> String {
    let mut lines = vec![style.strong(&format!("Unit {}, {}", report.unit, report.title)), String::new()];
    // What was never run was asked nothing.
    let answers = if report.was_run() { &report.answers[..] } else { &[] };
    for answer in answers {
        // A hidden probe is not described; when it fails, its mistake is.
        let name = if answer.visible { answer.name.as_str() } else { "(hidden)" };
        lines.push(match answer.outcome {
            Outcome::Passed => format!("  {} {name}", style.good("pass")),
            Outcome::Failed => format!("  {} {name}", style.bad("FAIL")),
            Outcome::NotAsked => format!("     - {name}"),
        });
    }
    if !answers.is_empty() {
        lines.push(String::new());
    }
    match report.diagnosis() {
        Some(_) => failed(&mut lines, report, style),
        None if report.passed => passed(&mut lines, report, unit, style),
        None => out_of_time(&mut lines, report, style),
    }
    lines.push(format!("Seed {}. The same run again: {again}", report.seed));
    lines.join("\n") + "\n"
}

fn failed(lines: &mut Vec<String>, report: &Report, style: Style) {
    let Some(answer) = report.answers.iter().find(|answer| answer.diagnosis.is_some()) else { return };
    let Some(diagnosis) = &answer.diagnosis else { return };
    lines.push(style.bad(&format!("Diagnosis: {} ({})", diagnosis.title, diagnosis.mistake)));
    lines.push(String::new());
    if answer.visible {
        lines.push(diagnosis.what.clone());
        lines.push(format!("  expected: {}", diagnosis.expected));
        lines.push(format!("  got:      {}", diagnosis.got));
        if let Some(ended) = &diagnosis.ended {
            lines.push(format!("  The program has ended: {ended}"));
        }
        if report.was_run() && !diagnosis.ladder.is_empty() {
            lines.push(format!("\n{}", answer.transcript.ladder_within(style.columns)));
        }
        if !diagnosis.complaint.is_empty() {
            let who = if report.was_run() { "It wrote to standard error" } else { "The compiler" };
            lines.push(format!("{who}:\n{}\n", indented(&diagnosis.complaint)));
        }
    } else {
        lines.push("What is asked here is not shown. Its mistake has a name, and hints.".to_owned());
    }
    lines.push(format!("A hint: cargo lab hint {}", report.unit));
}

/// Nothing was found wrong, and not everything was asked: that is no pass.
fn out_of_time(lines: &mut Vec<String>, report: &Report, style: Style) {
    let missing = report.answers.iter().filter(|answer| answer.outcome == Outcome::NotAsked).count();
    let told = format!("Not finished: after {:.0} s, {missing} probes had not been asked.", report.seconds);
    lines.push(style.bad(&told));
    lines.push(
        "What was asked went well. Either the program is very slow, or the machine is busy: see what else".to_owned(),
    );
    lines.push("runs on it, and check again.".to_owned());
    lines.push(String::new());
}

fn passed(lines: &mut Vec<String>, report: &Report, unit: &Unit, style: Style) {
    let told = format!("Passed: {} of {} points, in {:.1} s.", report.points, report.out_of, report.seconds);
    lines.push(style.good(&told));
    let hidden = report.answers.iter().filter(|answer| !answer.visible).count();
    lines.push(format!("{} probes, {hidden} of them hidden.", report.answers.len()));
    lines.push(String::new());
    if let Some(explanation) = explanation(unit) {
        lines.push(explanation);
        lines.push(String::new());
    }
    lines.push("To look at next:".to_owned());
    lines.extend(unit.next.iter().map(|place| format!("  {place}")));
    lines.push(String::new());
}

/// The unit's own section for those who passed.
fn explanation(unit: &Unit) -> Option<String> {
    let text = std::fs::read_to_string(unit.folder().join("unit.md")).ok()?;
    let section = text.split("\n## ").find_map(|section| section.strip_prefix("After the pass\n"))?;
    Some(section.trim().to_owned())
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}")).collect::<Vec<_>>().join("\n")
}

/// The hint of this level, 1 to 3; the third also gives the paragraph.
pub fn hint(catalogue: &Catalogue, slug: &str, level: u8, style: Style) -> String {
    let mistake = catalogue.get(slug);
    let title = style.strong(&mistake.title);
    match level {
        1 => format!("{title}: hint 1 of 3, the symptom\n\n{}\n", mistake.symptom),
        2 => format!("{title}: hint 2 of 3, the cause\n\n{}\n", mistake.cause),
        _ => format!("{title}: hint 3 of 3, where to look\n\n{}\n\n{}\n", mistake.region, mistake.lecture),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::program::Recipe;
    use crate::run::{Options, check};
    use crate::units::UNITS;
    use std::time::Duration;

    #[test]
    fn what_was_not_asked_for_want_of_time_is_no_pass() {
        let options = Options { limit: Duration::ZERO, ..Options::seed(1) };
        let recipe = Recipe::new(["never started"]);
        let report = check(&UNITS[0], &recipe, &Catalogue::load().unwrap(), &options, |_, _| ());
        let text = text(&report, &UNITS[0], Style::plain(), "");
        assert!(text.contains("Not finished") && !text.contains("Passed"), "{text}");
    }
}
