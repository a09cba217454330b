//! How long has a client said nothing, and what is to be done about it?
//!
//! Two clocks run. One asks whether the client lives: any byte is a sign of life, and after too long without one it gets a
//! Ping. The other asks whether it still wants something: only a message counts.
//!
//! Neither is looked at for each message. Each read waits for the same time, `patience`, so its time-out is set once and
//! not for each message; and when a read has waited in vain, it is known how long ago the last message was at least.
//!
//! # In production
//!
//! The same two, and the numbers matter: many proxies end a connection that was silent for 60 s.

use super::limits::Limits;
use crate::deadline::Patience;
use std::time::{Duration, Instant};

/// What silence asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Todo {
    Wait,
    Ping,
    /// Too long without a message.
    Leave,
    /// Too long without a sign of life.
    TakeForDead,
}

/// The clocks of one session.
pub(super) struct Silence<'a> {
    limits: &'a Limits,
    /// How long the next read waits.
    patience: Duration,
    /// A Ping is on its way.
    asked: bool,
    last_message: Instant,
    /// A message came, and `last_message` does not know of it yet.
    fresh: bool,
    leaving: bool,
}

impl<'a> Silence<'a> {
    pub(super) fn new(limits: &'a Limits) -> Silence<'a> {
        let patience = limits.ping_interval.min(limits.idle_limit);
        Silence { limits, patience, asked: false, last_message: Instant::now(), fresh: false, leaving: false }
    }

    /// How long the next read waits.
    pub(super) fn patience(&self) -> Patience {
        Patience::For(self.patience)
    }

    /// A message came, or with `message` false a Ping or a Pong. True if a look is due: a client that sends Pings, and
    /// nothing else, leaves no read the time to wait in vain.
    pub(super) fn sign_of_life(&mut self, message: bool) -> bool {
        if !message && std::mem::take(&mut self.fresh) {
            self.last_message = Instant::now();
        }
        self.fresh |= message;
        if std::mem::take(&mut self.asked) {
            self.schedule();
        }
        !message && !self.leaving && self.is_idle()
    }

    /// A read has waited in vain, or a look is due. `heard`: bytes have come, but nothing whole.
    pub(super) fn look(&mut self, heard: bool) -> Todo {
        if std::mem::take(&mut self.fresh) {
            let now = Instant::now();
            self.last_message = now.checked_sub(self.patience).unwrap_or(now);
        }
        let todo = if self.is_idle() && !self.leaving {
            self.leaving = true;
            Todo::Leave
        } else if heard {
            self.asked = false;
            Todo::Wait
        } else if self.asked {
            Todo::TakeForDead
        } else {
            self.asked = true;
            Todo::Ping
        };
        self.schedule();
        todo
    }

    fn is_idle(&self) -> bool {
        self.limits.idle_limit != Duration::MAX && self.last_message.elapsed() >= self.limits.idle_limit
    }

    fn schedule(&mut self) {
        let patience = if self.asked { self.limits.pong_limit } else { self.limits.ping_interval };
        let until_idle = self.limits.idle_limit.saturating_sub(self.last_message.elapsed());
        self.patience = if self.leaving { patience } else { patience.min(until_idle) };
    }
}
