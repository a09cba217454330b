//! How does a large reply leave without being copied?
//!
//! A small one is copied into the queue, and many of them leave in one write: the copy is cheap, and the system calls are
//! not. A large one makes a write of its own in any case, and then the copy is what costs, and the memory that it goes to:
//! two buffers of 64 KiB for each of sixteen clients fill a processor's cache, and one does not. A server's frame is not
//! masked (RFC 6455 section 5.1), so only its header must be made, and its payload leaves from where it lies, in the same
//! call (`wire/gather.rs`).
//!
//! The plain form is to queue it like any other. The two differ in nothing that the peer could see, and a test says so.
//!
//! # In production
//!
//! Small replies leave from where they lie as well, many in one call.

use super::writer::PIECE;
use super::{BATCH, Error, Outbox, tell_frame};
use crate::sender::why_unwritten;
use crate::trace::Direction;
use crate::transport::{Gather, Unwritten, enter};
use crate::websocket::message::MessageRef;
use crate::websocket::protocol::Role;
use std::mem;
use std::sync::Arc;

impl Outbox {
    /// Sends a reply, in place if it would be a batch by itself.
    pub(in crate::websocket) fn reply(self: &Arc<Outbox>, message: MessageRef<'_>) -> Result<(), Error> {
        if message.bytes().len() >= BATCH && self.write_in_place(message)? {
            return Ok(());
        }
        self.queue(|outgoing| outgoing.message(message.kind(), message.bytes()))
    }

    // ANCHOR: in_place
    /// Becomes the writer of this one message. False if it must be masked, or if somebody else is writing again: then it is
    /// for the queue.
    fn write_in_place(self: &Arc<Outbox>, message: MessageRef<'_>) -> Result<bool, Error> {
        let (payload, whole) = (message.bytes(), self.limit_of_a_send());
        let half = enter(&self.half);
        if half.outgoing.role() == Role::Client {
            return Ok(false);
        }
        // What was sent before leaves before.
        let end = half.end();
        self.write_up_to(half, end, whole)?;
        let mut half = enter(&self.half);
        if half.writing || !half.is_empty() {
            return Ok(false);
        }
        let Some(header) = half.outgoing.unmasked_header(message.kind(), payload.len())? else { return Ok(false) };
        tell_frame(self.transport.tracer(), Direction::Out, &header, payload);
        // From here on others only queue. To them the payload is a part of what is leaving.
        half.writing = true;
        let mut head = Vec::new();
        header.encode(&mut head);
        let length = (head.len() + payload.len()) as u64;
        half.taken += length;
        half.note_own(length);
        drop(half);
        let mut head = &head[..];
        for body in payload.chunks(PIECE) {
            let piece = Gather { head: mem::take(&mut head), body };
            let result = self.transport.write(piece, self.patience(whole));
            let mut half = enter(&self.half);
            let count = *result.as_ref().unwrap_or(&0);
            half.written += count as u64;
            if count < piece.len() {
                drop(half);
                self.give_up();
                return Err(why_unwritten(result.err().unwrap_or(Unwritten::TooLate), self.send_limit).into());
            }
            if half.sleepers > 0 {
                self.went_on.notify_all();
            }
        }
        // What others have queued meanwhile.
        self.stop_writing(enter(&self.half));
        self.write_for_a_moment(enter(&self.half))?;
        Ok(true)
    }
    // ANCHOR_END: in_place
}
