//! Which words does the trace speak?
//!
//! One [`Step`] is one thing that one thread did on one socket. The words are the system's own (socket, bind, listen,
//! accept, connect, read, write, shutdown, close), for the ladder is compared with `strace` in a test and must not lie.
//!
//! `std` has its own, larger steps: `TcpListener::bind` is four system calls behind one name. We cannot time what we
//! cannot see, so such a step names all four and has one time for all of them; when it fails, it says "one of".

use super::TlsStep;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

/// One thing that happened, told to an [`Observer`](crate::trace::Observer) while its bytes are still borrowed.
#[derive(Debug, Clone)]
pub struct Step<'a> {
    /// When it began, by the clock of this machine. Both ends of a loopback conversation share that clock.
    pub at: SystemTime,
    /// How long it took: for a read this is mostly how long the peer let us wait.
    pub took: Duration,
    /// Which side of the ladder we are.
    pub side: Side,
    /// A number for this socket that is never used again in this process. Descriptors are: the system hands the
    /// lowest free one to the next socket, so two conversations of one minute often share a descriptor.
    pub connection: u64,
    /// The file descriptor (Unix), as `strace` shows it. `None` elsewhere, and before there is a socket.
    pub descriptor: Option<i32>,
    /// Our address, where it is known.
    pub local: Option<SocketAddr>,
    /// The peer's address, where it is known. A datagram socket without a fixed peer has another one with each step.
    pub peer: Option<SocketAddr>,
    /// The name of the thread that did it.
    pub thread: &'a str,
    /// What was done.
    pub action: Action<'a>,
}

impl Step<'_> {
    /// The moment at which a ladder shows it. What waits for the peer is shown when it returned, for only then is there
    /// anything to see. What goes to the peer is shown when it began: the peer may read it before our write has
    /// returned, and effects should not stand above their causes. A long write is a wait, too.
    pub fn moment(&self) -> SystemTime {
        let begins = match &self.action {
            Action::Call { call: Call::Write, outcome: Outcome::Bytes(bytes) } => bytes.len() <= LARGE_WRITE,
            Action::Call { call: Call::Send | Call::SendTo, outcome: Outcome::Bytes(_) } => true,
            Action::Call { call: Call::Shutdown | Call::Close | Call::CloseDatagram, .. } => true,
            _ => false,
        };
        if begins { self.at } else { self.at.checked_add(self.took).unwrap_or(self.at) }
    }
}

/// A write of up to this many bytes finds room in the system's buffer, unless the peer has stopped reading: its wait is
/// not worth a line.
pub(crate) const LARGE_WRITE: usize = 64 * 1024;

/// The side of the conversation that took the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// The active side: it began the conversation with connect.
    Client,
    /// The passive side: it listened and accepted.
    Server,
}

/// Whether bytes came in or went out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the peer to us.
    In,
    /// From us to the peer.
    Out,
}

/// What a [`Step`] tells.
#[derive(Debug, Clone)]
pub enum Action<'a> {
    /// A call begins that may have to wait for the peer. If nothing follows for this socket, this is where it hangs.
    Wait {
        /// The call that waits.
        call: Call,
        /// How many bytes a write wants to hand over.
        bytes: Option<usize>,
    },
    /// A call of `std` has returned.
    Call {
        /// Which one.
        call: Call,
        /// What came of it.
        outcome: Outcome<'a>,
    },
    /// Something happened in TLS, between the calls and what they mean.
    Tls(TlsStep<'a>),
    /// An HTTP head crossed: the opening handshake, or a page's request. The text ends with its blank line.
    Head {
        /// Whether we received or sent it.
        direction: Direction,
        /// The head, byte for byte.
        bytes: &'a [u8],
    },
    /// A WebSocket frame crossed.
    Frame {
        /// Whether we received or sent it.
        direction: Direction,
        /// The frame, taken apart.
        frame: FrameStep<'a>,
    },
    /// A conversation went from one state to another, such as `open` to `closing`.
    State {
        /// The state before.
        from: &'a str,
        /// The state now.
        to: &'a str,
        /// What caused it.
        why: &'a str,
    },
    /// A remark of the program for whoever reads the trace.
    Note(&'a str),
}

/// A WebSocket frame as RFC 6455 section 5.2 draws it.
#[derive(Debug, Clone, Copy)]
pub struct FrameStep<'a> {
    /// Whether it is the last frame of its message.
    pub fin: bool,
    /// The three reserved bits as a number from 0 to 7, RSV1 the highest.
    pub rsv: u8,
    /// The four bits that say what the frame is.
    pub opcode: u8,
    /// The masking key, in frames from a client.
    pub key: Option<[u8; 4]>,
    /// The length that the header announces.
    pub length: u64,
    /// The header's bytes as they crossed, without the masking key.
    pub header: &'a [u8],
    /// The payload, unmasked. Shorter than `length` where a broken rule stopped us from reading on.
    pub payload: &'a [u8],
}

/// What came of a call.
#[derive(Debug, Clone, Copy)]
pub enum Outcome<'a> {
    /// It did what it is for.
    Done,
    /// A listener accepted: the new socket's descriptor and the peer it leads to.
    Accepted {
        /// The descriptor of the new socket (Unix).
        descriptor: Option<i32>,
        /// Who connected.
        peer: SocketAddr,
    },
    /// These bytes were read, peeked at or written.
    Bytes(&'a [u8]),
    /// A read met the end: the peer will send nothing more.
    End,
    /// A read met the end that we made ourselves by a shutdown: it says nothing about the peer.
    OwnEnd,
    /// The time ran out with nothing to show for it.
    Nothing,
    /// The system refused.
    Failed(&'a io::Error),
}

/// A call of `std` that the trace knows, and the system calls that `std` makes for it on Linux.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Call {
    /// A name becomes addresses. The C library does it, with files and servers of its own choice.
    Resolve,
    /// The passive side's first three steps at once: socket, bind, listen.
    Listen,
    /// A waiting client becomes a socket of its own.
    Accept,
    /// The active side's first two steps at once: socket, connect.
    Connect,
    /// Bytes from the peer.
    Read,
    /// A look at the next byte that leaves it there.
    Peek,
    /// Bytes to the peer.
    Write,
    /// The end of what we send, or of both directions.
    Shutdown,
    /// The end of what we receive, and of nothing else. It wakes our own read, and the peer hears nothing of it.
    ShutdownRead,
    /// The descriptor is given back.
    Close,
    /// A datagram socket gets an address and a port: socket, bind.
    Bind,
    /// A datagram socket gets a fixed peer. Nothing is sent: the system notes the address, and drops what others send.
    ConnectDatagram,
    /// A datagram to the fixed peer.
    Send,
    /// A datagram to the address in [`Step::peer`].
    SendTo,
    /// A datagram from the address in [`Step::peer`].
    ReceiveFrom,
    /// A datagram socket's descriptor is given back. The peer hears nothing of it: there was no connection.
    CloseDatagram,
}

impl Call {
    /// Every call, in the order of a conversation, and then those of datagrams.
    pub const ALL: [Call; 16] = [
        Call::Resolve,
        Call::Listen,
        Call::Accept,
        Call::Connect,
        Call::Read,
        Call::Peek,
        Call::Write,
        Call::Shutdown,
        Call::ShutdownRead,
        Call::Close,
        Call::Bind,
        Call::ConnectDatagram,
        Call::Send,
        Call::SendTo,
        Call::ReceiveFrom,
        Call::CloseDatagram,
    ];

    /// The word for it on the blackboard, which is also its name in JSON.
    ///
    /// ```
    /// assert_eq!(socklab::trace::Call::Listen.name(), "socket, bind, listen");
    /// ```
    pub fn name(self) -> &'static str {
        match self {
            Call::Resolve => "resolve",
            Call::Listen => "socket, bind, listen",
            Call::Accept => "accept",
            Call::Connect => "socket, connect",
            Call::Read => "read",
            Call::Peek => "peek",
            Call::Write => "write",
            Call::Shutdown => "shutdown",
            Call::ShutdownRead => "shutdown reading",
            Call::Close => "close",
            Call::Bind => "socket, bind",
            Call::ConnectDatagram => "connect",
            Call::Send => "send",
            Call::SendTo => "sendto",
            Call::ReceiveFrom => "recvfrom",
            Call::CloseDatagram => "close datagram socket",
        }
    }

    /// The function of `std` that we call.
    pub fn standard_library(self) -> &'static str {
        match self {
            Call::Resolve => "ToSocketAddrs::to_socket_addrs",
            Call::Listen => "TcpListener::bind",
            Call::Accept => "TcpListener::accept",
            Call::Connect => "TcpStream::connect_timeout",
            Call::Read => "TcpStream::read",
            Call::Peek => "TcpStream::peek",
            Call::Write => "TcpStream::write",
            Call::Shutdown | Call::ShutdownRead => "TcpStream::shutdown",
            Call::Close => "drop(TcpStream)",
            Call::Bind => "UdpSocket::bind",
            Call::ConnectDatagram => "UdpSocket::connect",
            Call::Send => "UdpSocket::send",
            Call::SendTo => "UdpSocket::send_to",
            Call::ReceiveFrom => "UdpSocket::recv_from",
            Call::CloseDatagram => "drop(UdpSocket)",
        }
    }

    /// The system calls that `std` makes for it on Linux, in order. None for [`Call::Resolve`]: the C library's
    /// `getaddrinfo` reads files and asks servers, and how it does so is its own affair.
    pub fn system_calls(self) -> &'static [&'static str] {
        match self {
            Call::Resolve => &[],
            Call::Listen => &["socket", "setsockopt", "bind", "listen"],
            Call::Accept => &["accept4"],
            // A connect with a deadline: ioctl sets the socket to non-blocking so that connect only begins, a second one
            // sets it back, and poll waits. Should that end badly, getsockopt then fetches the reason.
            Call::Connect => &["socket", "ioctl", "connect", "ioctl", "poll"],
            Call::Read | Call::Peek | Call::ReceiveFrom => &["recvfrom"],
            Call::Write | Call::Send | Call::SendTo => &["sendto"],
            Call::Shutdown | Call::ShutdownRead => &["shutdown"],
            Call::Close | Call::CloseDatagram => &["close"],
            Call::Bind => &["socket", "bind"],
            Call::ConnectDatagram => &["connect"],
        }
    }
}
