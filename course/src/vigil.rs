//! How long does one wait for something that may never come?
//!
//! Long enough for a slow machine, and not one second more for a program that sleeps. Where the system shows it, silence
//! is not guessed from a clock: a program all of whose threads sleep, and of which no thread has had a processor for a
//! while, has done all that it is going to do. One that computes is given so much time of a processor's; one that is kept
//! waiting for a processor by others, more by the clock. Each byte that comes begins the time anew: it is given for the
//! next step, not for all of them.
//!
//! # In production
//!
//! Nobody can look into the peer there, and the clock is all that there is: see the library's time limits, which are
//! deadlines for a whole message, so that a peer cannot extend them byte by byte.

use std::time::{Duration, Instant};

use crate::system::{self, Activity};

/// Given to a program that is doing something, for the next thing that it ought to do; by the clock two and a half times
/// as much, on a machine with more to do than it can.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// This long without a thread that runs is silence. An answer that comes later by a timer of the program's own is late.
pub const STILLNESS: Duration = Duration::from_millis(700);

/// Watches a program from the moment when something was expected of it.
pub struct Vigil {
    begun: Instant,
    /// Of a processor's time, where it can be seen; else of the clock's.
    patience: Duration,
    /// What it had used when it was first looked at.
    used_before: Option<u64>,
    still: Option<(Instant, Activity)>,
    looked: Instant,
}

impl Vigil {
    pub fn begin() -> Self {
        Self::with_patience(PATIENCE)
    }

    /// For what takes longer by its nature: the start of an interpreter on a busy machine.
    pub fn with_patience(patience: Duration) -> Self {
        let now = Instant::now();
        Self { begun: now, patience, used_before: None, still: None, looked: now }
    }

    /// How long it has been silent, when that is long enough to say so.
    pub fn silent(&mut self, processes: impl FnOnce() -> Vec<u32>) -> Option<Duration> {
        let waited = self.begun.elapsed();
        // To look costs some files for each thread.
        if self.looked.elapsed() < Duration::from_millis(50) {
            return None;
        }
        self.looked = Instant::now();
        let Some(now) = system::activity(&processes()) else {
            return (waited >= self.patience).then_some(waited);
        };
        let used = Duration::from_millis(10 * now.ticks.saturating_sub(*self.used_before.get_or_insert(now.ticks)));
        if used >= self.patience || waited >= self.patience * 5 / 2 {
            return Some(waited);
        }
        match self.still {
            Some((since, then)) if now.asleep && now == then => (since.elapsed() >= STILLNESS).then_some(waited),
            _ => {
                self.still = now.asleep.then_some((self.looked, now));
                None
            }
        }
    }
}

/// Whether a program that has nothing to do uses a processor all the same.
pub struct Idle {
    /// What it had used before, where it can be seen.
    before: Option<u64>,
}

impl Idle {
    /// From now on it has nothing to do.
    pub fn begin(activity: Option<Activity>) -> Self {
        Self { before: activity.map(|activity| activity.ticks) }
    }

    /// "210 ms of processor time", when that is what a loop that spins needs soon, on any machine, and who waits does not.
    pub fn spun(&self, now: Option<Activity>) -> Option<String> {
        const SPINNING: u64 = 20;
        let used = now?.ticks.saturating_sub(self.before?);
        (used >= SPINNING).then(|| format!("{} ms of processor time", used * 10))
    }
}

/// A time as a person reads it: `0.7 s`.
pub fn spoken(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}
