//! How does a stream end, and who notices?
//!
//! Each direction ends by itself. We end ours with a shutdown, and the peer's read meets the end behind our last byte; the
//! peer's ends when a read of ours brings nothing. Either may also break: the system then fails one call of ours, whichever
//! comes first, and only that one.
//!
//! Invariant: what has ended stays ended, and how it did is not forgotten.
//!
//! # In production
//!
//! A server keeps the last seconds of a closing connection off its worker threads: it lingers in the event loop.

use super::Wire;
use super::system::{is_loss, is_time_out};
use crate::deadline::TICK;
use crate::trace::{Call, Outcome};
use std::io::{self, ErrorKind};
use std::net::Shutdown;
use std::sync::TryLockError;
use std::sync::atomic::Ordering;

impl Wire {
    /// The system fails a call because the peer vanished: it will not say so again.
    pub(super) fn remember(&self, error: &io::Error) {
        if is_loss(error.kind()) {
            // The first report stays: what comes after it only follows from it.
            let _ = self.lost.set(error.kind());
        }
    }

    /// Whose end a read met that brought nothing.
    pub(super) fn end<'a>(&self) -> Outcome<'a> {
        if self.has_stopped_receiving() { Outcome::OwnEnd } else { Outcome::End }
    }

    /// Says that we send nothing more, or that we also receive nothing more. It wakes a thread that is blocked in a
    /// read (it meets the end) or in a write (it fails): dropping another handle would wake nobody.
    pub(crate) fn shutdown(&self, how: Shutdown) {
        if how != Shutdown::Read {
            self.sending_ended.store(true, Ordering::Release);
        }
        if how != Shutdown::Write {
            self.stopped_receiving.store(true, Ordering::Release);
        }
        let started = self.tracer.start(if how == Shutdown::Read { Call::ShutdownRead } else { Call::Shutdown });
        let result = self.stream.shutdown(how);
        self.tracer.finish(started, || match &result {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::Failed(error),
        });
        // The only way to fail is that the peer's reset was quicker. The direction is shut then, which is what we want.
    }

    /// From now on the conversation counts as ended by us. False if it did already.
    pub(crate) fn mark_closed(&self) -> bool {
        !self.closed.swap(true, Ordering::AcqRel)
    }

    /// We have ended the conversation.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// We have ended the receiving direction ourselves.
    pub(crate) fn has_stopped_receiving(&self) -> bool {
        self.stopped_receiving.load(Ordering::Acquire)
    }

    /// A read met the end, or will never bring anything again.
    pub(crate) fn has_received_all(&self) -> bool {
        self.receiving_ended.load(Ordering::Acquire)
    }

    /// We have said that we send nothing more, or cannot.
    pub(crate) fn has_finished_sending(&self) -> bool {
        self.sending_ended.load(Ordering::Acquire)
    }

    /// Neither side has ended, as far as one look tells. Where another thread is reading, that thread will be the one
    /// to notice an end, so nothing is asked.
    pub(crate) fn is_open(&self) -> bool {
        if self.receiving_ended.load(Ordering::Acquire) || self.is_closed() {
            return false;
        }
        let mut time_out = match self.reading.try_lock() {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return true,
        };
        if time_out.shorten(TICK, |limit| self.stream.set_read_timeout(limit)).is_err() {
            return false;
        }
        let mut byte = [0];
        let started = self.tracer.start(Call::Peek);
        let result = self.stream.peek(&mut byte);
        self.tracer.finish(started, || match &result {
            Ok(0) => self.end(),
            Ok(_) => Outcome::Bytes(&byte),
            Err(error) if is_time_out(error) => Outcome::Nothing,
            Err(error) => Outcome::Failed(error),
        });
        match result {
            Ok(count) => count > 0,
            Err(error) if is_time_out(&error) || error.kind() == ErrorKind::Interrupted => true,
            Err(error) => {
                self.remember(&error);
                false
            }
        }
    }
}
