//! `cargo lab start 4`: the starter, in a folder that is a workspace of its own, with nothing to download.

use std::fs;
use std::path::{Path, PathBuf};

use super::{Problem, unit};
use crate::holes::{self, Language};
use crate::output::say;
use crate::progress::{self, Progress};
use crate::snippet;
use crate::units::{Role, Unit};

pub fn run(number: u8, into: Option<PathBuf>, language: &str) -> Result<bool, Problem> {
    let unit = unit(number)?;
    let elsewhere = into.is_some();
    let folder = std::path::absolute(into.unwrap_or_else(|| progress::labs().join(unit.label())))?;
    let role = role(unit);
    let (language, source, file) = match language {
        "rust" => (Language::Rust, "solution.rs", "src/main.rs".to_owned()),
        "python" => (Language::Python, "python/solution.py", format!("{role}.py")),
        "c" => (Language::C, "c/solution.c", format!("{role}.c")),
        other => {
            return Err(
                format!("{other:?} is none of rust, python, c; any other language begins without a starter").into()
            );
        }
    };
    let solution = fs::read_to_string(unit.folder().join(source)).map_err(|_| {
        format!("unit {number} has no starter in this language; `cargo lab check` takes one of your own")
    })?;
    // Someone's work is never written over.
    if folder.join(&file).exists() {
        return Err(format!("{} is there already: it is left as it is", folder.join(&file).display()).into());
    }
    write(&folder.join(&file), &holes::starter(&solution, language)?)?;
    let text = fs::read_to_string(unit.folder().join("unit.md"))?;
    let text = without_the_solution(&snippet::expanded(&unit.folder(), &text));
    write(&folder.join("unit.md"), &led_from_elsewhere(&unit.folder(), &text))?;
    if language == Language::Rust {
        write(&folder.join("Cargo.toml"), &manifest(unit))?;
    }
    let mut progress = Progress::load();
    progress.unit_mut(number).folder = Some(folder.clone());
    progress.save()?;
    say!("Unit {number}, {}", unit.title);
    say!("  read     {}", folder.join("unit.md").display());
    say!("  edit     {}", folder.join(&file).display());
    say!("  check    {}", check_command(unit, language, &folder));
    if elsewhere && language == Language::Rust {
        // The last folder that a unit was started in is the one that is meant when none is named.
        say!("           It knows the folder. When unit {number} is started once more, say which one:");
        say!("           cargo lab check {number} --folder {}", quoted(&folder));
    }
    Ok(true)
}

/// Below each snippet a code host needs a link to its file. Beside the starter it would lead to nothing.
fn without_the_solution(text: &str) -> String {
    text.replace("From [solution.rs](solution.rs). ", "").replace("(from [solution.rs](solution.rs))\n\n", "")
}

/// Its other links are meant from where the text came from.
fn led_from_elsewhere(origin: &Path, text: &str) -> String {
    let mut parts = text.split("](");
    let mut led = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        led += "](";
        led += &match part.split_once(')') {
            // In angle brackets, for a path may have spaces.
            Some((place, rest)) if !place.starts_with('#') && !place.contains("://") => {
                format!("<{}>){rest}", origin.join(place).display())
            }
            _ => part.to_owned(),
        };
    }
    led
}

/// As a shell takes it for one word.
fn quoted(folder: &Path) -> String {
    let folder = folder.display().to_string();
    if folder.contains(' ') { format!("\"{folder}\"") } else { folder }
}

fn write(path: &Path, text: &str) -> Result<(), Problem> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    Ok(fs::write(path, text)?)
}

/// The empty table makes it a workspace of its own, wherever it lies.
pub fn manifest(unit: &Unit) -> String {
    format!(
        "[package]\nname = \"{}\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n# Nothing to download: std::net is all that it \
         needs.\n[dependencies]\n\n# A workspace of its own.\n[workspace]\n",
        unit.name
    )
}

fn role(unit: &Unit) -> &'static str {
    match unit.role {
        Role::Server => "server",
        Role::Client => "client",
    }
}

fn check_command(unit: &Unit, language: Language, folder: &Path) -> String {
    let (number, program) = (unit.number, folder.join(role(unit)));
    let program = program.display();
    match language {
        Language::Rust => format!("cargo lab check {number}"),
        Language::Python => format!("cargo lab check {number} -- python3 {program}.py {{port}}"),
        Language::C => {
            format!("cc -Wall -pthread -o {program} {program}.c && cargo lab check {number} -- {program} {{port}}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::UNITS;

    #[test]
    fn the_text_beside_a_starter_leads_to_no_solution() {
        for unit in UNITS {
            let text = fs::read_to_string(unit.folder().join("unit.md")).unwrap();
            assert!(!without_the_solution(&text).contains("](solution.rs)"), "unit {}", unit.number);
        }
    }

    #[test]
    fn its_links_lead_to_files() {
        for unit in UNITS {
            let text = fs::read_to_string(unit.folder().join("unit.md")).unwrap();
            let led = led_from_elsewhere(&unit.folder(), &without_the_solution(&text));
            for place in led.split("](<").skip(1).filter_map(|rest| rest.split_once(">)")) {
                assert!(Path::new(place.0).exists(), "unit {}: {}", unit.number, place.0);
            }
        }
    }
}
