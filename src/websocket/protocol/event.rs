//! What did the peer say?
//!
//! The receiving direction turns frames into five kinds of event: two kinds of message and three of control. A fragment
//! is none: only the message that its fragments make is. This is also the last gate: here a payload becomes text, and a
//! Close frame's payload a reason, or the peer broke a rule.
//!
//! # In production
//!
//! Events that borrow from the read buffer cost no allocation, and force the reader to be done with one before it asks
//! for the next. A library that hands messages to other threads gives them a reference-counted buffer (`bytes::Bytes`).

use std::str;

use super::close::CloseReason;
use super::message::MessageKind;
use super::opcode::Opcode;
use super::violation::Violation;

/// What a peer said. Text and bytes are borrowed: they are gone with the next call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event<'a> {
    /// A whole text message.
    Text(&'a str),
    /// A whole binary message.
    Binary(&'a [u8]),
    /// The peer asks for a Pong with the same payload.
    Ping(&'a [u8]),
    /// The peer answers a Ping, or just says that it lives.
    Pong(&'a [u8]),
    /// The peer will send nothing more.
    Close(Option<CloseReason>),
}

/// A frame that stands for itself.
#[inline]
pub(super) fn frame_event(opcode: Opcode, payload: &[u8]) -> Result<Event<'_>, Violation> {
    match opcode {
        Opcode::TEXT => message_event(MessageKind::Text, payload),
        Opcode::PING => Ok(Event::Ping(payload)),
        Opcode::PONG => Ok(Event::Pong(payload)),
        Opcode::CLOSE => CloseReason::decode(payload).map(Event::Close),
        // Binary: a continuation is never an event, and a reserved opcode did not pass the check.
        _ => Ok(Event::Binary(payload)),
    }
}

/// A message that is all here, in one frame or in many.
pub(super) fn message_event(kind: MessageKind, bytes: &[u8]) -> Result<Event<'_>, Violation> {
    match kind {
        MessageKind::Binary => Ok(Event::Binary(bytes)),
        MessageKind::Text => match str::from_utf8(bytes) {
            Ok(text) => Ok(Event::Text(text)),
            Err(error) => {
                let what = format!("the peer's text is not UTF-8 from byte {} on", error.valid_up_to());
                Err(Violation::payload(what))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_opcode_becomes_its_event() {
        assert_eq!(frame_event(Opcode::TEXT, b"a"), Ok(Event::Text("a")));
        assert_eq!(frame_event(Opcode::BINARY, b"\xff"), Ok(Event::Binary(b"\xff")));
        assert_eq!(frame_event(Opcode::PING, b"\xff"), Ok(Event::Ping(b"\xff")));
        assert_eq!(frame_event(Opcode::PONG, b""), Ok(Event::Pong(b"")));
        assert_eq!(frame_event(Opcode::CLOSE, b""), Ok(Event::Close(None)));
        assert_eq!(message_event(MessageKind::Binary, b"\xff"), Ok(Event::Binary(b"\xff")));
    }

    #[test]
    fn text_that_is_not_utf8_says_where() {
        let violation = message_event(MessageKind::Text, b"ab\xffcd").unwrap_err();
        assert_eq!(violation.code.0, 1007);
        assert!(violation.what.contains("byte 2"), "{violation}");
    }
}
