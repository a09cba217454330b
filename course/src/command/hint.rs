//! `cargo lab hint 4`: symptom, cause, region. Never the answer.

use std::path::PathBuf;

use super::{Problem, unit};
use crate::catalogue::Catalogue;
use crate::output::terminal::{self, Style};
use crate::progress::Progress;
use crate::units::Unit;

pub fn run(number: u8) -> Result<bool, Problem> {
    let unit = unit(number)?;
    let mut progress = Progress::load();
    let Some(mistake) = progress.unit(number).mistake else {
        println!(
            "There is nothing to hint at: the last check of unit {number} found no mistake, or there was none yet."
        );
        println!("The unit's own text is {}.", text_of(unit, &progress).display());
        return Ok(true);
    };
    let given = progress.unit(number).hints;
    let level = given.min(2) + 1;
    print!("{}", terminal::hint(&Catalogue::load()?, &mistake, level, Style::of_standard_output()));
    progress.unit_mut(number).hints = level;
    progress.save()?;
    if level < 3 {
        println!("\nMore: cargo lab hint {number}");
    } else if given >= 3 {
        println!("\nThere are no more hints. The lesson is {}.", text_of(unit, &progress).display());
    }
    Ok(true)
}

/// The copy beside the student's program, where there is one: its snippets are in their places.
fn text_of(unit: &Unit, progress: &Progress) -> PathBuf {
    let copy = progress.unit(unit.number).folder.map(|folder| folder.join("unit.md"));
    copy.filter(|copy| copy.is_file()).unwrap_or_else(|| unit.folder().join("unit.md"))
}
