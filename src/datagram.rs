//! What is left when one takes the connection away?
//!
//! UDP (RFC 768) puts two ports and a checksum in front of what IP delivers, and nothing else. No handshake, so there
//! is nobody who accepts; no acknowledgement, so nobody learns what arrived; no order and no end. What is gained: one
//! socket talks to everybody, a message needs no framing, because its edges stay where they are, and the first byte
//! is on its way at once.
//!
//! ```text
//!   socket()     a descriptor, still alone                            \
//!   bind()       it gets an address and a port                        /  UdpSocket::bind
//!   connect()    only with a fixed peer: its address is noted, nothing is sent
//!   sendto(), recvfrom()   one datagram each                             Datagram::send_to, Datagram::receive
//!   close()      the descriptor goes back, and nobody hears of it        drop
//! ```
//!
//! # In production
//!
//! DNS, games, telephony and QUIC (RFC 9000) live on datagrams, and each builds the part of TCP that it needs:
//! numbers, acknowledgements, repetition. RFC 8085 says what a polite one does: no more than some 1,200 bytes each,
//! and no faster than the network carries. We leave out broadcast, multicast, and many datagrams in one system call.

mod socket;

use crate::deadline::{Deadline, TimeOut};
use crate::error::Error;
use crate::resolve::alternate;
use crate::settings::Settings;
use crate::trace::{Call, Outcome, Side, Tracer};
use socket::{LARGEST, Socket, is_refusal, is_time_out};
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// What a receive of a [`Datagram`] brought. There is no end: nobody can tell a peer that left from one that is silent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReceivedDatagram {
    /// A whole datagram. It may be empty.
    Datagram {
        /// What it holds.
        bytes: Vec<u8>,
        /// Who sent it (WLanguage: `SocketClientInfo`), by its own account: whoever owns a network on the way can write
        /// any address there.
        from: SocketAddr,
    },
    /// None came within the time given.
    Nothing,
}

/// A UDP socket, with a fixed peer or without. WLanguage: `SocketCreateUDP` (in French `SocketCréeUDP`), with
/// `SocketRead` (`SocketLit`) and `SocketWrite` (`SocketEcrit`).
///
/// What is **not** promised, however well it works on one machine: that a datagram arrives, that it arrives once,
/// that two arrive in the order in which they were sent, and that the sender learns any of this. A send that went
/// well says that our own system took it. A program that needs more puts numbers on its datagrams, and looks at them:
/// see
/// `cargo run --example datagram`.
///
/// What is promised: what arrives is whole, and is one datagram as it was sent, never a part and never two in one.
///
/// Of [`Settings`] these hold: `max_message` (but no datagram is over 65,535 bytes), `receive_limit`, `send_limit`,
/// `resolver`, `connect_limit` for resolving, and `trace`.
///
/// ```
/// use socklab::{Datagram, ReceivedDatagram};
///
/// let mut answering = Datagram::bind("127.0.0.1:0")?;
/// let mut asking = Datagram::connect(&answering.local_address().to_string())?;
/// asking.send("Is anybody there?")?;
/// // Who sent it is known after a receive, so that one can answer.
/// if let ReceivedDatagram::Datagram { bytes, from } = answering.receive()? {
///     assert_eq!(bytes, b"Is anybody there?");
///     answering.send_to("Yes.", from)?;
/// }
/// let from = answering.local_address();
/// assert_eq!(asking.receive()?, ReceivedDatagram::Datagram { bytes: b"Yes.".to_vec(), from });
/// # Ok::<(), socklab::Error>(())
/// ```
///
/// Dropping it closes it, once its [`DatagramSender`]s are gone too, and nobody is told (WLanguage: `SocketClose`, in
/// French `SocketFerme`).
#[derive(Debug)]
pub struct Datagram {
    socket: Arc<Socket>,
    time_out: TimeOut,
    space: Vec<u8>,
    receive_limit: Duration,
}

/// Sends from any thread while another receives. Cheap to clone. It keeps the socket open.
#[derive(Debug, Clone)]
pub struct DatagramSender(Arc<Socket>);

impl Datagram {
    /// A socket that anybody may send to, at `HOST:PORT`, with the default [`Settings`]: port 0 takes any free one.
    /// Blocks only where the host is a name, for at most [`Settings::connect_limit`].
    ///
    /// Errors: [`Error::Address`], [`Error::Resolve`], [`Error::Listen`].
    pub fn bind(local: &str) -> Result<Datagram, Error> {
        Datagram::bind_with(local, &Settings::default())
    }

    /// As [`Datagram::bind`], with settings.
    pub fn bind_with(local: &str, settings: &Settings) -> Result<Datagram, Error> {
        let tracer = Tracer::new(&settings.trace, Side::Server);
        let candidates = settings.resolver.addresses(local, Deadline::after(settings.connect_limit), &tracer)?;
        let mut last = ErrorKind::NotFound.into();
        for candidate in candidates {
            match Socket::bind(candidate, settings, tracer.clone()) {
                Ok(socket) => return Ok(Datagram::on(socket, settings)),
                Err(error) => last = error,
            }
        }
        Err(Error::Listen { address: local.to_owned(), source: last })
    }

    /// A socket with a fixed peer, at `HOST:PORT`, with the default [`Settings`]: it sends there, and receives from
    /// there only. Nothing is sent yet, so this cannot know whether anybody is there. Blocks only where the host is a
    /// name, for at most [`Settings::connect_limit`].
    ///
    /// Of a name's addresses it takes the first to which this machine knows a way.
    ///
    /// Errors: [`Error::Address`], [`Error::Resolve`], [`Error::Connect`].
    pub fn connect(peer: &str) -> Result<Datagram, Error> {
        Datagram::connect_with(peer, &Settings::default())
    }

    /// As [`Datagram::connect`], with settings.
    pub fn connect_with(peer: &str, settings: &Settings) -> Result<Datagram, Error> {
        Datagram::connect_between(&[], peer, Deadline::after(settings.connect_limit), settings)
    }

    /// As [`Datagram::connect_with`], from an address and port of our own choice: two programs that know each other's
    /// ports need no first word. Errors and blocks as that does.
    pub fn connect_from(local: &str, peer: &str, settings: &Settings) -> Result<Datagram, Error> {
        let tracer = Tracer::new(&settings.trace, Side::Client);
        let deadline = Deadline::after(settings.connect_limit);
        let ours = settings.resolver.addresses(local, deadline, &tracer)?;
        Datagram::connect_between(&ours, peer, deadline, settings)
    }

    fn connect_between(
        ours: &[SocketAddr],
        peer: &str,
        deadline: Deadline,
        settings: &Settings,
    ) -> Result<Datagram, Error> {
        let tracer = Tracer::new(&settings.trace, Side::Client);
        let peers = settings.resolver.addresses(peer, deadline, &tracer)?;
        let mut attempts = Vec::new();
        for address in alternate(peers) {
            // Each attempt is a socket of its own, with a number of its own in the trace.
            let tracer = Tracer::new(&settings.trace, Side::Client);
            let connected = local_for(address, ours)
                .and_then(|local| Socket::bind(local, settings, tracer))
                .and_then(|socket| socket.fix_peer(address));
            match connected {
                Ok(socket) => return Ok(Datagram::on(socket, settings)),
                Err(error) => attempts.push((address, error)),
            }
        }
        Err(Error::Connect { target: peer.to_owned(), attempts })
    }

    fn on(socket: Socket, settings: &Settings) -> Datagram {
        Datagram {
            socket: Arc::new(socket),
            time_out: TimeOut::none(),
            space: vec![0; LARGEST],
            receive_limit: settings.receive_limit,
        }
    }

    /// Our address. After a bind to `0.0.0.0` it is that: which of its addresses a machine sends from is decided for
    /// each datagram.
    pub fn local_address(&self) -> SocketAddr {
        self.socket.local
    }

    /// The fixed peer's address, if there is one.
    pub fn peer_address(&self) -> Option<SocketAddr> {
        self.socket.peer
    }

    /// A handle that sends.
    pub fn sender(&self) -> DatagramSender {
        DatagramSender(self.socket.clone())
    }

    /// Sends one datagram to the fixed peer. Blocks and fails as [`Datagram::send_to`] does.
    pub fn send(&self, bytes: impl AsRef<[u8]>) -> Result<(), Error> {
        self.socket.send(bytes.as_ref())
    }

    /// Sends one datagram. Blocks while the system's buffer is full, for at most [`Settings::send_limit`]. That our
    /// system took it is all that is known afterwards.
    ///
    /// Errors: [`Error::TooLong`] over [`Settings::max_message`]; [`Error::Unsendable`] where no datagram can hold it
    /// (65,507 bytes over IPv4, 65,527 over IPv6), and where the socket's peer is fixed (or, for `send`, is not);
    /// [`Error::Unreachable`], with a fixed peer, for a datagram *before* this one, and this one has not been sent;
    /// [`Error::TimedOut`], [`Error::System`].
    pub fn send_to(&self, bytes: impl AsRef<[u8]>, to: SocketAddr) -> Result<(), Error> {
        self.socket.send_to(bytes.as_ref(), to)
    }

    /// The next datagram. Waits for at most [`Settings::receive_limit`]. See [`Datagram::receive_within`].
    pub fn receive(&mut self) -> Result<ReceivedDatagram, Error> {
        self.receive_within(self.receive_limit)
    }

    /// The next datagram, as soon as there is one. Waits for at most `limit`, in steps of a millisecond.
    ///
    /// Errors: [`Error::DatagramTooLong`] for one over [`Settings::max_message`], with all of it, and the next
    /// receive goes on; [`Error::Unreachable`], with a fixed peer: its machine said that nobody receives what we
    /// sent. Later there may be somebody, so the socket stays usable; [`Error::System`].
    pub fn receive_within(&mut self, limit: Duration) -> Result<ReceivedDatagram, Error> {
        let deadline = Deadline::after(limit);
        loop {
            let (count, from) = match self.receive_any(deadline) {
                Ok(came) => came,
                Err(error) if is_time_out(&error) => return Ok(ReceivedDatagram::Nothing),
                // Windows tells of a port that is closed without saying whose: with many peers that says nothing.
                Err(error) if is_refusal(&error) && self.socket.peer.is_none() && !deadline.has_passed() => continue,
                Err(error) => return Err(self.socket.failed("waiting for a datagram", error)),
            };
            // Between bind and connect the socket takes what anybody sends, and keeps it.
            if self.socket.peer.is_some_and(|peer| (peer.ip(), peer.port()) != (from.ip(), from.port())) {
                continue;
            }
            let bytes = self.space[..count].to_vec();
            if count > self.socket.max {
                return Err(Error::DatagramTooLong { from, bytes, limit: self.socket.max });
            }
            return Ok(ReceivedDatagram::Datagram { bytes, from });
        }
    }

    fn receive_any(&mut self, deadline: Deadline) -> io::Result<(usize, SocketAddr)> {
        let Socket { socket, tracer, .. } = &*self.socket;
        let started = tracer.start_waiting(Call::ReceiveFrom, None);
        let set = |limit| socket.set_read_timeout(limit);
        let mut ready = self.time_out.shorten(deadline.remaining(), set);
        let result = loop {
            match ready.and_then(|()| socket.recv_from(&mut self.space)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {
                    ready = self.time_out.shorten(deadline.remaining(), set);
                }
                Err(error) if is_time_out(&error) && !deadline.has_passed() => {
                    ready = self.time_out.renew(deadline.remaining(), set);
                }
                result => break result,
            }
        };
        let from = result.as_ref().ok().map(|(_, from)| *from);
        tracer.with(from).finish(started, || match &result {
            Ok((count, _)) => Outcome::Bytes(&self.space[..*count]),
            Err(error) if is_time_out(error) => Outcome::Nothing,
            Err(error) => Outcome::Failed(error),
        });
        result
    }
}

impl DatagramSender {
    /// See [`Datagram::send`].
    pub fn send(&self, bytes: impl AsRef<[u8]>) -> Result<(), Error> {
        self.0.send(bytes.as_ref())
    }

    /// See [`Datagram::send_to`].
    pub fn send_to(&self, bytes: impl AsRef<[u8]>, to: SocketAddr) -> Result<(), Error> {
        self.0.send_to(bytes.as_ref(), to)
    }
}

/// The address to send from: of our own choice if it is of the peer's family, else any.
fn local_for(peer: SocketAddr, ours: &[SocketAddr]) -> io::Result<SocketAddr> {
    let any = if peer.is_ipv4() { IpAddr::V4(Ipv4Addr::UNSPECIFIED) } else { IpAddr::V6(Ipv6Addr::UNSPECIFIED) };
    match ours.iter().find(|local| local.is_ipv4() == peer.is_ipv4()) {
        Some(local) => Ok(*local),
        None if ours.is_empty() => Ok(SocketAddr::new(any, 0)),
        None => Err(io::Error::new(ErrorKind::InvalidInput, "our own address is of the other family")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_before_the_peer_was_fixed_is_from_others() {
        let settings = Settings::default();
        let tracer = Tracer::new(&settings.trace, Side::Client);
        let socket = Socket::bind("127.0.0.1:0".parse().unwrap(), &settings, tracer).unwrap();
        let [stranger, peer] = [(); 2].map(|()| Datagram::bind("127.0.0.1:0").unwrap());
        stranger.send_to("before", socket.local).unwrap();
        let mut datagram = Datagram::on(socket.fix_peer(peer.local_address()).unwrap(), &settings);
        stranger.send_to("after", datagram.local_address()).unwrap();
        peer.send_to("from the peer", datagram.local_address()).unwrap();
        let from = peer.local_address();
        let expected = ReceivedDatagram::Datagram { bytes: b"from the peer".to_vec(), from };
        assert_eq!(datagram.receive_within(Duration::from_secs(5)).unwrap(), expected);
        assert_eq!(datagram.receive_within(Duration::from_millis(20)).unwrap(), ReceivedDatagram::Nothing);
    }
}
