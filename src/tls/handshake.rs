//! How do two programs that have never met agree on keys while everybody listens?
//!
//! ```text
//!   ClientHello  ──▶  versions, ciphers, a key share, the name that is asked for      in the clear
//!   ServerHello  ◀──  what it chose, its key share: from here on both can encrypt     in the clear
//!                ◀──  certificate, a signature over all of the above, Finished        encrypted
//!   Finished     ──▶  and the program's own data right behind it                      encrypted
//! ```
//!
//! That is TLS 1.3 (RFC 8446 section 2); 1.2 needs one more round and shows its certificates to everybody. On the server it
//! runs on the client's own thread, with the first read or write: a client that lets it hang holds up nobody else.
//!
//! # In production
//!
//! The same, on an event loop; and the session tickets' keys are shared by all machines that serve one name.

use super::{Incoming, Outgoing, Secured, Tls, TlsError};
use crate::deadline::Deadline;
use crate::trace::{Direction, TlsStep};
use crate::wire::{Chunk, Unwritten, Wire, enter};
use std::io;
use std::net::Shutdown;
use std::time::Duration;

/// What is said of a peer that does not speak TLS.
const BEGINNING: usize = 32;
/// A peer that does not even take our alert will not hear why.
pub(super) const PARTING: Duration = Duration::from_millis(200);

impl Tls {
    /// Makes the handshake, unless it has been made. False if the deadline passed first, and the next call goes on.
    ///
    /// Two threads may want it at once, one to read and one to write. Whoever has the writer's turn makes it.
    pub(crate) fn secure(&self, wire: &Wire, deadline: Deadline) -> io::Result<bool> {
        if self.secured.get().is_some() {
            return Ok(true);
        }
        self.outgoing.wait(deadline, |outgoing| self.secure_in_turn(wire, outgoing, deadline)).unwrap_or(Ok(false))
    }

    // ANCHOR: handshake
    pub(super) fn secure_in_turn(&self, wire: &Wire, outgoing: &mut Outgoing, wait: Deadline) -> io::Result<bool> {
        if self.secured.get().is_some() {
            return Ok(true);
        }
        // A peer that drips a byte a second does not get more time for it, over however many calls.
        let whole = *self.handshake.get_or_init(|| Deadline::after(self.limits.handshake));
        let deadline = whole.or_sooner(wait);
        let mut incoming = enter(&self.incoming);
        let mut looked = false;
        loop {
            self.check()?;
            match self.flush(wire, outgoing, deadline) {
                Ok(true) => {}
                Ok(false) if whole.has_passed() => {
                    return Err(self.fail(wire, outgoing, TlsError::TooSlow { limit: whole.limit }));
                }
                Ok(false) => return Ok(false),
                // The peer has left while we were speaking. What it said before that tells why.
                Err(Unwritten::Failed(error)) => return Err(self.last_word(wire, &mut incoming, outgoing, error)),
                Err(_) => return Err(io::ErrorKind::BrokenPipe.into()),
            }
            if !enter(&self.session).is_handshaking() {
                break;
            }
            // Not before the first look: if we were busy elsewhere, what came meanwhile came in time.
            if looked && whole.has_passed() {
                return Err(self.fail(wire, outgoing, TlsError::TooSlow { limit: whole.limit }));
            }
            looked = true;
            match wire.read(incoming.buffer.space(), &mut deadline.into())? {
                Chunk::Bytes(count) => {
                    if let Err(error) = self.came(wire, &mut incoming, count) {
                        return Err(self.fail(wire, outgoing, error));
                    }
                }
                Chunk::Nothing if whole.has_passed() => {}
                Chunk::Nothing => return Ok(false),
                // The end is our own, and says nothing about the peer: the server stops.
                Chunk::End if wire.has_stopped_receiving() => return Ok(false),
                Chunk::End => return Err(self.fail(wire, outgoing, TlsError::EndedInHandshake)),
            }
        }
        let secured = Secured::of(&enter(&self.session), self.name.as_deref(), self.verifies);
        wire.tracer().tls(TlsStep::Secured(secured.step()));
        let _ = self.secured.set(secured);
        Ok(true)
    }
    // ANCHOR_END: handshake

    /// A read brought so many bytes: rustls takes the records in them, as far as they are whole.
    pub(super) fn came(&self, wire: &Wire, incoming: &mut Incoming, count: usize) -> Result<(), TlsError> {
        let Incoming { buffer, records, began } = incoming;
        buffer.filled(count);
        let unread = buffer.unread();
        let new = &unread[unread.len() - count..];
        records.cross(new, Direction::In, wire.tracer());
        if began.len() < BEGINNING {
            began.extend_from_slice(&new[..new.len().min(BEGINNING - began.len())]);
        }
        self.feed(incoming)
    }

    /// Gives rustls what came, until it has enough: it takes no more while plaintext waits to be taken from it.
    pub(super) fn feed(&self, incoming: &mut Incoming) -> Result<(), TlsError> {
        let mut session = enter(&self.session);
        while !incoming.buffer.unread().is_empty() {
            let mut unread = incoming.buffer.unread();
            let before = unread.len();
            let count = match session.read_tls(&mut unread) {
                // The peer has said goodbye, and what it sends behind that counts for nothing (RFC 8446 section 6.1). Left
                // where it is it would keep us here for ever.
                Ok(0) => before,
                Ok(_) => before - unread.len(),
                Err(_) => break,
            };
            incoming.buffer.take(count);
            session.process_new_packets().map_err(|error| TlsError::new(error, &incoming.began))?;
        }
        Ok(())
    }

    /// What broke down stays so.
    pub(super) fn check(&self) -> Result<(), TlsError> {
        self.failed.get().cloned().map_or(Ok(()), Err)
    }

    /// How it broke down, if it has.
    pub(crate) fn failure(&self) -> Option<&TlsError> {
        self.failed.get()
    }

    /// TLS is over. The peer is told why in an alert, and gets the time to read it: a close with its bytes unread would
    /// send a reset, and take the alert away from it.
    pub(super) fn fail(&self, wire: &Wire, outgoing: &mut Outgoing, error: TlsError) -> io::Error {
        let error = self.failed.get_or_init(|| error).clone();
        let has_alert = enter(&self.session).wants_write();
        let told = has_alert && matches!(self.flush(wire, outgoing, Deadline::after(PARTING)), Ok(true));
        wire.shutdown(Shutdown::Write);
        if !told {
            return error.into();
        }
        let deadline = Deadline::after(self.limits.close);
        let mut scrap = vec![0; 4 * 1024];
        while !deadline.has_passed() && matches!(wire.read(&mut scrap, &mut deadline.into()), Ok(Chunk::Bytes(_))) {}
        error.into()
    }

    /// A write failed in the handshake, because the peer has gone. Often it has said why: the alert lies in our buffer.
    fn last_word(&self, wire: &Wire, incoming: &mut Incoming, outgoing: &mut Outgoing, error: io::Error) -> io::Error {
        let deadline = Deadline::after(PARTING);
        while let Ok(Chunk::Bytes(count)) = wire.read(incoming.buffer.space(), &mut deadline.into()) {
            if let Err(why) = self.came(wire, incoming, count) {
                return self.fail(wire, outgoing, why);
            }
            if deadline.has_passed() {
                break;
            }
        }
        error
    }
}
