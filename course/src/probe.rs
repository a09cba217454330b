//! What is one question that is put to a program?
//!
//! A probe varies one thing against those before it. If all before it passed and it fails, that one thing is what the
//! program cannot do, and the diagnosis has a name.
//!
//! # In production
//!
//! The same idea finds the commit that broke a build (`git bisect`) and the input that crashes a compiler (delta
//! debugging): change one thing, ask again.

use crate::peer::Failure;
use crate::stage::Stage;

/// Whether a student is told beforehand what is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visibility {
    Visible,
    /// Counts, and is told by the name of its mistake alone.
    Hidden,
}

pub struct Probe {
    /// What the program does when it passes, in a few words: "a line in two pieces is one line".
    pub name: &'static str,
    pub points: u32,
    pub visibility: Visibility,
    /// The mistake of the catalogue that it diagnoses.
    pub mistake: &'static str,
    pub ask: fn(&mut Stage) -> Result<(), Failure>,
}

impl Probe {
    pub const fn visible(
        name: &'static str,
        points: u32,
        mistake: &'static str,
        ask: fn(&mut Stage) -> Result<(), Failure>,
    ) -> Self {
        Self { name, points, visibility: Visibility::Visible, mistake, ask }
    }

    pub const fn hidden(
        name: &'static str,
        points: u32,
        mistake: &'static str,
        ask: fn(&mut Stage) -> Result<(), Failure>,
    ) -> Self {
        Self { name, points, visibility: Visibility::Hidden, mistake, ask }
    }
}
