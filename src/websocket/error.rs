//! What can go wrong on a WebSocket that cannot go wrong on a socket?
//!
//! The peer may not speak it, may not want us, or may break its rules. What the socket below has to say stays the
//! socket's: [`Error::Socket`].

use super::protocol::handshake::{AnswerError, Refusal};
use super::protocol::http::HeaderError;
use super::protocol::url::UrlError;
use super::protocol::{SendError, Violation};
use crate::tls::TlsError;
use std::fmt;
use std::io;

/// What can go wrong on a WebSocket.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The socket below failed.
    Socket(crate::Error),
    /// The URL is none that we can connect to.
    Url(UrlError),
    /// What we were asked to send in the opening handshake cannot be sent.
    Header(HeaderError),
    /// The peer connected and left without asking for anything. Browsers do: they open a spare connection.
    NothingAsked,
    /// We refused the client's request, and have told it so.
    Refused(Refusal),
    /// The server did not agree to speak WebSocket.
    Answer {
        /// What it answered.
        error: AnswerError,
        /// What it wrote below its head, cut at 64 KiB: often a sentence that says why.
        body: String,
    },
    /// The peer broke a rule of the protocol. It has been told which, and the conversation is over.
    Violation(Violation),
    /// The peer is gone without a Close frame: code 1006 in the words of RFC 6455 section 7.1.5, which never travels.
    Vanished {
        /// What the system said, if it was not simply the end of the stream.
        source: Option<io::Error>,
    },
    /// What we were asked to send must not be sent, or not now.
    Send(SendError),
    /// The system has no random bytes for a key.
    NoRandomness,
}

impl Error {
    /// A read failed. Mostly the peer is gone; but a peer whom TLS refuses is there, and somebody must be told why.
    pub(super) fn lost(source: io::Error) -> Error {
        match crate::Error::from_system("receiving", source) {
            crate::Error::Vanished { source, .. } | crate::Error::System { source, .. } => {
                Error::Vanished { source: Some(source) }
            }
            // Without a Close frame and without a goodbye of TLS: it is gone.
            crate::Error::Tls(error @ TlsError::Truncated) => Error::Vanished { source: Some(error.into()) },
            error => Error::Socket(error),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Socket(error) => error.fmt(formatter),
            Error::Url(error) => error.fmt(formatter),
            Error::Header(error) => error.fmt(formatter),
            Error::NothingAsked => formatter.write_str("the client connected and left without asking for anything"),
            Error::Refused(refusal) => refusal.fmt(formatter),
            Error::Answer { error, body } if body.is_empty() => error.fmt(formatter),
            Error::Answer { error, body } => write!(formatter, "{error}: {}", body.trim_end()),
            Error::Violation(violation) => violation.fmt(formatter),
            Error::Vanished { source: None } => formatter.write_str(
                "the peer ended the connection without a Close frame: was it killed, or does it not keep to RFC 6455?",
            ),
            Error::Vanished { source: Some(source) } => write!(formatter, "the peer vanished ({source})"),
            Error::Send(error) => error.fmt(formatter),
            Error::NoRandomness => formatter.write_str("the system gave no random bytes, and keys must be random"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Socket(error) => Some(error),
            Error::Vanished { source: Some(source) } => Some(source),
            _ => None,
        }
    }
}

impl From<crate::Error> for Error {
    fn from(error: crate::Error) -> Error {
        Error::Socket(error)
    }
}

impl From<UrlError> for Error {
    fn from(error: UrlError) -> Error {
        Error::Url(error)
    }
}

impl From<HeaderError> for Error {
    fn from(error: HeaderError) -> Error {
        Error::Header(error)
    }
}

impl From<SendError> for Error {
    fn from(error: SendError) -> Error {
        Error::Send(error)
    }
}
