//! What does one connection say, and what ought to come back?
//!
//! A [`Peer`] is the check's end of one connection to the program. It keeps two promises that a plain `write` does not:
//! a piece is a piece (the next is sent only when the program has read the one before), and an expectation ends: with what
//! was expected, with the first byte that differs, or with a silence that [`Vigil`] has seen.
//!
//! # In production
//!
//! A test like this uses the protocol's own client. This one has to say what no client says: half a line, and then nothing.

use socket2::{Domain, Socket, Type};
use std::io::{self, Read};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::stage::Ground;
use crate::system;
use crate::transcript::shown;
use crate::vigil::{PATIENCE, Vigil, spoken};

mod echo;
mod ends;
mod expects;
mod failure;
mod held;
mod pace;

use echo::Unsent;
pub use failure::Failure;
pub use held::Held;

/// The check's end of one connection.
pub struct Peer {
    name: String,
    stream: TcpStream,
    ground: Arc<Ground>,
    /// Came, and was not yet expected.
    received: Vec<u8>,
    closed: bool,
}

/// What a wait for the program ends with.
enum Event {
    Came,
    End,
    Reset,
    Silence(Duration),
    Excess,
}

impl Peer {
    pub(crate) fn new(name: &str, stream: TcpStream, ground: Arc<Ground>) -> io::Result<Self> {
        // What is to be glued is given in one write; Nagle's algorithm would hold back a small second one.
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_millis(20)))?;
        stream.set_write_timeout(Some(Duration::from_millis(20)))?;
        Ok(Self { name: name.to_owned(), stream, ground, received: Vec::new(), closed: false })
    }

    /// A connection whose receive buffer is as small as the system allows: whoever writes much to it is soon stopped.
    pub(crate) fn connect_narrow(address: SocketAddr) -> io::Result<TcpStream> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_recv_buffer_size(1)?;
        socket.connect(&address.into())?;
        Ok(socket.into())
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// In one write: on loopback it arrives as one segment, and a read with room for it gets all of it.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> Result<(), Failure> {
        let bytes = bytes.as_ref();
        self.ground.transcript.sent(&self.name, bytes);
        self.push(bytes).map_err(|unsent| {
            let (got, silent) = match unsent {
                Unsent::Silence(_) => ("stopped reading".to_owned(), true),
                Unsent::Closed(error) => (format!("closed the connection ({error})"), false),
            };
            let what = format!("{}: the program {got} while something was being sent to it.", self.name);
            let mut failure = self.failure(what, format!("that it reads {}", shown(bytes)), got);
            failure.silent = silent;
            failure
        })
    }

    /// In pieces that stay pieces: each is sent when the program has read the one before, and the last is read too.
    pub fn send_pieces<'a>(&mut self, pieces: impl IntoIterator<Item = &'a [u8]>) -> Result<(), Failure> {
        for piece in pieces {
            self.send(piece)?;
            self.taken()?;
        }
        Ok(())
    }

    /// Waits until the program has read all that was sent.
    pub fn taken(&mut self) -> Result<(), Failure> {
        let (Ok(ours), Ok(theirs)) = (self.stream.local_addr(), self.stream.peer_addr()) else { return Ok(()) };
        let mut vigil = Vigil::begin();
        loop {
            match system::all_taken(ours, theirs) {
                Some(true) => return Ok(()),
                Some(false) => {}
                // Not to be seen here: a moment is all that can be given, and on a busy machine pieces may run together.
                None => {
                    std::thread::sleep(Duration::from_millis(20));
                    return Ok(());
                }
            }
            if let Some(silence) = vigil.silent(|| self.ground.processes()) {
                let what = format!(
                    "{}: the program does not read what was sent to it: silent for {}.",
                    self.name,
                    spoken(silence)
                );
                let mut failure = self.failure(what, "that it reads", "nothing was read");
                failure.silent = true;
                return Err(failure);
            }
            std::thread::sleep(Duration::from_micros(300));
        }
    }

    /// Whether the program has read all that was sent to it, where that can be seen.
    pub fn has_been_read(&self) -> Option<bool> {
        system::all_taken(self.stream.local_addr().ok()?, self.stream.peer_addr().ok()?)
    }

    /// Waits until all that was sent lies before the program, read or not: pieces that were sent one after the other can
    /// then be read as one.
    pub fn arrived(&mut self) {
        let (Ok(ours), Ok(theirs)) = (self.stream.local_addr(), self.stream.peer_addr()) else { return };
        let begun = Instant::now();
        loop {
            match system::all_arrived(ours, theirs) {
                // Not to be seen here: see `taken`.
                None => return std::thread::sleep(Duration::from_millis(20)),
                Some(false) if begun.elapsed() < PATIENCE => std::thread::sleep(Duration::from_micros(300)),
                Some(_) => return,
            }
        }
    }

    /// Reads until something comes or ends, or for as long as a vigil lasts.
    fn wait(&mut self) -> Event {
        let mut vigil = Vigil::begin();
        loop {
            match self.read() {
                Some(event) => return event,
                None if self.ground.excess().is_some() => return Event::Excess,
                None => {}
            }
            if let Some(silence) = vigil.silent(|| self.ground.processes()) {
                return Event::Silence(silence);
            }
        }
    }

    fn wait_for(&mut self, time: Duration) -> Event {
        let begun = Instant::now();
        while begun.elapsed() < time {
            if let Some(event) = self.read() {
                return event;
            }
        }
        Event::Silence(time)
    }

    /// One read, of at most 20 ms.
    fn read(&mut self) -> Option<Event> {
        let mut buffer = [0; 8192];
        match self.stream.read(&mut buffer) {
            Ok(0) => {
                self.ground.transcript.happened(format!("closes {}'s connection", self.name));
                Some(Event::End)
            }
            Ok(count) => {
                self.ground.transcript.came(&self.name, &buffer[..count]);
                self.received.extend_from_slice(&buffer[..count]);
                Some(Event::Came)
            }
            Err(error) => match error.kind() {
                io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted => None,
                _ => {
                    self.ground.transcript.happened(format!("{}'s connection is reset", self.name));
                    Some(Event::Reset)
                }
            },
        }
    }

    fn failure(&self, what: impl Into<String>, expected: impl Into<String>, got: impl Into<String>) -> Failure {
        Failure::new(what, expected, got)
    }
}
