//! `cargo lab list`

use super::Problem;
use crate::output::say;
use crate::progress::Progress;
use crate::units::{UNITS, Unit};

pub fn run() -> Result<bool, Problem> {
    let progress = Progress::load();
    let width = UNITS.iter().map(|unit| unit.title.chars().count()).max().unwrap_or_default();
    for unit in UNITS {
        let known = progress.unit(unit.number);
        let state = match (known.passed, known.mistake, known.folder) {
            (true, _, _) => "passed".to_owned(),
            (false, Some(mistake), _) => format!("last check: {mistake}"),
            (false, None, Some(_)) => "started".to_owned(),
            (false, None, None) => "not started".to_owned(),
        };
        say!("{:>3}  {:<width$}  {:>3} points   {state}", unit.number, unit.title, unit.points());
    }
    say!("\n{}", next(&progress));
    Ok(true)
}

/// What was begun, then what follows what was passed: who began with unit 4 is not sent to unit 1.
fn next(progress: &Progress) -> String {
    let known = |unit: &Unit| progress.unit(unit.number);
    let open: Vec<&Unit> = UNITS.iter().filter(|unit| !known(unit).passed).collect();
    if let Some(unit) = open.iter().find(|unit| known(unit).folder.is_some() || known(unit).checks > 0) {
        return format!("Go on with: cargo lab check {}", unit.number);
    }
    let last = UNITS.iter().filter(|unit| known(unit).passed).map(|unit| unit.number).max();
    match (open.iter().find(|unit| Some(unit.number) > last).or(open.first()), last) {
        (None, _) => "All units are passed.".to_owned(),
        (Some(unit), None) => format!("Begin with: cargo lab start {}", unit.number),
        (Some(unit), Some(_)) => format!("Go on with: cargo lab start {}", unit.number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_the_next_command() {
        let mut progress = Progress::default();
        assert_eq!(next(&progress), "Begin with: cargo lab start 1");
        progress.checked(4, false, Some("hole-left-open"), Some(1));
        assert_eq!(next(&progress), "Go on with: cargo lab check 4");
        progress.checked(4, true, None, None);
        assert_eq!(next(&progress), "Go on with: cargo lab start 5");
        for unit in 5..=10 {
            progress.checked(unit, true, None, None);
        }
        assert_eq!(next(&progress), "Go on with: cargo lab start 1");
        for unit in 1..=3 {
            progress.checked(unit, true, None, None);
        }
        assert_eq!(next(&progress), "All units are passed.");
    }
}
