//! How do pieces become one message?
//!
//! A sender that does not know a message's length, or does not want to hold up a Ping behind it, sends it in pieces
//! (RFC 6455 section 5.4): the first frame says text or binary and lacks FIN, then come continuation frames, and the
//! last of them has FIN. Control frames may stand between them, other data frames may not. So the receiver remembers
//! two things, what has begun and what has come of it, and checks two: the order, and the sum of the lengths.
//!
//! A message in one frame that is longer than the read buffer is collected in the same way: its pieces are those that the
//! reads brought.
//!
//! The sum is checked when a header *announces* it. The limit of one frame alone would be no limit: a thousand
//! fragments, each below it, make the message that was to be kept out.
//!
//! # In production
//!
//! A library for large transfers hands out each fragment as it comes, and its caller keeps the sum. We deliver whole
//! messages, because that is what the peer's `send` meant.

use super::frame::FrameHeader;
use super::opcode::Opcode;
use super::utf8::Utf8Validator;
use super::violation::Violation;
use crate::buffer::STEP;

/// What is not given back between two messages.
const KEPT: usize = 64 * 1024;

/// The two kinds of message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageKind {
    /// UTF-8.
    Text,
    /// Any bytes.
    Binary,
}

impl MessageKind {
    /// What its first frame, or its only one, says that it is.
    pub(super) fn opcode(self) -> Opcode {
        match self {
            MessageKind::Text => Opcode::TEXT,
            MessageKind::Binary => Opcode::BINARY,
        }
    }
}

/// The message that is arriving.
#[derive(Debug, Default)]
pub(super) struct Message {
    /// The kind of the message that is being collected.
    begun: Option<MessageKind>,
    /// What came of it.
    bytes: Vec<u8>,
    /// All of it is here: the message is being looked at, and goes when the next frame is asked for.
    whole: bool,
    utf8: Utf8Validator,
}

impl Message {
    // ANCHOR: order
    /// May this frame come now, and may the message become so long?
    #[inline]
    pub(super) fn check(&self, header: &FrameHeader, max_message: usize) -> Result<(), Violation> {
        if header.opcode.is_control() {
            return Ok(());
        }
        let so_far = match (self.begun, header.opcode) {
            (None, Opcode::CONTINUATION) => {
                let what = "the peer sent a continuation frame, but no message had begun";
                return Err(Violation::protocol("RFC 6455 section 5.4", what));
            }
            (Some(_), Opcode::CONTINUATION) => self.bytes.len(),
            (Some(kind), opcode) => {
                let what =
                    format!("the peer began a {opcode:?} message before its fragmented {kind:?} message had ended");
                return Err(Violation::protocol("RFC 6455 section 5.4", what));
            }
            (None, _) => 0,
        };
        let announced = header.length.saturating_add(so_far as u64);
        if announced > max_message as u64 {
            let what =
                format!("the peer announced a message of at least {announced} bytes; {max_message} is our limit");
            return Err(Violation::too_big(what));
        }
        Ok(())
    }
    // ANCHOR_END: order

    /// Are pieces still missing?
    pub(super) fn has_begun(&self) -> bool {
        self.begun.is_some()
    }

    /// What kind of message does this data frame belong to?
    fn kind(&self, header: &FrameHeader) -> MessageKind {
        match (self.begun, header.opcode) {
            (Some(kind), _) => kind,
            (None, Opcode::TEXT) => MessageKind::Text,
            (None, _) => MessageKind::Binary,
        }
    }

    /// A data frame begins whose header passed [`check`](Self::check), and not all of it can be taken at once. It is the first
    /// of a message that is collected, or one more of it, or stays in place and is a message by itself.
    pub(super) fn begin_frame(&mut self, header: &FrameHeader, in_place: bool) {
        if self.begun.is_some() {
            return;
        }
        self.utf8 = Utf8Validator::default();
        if !in_place {
            self.begun = Some(self.kind(header));
        }
    }

    /// A piece came of the frame with this header. Of a text: does that still make sense? Asked before the frame is complete,
    /// so that nonsense is not awaited.
    pub(super) fn check_piece(&mut self, header: &FrameHeader, piece: &[u8]) -> Result<(), Violation> {
        if header.opcode.is_control() || self.kind(header) == MessageKind::Binary {
            return Ok(());
        }
        self.utf8.feed(piece).map_err(|error| Violation::payload(format!("the peer's text is not UTF-8: {error}")))
    }

    /// One more piece, and so many bytes of its frame are still missing.
    pub(super) fn collect(&mut self, piece: &[u8], missing: usize) {
        let came = self.bytes.len() + piece.len();
        if came > self.bytes.capacity() {
            // Towards the frame's end, as far as what came has paid for it: a hostile length costs its sender as much as us.
            // (`reserve` at least doubles what there is. Without that, many small fragments would copy all of it each time.)
            let room = came.saturating_add(missing).min(came.saturating_mul(STEP));
            self.bytes.reserve(room - self.bytes.len());
        }
        self.bytes.extend_from_slice(piece);
    }

    /// A frame is complete. `Some(kind)`: and so is the message, which now lies in [`bytes`](Self::bytes).
    pub(super) fn end_frame(&mut self, fin: bool) -> Result<Option<MessageKind>, Violation> {
        if !fin {
            return Ok(None);
        }
        self.whole = true;
        let kind = self.begun.take();
        if kind == Some(MessageKind::Text) {
            self.utf8.finish().map_err(|error| Violation::payload(format!("the peer's text was cut: {error}")))?;
        }
        Ok(kind)
    }

    /// The last `count` bytes of what came.
    pub(super) fn last(&self, count: usize) -> &[u8] {
        &self.bytes[self.bytes.len().saturating_sub(count)..]
    }

    /// The whole message, from the end of its last piece until it is forgotten.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The message that was whole has been looked at: it goes, and so does its memory if it was large.
    pub(super) fn forget_whole(&mut self) {
        if self.whole {
            self.whole = false;
            self.bytes.clear();
            if self.bytes.capacity() > KEPT {
                self.bytes = Vec::new();
            }
        }
    }
}

#[cfg(test)]
impl Message {
    pub(super) fn capacity(&self) -> usize {
        self.bytes.capacity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(opcode: Opcode, fin: bool, length: u64) -> FrameHeader {
        FrameHeader { fin, ..FrameHeader::new(opcode, length) }
    }

    fn begun(kind: MessageKind, bytes: &[u8]) -> Message {
        Message { begun: Some(kind), bytes: bytes.to_vec(), ..Message::default() }
    }

    #[test]
    fn fragments_follow_one_another() {
        let fresh = Message::default();
        let violation = fresh.check(&header(Opcode::CONTINUATION, true, 0), 100).unwrap_err();
        assert!(violation.what.contains("no message had begun"), "{violation}");
        let text = begun(MessageKind::Text, b"");
        for opcode in [Opcode::TEXT, Opcode::BINARY] {
            let violation = text.check(&header(opcode, true, 0), 100).unwrap_err();
            assert_eq!((violation.code.0, violation.section), (1002, "RFC 6455 section 5.4"));
        }
        assert_eq!(text.check(&header(Opcode::CONTINUATION, false, 0), 100), Ok(()));
        assert_eq!(text.check(&header(Opcode::PING, true, 100), 0), Ok(()), "a control frame may stand between");
    }

    #[test]
    fn the_sum_of_the_fragments_is_limited() {
        let binary = begun(MessageKind::Binary, &[0; 60]);
        assert_eq!(binary.check(&header(Opcode::CONTINUATION, false, 40), 100), Ok(()));
        let violation = binary.check(&header(Opcode::CONTINUATION, false, 41), 100).unwrap_err();
        assert_eq!(violation.code.0, 1009);
        let violation = binary.check(&header(Opcode::CONTINUATION, true, u64::MAX), 100).unwrap_err();
        assert_eq!(violation.code.0, 1009, "the sum must not wrap around");
        assert_eq!(Message::default().check(&header(Opcode::TEXT, true, 101), 100).unwrap_err().code.0, 1009);
    }

    #[test]
    fn a_character_may_be_cut_between_fragments_but_not_at_the_end() {
        let mut text = begun(MessageKind::Text, b"");
        let fragment = header(Opcode::CONTINUATION, false, 1);
        text.check_piece(&fragment, &[0xc3]).unwrap();
        text.collect(&[0xc3], 0);
        assert_eq!(text.end_frame(false), Ok(None));
        text.check_piece(&header(Opcode::PING, true, 1), &[0xff]).unwrap();
        text.check_piece(&fragment, &[0xa9]).unwrap();
        text.collect(&[0xa9], 0);
        assert_eq!(text.end_frame(true), Ok(Some(MessageKind::Text)));
        assert_eq!(text.bytes(), "é".as_bytes());

        let mut cut = begun(MessageKind::Text, b"");
        cut.check_piece(&fragment, &[0xc3]).unwrap();
        assert_eq!(cut.end_frame(true).unwrap_err().code.0, 1007);
    }

    #[test]
    fn the_memory_of_a_large_message_goes() {
        let mut message = begun(MessageKind::Binary, &[]);
        message.collect(&[0; 1_000_000], 0);
        assert_eq!(message.end_frame(true), Ok(Some(MessageKind::Binary)));
        message.forget_whole();
        assert_eq!(message.bytes(), b"");
        assert!(message.bytes.capacity() <= KEPT);
    }
}
