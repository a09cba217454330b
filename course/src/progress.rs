//! What was passed, and what was hinted?
//!
//! One file, `labs/progress.json`, in the folder that git ignores. It is a convenience and no record: who deletes it has
//! to ask for the first hint again.
//!
//! # In production
//!
//! Grades are kept where students cannot write.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::catalogue;

#[derive(Debug, Default, Serialize, Deserialize)]
pub struct Progress {
    units: BTreeMap<u8, UnitProgress>,
}

#[derive(Debug, Default, Clone, Serialize, Deserialize)]
#[serde(default)]
pub struct UnitProgress {
    /// Where `start` put it.
    pub folder: Option<PathBuf>,
    pub passed: bool,
    pub checks: u32,
    /// Of the last check.
    pub mistake: Option<String>,
    /// The hole that it came to, if the mistake is one.
    pub hole: Option<u32>,
    /// How many hints have been given for it.
    pub hints: u8,
}

/// `labs/` beside `course/`, or what LAB_FOLDER says.
pub fn labs() -> PathBuf {
    match std::env::var_os("LAB_FOLDER") {
        Some(folder) => folder.into(),
        None => catalogue::course().parent().unwrap_or(Path::new(".")).join("labs"),
    }
}

impl Progress {
    /// What is written there; nothing, if there is nothing that can be read.
    pub fn load() -> Self {
        let text = fs::read_to_string(labs().join("progress.json")).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    pub fn save(&self) -> io::Result<()> {
        fs::create_dir_all(labs())?;
        // Written beside it and renamed: whoever is interrupted here keeps the old one.
        let (file, fresh) = (labs().join("progress.json"), labs().join("progress.json.new"));
        fs::write(&fresh, serde_json::to_string_pretty(self)?)?;
        fs::rename(fresh, file)
    }

    pub fn unit(&self, number: u8) -> UnitProgress {
        self.units.get(&number).cloned().unwrap_or_default()
    }

    pub fn unit_mut(&mut self, number: u8) -> &mut UnitProgress {
        self.units.entry(number).or_default()
    }

    /// A check was made. Another mistake begins with its first hint, and so does another hole.
    pub fn checked(&mut self, number: u8, passed: bool, mistake: Option<&str>, hole: Option<u32>) {
        let unit = self.unit_mut(number);
        unit.checks += 1;
        unit.passed |= passed;
        if unit.mistake.as_deref() != mistake || unit.hole != hole {
            unit.mistake = mistake.map(str::to_owned);
            unit.hole = hole;
            unit.hints = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_mistake_begins_with_its_first_hint_and_the_same_goes_on() {
        let mut progress = Progress::default();
        progress.checked(4, false, Some("a"), None);
        progress.unit_mut(4).hints = 2;
        progress.checked(4, false, Some("a"), None);
        assert_eq!(progress.unit(4).hints, 2);
        progress.checked(4, false, Some("b"), None);
        assert_eq!(progress.unit(4).hints, 0);
        progress.checked(4, true, None, None);
        progress.checked(4, false, Some("b"), None);
        assert!(progress.unit(4).passed, "what was passed once stays passed");
    }

    #[test]
    fn another_hole_begins_with_its_first_hint() {
        let mut progress = Progress::default();
        progress.checked(4, false, Some("hole-left-open"), Some(1));
        progress.unit_mut(4).hints = 3;
        progress.checked(4, false, Some("hole-left-open"), Some(1));
        assert_eq!(progress.unit(4).hints, 3);
        progress.checked(4, false, Some("hole-left-open"), Some(2));
        assert_eq!(progress.unit(4).hints, 0);
    }
}
