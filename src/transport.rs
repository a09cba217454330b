//! What does a conversation need from below?
//!
//! A stream of bytes each way, a deadline for each operation, and an end in order. Whether the bytes cross as they are or
//! encrypted is nobody's affair above this line: with TLS there is one more layer in between, and the same promises.
//!
//! ```text
//!   Connection, WebSocket          messages
//!   Transport                      bytes          write, read, finish_sending, close
//!   Tls (if there is one)          records        encrypt, decrypt
//!   Wire                           bytes          sendto, recvfrom, shutdown, close
//! ```
//!
//! # In production
//!
//! The same line is a trait (`AsyncRead` and `AsyncWrite` in tokio, `net.Conn` in Go), and more than TLS hides behind it.

use crate::deadline::{Deadline, Patience};
use crate::tls::Tls;
use crate::trace::Tracer;
use crate::wire::Wire;
use std::io;
use std::net::{Shutdown, TcpStream};

pub(crate) use crate::wire::{Chunk, Gather, Unwritten, descriptor, enter};

/// One stream of bytes each way, plain or encrypted, for two threads.
#[derive(Debug)]
pub(crate) struct Transport {
    wire: Wire,
    /// Apart, for it is 1.6 KB, and a plain connection shall not pay for it.
    tls: Option<Box<Tls>>,
}

impl Transport {
    /// Takes over a connected stream. With TLS the handshake is still to come: see [`Transport::secure`].
    pub(crate) fn new(stream: TcpStream, tracer: Tracer, no_delay: bool, tls: Option<Tls>) -> io::Result<Transport> {
        Ok(Transport { wire: Wire::new(stream, tracer, no_delay)?, tls: tls.map(Box::new) })
    }

    pub(crate) fn tracer(&self) -> &Tracer {
        self.wire.tracer()
    }

    pub(crate) fn tls(&self) -> Option<&Tls> {
        self.tls.as_deref()
    }

    /// The TLS handshake, if there is TLS and it has not been made. The first read or write would make it as well; whoever
    /// wants to know the peer before it says anything calls this. False if the deadline passed first.
    pub(crate) fn secure(&self, deadline: Deadline) -> io::Result<bool> {
        self.tls.as_ref().map_or(Ok(true), |tls| tls.secure(&self.wire, deadline))
    }

    /// Reads as soon as there is anything. A wait that has not begun begins now.
    pub(crate) fn read(&self, space: &mut [u8], wait: &mut Patience) -> io::Result<Chunk> {
        match &self.tls {
            None => self.wire.read(space, wait),
            Some(tls) => tls.read(&self.wire, space, wait.begin()),
        }
    }

    /// The next read may wait so long: see [`Wire::renew_read_limit`].
    pub(crate) fn renew_read_limit(&self, wait: Patience) -> io::Result<()> {
        self.wire.renew_read_limit(wait)
    }

    /// Writes as much of `bytes` as goes while there is patience, and says how much that was. Whoever calls it again goes on
    /// behind that: TLS may have encrypted what follows already.
    pub(crate) fn write<'a>(
        &self,
        bytes: impl Into<Gather<'a>>,
        wait: impl Into<Patience>,
    ) -> Result<usize, Unwritten> {
        let (bytes, mut wait) = (bytes.into(), wait.into());
        match &self.tls {
            None => self.wire.write(bytes, wait),
            Some(tls) => tls.write(&self.wire, bytes, wait.begin()),
        }
    }

    /// Writes all of `bytes`.
    ///
    /// When the deadline passes first the peer has the beginning of something whose rest can never follow: then the
    /// direction is shut, so that it meets an end behind that beginning, and does not wait.
    pub(crate) fn write_all(&self, bytes: &[u8], deadline: Deadline) -> Result<(), Unwritten> {
        if self.write(bytes, deadline)? == bytes.len() {
            return Ok(());
        }
        self.wire.shutdown(Shutdown::Write);
        Err(Unwritten::TooLate)
    }

    /// Says that nothing more will be sent. TLS has a word of its own for that, and without it the peer must take the end
    /// for a cut.
    pub(crate) fn finish_sending(&self, deadline: Deadline) {
        if self.has_finished_sending() {
            return;
        }
        if let Some(tls) = &self.tls {
            tls.say_goodbye(&self.wire, deadline);
        }
        self.wire.shutdown(Shutdown::Write);
    }

    /// Ends a direction, or both, at once and without a word. It wakes a thread that is blocked in a read or a write.
    pub(crate) fn shutdown(&self, how: Shutdown) {
        self.wire.shutdown(how);
    }

    /// Ends the conversation so that the peer gets our last byte: stop writing, read to the end, and only then let the
    /// descriptor go. A close while unread bytes lie in our buffer sends a reset, and at the peer a reset throws away
    /// what it had not read yet (RFC 1122 section 4.2.2.13).
    pub(crate) fn close(&self, deadline: Deadline) {
        // Where the peer does not end, waiting for it again would only double the limit: a handler's close, say, and the
        // server's own behind it.
        if self.wire.mark_closed() {
            self.finish_sending(deadline);
            self.read_to_end(deadline);
        }
    }

    /// Reads and throws away until the peer's end or the deadline.
    pub(crate) fn read_to_end(&self, deadline: Deadline) {
        let mut scrap = vec![0; 16 * 1024];
        while !self.wire.has_received_all() && !deadline.has_passed() {
            let wait = &mut deadline.into();
            let read = match &self.tls {
                // Nobody can decrypt it, and still it must be read: a close over unread bytes would send a reset, and take
                // our alert away from the peer.
                Some(tls) if tls.secured().is_none() || tls.failure().is_some() => self.wire.read(&mut scrap, wait),
                _ => self.read(&mut scrap, wait),
            };
            // Whatever comes now, nobody waits for it; an error or the end is an end.
            if !matches!(read, Ok(Chunk::Bytes(_))) {
                break;
            }
        }
    }

    /// We have ended the conversation.
    pub(crate) fn is_closed(&self) -> bool {
        self.wire.is_closed()
    }

    /// We have ended the receiving direction ourselves: the end that a read meets is our own.
    pub(crate) fn has_stopped_receiving(&self) -> bool {
        self.wire.has_stopped_receiving()
    }

    /// Our side reads no more and may still send: the server stops, and asks for a last word.
    pub(crate) fn was_asked_to_end(&self) -> bool {
        self.wire.has_stopped_receiving() && !self.has_finished_sending()
    }

    /// We have said that we send nothing more, or cannot.
    pub(crate) fn has_finished_sending(&self) -> bool {
        self.wire.has_finished_sending()
    }

    /// Neither side has ended, as far as one look tells. Where another thread is reading, that thread will be the one
    /// to notice an end, so nothing is asked.
    pub(crate) fn is_open(&self) -> bool {
        match &self.tls {
            None => self.wire.is_open(),
            Some(tls) => tls.is_open(&self.wire),
        }
    }
}
