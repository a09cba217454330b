//! How does one wait for a lock, and give up in time?
//!
//! A `Mutex` can be waited for or not, and nothing in between. Here the wait has a deadline, because whoever holds it may be
//! writing to a peer that does not read. So what is to be guarded lies in a channel with one place: whoever has taken it
//! out has the turn, and puts it back.
//!
//! # In production
//!
//! `parking_lot::Mutex` has `try_lock_until`.

use crate::deadline::Deadline;
use crossbeam_channel::{Receiver, Sender, bounded};

/// Something that one thread at a time may have. Invariant: it lies in the channel, or in exactly one [`Holder`].
#[derive(Debug)]
pub(super) struct Turn<T> {
    give_back: Sender<T>,
    take: Receiver<T>,
}

/// Whoever has the turn. It goes back by itself.
struct Holder<'a, T> {
    turn: &'a Turn<T>,
    /// `None` only while it is being dropped.
    held: Option<T>,
}

impl<T> Turn<T> {
    pub(super) fn new(guarded: T) -> Turn<T> {
        let (give_back, take) = bounded(1);
        let _ = give_back.send(guarded);
        Turn { give_back, take }
    }

    /// Does something in our turn. `None` if it is somebody else's until the deadline.
    pub(super) fn wait<R>(&self, deadline: Deadline, deed: impl FnOnce(&mut T) -> R) -> Option<R> {
        // Free is the usual case, and then the clock need not be asked.
        let held = self.take.try_recv().or_else(|_| self.take.recv_timeout(deadline.remaining())).ok()?;
        let mut holder = Holder { turn: self, held: Some(held) };
        holder.held.as_mut().map(deed)
    }
}

impl<T> Drop for Holder<'_, T> {
    /// Also when the holder panics: what is guarded is right at every moment.
    fn drop(&mut self) {
        if let Some(held) = self.held.take() {
            let _ = self.turn.give_back.send(held);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::time::Duration;

    #[test]
    fn one_at_a_time_and_whoever_waits_gives_up_in_time() {
        let turn = Turn::new(1);
        let soon = || Deadline::after(Duration::from_millis(10));
        let inside = turn.wait(soon(), |number| {
            *number += 1;
            turn.wait(soon(), |_| ()).is_none()
        });
        assert_eq!(inside, Some(true));
        assert_eq!(turn.wait(soon(), |number| *number), Some(2));
    }

    #[test]
    fn a_panic_gives_the_turn_back() {
        let turn = Turn::new(());
        let limit = Deadline::after(Duration::from_secs(10));
        let result = catch_unwind(AssertUnwindSafe(|| turn.wait(limit, |()| panic!("in its turn"))));
        assert!(result.is_err());
        assert_eq!(turn.wait(limit, |()| ()), Some(()));
    }
}
