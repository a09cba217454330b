//! How does one begin a message whose end is not yet known?
//!
//! In fragments (RFC 6455 section 5.4): the first names the kind, the others continue it, the last says that it is. Between
//! them control frames may pass, and no other message: its frames could not be told from the rest of ours.
//!
//! # In production
//!
//! Few applications send fragments; a proxy that passes on a long message before it has all of it does.

use super::Outgoing;
use crate::websocket::protocol::message::MessageKind;
use crate::websocket::protocol::opcode::Opcode;
use crate::websocket::protocol::send_error::SendError;
use crate::websocket::protocol::utf8::Utf8Validator;

/// A message that we send in fragments.
#[derive(Debug)]
pub struct Fragments {
    pub kind: MessageKind,
    utf8: Utf8Validator,
}

impl Outgoing {
    /// Begins a message whose end is not yet known. Control frames may be queued before it ends, other messages not.
    ///
    /// # Errors
    ///
    /// After our Close frame, inside another message in fragments, or text that is wrong already.
    pub fn first_fragment(&mut self, kind: MessageKind, piece: &[u8]) -> Result<(), SendError> {
        self.check_message_may_begin()?;
        let mut fragments = Fragments { kind, utf8: Utf8Validator::default() };
        fragments.check(piece, false)?;
        self.frame(kind.opcode(), false, piece)?;
        self.fragments = Some(fragments);
        Ok(())
    }

    /// The next piece, and not the last. A character may be cut between two pieces.
    ///
    /// # Errors
    ///
    /// After our Close frame, nothing has begun, or text that is wrong; such a message can only be given up, by
    /// closing.
    pub fn next_fragment(&mut self, piece: &[u8]) -> Result<(), SendError> {
        self.continuation(piece, false)
    }

    /// The last piece; it may be empty.
    ///
    /// # Errors
    ///
    /// As [`next_fragment`](Self::next_fragment), and if text ends inside a character.
    pub fn last_fragment(&mut self, piece: &[u8]) -> Result<(), SendError> {
        self.continuation(piece, true)?;
        self.fragments = None;
        Ok(())
    }

    fn continuation(&mut self, piece: &[u8], last: bool) -> Result<(), SendError> {
        if self.closed {
            return Err(SendError::AfterClose);
        }
        let Some(fragments) = &mut self.fragments else { return Err(SendError::NothingBegun) };
        fragments.check(piece, last)?;
        self.frame(Opcode::CONTINUATION, last, piece)
    }
}

impl Fragments {
    fn check(&mut self, piece: &[u8], last: bool) -> Result<(), SendError> {
        if self.kind == MessageKind::Binary {
            return Ok(());
        }
        // On a copy: a piece that is refused was not sent, so the text before it is still good.
        let mut utf8 = self.utf8.clone();
        let verdict = utf8.feed(piece).and_then(|()| if last { utf8.finish() } else { Ok(()) });
        verdict.map_err(SendError::NotUtf8)?;
        self.utf8 = utf8;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::websocket::protocol::see::see_frames;

    #[test]
    fn fragments_are_not_mixed_with_other_messages() {
        let mut outgoing = Outgoing::server();
        assert_eq!(outgoing.next_fragment(b""), Err(SendError::NothingBegun));
        assert_eq!(outgoing.last_fragment(b""), Err(SendError::NothingBegun));
        outgoing.first_fragment(MessageKind::Binary, b"\xff").unwrap();
        assert_eq!(outgoing.text(""), Err(SendError::InsideFragments(MessageKind::Binary)));
        let again = outgoing.first_fragment(MessageKind::Text, b"");
        assert_eq!(again, Err(SendError::InsideFragments(MessageKind::Binary)));
        outgoing.pong(b"between").unwrap();
        outgoing.next_fragment(b"\xff").unwrap();
        outgoing.last_fragment(b"").unwrap();
        outgoing.text("after").unwrap();
        let mut frames = 0;
        see_frames(outgoing.pending(), &mut |_header, _payload| frames += 1);
        assert_eq!(frames, 5);
    }

    #[test]
    fn text_in_fragments_is_utf8() {
        let mut outgoing = Outgoing::server();
        outgoing.first_fragment(MessageKind::Text, b"\xc3").unwrap();
        assert!(matches!(outgoing.next_fragment(b"\x41"), Err(SendError::NotUtf8(_))));
        assert!(matches!(outgoing.last_fragment(b""), Err(SendError::NotUtf8(_))), "it would end inside a character");
        outgoing.last_fragment(b"\xa9").unwrap();
        assert!(matches!(outgoing.first_fragment(MessageKind::Text, b"\xff"), Err(SendError::NotUtf8(_))));
        outgoing.text("a message that was refused had not begun").unwrap();
    }
}
