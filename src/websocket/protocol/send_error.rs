//! Why can this not be sent?
//!
//! Each of these would make the peer close the connection with 1002 or 1007, if we sent it. So it is told to the caller
//! instead, who can still do something about it.
//!
//! # In production
//!
//! Many libraries check less of what they send than of what they receive; tungstenite sends a Ping of any length.

use std::error::Error;
use std::fmt;

use super::close::CloseError;
use super::frame::MAX_CONTROL_PAYLOAD;
use super::mask_keys::NoRandomness;
use super::message::MessageKind;
use super::utf8::InvalidUtf8;

/// Why something cannot be sent. Nothing was queued, and the connection is as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendError {
    /// Our Close frame is sent or queued, and it is the last (RFC 6455 section 5.5.1).
    AfterClose,
    /// The payload of a Ping or Pong has more than 125 bytes.
    ControlTooLong(usize),
    /// The Close frame itself is wrong.
    Close(CloseError),
    /// A message in fragments has begun; end it before the next begins. Control frames may come between.
    InsideFragments(MessageKind),
    /// A fragment of a message that has not begun.
    NothingBegun,
    /// The fragments of a text message are not UTF-8.
    NotUtf8(InvalidUtf8),
    /// No masking key could be drawn.
    NoRandomness(NoRandomness),
}

impl fmt::Display for SendError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendError::AfterClose => formatter.write_str("our Close frame was sent, and nothing may follow it"),
            SendError::ControlTooLong(length) => {
                write!(formatter, "a Ping or Pong carries at most {MAX_CONTROL_PAYLOAD} bytes, not {length}")
            }
            SendError::Close(error) => error.fmt(formatter),
            SendError::InsideFragments(kind) => {
                write!(formatter, "a fragmented {kind:?} message has begun; send its last fragment first")
            }
            SendError::NothingBegun => formatter.write_str("this fragment continues no message; begin with the first"),
            SendError::NotUtf8(error) => write!(formatter, "a text message must be UTF-8: {error}"),
            SendError::NoRandomness(error) => error.fmt(formatter),
        }
    }
}

impl Error for SendError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_says_what_to_do() {
        assert!(SendError::InsideFragments(MessageKind::Text).to_string().contains("send its last fragment first"));
        assert!(SendError::ControlTooLong(126).to_string().contains("at most 125 bytes, not 126"));
        assert!(SendError::Close(CloseError::ReasonTooLong(200)).to_string().contains("200"));
    }
}
