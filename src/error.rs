//! What went wrong, whose doing was it, and what should one look at?
//!
//! An error of the system says "os error 98". A student needs to hear that the port is in use and that the server of
//! the last attempt is perhaps still running. So each variant keeps the system's error as its source and says, in its
//! message, what was being done, what the peer or the system did, and what to try.
//!
//! A receive that times out and a peer that says goodbye are no errors: see [`Received`](crate::Received).

use crate::tls::TlsError;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

/// What a handler returns: any error can be passed on with `?`.
pub type HandlerResult = Result<(), Box<dyn std::error::Error + Send + Sync>>;

/// What can go wrong on a socket.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// What should be an address is none.
    Address {
        /// What was given.
        given: String,
    },
    /// A host name led to no address, or to none in time: then the source's kind is [`io::ErrorKind::TimedOut`].
    Resolve {
        /// The name and port that were asked for.
        target: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// No address of the target could be connected to.
    Connect {
        /// The name and port that were asked for.
        target: String,
        /// Each address that was tried, and how it failed.
        attempts: Vec<(SocketAddr, io::Error)>,
    },
    /// The address cannot be listened on.
    Listen {
        /// The address.
        address: String,
        /// What the system said.
        source: io::Error,
    },
    /// The listening socket failed for good.
    Accept {
        /// What the system said.
        source: io::Error,
    },
    /// A deadline passed in the middle of something that cannot be taken up again.
    TimedOut {
        /// What was not finished.
        doing: &'static str,
        /// The limit that held.
        limit: Duration,
    },
    /// A message is longer than `max_message`.
    TooLong {
        /// Its length as far as it is known: announced in front of it, or the bytes that came without an end.
        length: u64,
        /// The limit.
        limit: usize,
    },
    /// The bytes do not follow the framing.
    Malformed {
        /// What was found and what should have been there.
        what: String,
    },
    /// The message that we were asked to send cannot be sent in this framing.
    Unsendable {
        /// Why.
        why: String,
    },
    /// The peer ended in the middle of a message.
    CutOff {
        /// The part of the message that had come. Nothing that came is lost.
        partial: Vec<u8>,
    },
    /// The peer is gone without a goodbye: it reset the connection, or its machine no longer answers.
    Vanished {
        /// What we were doing when we noticed.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// Nobody receives datagrams at the peer's address: its machine said so (ICMP "port unreachable", RFC 1122 section
    /// 4.1.3.3), in answer to a datagram that was sent before.
    Unreachable {
        /// The peer.
        peer: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A datagram came that is longer than `max_message`. Nothing of it is cut.
    DatagramTooLong {
        /// Who sent it.
        from: SocketAddr,
        /// All of it.
        bytes: Vec<u8>,
        /// The limit.
        limit: usize,
    },
    /// We closed this connection, or its sending direction, ourselves; or an earlier send failed in the middle, and
    /// nothing can follow what the peer has of it.
    Closed,
    /// TLS did not come about, or broke down.
    Tls(TlsError),
    /// Anything else that the system refused.
    System {
        /// What we were doing.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl Error {
    /// Sorts an error of the system: did the peer vanish, or is it something else?
    pub(crate) fn from_system(doing: &'static str, source: io::Error) -> Error {
        if let Some(error) = source.get_ref().and_then(|inner| inner.downcast_ref::<TlsError>()) {
            return Error::Tls(error.clone());
        }
        use io::ErrorKind::*;
        match source.kind() {
            ConnectionReset | ConnectionAborted | BrokenPipe | NotConnected | TimedOut | HostUnreachable
            | NetworkUnreachable => Error::Vanished { doing, source },
            _ => Error::System { doing, source },
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Address { given } => write!(
                formatter,
                "\"{given}\" is no address: write HOST:PORT, such as 127.0.0.1:7000, [::1]:7000 or localhost:7000, \
                 with a port from 0 to 65535"
            ),
            Error::Resolve { target, source } if source.kind() == io::ErrorKind::TimedOut => write!(
                formatter,
                "the name in {target} was not resolved in time ({source}): is the name server down or out of reach? an \
                 address in digits needs none"
            ),
            Error::Resolve { target, source } => write!(
                formatter,
                "the name in {target} leads to no address ({source}): is it spelt right, and does this machine reach \
                 a name server?"
            ),
            Error::Connect { target, attempts } => {
                write!(formatter, "cannot connect to {target}")?;
                for (address, error) in attempts {
                    write!(formatter, "; {address}: {error}{}", advice_on_connect(error.kind()))?;
                }
                Ok(())
            }
            Error::Listen { address, source } => {
                write!(formatter, "cannot listen on {address}: {source}{}", advice_on_listen(source.kind()))
            }
            Error::Accept { source } => write!(formatter, "the listening socket accepts no more: {source}"),
            Error::TimedOut { doing, limit } => {
                write!(formatter, "{doing} was not finished within {limit:?}: is the peer slow, stuck or gone?")
            }
            Error::TooLong { length, limit } => write!(
                formatter,
                "a message of {length} bytes or more is over the limit of {limit}: raise Settings::max_message on both \
                 sides if it is meant to be that long; if not, the two sides may disagree on the framing"
            ),
            Error::Malformed { what } => {
                write!(formatter, "{what}: do both sides use the same framing?")
            }
            Error::Unsendable { why } => write!(formatter, "this message cannot be sent: {why}"),
            Error::CutOff { partial } => write!(
                formatter,
                "the peer closed in the middle of a message, after {} bytes of it: did it stop early, or does it use \
                 another framing?",
                partial.len()
            ),
            Error::Vanished { doing, source } => write!(
                formatter,
                "the peer vanished while we were {doing} ({source}): it was killed, it closed with our bytes unread, \
                 or the network between us failed"
            ),
            Error::Unreachable { peer, source } => write!(
                formatter,
                "nobody receives datagrams at {peer}: its machine said so in answer to an earlier one ({source}); is \
                 the other program running, and is the port right?"
            ),
            Error::DatagramTooLong { from, bytes, limit } => write!(
                formatter,
                "a datagram of {} bytes came from {from}, over the limit of {limit}: raise Settings::max_message if it \
                 is meant to be that long",
                bytes.len()
            ),
            Error::Closed => write!(
                formatter,
                "nothing can be sent or received here any more: we have closed this connection, or a send before this one failed"
            ),
            Error::Tls(error) => error.fmt(formatter),
            Error::System { doing, source } => write!(formatter, "the system failed us while {doing}: {source}"),
        }
    }
}

fn advice_on_connect(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::ConnectionRefused => " (nobody listens there: is the server running, and is the port right?)",
        io::ErrorKind::TimedOut => " (no answer at all: a firewall, or no machine at that address?)",
        io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => " (no way leads there from this machine)",
        _ => "",
    }
}

fn advice_on_listen(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::AddrInUse => " (the port is in use: is another server still running? port 0 takes any free one)",
        io::ErrorKind::AddrNotAvailable => " (this machine does not have that address: try 127.0.0.1 or 0.0.0.0)",
        io::ErrorKind::PermissionDenied => " (ports below 1024 belong to the administrator: try one above)",
        _ => "",
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Resolve { source, .. }
            | Error::Listen { source, .. }
            | Error::Accept { source }
            | Error::Vanished { source, .. }
            | Error::Unreachable { source, .. }
            | Error::System { source, .. } => Some(source),
            Error::Connect { attempts, .. } => {
                attempts.last().map(|(_, error)| error as &(dyn std::error::Error + 'static))
            }
            Error::Tls(error) => Some(error),
            _ => None,
        }
    }
}

impl From<TlsError> for Error {
    fn from(error: TlsError) -> Error {
        Error::Tls(error)
    }
}
