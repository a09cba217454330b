//! `cargo lab hint 4`: symptom, cause, region. Never the answer.

use std::path::PathBuf;

use super::{Problem, unit};
use crate::catalogue::Catalogue;
use crate::output::terminal::{self, Style};
use crate::output::{say, write_out};
use crate::progress::{Progress, UnitProgress};
use crate::units::Unit;

pub fn run(number: u8) -> Result<bool, Problem> {
    let unit = unit(number)?;
    let mut progress = Progress::load();
    let Some(mistake) = progress.unit(number).mistake else {
        say!("There is nothing to hint at: the last check of unit {number} found no mistake, or there was none yet.");
        say!("The unit's own text is {}.", text_of(unit, &progress.unit(number)).display());
        return Ok(true);
    };
    let given = progress.unit(number).hints;
    let level = given.min(2) + 1;
    let text = terminal::hint(&Catalogue::load()?, &mistake, level, Style::of_standard_output());
    write_out(format_args!("{text}"));
    progress.unit_mut(number).hints = level;
    progress.save()?;
    if level < 3 {
        say!("\nMore: cargo lab hint {number}");
    } else if given >= 3 {
        say!("\nThere are no more hints. The lesson is {}.", text_of(unit, &progress.unit(number)).display());
    }
    Ok(true)
}

/// The copy that `start` has put beside the starter. The other one lies beside the solutions.
fn text_of(unit: &Unit, known: &UnitProgress) -> PathBuf {
    let copy = known.folder.as_ref().map(|folder| folder.join("unit.md")).filter(|copy| copy.is_file());
    copy.unwrap_or_else(|| unit.folder().join("unit.md"))
}
