//! How do bytes become records, and records bytes?
//!
//! The reader takes what rustls has decrypted, and waits for the socket only if there is nothing. The writer encrypts a
//! piece, writes all of it, and encrypts the next. Neither waits inside the session's lock.
//!
//! # In production
//!
//! Records are made small at the beginning of a conversation, so that the first can be decrypted sooner, and large later.

use super::handshake::PARTING;
use super::{Incoming, Outgoing, Tls, TlsError};
use crate::deadline::{Deadline, Patience, TICK};
use crate::trace::{Direction, TlsStep};
use crate::wire::{Chunk, Gather, Unwritten, Wire, enter};
use std::io::{self, Read};
use std::net::Shutdown;
use std::sync::TryLockError;
use std::sync::atomic::Ordering;

/// So much is encrypted at a time: a large message must not be held a second time as a whole. Four records, which with their
/// headers fill one segment of TCP, for the system makes none above 64 KiB. A little more, and behind each full segment there
/// would follow one of a hundred bytes, which is handled like any other.
const PIECE: usize = 63 * 1024;
// TLS 1.2 puts up to 29 bytes around a record, 1.3 puts 22; a segment over loopback carries 65,483.
const _: () = assert!(PIECE + 4 * 29 <= 65_483);
/// As little as this behind a piece goes with it: the end of a message of 64 KiB is worth no write of its own.
const LITTLE: usize = 2 * 1024;
/// What a connection keeps of the memory for encrypted bytes: one piece, with the headers of its records. Were it less, a long
/// message would give memory back and ask for it again with each write, and every page of that comes with a page fault.
const KEPT: usize = PIECE + 2 * LITTLE;

impl Tls {
    // ANCHOR: read
    /// Reads what the peer's program sent, as soon as there is anything. Waits until the deadline.
    pub(crate) fn read(&self, wire: &Wire, space: &mut [u8], deadline: Deadline) -> io::Result<Chunk> {
        if !self.secure(wire, deadline)? {
            return Ok(if wire.has_stopped_receiving() { Chunk::End } else { Chunk::Nothing });
        }
        let mut incoming = enter(&self.incoming);
        loop {
            if let Err(error) = self.check() {
                return Err(self.give_up(wire, error));
            }
            match self.decrypt(wire, &mut incoming, space) {
                Ok(Chunk::Nothing) => {}
                Ok(chunk) => return Ok(chunk),
                Err(error) => return Err(self.give_up(wire, error)),
            }
            match wire.read(incoming.buffer.space(), &mut deadline.into())? {
                Chunk::Bytes(count) => {
                    if let Err(error) = self.came(wire, &mut incoming, count) {
                        return Err(self.give_up(wire, error));
                    }
                }
                Chunk::Nothing => return Ok(Chunk::Nothing),
                // Our own shutdown woke us: that says nothing about the peer.
                Chunk::End if wire.has_stopped_receiving() => return Ok(Chunk::End),
                // The end of the stream is no end of what was said: an attacker in between can cut it too.
                Chunk::End => return Err(self.give_up(wire, TlsError::Truncated)),
            }
        }
    }
    // ANCHOR_END: read

    /// Takes what is decrypted, and goes on decrypting while there is room. `Chunk::Nothing` means that the socket must be
    /// asked.
    fn decrypt(&self, wire: &Wire, incoming: &mut Incoming, space: &mut [u8]) -> Result<Chunk, TlsError> {
        let mut count = 0;
        while count < space.len() {
            let result = enter(&self.session).reader().read(&mut space[count..]);
            match result {
                Ok(0) => {
                    self.ended.store(true, Ordering::Release);
                    break;
                }
                Ok(more) => count += more,
                Err(_) if incoming.buffer.unread().is_empty() => break,
                Err(_) => self.feed(incoming)?,
            }
        }
        if count > 0 {
            wire.tracer().tls(TlsStep::Plaintext { direction: Direction::In, bytes: &space[..count] });
            return Ok(Chunk::Bytes(count));
        }
        Ok(if self.ended.load(Ordering::Acquire) { Chunk::End } else { Chunk::Nothing })
    }

    /// The reader found that TLS is over, and has an alert for the peer.
    fn give_up(&self, wire: &Wire, error: TlsError) -> io::Error {
        // From here on whoever is writing stops after its piece, and lets us have the turn.
        let error = self.failed.get_or_init(|| error).clone();
        if wire.has_finished_sending() {
            return error.into();
        }
        let told = self.outgoing.wait(Deadline::after(PARTING), |outgoing| self.fail(wire, outgoing, error.clone()));
        told.unwrap_or_else(|| {
            // It is stuck in a write to a peer that does not read, and would not understand it any more. This wakes it.
            wire.shutdown(Shutdown::Write);
            error.into()
        })
    }

    // ANCHOR: write
    /// Writes as much of `bytes` as goes until the deadline. What was encrypted and has not left does not count, but it is
    /// on its way: whoever calls again must go on with the same bytes.
    pub(crate) fn write(&self, wire: &Wire, bytes: Gather<'_>, deadline: Deadline) -> Result<usize, Unwritten> {
        let write = |outgoing: &mut Outgoing| {
            if !self.secure_in_turn(wire, outgoing, deadline).map_err(Unwritten::Failed)? {
                return if wire.has_stopped_receiving() { Err(Unwritten::Ended) } else { Ok(0) };
            }
            let mut count = 0;
            while self.flush(wire, outgoing, deadline)? {
                count += std::mem::take(&mut outgoing.plain);
                let rest = bytes.after(count);
                if rest.is_empty() {
                    break;
                }
                self.check().map_err(|error| Unwritten::Failed(error.into()))?;
                if count > 0 && deadline.has_passed() {
                    break;
                }
                let piece = if rest.len() <= PIECE + LITTLE { rest } else { rest.up_to(PIECE) };
                self.encrypt(wire, outgoing, piece)?;
            }
            outgoing.bytes.shrink_to(outgoing.bytes.len().max(KEPT));
            Ok(count.min(bytes.len()))
        };
        let result = self.outgoing.wait(deadline, write).unwrap_or(Ok(0));
        // Where TLS broke down, that is why the direction has ended.
        result.map_err(|unwritten| self.check().err().map_or(unwritten, |error| Unwritten::Failed(error.into())))
    }
    // ANCHOR_END: write

    fn encrypt(&self, wire: &Wire, outgoing: &mut Outgoing, piece: Gather<'_>) -> Result<(), Unwritten> {
        let mut session = enter(&self.session);
        outgoing.plain = piece.write_to(session.writer()).map_err(Unwritten::Failed)?;
        while session.wants_write() {
            session.write_tls(&mut outgoing.bytes).map_err(Unwritten::Failed)?;
        }
        // An observer takes its time, and may not take the reader's.
        drop(session);
        if wire.tracer().is_on() {
            let bytes = &piece.joined()[..outgoing.plain];
            wire.tracer().tls(TlsStep::Plaintext { direction: Direction::Out, bytes });
        }
        outgoing.records.cross(&outgoing.bytes, Direction::Out, wire.tracer());
        Ok(())
    }

    /// Writes what is encrypted, and what rustls has to say on its own account. False if the deadline passed first.
    pub(super) fn flush(&self, wire: &Wire, outgoing: &mut Outgoing, deadline: Deadline) -> Result<bool, Unwritten> {
        loop {
            if outgoing.written < outgoing.bytes.len() {
                outgoing.written += wire.write(outgoing.bytes[outgoing.written..].into(), deadline.into())?;
                if outgoing.written < outgoing.bytes.len() {
                    return Ok(false);
                }
            }
            outgoing.bytes.clear();
            outgoing.written = 0;
            let mut session = enter(&self.session);
            if !session.wants_write() {
                return Ok(true);
            }
            session.write_tls(&mut outgoing.bytes).map_err(Unwritten::Failed)?;
            drop(session);
            outgoing.records.cross(&outgoing.bytes, Direction::Out, wire.tracer());
        }
    }

    /// Tells the peer that nothing more will come (`close_notify`, RFC 8446 section 6.1). Without it the end would look
    /// like a cut.
    pub(crate) fn say_goodbye(&self, wire: &Wire, deadline: Deadline) {
        self.outgoing.wait(deadline, |outgoing| {
            enter(&self.session).send_close_notify();
            // A peer that does not read meets the end of the stream instead, and takes it for what it is: a cut.
            let _ = self.flush(wire, outgoing, deadline);
        });
    }

    /// See [`Wire::is_open`]. The socket's next byte says little here: it may belong to a record of TLS's own, or to the
    /// peer's goodbye. So what has come is decrypted, and kept for the next read.
    pub(crate) fn is_open(&self, wire: &Wire) -> bool {
        if self.failed.get().is_some() || self.ended.load(Ordering::Acquire) || wire.is_closed() {
            return false;
        }
        let mut incoming = match self.incoming.try_lock() {
            Ok(incoming) => incoming,
            Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
            Err(TryLockError::WouldBlock) => return true,
        };
        // Before the handshake nothing can be decrypted.
        if self.secured.get().is_none() {
            return wire.is_open();
        }
        // What waits to be read tells enough, and taking in more of it would fill our memory for nobody.
        if matches!(self.waiting(&incoming), Ok(Waiting::Something)) {
            return true;
        }
        let came = match wire.read(incoming.buffer.space(), &mut Patience::For(TICK)) {
            Ok(Chunk::Bytes(count)) => self.came(wire, &mut incoming, count),
            Ok(_) => Ok(()),
            Err(_) => return false,
        };
        match came.and_then(|()| self.waiting(&incoming)) {
            Ok(Waiting::Something) => true,
            Ok(Waiting::Nothing) => !wire.has_received_all(),
            Ok(Waiting::Goodbye) => false,
            // Found by looking, and kept for whoever reads.
            Err(error) => {
                let _ = self.failed.set(error);
                false
            }
        }
    }

    /// What somebody who reads would meet, without a look at the socket.
    fn waiting(&self, incoming: &Incoming) -> Result<Waiting, TlsError> {
        let state = enter(&self.session).process_new_packets();
        let state = state.map_err(|error| TlsError::new(error, &incoming.began))?;
        Ok(match state.plaintext_bytes_to_read() {
            0 if state.peer_has_closed() => Waiting::Goodbye,
            0 if incoming.buffer.unread().is_empty() => Waiting::Nothing,
            _ => Waiting::Something,
        })
    }
}

/// What has come and was not read.
enum Waiting {
    Something,
    Nothing,
    Goodbye,
}
