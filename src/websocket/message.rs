//! What does a program get from a WebSocket?
//!
//! Whole messages, text or bytes: the fragments, the masks and the pings are the protocol's own affair.

use super::protocol::{CloseReason, MessageKind};

/// A whole message: the protocol tells text from bytes, and so do we.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// UTF-8, checked.
    Text(String),
    /// Any bytes.
    Binary(Vec<u8>),
}

/// A whole message where it lies in the read buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageRef<'a> {
    /// UTF-8, checked.
    Text(&'a str),
    /// Any bytes.
    Binary(&'a [u8]),
}

impl MessageRef<'_> {
    /// A copy of one's own.
    pub fn to_owned(self) -> Message {
        match self {
            MessageRef::Text(text) => Message::Text(text.to_owned()),
            MessageRef::Binary(bytes) => Message::Binary(bytes.to_owned()),
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            MessageRef::Text(text) => text.as_bytes(),
            MessageRef::Binary(bytes) => bytes,
        }
    }

    pub(super) fn kind(self) -> MessageKind {
        match self {
            MessageRef::Text(_) => MessageKind::Text,
            MessageRef::Binary(_) => MessageKind::Binary,
        }
    }
}

impl Message {
    /// The same message, borrowed.
    pub fn as_ref(&self) -> MessageRef<'_> {
        match self {
            Message::Text(text) => MessageRef::Text(text),
            Message::Binary(bytes) => MessageRef::Binary(bytes),
        }
    }
}

/// What a receive that did not fail brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// A whole message, never a part of one.
    Message(Message),
    /// No whole message within the time given. The conversation goes on.
    Nothing,
    /// Both sides have said goodbye. The reason is the peer's, if it gave one.
    Closed(Option<CloseReason>),
}
