//! What does the book say about one mistake?
//!
//! What the catalogue says, and what can be looked at: which probe of which unit finds it, the smallest program that makes
//! it, what that program does otherwise than the solution, and the command that shows the diagnosis.

use std::fmt::Write as _;

use lab::catalogue::{Catalogue, Mistake};
use lab::units::{Role, UNITS, Unit};
use similar::{ChangeTag, TextDiff};

use crate::{Problem, includes, places};

pub const FOLDER: &str = "course/mistakes";

/// A mistake's page, before its links are led into the book. `name` is the catalogue's file.
pub fn page(name: &str) -> Result<String, Problem> {
    let mut text = places::read(name)?;
    let slug = slug(name);
    text = text.trim_end().to_owned() + "\n\n";
    text += "## Found by\n\n";
    text += &found_by(slug);
    text += "\n## Reproduce it\n\n";
    text += &reproduced(slug)?;
    Ok(text)
}

/// Every mistake once: below the unit that meets it first, in the order of its probes, and at last those of any unit. By their
/// names they would stand in no order, for a reader sees the titles.
pub fn in_order(catalogue: &Catalogue) -> Vec<(Option<&'static Unit>, Vec<Mistake>)> {
    let mut told: Vec<&str> = Vec::new();
    let mut parts = Vec::new();
    for unit in UNITS {
        let mut met = Vec::new();
        for probe in unit.probes {
            if !told.contains(&probe.mistake) {
                told.push(probe.mistake);
                met.push(catalogue.get(probe.mistake));
            }
        }
        parts.push((Some(unit), met));
    }
    parts.push((None, catalogue.iter().filter(|mistake| !told.contains(&mistake.slug.as_str())).cloned().collect()));
    parts
}

/// The catalogue's first page: every mistake with its symptom, by the unit that meets it first.
pub fn overview(catalogue: &Catalogue) -> String {
    let mut text =
        "# The mistakes\n\nEach has a name, which `cargo lab check` says when it has seen it. The symptom is what one \
                    notices first.\n"
            .to_owned();
    for (unit, mistakes) in in_order(catalogue) {
        let heading = unit.map_or("In any unit".to_owned(), |unit| format!("Unit {}: {}", unit.number, unit.title));
        let _ = write!(text, "\n## {heading}\n\n| mistake | symptom |\n|---|---|\n");
        for mistake in mistakes {
            let symptom = mistake.symptom.replace('\n', " ").replace('|', "\\|");
            let _ = writeln!(text, "| [{}]({}.md) | {symptom} |", mistake.title, mistake.slug);
        }
    }
    text
}

pub fn slug(name: &str) -> &str {
    name.rsplit('/').next().and_then(|file| file.strip_suffix(".md")).unwrap_or(name)
}

fn found_by(slug: &str) -> String {
    let mut text = String::new();
    for unit in UNITS {
        for probe in unit.probes.iter().filter(|probe| probe.mistake == slug) {
            // A hidden probe is not described.
            let visible = probe.visibility == lab::probe::Visibility::Visible;
            let by = if visible { format!("the probe: *{}*", probe.name) } else { "a hidden probe".to_owned() };
            let (number, label) = (unit.number, unit.label());
            let _ = writeln!(text, "- [unit {number}](../units/{label}/unit.md), {}, by {by}", unit.title);
        }
    }
    if text.is_empty() {
        text = "- the runner itself, in any unit\n".to_owned();
    }
    text
}

/// The smallest wrong program, with the unit that it is checked for.
fn wrong_program(slug: &str) -> Option<(&'static Unit, String)> {
    let there = |name: String| places::root().join(&name).is_file().then_some(name);
    for unit in UNITS {
        if let Some(name) = there(format!("course/units/{}/wrong/{slug}.rs", unit.label())) {
            return Some((unit, name));
        }
    }
    for (folder, role) in [("any", None), ("server", Some(Role::Server)), ("client", Some(Role::Client))] {
        let name = there(format!("course/tests/general/{folder}/{slug}.rs"));
        let unit = UNITS.iter().find(|unit| role.is_none_or(|role| unit.role == role));
        if let (Some(name), Some(unit)) = (name, unit.or(UNITS.first())) {
            return Some((unit, name));
        }
    }
    None
}

/// The commands that show the diagnosis, and the program.
fn reproduced(slug: &str) -> Result<String, Problem> {
    let Some((unit, name)) = wrong_program(slug) else {
        return without_a_program(slug)
            .ok_or_else(|| format!("{FOLDER}/{slug}.md: there is no program that makes it").into());
    };
    let (number, program) = (unit.number, includes::without_anchors(&places::read(&name)?));
    // The runner finds what lies in the unit's folder, and compiles it.
    let short = if name.contains("/wrong/") { format!("wrong/{slug}") } else { name.clone() };
    let mut text = format!("```sh\ncargo lab check {number} --seed 1 -- {short}\n```\n\n");
    if let Some(changes) = different(unit, &name, &program)? {
        let _ = write!(
            text,
            "What it does otherwise than [the solution](../units/{}/solution.rs), comments left out:\n\n```diff\n{changes}```\n\n",
            unit.label()
        );
    }
    let link = places::relative(&format!("{FOLDER}/{slug}.md"), &name);
    let _ = writeln!(text, "The smallest wrong program, [{name}]({link}):\n\n```rust\n{}\n```", program.trim_end());
    Ok(text)
}

/// The lines that differ, with two around each. Nothing for a program that is another from the first line on.
fn different(unit: &Unit, name: &str, wrong: &str) -> Result<Option<String>, Problem> {
    let solution = format!("course/units/{}/solution.rs", unit.label());
    if !name.contains("/wrong/") {
        return Ok(None);
    }
    let (before, after) = (code(&places::read(&solution)?), code(wrong));
    let difference = TextDiff::from_lines(&before, &after);
    let mut text = String::new();
    for group in difference.grouped_ops(2) {
        if !text.is_empty() {
            text += " ...\n";
        }
        for change in group.iter().flat_map(|operation| difference.iter_changes(operation)) {
            let sign = match change.tag() {
                ChangeTag::Delete => '-',
                ChangeTag::Insert => '+',
                ChangeTag::Equal => ' ',
            };
            let _ = write!(text, "{sign}{change}");
        }
    }
    Ok((difference.ratio() > 0.5 && !text.is_empty()).then_some(text))
}

/// Without comments and empty lines, which the wrong programs leave out where the solution has them.
fn code(text: &str) -> String {
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.trim_start().starts_with("//"));
    lines.map(|line| format!("{line}\n")).collect()
}

/// What a machine or a command line does wrong, and no program.
fn without_a_program(slug: &str) -> Option<String> {
    let unit = UNITS.first()?;
    let (number, label) = (unit.number, unit.label());
    let says = match slug {
        "hole-left-open" => {
            format!("The starter as it is:\n\n```sh\ncargo lab start {number}\ncargo lab check {number}\n```\n")
        }
        "program-does-not-compile" => {
            format!(
                "```sh\ncargo lab start {number} --into target/broken\necho 'fn' >> target/broken/src/main.rs\n\
                 cargo lab check {number} --folder target/broken\n```\n"
            )
        }
        "program-cannot-be-started" => {
            format!("```sh\ncargo lab check {number} -- target/no-such-program {{port}}\n```\n")
        }
        "machine-has-no-sockets" => {
            format!(
                "On Linux, in a network of its own that has not been brought up:\n\n```sh\ncargo lab start {number}\n\
                 unshare --user --map-root-user --net cargo lab check {number}\n```\n"
            )
        }
        "program-never-ends" => {
            format!(
                "In a unit whose program is to end by itself: let `main` of the solution, \
                 [solution.rs](../units/{label}/solution.rs), end with `loop {{ std::thread::park() }}`.\n"
            )
        }
        _ => return None,
    };
    Some(says)
}
