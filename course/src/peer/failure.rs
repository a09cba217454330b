//! Why did a probe fail?
//!
//! One sentence, what was expected, what came. The rest of a report is made of it.
//!
//! # In production
//!
//! A test says where in its source it failed. Who reads this has never seen our source, and need not.

/// Why a probe failed: what the student reads first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// One sentence.
    pub what: String,
    pub expected: String,
    pub got: String,
    /// Another mistake of the catalogue than the probe's own, when it is certain.
    pub mistake: Option<&'static str>,
    /// Nothing came, and the program sleeps.
    pub silent: bool,
}

impl Failure {
    pub fn new(what: impl Into<String>, expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self { what: what.into(), expected: expected.into(), got: got.into(), mistake: None, silent: false }
    }

    /// Names the mistake itself.
    pub fn is(mut self, mistake: &'static str) -> Self {
        self.mistake = Some(mistake);
        self
    }
}
