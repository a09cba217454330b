//! How does the load generator reach a server?
//!
//! Through one socket, plain or under TLS, by the same two calls for every server. Each call has a limit, so that a server
//! which stops answering ends the run instead of holding it.
//!
//! A link can be told to spin: to ask again and again instead of sleeping until something comes. A sleeper must be woken, by
//! the very server that is measured, and it wakes late, so that both cores stand still in between. A load generator that
//! never sleeps keeps the server busy with less.

use crate::contender::Speaks;
use crate::deadline::Deadline;
use crate::frames::{GOODBYE, GOODBYE_ANSWER, UPGRADE, is_agreement};
use crate::tls_link::TlsLink;
use rustls::ClientConfig;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// How long a server may be silent when it has been asked something.
const PATIENCE: Duration = Duration::from_secs(15);

/// Where a server is, and how one speaks to it.
#[derive(Clone)]
pub struct Target {
    pub address: SocketAddr,
    pub speaks: Speaks,
    pub tls: Option<Arc<ClientConfig>>,
}

/// One connection. Two threads may use it at once, one for each direction.
pub struct Link {
    stream: Stream,
    spins: bool,
}

enum Stream {
    Plain(TcpStream),
    Tls(Box<TlsLink>),
}

impl Link {
    /// Connects, shakes hands and upgrades, as the server speaks.
    pub fn open(target: &Target) -> io::Result<Link> {
        let link = Link::connect(target)?;
        link.say_hello(target)?;
        Ok(link)
    }

    /// Connects, and no more.
    pub fn connect(target: &Target) -> io::Result<Link> {
        let socket = TcpStream::connect_timeout(&target.address, PATIENCE)?;
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.set_write_timeout(Some(PATIENCE))?;
        let stream = match &target.tls {
            None => Stream::Plain(socket),
            Some(config) => Stream::Tls(Box::new(TlsLink::shake_hands(socket, config)?)),
        };
        Ok(Link { stream, spins: false })
    }

    /// From now on it spins.
    pub fn spinning(mut self) -> io::Result<Link> {
        self.socket().set_nonblocking(true)?;
        self.spins = true;
        Ok(self)
    }

    /// The opening handshake, where there is one.
    pub fn say_hello(&self, target: &Target) -> io::Result<()> {
        if target.speaks == Speaks::WebSocket {
            self.send(UPGRADE)?;
            self.hear_agreement()?;
        }
        Ok(())
    }

    /// Reads the answer to the upgrade. Behind it nothing comes by itself, so whatever a read brings belongs to it.
    pub fn hear_agreement(&self) -> io::Result<()> {
        let (mut head, mut came) = ([0; 2048], 0);
        while !head[..came].ends_with(b"\r\n\r\n") {
            match self.receive(&mut head[came..])? {
                0 => return Err(io::Error::other("the server ended before it had answered the upgrade")),
                count => came += count,
            }
        }
        if is_agreement(&head[..came]) {
            return Ok(());
        }
        let line = String::from_utf8_lossy(&head[..came]).lines().next().unwrap_or_default().to_owned();
        Err(io::Error::other(format!("the server did not agree to WebSocket: {line}")))
    }

    /// Says that nothing more will come, in the server's own words.
    pub fn say_goodbye(&self, target: &Target) -> io::Result<()> {
        match target.speaks {
            Speaks::WebSocket => self.send(&GOODBYE),
            Speaks::Raw => self.socket().shutdown(Shutdown::Write),
        }
    }

    /// Hears the server's goodbye, and the end.
    pub fn hear_goodbye(&self, target: &Target) -> io::Result<()> {
        let expected: &[u8] = if target.speaks == Speaks::WebSocket { &GOODBYE_ANSWER } else { &[] };
        let (mut buffer, mut came) = ([0; 64], 0);
        loop {
            match self.receive(&mut buffer[came..])? {
                0 if buffer[..came] == *expected => return Ok(()),
                0 => return Err(io::Error::other(format!("the server said {:02x?} at the end", &buffer[..came]))),
                count => came += count,
            }
        }
    }

    /// Writes all of it.
    pub fn send(&self, bytes: &[u8]) -> io::Result<()> {
        match &self.stream {
            Stream::Plain(socket) => write_all(socket, bytes),
            Stream::Tls(link) => link.send(bytes),
        }
    }

    /// Writes what there is room for, and says how much. Of a link that spins, and never mixed with `send`.
    pub fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        match &self.stream {
            Stream::Plain(_) if bytes.is_empty() => Ok(0),
            Stream::Plain(socket) => write_some(socket, bytes),
            Stream::Tls(link) => link.try_send(bytes),
        }
    }

    /// Reads what there is, at least one byte; 0 is the end.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut deadline = None;
        loop {
            match self.try_receive(buffer)? {
                Some(count) => return Ok(count),
                // A link that does not spin has waited already.
                None if !self.spins => return Err(silent()),
                None => deadline.get_or_insert_with(|| Deadline::after(PATIENCE)).check()?,
            }
        }
    }

    /// The same, but nothing if nothing is there.
    pub fn try_receive(&self, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let result = match &self.stream {
            Stream::Plain(socket) => (&mut &*socket).read(buffer),
            Stream::Tls(link) => link.receive(buffer),
        };
        match result {
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            result => result.map(Some),
        }
    }

    fn socket(&self) -> &TcpStream {
        match &self.stream {
            Stream::Plain(socket) => socket,
            Stream::Tls(link) => link.socket(),
        }
    }
}

/// Writes all of it to a socket that may spin. One that does not takes at least a byte within its time-out, or none any more.
pub fn write_all(mut socket: &TcpStream, mut bytes: &[u8]) -> io::Result<()> {
    let mut deadline = None;
    while !bytes.is_empty() {
        match socket.write(bytes) {
            Ok(count) => bytes = &bytes[count..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                deadline.get_or_insert_with(|| Deadline::after(PATIENCE)).check()?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Writes as much as there is room for.
pub fn write_some(mut socket: &TcpStream, bytes: &[u8]) -> io::Result<usize> {
    match socket.write(bytes) {
        Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(0),
        result => result,
    }
}

fn silent() -> io::Error {
    io::Error::other(format!("the server said nothing for {PATIENCE:?}"))
}
