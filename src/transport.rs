//! How do two threads share one stream of bytes, and how does every wait end?
//!
//! A TCP connection is two streams, one each way. `&TcpStream` can read and write, so one thread may sit in a read while
//! another writes, through the same descriptor; `try_clone` would only cost a second one, for time-outs and shutdown
//! belong to the socket and not to the handle.
//!
//! Data: the stream, and for each direction a lock that holds the time-out which the socket has now. Who holds the
//! reading lock is the reader; who holds the writing lock writes one whole piece, so that two writers never mix.
//!
//! Each operation has a [`Deadline`]. A blocking call knows only a time-out of its own, set by one more system call. So
//! the socket keeps the time-out it has, and it is set again only when it would overrun the deadline, or when it
//! expired too early: an echo server makes two system calls for a message, not three.
//!
//! # In production
//!
//! One thread waits for many sockets with `epoll`, `kqueue` or completion ports, and a timer wheel holds all deadlines.

use crate::deadline::{Deadline, TICK, TimeOut};
use crate::trace::{Call, Outcome, TellClose, Tracer};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

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

/// One byte stream, both ways.
#[derive(Debug)]
pub(crate) struct Transport {
    stream: TcpStream,
    _told: TellClose,
    tracer: Tracer,
    reading: Mutex<TimeOut>,
    writing: Mutex<TimeOut>,
    /// A read met the end.
    receiving_ended: AtomicBool,
    /// We shut it, or a write failed half-way: what we would write now could not be understood.
    sending_ended: AtomicBool,
    /// We ended the conversation ourselves, both ways.
    closed: AtomicBool,
}

impl Transport {
    /// Takes over a connected stream.
    pub(crate) fn new(stream: TcpStream, mut tracer: Tracer, no_delay: bool) -> io::Result<Transport> {
        tracer.descriptor = descriptor(&stream);
        tracer.local = stream.local_addr().ok();
        tracer.peer = tracer.peer.or_else(|| stream.peer_addr().ok());
        // From here on whatever fails closes the descriptor and tells so.
        let transport = Transport {
            stream,
            _told: TellClose(tracer.clone()),
            tracer,
            reading: Mutex::new(TimeOut::none()),
            writing: Mutex::new(TimeOut::none()),
            receiving_ended: AtomicBool::new(false),
            sending_ended: AtomicBool::new(false),
            closed: AtomicBool::new(false),
        };
        transport.stream.set_nodelay(no_delay)?;
        Ok(transport)
    }

    pub(crate) fn tracer(&self) -> &Tracer {
        &self.tracer
    }

    /// One read, as soon as there is anything. Waits until the deadline.
    pub(crate) fn read(&self, space: &mut [u8], deadline: Deadline) -> io::Result<Chunk> {
        let mut time_out = enter(&self.reading);
        let started = self.tracer.start_waiting(Call::Read, None);
        let set = |limit| self.stream.set_read_timeout(limit);
        let mut ready = time_out.shorten(deadline.remaining(), set);
        let result = loop {
            match ready.and_then(|()| (&self.stream).read(space)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => ready = Ok(()),
                Err(error) if is_time_out(&error) && !deadline.has_passed() => {
                    ready = time_out.renew(deadline.remaining(), set);
                }
                result => break result,
            }
        };
        self.tracer.finish(started, || match &result {
            Ok(0) => Outcome::End,
            Ok(count) => Outcome::Bytes(&space[..*count]),
            Err(error) if is_time_out(error) => Outcome::Nothing,
            Err(error) => Outcome::Failed(error),
        });
        match result {
            Ok(0) => {
                self.receiving_ended.store(true, Ordering::Release);
                Ok(Chunk::End)
            }
            Ok(count) => Ok(Chunk::Bytes(count)),
            Err(error) if is_time_out(&error) => Ok(Chunk::Nothing),
            Err(error) => {
                self.receiving_ended.store(true, Ordering::Release);
                Err(error)
            }
        }
    }

    /// The next read may wait until then. A time-out that was left over from an operation with less time would end it early
    /// once, and cost a system call then instead of now.
    pub(crate) fn renew_read_limit(&self, deadline: Deadline) -> io::Result<()> {
        enter(&self.reading).renew(deadline.remaining(), |limit| self.stream.set_read_timeout(limit))
    }

    /// Writes all of `bytes`.
    ///
    /// Fails with [`ErrorKind::TimedOut`] when the deadline passes first. The peer then has the beginning of something
    /// whose rest can never follow, so the sending direction is closed.
    pub(crate) fn write_all(&self, bytes: &[u8], deadline: Deadline) -> io::Result<()> {
        let written = self.write(bytes, deadline)?;
        if written < bytes.len() {
            self.sending_ended.store(true, Ordering::Release);
            return Err(ErrorKind::TimedOut.into());
        }
        Ok(())
    }

    /// Writes as much of `bytes` as goes until the deadline, and says how much that was. A single system call may take
    /// less than it is given: the system's buffer is full while the peer does not read.
    pub(crate) fn write(&self, bytes: &[u8], deadline: Deadline) -> io::Result<usize> {
        let mut time_out = enter(&self.writing);
        let set = |limit| self.stream.set_write_timeout(limit);
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.sending_ended.load(Ordering::Acquire) {
                return Err(ErrorKind::NotConnected.into());
            }
            time_out.shorten(deadline.remaining(), set)?;
            let started = self.tracer.start_waiting(Call::Write, Some(rest.len()));
            let result = (&self.stream).write(rest);
            self.tracer.finish(started, || match &result {
                Ok(count) => Outcome::Bytes(&rest[..*count]),
                Err(error) if is_time_out(error) => Outcome::Nothing,
                Err(error) => Outcome::Failed(error),
            });
            match result {
                Ok(count) => rest = &rest[count..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if is_time_out(&error) && deadline.has_passed() => break,
                Err(error) if is_time_out(&error) => time_out.renew(deadline.remaining(), set)?,
                Err(error) => {
                    self.sending_ended.store(true, Ordering::Release);
                    return Err(error);
                }
            }
        }
        Ok(bytes.len() - rest.len())
    }

    /// Says that we send nothing more, or that we also receive nothing more. It wakes a thread that is blocked in a
    /// read (it meets the end) or in a write (it fails): dropping another handle would wake nobody.
    pub(crate) fn shutdown(&self, how: Shutdown) {
        if how != Shutdown::Read {
            self.sending_ended.store(true, Ordering::Release);
        }
        let started = self.tracer.start(Call::Shutdown);
        let result = self.stream.shutdown(how);
        self.tracer.finish(started, || match &result {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::Failed(error),
        });
        // The only way to fail is that the peer's reset was quicker. The direction is shut then, which is what we want.
    }

    /// Ends the conversation so that the peer gets our last byte: stop writing, read to the end, and only then let the
    /// descriptor go. A close while unread bytes lie in our buffer sends a reset, and at the peer a reset throws away
    /// what it had not read yet (RFC 1122 section 4.2.2.13).
    pub(crate) fn close(&self, deadline: Deadline) {
        if !self.sending_ended.load(Ordering::Acquire) {
            self.shutdown(Shutdown::Write);
        }
        self.read_to_end(deadline);
        self.closed.store(true, Ordering::Release);
    }

    /// Reads and throws away until the peer's end or the deadline.
    pub(crate) fn read_to_end(&self, deadline: Deadline) {
        let mut scrap = vec![0; 16 * 1024];
        while !self.receiving_ended.load(Ordering::Acquire) && !deadline.has_passed() {
            // Whatever comes now, nobody waits for it; an error or the end is an end.
            if !matches!(self.read(&mut scrap, deadline), Ok(Chunk::Bytes(_))) {
                break;
            }
        }
    }

    /// We have ended the conversation.
    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
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
            Ok(0) => Outcome::End,
            Ok(_) => Outcome::Bytes(&byte),
            Err(error) if is_time_out(error) => Outcome::Nothing,
            Err(error) => Outcome::Failed(error),
        });
        match result {
            Ok(count) => count > 0,
            Err(error) => is_time_out(&error) || error.kind() == ErrorKind::Interrupted,
        }
    }
}

/// Enters a lock even if a thread panicked inside. What our locks guard is right at every moment, so a panic in one
/// client's code is no reason to fail all others.
pub(crate) fn enter<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A time-out is `WouldBlock` on Unix and `TimedOut` on Windows. A connection that the system itself gave up is
/// `TimedOut` on Unix too; our own limits are always shorter than its.
fn is_time_out(error: &io::Error) -> bool {
    error.kind() == ErrorKind::WouldBlock || (cfg!(windows) && error.kind() == ErrorKind::TimedOut)
}

#[cfg(unix)]
pub(crate) fn descriptor(socket: &impl std::os::fd::AsRawFd) -> Option<i32> {
    Some(socket.as_raw_fd())
}

#[cfg(not(unix))]
pub(crate) fn descriptor<T>(_socket: &T) -> Option<i32> {
    None
}
