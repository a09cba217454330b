//! How does a frame arrive that cannot be taken in one step?
//!
//! Its header was accepted, and of its payload there is a part, or it is itself a part of a message. A short frame that is an
//! event by itself waits in the read buffer until it is whole, so that it can be borrowed. Any other is collected: each
//! piece moves to the message that it belongs to, and the buffer is free for the next one.
//!
//! # In production
//!
//! tungstenite has one way: it makes room for the whole frame as soon as its length is known, and unmasks it when the last
//! byte has come.

use crate::buffer::Buffer;
use crate::websocket::protocol::frame::FrameHeader;
use crate::websocket::protocol::mask::mask;
use crate::websocket::protocol::message::Message;
use crate::websocket::protocol::opcode::Opcode;
use crate::websocket::protocol::violation::Violation;

/// What is longer than this is collected piece by piece, as fragments are. So the read buffer stays small and in the
/// processor's cache, where unmasking costs little, and a large message touches slow memory once.
pub(super) const LONGEST_IN_PLACE: usize = 64 * 1024;

/// A frame whose header was accepted and whose payload is arriving.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame {
    pub(super) header: FrameHeader,
    /// `header.length`, which was found to be within our limits.
    pub(super) length: usize,
    /// It is an event by itself, and it waits in the read buffer until it is whole. Otherwise each piece is collected.
    pub(super) in_place: bool,
    /// So many bytes of the payload came and are unmasked: the place where the next piece goes on with the key.
    came: usize,
}

impl Frame {
    /// With all of its payload still to come.
    pub(super) fn begin(header: FrameHeader, length: usize) -> Frame {
        Frame { header, length, in_place: stays_in_place(&header), came: 0 }
    }

    // ANCHOR: payload
    /// Unmasks what came of the payload since the last time, where it lies, and collects it unless the frame stays in place.
    /// True: it is whole.
    pub(super) fn receive(
        &mut self,
        message: &mut Message,
        buffer: &mut Buffer,
        see: &mut impl FnMut(&FrameHeader, &[u8]),
    ) -> Result<bool, Violation> {
        // What came of a frame that stays in place lies there still; of any other it is gone from the buffer.
        let before = if self.in_place { self.came } else { 0 };
        let arrived = buffer.unread_mut();
        let count = arrived.len().min(before + (self.length - self.came));
        let piece = &mut arrived[before..count];
        if let Some(key) = self.header.mask {
            mask(piece, key, self.came);
        }
        self.came += piece.len();
        let missing = self.length - self.came;
        // A message that is whole in one frame becomes a `str` when it is delivered, and that looks at all of it.
        // Anything less is looked at now: the first wrong octet shall end the connection, not the megabytes after it.
        let becomes_str = self.in_place && missing == 0;
        let checked = if becomes_str { Ok(()) } else { message.check_piece(&self.header, piece) };
        if !self.in_place {
            message.collect(piece, missing);
            buffer.take(count);
        }
        checked.inspect_err(|_| {
            let payload = if self.in_place { &buffer.unread()[..count] } else { message.last(self.came) };
            see(&self.header, payload);
        })?;
        Ok(missing == 0)
    }
    // ANCHOR_END: payload
}

/// Is it an event by itself, and short enough to wait in the read buffer?
pub(super) fn stays_in_place(header: &FrameHeader) -> bool {
    header.fin && header.opcode != Opcode::CONTINUATION && header.length <= LONGEST_IN_PLACE as u64
}
