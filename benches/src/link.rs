//! How does the load generator reach a server?
//!
//! Through one blocking socket, plain or under TLS, by the same two calls for every server. Each call has a limit, so that a
//! server which stops answering ends the run instead of holding it.

use crate::contender::Speaks;
use crate::frames::{GOODBYE, GOODBYE_ANSWER, UPGRADE, is_agreement};
use crate::tls_link::TlsLink;
use rustls::ClientConfig;
use std::io::{self, Read, Write};
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
pub enum Link {
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
        Ok(match &target.tls {
            None => Link::Plain(socket),
            Some(config) => Link::Tls(Box::new(TlsLink::shake_hands(socket, config)?)),
        })
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
        match self {
            Link::Plain(socket) => (&mut &*socket).write_all(bytes),
            Link::Tls(link) => link.send(bytes),
        }
    }

    /// Reads what there is, at least one byte; 0 is the end.
    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Link::Plain(socket) => (&mut &*socket).read(buffer),
            Link::Tls(link) => link.receive(buffer),
        }
    }

    fn socket(&self) -> &TcpStream {
        match self {
            Link::Plain(socket) => socket,
            Link::Tls(link) => link.socket(),
        }
    }
}
