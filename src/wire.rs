//! How do two threads share one socket, and how does every wait end?
//!
//! A TCP connection is two streams, one each way. `&TcpStream` can read and write, so one thread may sit in a read while
//! another writes, through the same descriptor; `try_clone` would only cost a second one, for time-outs and shutdown
//! belong to the socket and not to the handle.
//!
//! Data: the stream, and for each direction a lock that holds the time-out which the socket has now. Who holds the
//! reading lock is the reader; who holds the writing lock writes one whole piece, so that two writers never mix.
//!
//! Each operation has a deadline, and begins with all of its [`Patience`]. A blocking call knows only a time-out of its own,
//! set by one more system call. So the socket keeps the time-out it has, and it is set again only when it would overrun the
//! deadline, or when it expired too early: an echo server makes two system calls for a message, not three.
//!
//! # In production
//!
//! One thread waits for many sockets with `epoll`, `kqueue` or completion ports, and a timer wheel holds all deadlines.

mod ending;
mod gather;
mod system;

pub(crate) use gather::Gather;
pub(crate) use system::descriptor;

use crate::deadline::{Patience, TimeOut};
use crate::trace::{Call, Outcome, TellClose, Tracer};
use std::io::{self, ErrorKind, Read};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use system::is_time_out;

/// What one read brought.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Chunk {
    /// So many bytes, at least one.
    Bytes(usize),
    /// The peer will send nothing more.
    End,
    /// The deadline passed.
    Nothing,
}

/// Why a write has not handed over everything.
#[derive(Debug)]
pub(crate) enum Unwritten {
    /// The deadline passed.
    TooLate,
    /// This direction had ended, or was ended meanwhile by another thread of ours.
    Ended,
    /// The system failed us, or the peer did.
    Failed(io::Error),
}

/// One connected socket, both ways.
#[derive(Debug)]
pub(crate) struct Wire {
    stream: TcpStream,
    _told: TellClose,
    tracer: Tracer,
    reading: Mutex<TimeOut>,
    writing: Mutex<TimeOut>,
    /// How the peer vanished, once a call was told. The system tells it once, to whichever call comes first: the next
    /// read meets what looks like an orderly end.
    lost: OnceLock<ErrorKind>,
    /// We shut the receiving direction: the end that a read meets is our own.
    stopped_receiving: AtomicBool,
    /// A read met the end.
    receiving_ended: AtomicBool,
    /// We shut it, or a write failed half-way: what we would write now could not be understood.
    sending_ended: AtomicBool,
    /// We ended the conversation ourselves, both ways.
    closed: AtomicBool,
}

impl Wire {
    /// Takes over a connected stream.
    pub(crate) fn new(stream: TcpStream, mut tracer: Tracer, no_delay: bool) -> io::Result<Wire> {
        tracer.descriptor = descriptor(&stream);
        tracer.local = stream.local_addr().ok();
        tracer.peer = tracer.peer.or_else(|| stream.peer_addr().ok());
        // From here on whatever fails closes the descriptor and tells so.
        let wire = Wire {
            stream,
            _told: TellClose(tracer.clone()),
            tracer,
            reading: Mutex::new(TimeOut::none()),
            writing: Mutex::new(TimeOut::none()),
            lost: OnceLock::new(),
            stopped_receiving: AtomicBool::new(false),
            receiving_ended: AtomicBool::new(false),
            sending_ended: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        };
        wire.stream.set_nodelay(no_delay)?;
        Ok(wire)
    }

    pub(crate) fn tracer(&self) -> &Tracer {
        &self.tracer
    }

    /// One read, as soon as there is anything. A wait that has not begun begins now.
    pub(crate) fn read(&self, space: &mut [u8], wait: &mut Patience) -> io::Result<Chunk> {
        let mut time_out = enter(&self.reading);
        let (left, deadline) = (wait.left(), wait.begin());
        let started = self.tracer.start_waiting(Call::Read, None);
        let set = |limit| self.stream.set_read_timeout(limit);
        let mut ready = time_out.shorten(left, set);
        let result = loop {
            match ready.and_then(|()| (&self.stream).read(space)) {
                // A signal, or Ctrl+Z and fg. The system would begin the whole time-out anew.
                Err(error) if error.kind() == ErrorKind::Interrupted => {
                    ready = time_out.shorten(deadline.remaining(), set);
                }
                Err(error) if is_time_out(&error) && !deadline.has_passed() => {
                    ready = time_out.renew(deadline.remaining(), set);
                }
                result => break result,
            }
        };
        self.tracer.finish(started, || match &result {
            Ok(0) => self.end(),
            Ok(count) => Outcome::Bytes(&space[..*count]),
            Err(error) if is_time_out(error) => Outcome::Nothing,
            Err(error) => Outcome::Failed(error),
        });
        match result {
            Ok(0) => {
                self.receiving_ended.store(true, Ordering::Release);
                self.lost.get().map_or(Ok(Chunk::End), |&kind| Err(kind.into()))
            }
            Ok(count) => Ok(Chunk::Bytes(count)),
            Err(error) if is_time_out(&error) => Ok(Chunk::Nothing),
            Err(error) => {
                self.receiving_ended.store(true, Ordering::Release);
                self.remember(&error);
                Err(error)
            }
        }
    }

    /// The next read may wait so long. A time-out that was left over from an operation with less time would end it early
    /// once, and cost a system call then instead of now.
    pub(crate) fn renew_read_limit(&self, wait: Patience) -> io::Result<()> {
        enter(&self.reading).renew(wait.left(), |limit| self.stream.set_read_timeout(limit))
    }

    /// Writes as much of `bytes` as goes while there is patience, and says how much that was. A single system call may take
    /// less than it is given: the system's buffer is full while the peer does not read.
    pub(crate) fn write(&self, bytes: Gather<'_>, mut wait: Patience) -> Result<usize, Unwritten> {
        let mut time_out = enter(&self.writing);
        let set = |limit| self.stream.set_write_timeout(limit);
        // An observer is shown what each call took, in one piece; so for an observed peer the call is the plain one.
        let observed = self.tracer.is_on().then(|| bytes.joined());
        let mut rest = observed.as_deref().map_or(bytes, Gather::from);
        while !rest.is_empty() {
            if self.sending_ended.load(Ordering::Acquire) {
                return Err(Unwritten::Ended);
            }
            time_out.shorten(wait.left(), set).map_err(Unwritten::Failed)?;
            let deadline = wait.begin();
            let started = self.tracer.start_waiting(Call::Write, Some(rest.len()));
            let result = rest.write_to(&self.stream);
            self.tracer.finish(started, || match &result {
                Ok(count) => Outcome::Bytes(&rest.body[..*count]),
                Err(error) if is_time_out(error) => Outcome::Nothing,
                Err(error) => Outcome::Failed(error),
            });
            match result {
                Ok(count) => {
                    rest = rest.after(count);
                    // A peer that reads a little now and then lets each write succeed in part, and never the whole.
                    if !rest.is_empty() && deadline.has_passed() {
                        break;
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_time_out(&error) && deadline.has_passed() => break,
                Err(error) if is_time_out(&error) => {
                    time_out.renew(deadline.remaining(), set).map_err(Unwritten::Failed)?;
                }
                Err(error) => {
                    self.remember(&error);
                    let ended_before = self.sending_ended.swap(true, Ordering::AcqRel);
                    return Err(if ended_before { Unwritten::Ended } else { Unwritten::Failed(error) });
                }
            }
        }
        Ok(bytes.len() - rest.len())
    }
}

/// Enters a lock even if a thread panicked inside. What our locks guard is right at every moment, so a panic in one
/// client's code is no reason to fail all others.
pub(crate) fn enter<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
