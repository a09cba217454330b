//! `cargo lab list`

use super::Problem;
use crate::progress::Progress;
use crate::units::UNITS;

pub fn run() -> Result<bool, Problem> {
    let progress = Progress::load();
    for unit in UNITS {
        let known = progress.unit(unit.number);
        let state = match (known.passed, known.mistake, known.folder) {
            (true, _, _) => "passed".to_owned(),
            (false, Some(mistake), _) => format!("last check: {mistake}"),
            (false, None, Some(_)) => "started".to_owned(),
            (false, None, None) => "not started".to_owned(),
        };
        println!("{:>3}  {:<45} {:>3} points   {state}", unit.number, unit.title, unit.points());
    }
    println!("\nBegin with: cargo lab start {}", UNITS.first().map_or(1, |unit| unit.number));
    Ok(true)
}
