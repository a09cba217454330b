//! When must a run be over?

use std::io;
use std::time::{Duration, Instant};

/// A moment by which something must be done.
#[derive(Debug, Clone, Copy)]
pub struct Deadline(Instant);

impl Deadline {
    pub fn after(limit: Duration) -> Deadline {
        Deadline(Instant::now() + limit)
    }

    /// An error once it has passed.
    pub fn check(self) -> io::Result<()> {
        if Instant::now() < self.0 { Ok(()) } else { Err(io::Error::other("the run took too long and was ended")) }
    }
}
