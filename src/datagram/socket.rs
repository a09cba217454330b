//! What does the system do for a datagram socket, call by call?
//!
//! Each function here is one call of `std` and the step that tells of it, and says in our words how it failed.
//!
//! # In production
//!
//! `sendmmsg` and `recvmmsg` move many datagrams with one system call, and IP_RECVERR says which datagram an error is
//! about.

use crate::deadline::TICK;
use crate::error::Error;
use crate::settings::Settings;
use crate::trace::{Call, Outcome, TellCloseDatagram, Tracer};
use crate::transport::descriptor;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::time::Duration;

/// No datagram is longer: its length is a field of 16 bits (RFC 768). Less space would be a trap: Unix fills it,
/// drops the rest of the datagram, and says nothing.
pub(super) const LARGEST: usize = 65_535;

#[derive(Debug)]
pub(super) struct Socket {
    pub(super) socket: UdpSocket,
    told: TellCloseDatagram,
    pub(super) tracer: Tracer,
    pub(super) local: SocketAddr,
    pub(super) peer: Option<SocketAddr>,
    pub(super) max: usize,
    send_limit: Duration,
}

impl Socket {
    pub(super) fn bind(local: SocketAddr, settings: &Settings, mut tracer: Tracer) -> io::Result<Socket> {
        let started = tracer.start(Call::Bind);
        let result = UdpSocket::bind(local);
        if let Ok(socket) = &result {
            tracer.descriptor = descriptor(socket);
            tracer.local = socket.local_addr().ok();
        }
        tracer.finish(started, || result.as_ref().map_or_else(Outcome::Failed, |_| Outcome::Done));
        let socket = Socket {
            socket: result?,
            told: TellCloseDatagram(tracer.clone()),
            local: tracer.local.unwrap_or(local),
            tracer,
            peer: None,
            max: settings.max_message.min(LARGEST),
            send_limit: settings.send_limit,
        };
        // Once for all: each send has the same limit.
        let limit = Some(settings.send_limit.max(TICK)).filter(|limit| *limit != Duration::MAX);
        socket.socket.set_write_timeout(limit)?;
        Ok(socket)
    }

    /// From now on the system sends to this peer, drops what others send, and tells us what comes back from its
    /// machine.
    pub(super) fn fix_peer(mut self, peer: SocketAddr) -> io::Result<Socket> {
        self.tracer.peer = Some(peer);
        let started = self.tracer.start(Call::ConnectDatagram);
        let result = self.socket.connect(peer);
        // Until now the address was 0.0.0.0: only the way to the peer decides which of ours is used.
        self.local = self.socket.local_addr().unwrap_or(self.local);
        self.tracer.local = Some(self.local);
        self.told.0 = self.tracer.clone();
        self.tracer.finish(started, || result.as_ref().map_or_else(Outcome::Failed, |()| Outcome::Done));
        result?;
        // To 0.0.0.0 means to this machine, and the answers come from 127.0.0.1.
        self.peer = Some(self.socket.peer_addr().unwrap_or(peer));
        Ok(self)
    }

    pub(super) fn send(&self, bytes: &[u8]) -> Result<(), Error> {
        let peer = self.peer.ok_or_else(|| unsendable("this socket has no fixed peer: use send_to, or connect"))?;
        self.send_by(Call::Send, bytes, peer, || self.socket.send(bytes))
    }

    pub(super) fn send_to(&self, bytes: &[u8], to: SocketAddr) -> Result<(), Error> {
        if let Some(peer) = self.peer {
            return Err(unsendable(format!("this socket's peer is fixed: {peer}. Use send, or bind without a peer")));
        }
        self.send_by(Call::SendTo, bytes, to, || self.socket.send_to(bytes, to))
    }

    fn send_by(
        &self,
        call: Call,
        bytes: &[u8],
        to: SocketAddr,
        send: impl Fn() -> io::Result<usize>,
    ) -> Result<(), Error> {
        if bytes.len() > self.max && self.max < LARGEST {
            return Err(Error::TooLong { length: bytes.len() as u64, limit: self.max });
        }
        if bytes.len() > room(to.ip()) {
            let (length, room) = (bytes.len(), room(to.ip()));
            return Err(unsendable(format!(
                "{length} bytes, and a datagram to {to} holds {room} at most: send it in numbered parts, or by TCP"
            )));
        }
        let started = self.tracer.start_waiting(call, Some(bytes.len()));
        let result = loop {
            match send() {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                result => break result,
            }
        };
        self.tracer.with(Some(to)).finish(started, || match &result {
            Ok(count) => Outcome::Bytes(&bytes[..*count]),
            Err(error) if is_time_out(error) => Outcome::Nothing,
            Err(error) => Outcome::Failed(error),
        });
        match result {
            Ok(_) => Ok(()),
            Err(error) if is_time_out(&error) => {
                Err(Error::TimedOut { doing: "sending a datagram", limit: self.send_limit })
            }
            Err(error) => Err(self.failed("sending a datagram", error)),
        }
    }

    pub(super) fn failed(&self, doing: &'static str, source: io::Error) -> Error {
        match self.peer {
            Some(peer) if is_refusal(&source) => Error::Unreachable { peer, source },
            _ => Error::System { doing, source },
        }
    }
}

/// What is left of 65,535 behind IPv4's header of 20 bytes and UDP's of 8. IPv6 does not count its own header.
fn room(to: IpAddr) -> usize {
    if to.to_canonical().is_ipv4() { LARGEST - 20 - 8 } else { LARGEST - 8 }
}

fn unsendable(why: impl Into<String>) -> Error {
    Error::Unsendable { why: why.into() }
}

/// Unix says the one and Windows the other.
pub(super) fn is_time_out(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// ICMP "port unreachable": Unix says the one and Windows the other.
pub(super) fn is_refusal(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::ConnectionRefused | ErrorKind::ConnectionReset)
}
