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
//! Invariant: `writing` is true from the moment a thread takes a batch until everything is written or it gives up, and
//! only that thread touches the batch. What is queued and in the batch never exceeds the bound by more than one message,
//! unless it is the session's own.
//!
//! # In production
//!
//! One thread, or one task, for each connection does nothing but write from a channel. That is simpler, and costs a second
//! thread for each client and a switch of threads for each message.

use super::errands::Errands;
use super::error::Error;
use super::protocol::{FrameHeader, Outgoing, SendError, State, see_frames};
use crate::deadline::Deadline;
use crate::sender::why_unwritten;
use crate::trace::{Direction, FrameStep, Tracer};
use crate::transport::{Transport, Unwritten, enter};
use std::mem;
use std::net::Shutdown;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// Replies to one batch of messages leave at the latest when so many bytes are queued.
const BATCH: usize = 64 * 1024;
/// What the batch keeps of its memory.
const KEPT: usize = 64 * 1024;
/// How long a thread that is not the session's own waits for a peer that does not read, before it leaves the rest to
/// another thread: a broadcast to a thousand clients must not wait for one of them.
const PATIENCE: Duration = Duration::from_millis(1);

/// The sending half of a WebSocket.
#[derive(Debug)]
pub(super) struct Outbox {
    pub(super) transport: Arc<Transport>,
    half: Mutex<Half>,
    /// Somebody stopped writing.
    stopped_writing: Condvar,
    send_limit: Duration,
}

#[derive(Debug)]
struct Half {
    outgoing: Outgoing,
    batch: Batch,
    writing: bool,
    /// How much of the batch has not left, while the writer has it.
    leaving: usize,
    /// How many threads wait for the writer to stop.
    waiting_to_write: usize,
    /// The peer's direction has ended: kept here as well, for the state is made of both.
    incoming_ended: bool,
}

/// What was taken from the queue to be written.
#[derive(Debug, Default)]
struct Batch {
    bytes: Vec<u8>,
    written: usize,
}

/// Whether everything left.
#[derive(Debug, PartialEq, Eq)]
enum Left {
    All,
    /// The deadline passed first; the calling thread is still the writer.
    Some,
}

impl Outbox {
    pub(super) fn new(transport: Arc<Transport>, outgoing: Outgoing, send_limit: Duration) -> Arc<Outbox> {
        let half = Half {
            outgoing,
            batch: Batch::default(),
            writing: false,
            leaving: 0,
            waiting_to_write: 0,
            incoming_ended: false,
        };
        Arc::new(Outbox { transport, half: Mutex::new(half), stopped_writing: Condvar::new(), send_limit })
    }

    /// An outbox whose connection is not open yet: what is sent is queued behind the answer to the handshake.
    pub(super) fn not_yet_open(transport: Arc<Transport>, outgoing: Outgoing, send_limit: Duration) -> Arc<Outbox> {
        let outbox = Outbox::new(transport, outgoing, send_limit);
        enter(&outbox.half).writing = true;
        outbox
    }

    /// The answer to the handshake is written: what was queued meanwhile may follow.
    pub(super) fn open(&self) -> Result<(), Error> {
        self.stop_writing(&mut enter(&self.half));
        self.flush()
    }

    /// Queues what `queue` sends and leaves it there, unless much is waiting.
    pub(super) fn queue<T>(&self, queue: impl FnOnce(&mut Outgoing) -> Result<T, SendError>) -> Result<T, Error> {
        let mut half = enter(&self.half);
        let result = half.queue(queue, self.transport.tracer())?;
        if half.outgoing.pending().len() >= BATCH {
            self.write_all(half)?;
        }
        Ok(result)
    }

    /// Queues what `queue` sends, and returns when it is written.
    pub(super) fn send<T>(&self, queue: impl FnOnce(&mut Outgoing) -> Result<T, SendError>) -> Result<T, Error> {
        let mut half = enter(&self.half);
        let result = half.queue(queue, self.transport.tracer())?;
        self.write_all(half)?;
        Ok(result)
    }

    /// Writes what is queued, in one call if the system takes it.
    pub(super) fn flush(&self) -> Result<(), Error> {
        let half = enter(&self.half);
        if half.is_empty() { Ok(()) } else { self.write_all(half) }
    }

    // ANCHOR: post
    /// Queues what `queue` sends if no more than `bound` bytes are waiting, and never waits for the peer for longer than a
    /// millisecond. `Ok(false)`: the peer has not taken what was sent before, and this was not queued.
    pub(super) fn post(
        self: &Arc<Outbox>,
        bound: usize,
        errands: &Errands,
        queue: impl FnOnce(&mut Outgoing) -> Result<(), SendError>,
    ) -> Result<bool, Error> {
        let mut half = enter(&self.half);
        if half.waiting() > bound {
            return Ok(false);
        }
        half.queue(queue, self.transport.tracer())?;
        if half.writing || half.is_empty() {
            return Ok(true); // The writer takes it along.
        }
        if self.write(half, Deadline::after(PATIENCE))? == Left::Some {
            self.leave_to_another_thread(errands);
        }
        Ok(true)
    }

    /// The peer is slow. We are the writer, and hand that over to a thread that has the time to wait.
    fn leave_to_another_thread(self: &Arc<Outbox>, errands: &Errands) {
        let outbox = Arc::clone(self);
        let goes_on = move || {
            let deadline = Deadline::after(outbox.send_limit);
            if matches!(outbox.write(enter(&outbox.half), deadline), Ok(Left::Some)) {
                outbox.give_up();
                // The session's thread sits in a read, and learns by its end that the session is over.
                outbox.transport.shutdown(Shutdown::Both);
            }
        };
        if errands.start("slow client", goes_on).is_err() {
            // No thread is left. The rest waits for the next one that sends.
            self.stop_writing(&mut enter(&self.half));
        }
    }
    // ANCHOR_END: post

    /// The peer took nothing for the whole limit. It has the beginning of a frame whose rest will never come, so there is
    /// nothing left to say to it. What it still says can be heard.
    fn give_up(&self) {
        self.transport.shutdown(Shutdown::Write);
        let mut half = enter(&self.half);
        half.batch = Batch::default();
        half.outgoing.take();
        self.stop_writing(&mut half);
    }

    /// Waits its turn to write, and until everything is written.
    fn write_all<'a>(&'a self, mut half: MutexGuard<'a, Half>) -> Result<(), Error> {
        let deadline = Deadline::after(self.send_limit);
        while half.writing {
            if deadline.has_passed() {
                return Err(self.too_slow());
            }
            let wait = deadline.remaining().min(Duration::from_secs(3600));
            half.waiting_to_write += 1;
            half = self.stopped_writing.wait_timeout(half, wait).unwrap_or_else(PoisonError::into_inner).0;
            half.waiting_to_write -= 1;
        }
        match self.write(half, deadline)? {
            Left::All => Ok(()),
            Left::Some => {
                self.give_up();
                Err(self.too_slow())
            }
        }
    }

    fn too_slow(&self) -> Error {
        why_unwritten(Unwritten::TooLate, self.send_limit).into()
    }

    fn stop_writing(&self, half: &mut Half) {
        half.writing = false;
        // Waking is a system call even when nobody waits, and an echo has no third one to give.
        if half.waiting_to_write > 0 {
            self.stopped_writing.notify_all();
        }
    }

    // ANCHOR: write
    /// Becomes the writer, or goes on being it, and writes until nothing is queued or the deadline passes.
    fn write<'a>(&'a self, mut half: MutexGuard<'a, Half>, deadline: Deadline) -> Result<Left, Error> {
        half.writing = true;
        loop {
            let mut batch = mem::take(&mut half.batch);
            if batch.bytes.is_empty() {
                batch.bytes = half.outgoing.exchange(batch.bytes);
            }
            if batch.bytes.is_empty() {
                half.batch = batch;
                self.stop_writing(&mut half);
                return Ok(Left::All);
            }
            half.leaving = batch.bytes.len() - batch.written;
            drop(half);
            let result = self.transport.write(&batch.bytes[batch.written..], deadline);
            half = enter(&self.half);
            half.leaving = 0;
            match result {
                Ok(count) => batch.written += count,
                Err(unwritten) => {
                    // What is queued is gone as well: the peer may have a part of a frame, and nothing can follow that. A
                    // receive that came to send the rest would fail in the place of reading what the peer still says.
                    half.outgoing.take();
                    self.stop_writing(&mut half);
                    return Err(why_unwritten(unwritten, self.send_limit).into());
                }
            }
            let all = batch.written == batch.bytes.len();
            if all {
                batch.bytes.clear();
                batch.bytes.shrink_to(KEPT);
                batch.written = 0;
            }
            half.batch = batch;
            if !all {
                return Ok(Left::Some);
            }
        }
    }
    // ANCHOR_END: write

    /// The peer's direction has ended. It matters to the state, and to nobody who sends.
    pub(super) fn incoming_ended(&self, why: &str) {
        let mut half = enter(&self.half);
        let before = half.state();
        half.incoming_ended = true;
        half.tell_state(before, why, self.transport.tracer());
    }

    pub(super) fn state(&self) -> State {
        enter(&self.half).state()
    }
}

impl Half {
    /// How many bytes the peer has not taken.
    fn waiting(&self) -> usize {
        self.outgoing.pending().len() + self.leaving + self.batch.bytes.len() - self.batch.written
    }

    fn is_empty(&self) -> bool {
        self.waiting() == 0
    }

    fn state(&self) -> State {
        State::of(self.incoming_ended, self.outgoing.is_closed())
    }

    /// With an observer, each frame is told as it stands in the queue: what is told is what will be written.
    fn queue<T>(
        &mut self,
        queue: impl FnOnce(&mut Outgoing) -> Result<T, SendError>,
        tracer: &Tracer,
    ) -> Result<T, SendError> {
        let (before, mark) = (self.state(), self.outgoing.pending().len());
        let result = queue(&mut self.outgoing)?;
        if tracer.is_on() {
            see_frames(&self.outgoing.pending()[mark..], &mut |header, payload| {
                tell_frame(tracer, Direction::Out, header, payload);
            });
            self.tell_state(before, "our Close frame", tracer);
        }
        Ok(result)
    }

    fn tell_state(&self, before: State, why: &str, tracer: &Tracer) {
        let now = self.state();
        if now != before {
            tracer.state(before.name(), now.name(), why);
        }
    }
}

/// Tells of one frame, header and unmasked payload.
pub(super) fn tell_frame(tracer: &Tracer, direction: Direction, header: &FrameHeader, payload: &[u8]) {
    if !tracer.is_on() {
        return;
    }
    let mut bytes = Vec::with_capacity(14);
    header.encode(&mut bytes);
    // On the wire the masking key ends the header; the trace shows it by itself.
    bytes.truncate(bytes.len() - header.mask.map_or(0, |key| key.len()));
    let rsv = u8::from(header.rsv1) << 2 | u8::from(header.rsv2) << 1 | u8::from(header.rsv3);
    let frame = FrameStep {
        fin: header.fin,
        rsv,
        opcode: header.opcode.bits(),
        key: header.mask,
        length: header.length,
        header: &bytes,
        payload,
    };
    tracer.frame(direction, frame);
}
