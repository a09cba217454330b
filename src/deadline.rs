//! How long may the whole operation take, however many calls it needs?
//!
//! A time-out on each read is no limit at all: a peer that drips one byte a second resets it for ever. A deadline is a
//! point in time. It is fixed once, handed down through every step of the operation, and only looked at.
//!
//! # In production
//!
//! Async runtimes wrap the whole operation (`tokio::time::timeout`); Go puts the deadline on the connection and passes
//! it on in a `Context`. The idea is the same.

use std::io;
use std::time::{Duration, Instant};

/// The system's clock ticks in milliseconds: a time-out that overruns its deadline by less is not worth a system call,
/// and a shorter one cannot be asked for.
pub(crate) const TICK: Duration = Duration::from_millis(1);

/// The point in time at which an operation has to be finished.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline {
    /// `None` is for ever: a limit so large that the clock cannot hold it.
    at: Option<Instant>,
    /// The limit that it was made from, for the error that says so.
    pub(crate) limit: Duration,
}

impl Deadline {
    pub(crate) fn after(limit: Duration) -> Deadline {
        Deadline { at: Instant::now().checked_add(limit), limit }
    }

    /// There is no end, and no clock need be asked for that.
    pub(crate) fn never() -> Deadline {
        Deadline { at: None, limit: Duration::MAX }
    }

    /// What is left, zero once it has passed. [`Duration::MAX`] means that there is no end.
    pub(crate) fn remaining(&self) -> Duration {
        self.at.map_or(Duration::MAX, |at| at.saturating_duration_since(Instant::now()))
    }

    pub(crate) fn has_passed(&self) -> bool {
        self.remaining().is_zero()
    }

    /// The earlier of two deadlines: a step must keep its own limit and that of the operation it belongs to.
    pub(crate) fn or_sooner(self, other: Deadline) -> Deadline {
        if other.remaining() < self.remaining() { other } else { self }
    }
}

/// How long an operation may take that has perhaps not begun. Before it begins all of that is left, and nobody looks at the
/// clock: a look takes 20 ns, and were everybody to look, each message would pay for five.
///
/// It is copied like a number, and each copy begins for itself.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Patience {
    /// It has begun, and ends then.
    Until(Deadline),
    /// It has not begun.
    For(Duration),
}

impl From<Deadline> for Patience {
    fn from(deadline: Deadline) -> Patience {
        Patience::Until(deadline)
    }
}

impl Patience {
    /// What is left of it. Before it begins that is all, and no clock need be asked.
    pub(crate) fn left(&self) -> Duration {
        match self {
            Patience::Until(deadline) => deadline.remaining(),
            Patience::For(limit) => *limit,
        }
    }

    /// From now on it runs: when does it end?
    pub(crate) fn begin(&mut self) -> Deadline {
        let deadline = match *self {
            Patience::Until(deadline) => deadline,
            Patience::For(limit) => Deadline::after(limit),
        };
        *self = Patience::Until(deadline);
        deadline
    }
}

/// The time-out that the socket has at this moment, for one direction.
#[derive(Debug)]
pub(crate) struct TimeOut(Duration);

impl TimeOut {
    /// A new socket waits for ever.
    pub(crate) fn none() -> TimeOut {
        TimeOut(Duration::MAX)
    }

    /// Before a call: makes sure that the time-out does not overrun what is left of the deadline.
    pub(crate) fn shorten(
        &mut self,
        left: Duration,
        set: impl Fn(Option<Duration>) -> io::Result<()>,
    ) -> io::Result<()> {
        if self.0 > left.saturating_add(TICK) { self.renew(left, set) } else { Ok(()) }
    }

    /// After a call that timed out too early: the time-out was left over from an operation with less time.
    pub(crate) fn renew(&mut self, left: Duration, set: impl Fn(Option<Duration>) -> io::Result<()>) -> io::Result<()> {
        let left = left.max(TICK);
        set(if left == Duration::MAX { None } else { Some(left) })?;
        self.0 = left;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_beyond_the_clock_is_for_ever() {
        let deadline = Deadline::after(Duration::MAX).or_sooner(Deadline::never());
        assert_eq!(deadline.remaining(), Duration::MAX);
        assert!(!deadline.has_passed());
    }

    #[test]
    fn all_of_the_patience_is_left_until_it_begins() {
        let limit = Duration::from_secs(60);
        let mut patience = Patience::For(limit);
        assert_eq!(patience.left(), limit);
        let deadline = patience.begin();
        while deadline.remaining() == limit {}
        assert!(patience.left() < limit);
        assert_eq!(patience.begin().at, deadline.at, "it begins once");
    }

    #[test]
    fn the_sooner_one_wins_either_way_round() {
        let (soon, late) = (Deadline::after(Duration::ZERO), Deadline::after(Duration::from_secs(60)));
        assert!(soon.or_sooner(late).has_passed() && late.or_sooner(soon).has_passed());
    }
}
