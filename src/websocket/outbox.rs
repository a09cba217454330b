//! How do many threads send to one peer, in one order, without waiting for each other?
//!
//! Frames are queued under a lock, and the order in which they were queued is the order on the wire. Who finds nobody
//! writing becomes the writer: it takes all that is queued as one batch, gives the lock back, and only then makes the
//! system call, which may wait for a peer that does not read. Whoever sends meanwhile only queues; the writer takes that
//! along in its next batch.
//!
//! ```text
//!   send() ─┐                                        ┌─> write(batch) ─> the peer
//!   send() ─┼─> [ queue: frames ] ──> the writer ────┘       the lock is free meanwhile
//!   reply ──┘        lock               one at a time
//! ```
//!
//! Who sends for itself waits until its own bytes have left, whoever writes them, and no longer: a writer whose share is
//! done, and that others keep busy, leaves the rest to a thread that has the time.
//!
//! Data: the queue, the batch, and how much has left of all that was ever queued (`outbox/half.rs`).
//! Invariant: `writing` is true from the moment a thread takes a batch until everything is written or it gives up, and
//! only that thread touches the batch. What is queued and in the batch never exceeds the bound by more than one message,
//! unless it is the session's own.
//!
//! # In production
//!
//! One thread, or one task, for each connection does nothing but write from a channel. That is simpler, and costs a second
//! thread for each client and a switch of threads for each message.

mod half;
mod in_place;
mod writer;

pub(super) use half::tell_frame;

use super::errands::Errands;
use super::error::Error;
use super::protocol::{Outgoing, SendError, State};
use crate::deadline::Deadline;
use crate::transport::{Transport, enter};
use half::Half;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

/// Replies to one batch of messages leave at the latest when so many bytes are queued.
const BATCH: usize = 64 * 1024;
/// What one client's messages say to everybody leaves for each at the latest then: this much memory is taken as often as there
/// are clients.
const SHARE: usize = 16 * 1024;

/// The sending half of a WebSocket.
#[derive(Debug)]
pub(super) struct Outbox {
    pub(super) transport: Arc<Transport>,
    half: Mutex<Half>,
    /// Some of it was written, or somebody stopped writing.
    went_on: Condvar,
    send_limit: Duration,
    /// Who goes on writing for those who have no time. `None`: everybody who sends waits.
    errands: Option<Arc<Errands>>,
}

impl Outbox {
    pub(super) fn new(transport: Arc<Transport>, outgoing: Outgoing, send_limit: Duration) -> Arc<Outbox> {
        Arc::new(Outbox::with(transport, outgoing, send_limit, None))
    }

    /// A server's outbox, whose connection is not open yet: what is sent is queued behind the answer to the handshake.
    pub(super) fn not_yet_open(transport: Arc<Transport>, send_limit: Duration, errands: Arc<Errands>) -> Arc<Outbox> {
        let outbox = Outbox::with(transport, Outgoing::server(), send_limit, Some(errands));
        enter(&outbox.half).writing = true;
        Arc::new(outbox)
    }

    fn with(
        transport: Arc<Transport>,
        outgoing: Outgoing,
        send_limit: Duration,
        errands: Option<Arc<Errands>>,
    ) -> Outbox {
        Outbox { transport, half: Mutex::new(Half::new(outgoing)), went_on: Condvar::new(), send_limit, errands }
    }

    /// The answer to the handshake is written: what was queued meanwhile may follow.
    pub(super) fn open(self: &Arc<Outbox>) -> Result<(), Error> {
        self.stop_writing(enter(&self.half));
        self.write_for_a_moment(enter(&self.half))
    }

    /// Queues what `queue` sends and leaves it there, unless much is waiting.
    pub(super) fn queue<T>(
        self: &Arc<Outbox>,
        queue: impl FnOnce(&mut Outgoing) -> Result<T, SendError>,
    ) -> Result<T, Error> {
        let mut half = enter(&self.half);
        let before = half.outgoing.pending().len();
        let result = half.queue(queue, self.transport.tracer())?;
        let pending = half.outgoing.pending().len();
        if pending > before {
            half.note_own((pending - before) as u64);
            if pending >= BATCH {
                self.write_own(half)?;
            }
        }
        Ok(result)
    }

    /// Queues what `queue` sends, and returns when it is written.
    pub(super) fn send<T>(
        self: &Arc<Outbox>,
        queue: impl FnOnce(&mut Outgoing) -> Result<T, SendError>,
    ) -> Result<T, Error> {
        self.send_before(self.limit_of_a_send(), queue)
    }

    /// As [`Outbox::send`], with a deadline for the whole of it: a goodbye has less time than a message.
    pub(super) fn send_before<T>(
        self: &Arc<Outbox>,
        whole: Option<Deadline>,
        queue: impl FnOnce(&mut Outgoing) -> Result<T, SendError>,
    ) -> Result<T, Error> {
        let mut half = enter(&self.half);
        let result = half.queue(queue, self.transport.tracer())?;
        let mark = half.end();
        self.write_up_to(half, mark, whole)?;
        Ok(result)
    }

    /// Writes what is queued, in one call if the system takes it. What others sent is not waited for if none of it stands
    /// before our own: a client that does not take that may still have something to say.
    pub(super) fn flush(self: &Arc<Outbox>) -> Result<(), Error> {
        let half = enter(&self.half);
        if half.written < half.own { self.write_own(half) } else { self.write_for_a_moment(half) }
    }

    // ANCHOR: post
    /// Queues what `queue` sends if no more than `bound` bytes of others are waiting, and never waits for the peer for longer than a
    /// millisecond. `Ok(false)`: the peer has not taken what was sent before, and this was not queued.
    pub(super) fn post(
        self: &Arc<Outbox>,
        bound: usize,
        queue: impl FnOnce(&mut Outgoing) -> Result<(), SendError>,
    ) -> Result<bool, Error> {
        let mut half = enter(&self.half);
        if half.waiting_from_others() > bound {
            return Ok(false);
        }
        half.queue(queue, self.transport.tracer())?;
        self.write_for_a_moment(half)?;
        Ok(true)
    }
    // ANCHOR_END: post

    /// As [`Outbox::post`], but leaves it queued until [`Outbox::write_posted`], unless much is waiting. What nobody has
    /// tried to write yet is not held against the peer.
    pub(super) fn post_later(
        self: &Arc<Outbox>,
        bound: usize,
        queue: impl FnOnce(&mut Outgoing) -> Result<(), SendError>,
    ) -> Result<bool, Error> {
        let mut half = enter(&self.half);
        if half.waiting() >= SHARE.min(bound) {
            self.write_for_a_moment(half)?;
            half = enter(&self.half);
        }
        if half.waiting_from_others() > bound {
            return Ok(false);
        }
        half.queue(queue, self.transport.tracer())?;
        Ok(true)
    }

    /// Writes what was posted for later. It is not waited for, for longer than a millisecond.
    pub(super) fn write_posted(self: &Arc<Outbox>) {
        // An error is for the session's own thread, which meets it in its next read.
        let _ = self.write_for_a_moment(enter(&self.half));
    }

    /// The peer's direction has ended. It matters to the state, and to nobody who sends.
    pub(super) fn incoming_ended(&self, why: &str) {
        enter(&self.half).incoming_ended(why, self.transport.tracer());
    }

    pub(super) fn state(&self) -> State {
        enter(&self.half).state()
    }
}
