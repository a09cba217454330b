//! What does one connection say, and what ought to come back?
//!
//! A [`Peer`] is the check's end of one connection to the program. It keeps two promises that a plain `write` does not:
//! a piece is a piece (the next is sent only when the program has read the one before), and an expectation ends: with what
//! was expected, with the first byte that differs, or with a silence that [`Vigil`] has seen.
//!
//! # In production
//!
//! A test like this uses the protocol's own client. This one has to say what no client says: half a line, and then nothing.

use socket2::{Domain, SockRef, Socket, Type};
use std::io::{self, Read};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::program;
use crate::stage::Ground;
use crate::system;
use crate::transcript::shown;
use crate::vigil::{PATIENCE, Vigil, spoken};

mod echo;
mod pace;

use echo::Unsent;

/// Why a probe failed: what the student reads first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// One sentence.
    pub what: String,
    pub expected: String,
    pub got: String,
    /// Another mistake of the catalogue than the probe's own, when it is certain.
    pub mistake: Option<&'static str>,
    /// Nothing came, and the program sleeps.
    pub silent: bool,
}

impl Failure {
    pub fn new(what: impl Into<String>, expected: impl Into<String>, got: impl Into<String>) -> Self {
        Self { what: what.into(), expected: expected.into(), got: got.into(), mistake: None, silent: false }
    }

    /// Names the mistake itself.
    pub fn is(mut self, mistake: &'static str) -> Self {
        self.mistake = Some(mistake);
        self
    }
}

/// The check's end of one connection.
pub struct Peer {
    name: String,
    stream: TcpStream,
    ground: Arc<Ground>,
    /// Came, and was not yet expected.
    received: Vec<u8>,
    closed: bool,
}

/// What the program's system did with a part of what was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Held {
    /// So many bytes had come before.
    pub after: usize,
    /// It kept the next ones back for at least as long as this.
    pub time: Duration,
    /// Seen in its queue, and not concluded from the time.
    pub certain: bool,
}

/// What waits in the sender's queue for so long waits for an acknowledgement. Through loopback a segment takes microseconds.
const HELD: Duration = Duration::from_millis(10);

/// Hundredths of a second of processor time, for noticing an end: a loop that spins needs as many, on any machine.
pub(crate) const SPINNING: u64 = 20;

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

    /// Exactly `line` and a line feed come next.
    pub fn expect_line(&mut self, line: &str) -> Result<(), Failure> {
        self.expect(format!("{line}\n").as_bytes())
    }

    /// Exactly these bytes come next. More may follow: what ought not to come is shown by what ought to come after it.
    pub fn expect(&mut self, expected: &[u8]) -> Result<(), Failure> {
        loop {
            let common = self.received.len().min(expected.len());
            if self.received[..common] != expected[..common] {
                self.rest_of_the_line();
                let what = format!("{} got something else than expected.", self.name);
                return Err(self.failure(what, shown(expected), shown(&self.received)));
            }
            if common == expected.len() {
                self.received.drain(..common);
                return Ok(());
            }
            let so_far = match self.received.is_empty() {
                true => String::new(),
                false => format!("{}, then ", shown(&self.received)),
            };
            let (name, expected) = (self.name.clone(), shown(expected));
            match self.wait() {
                Event::Came => {}
                Event::End => {
                    return Err(self.failure(
                        format!("{name}: the program closed the connection."),
                        expected,
                        format!("{so_far}the end of the stream"),
                    ));
                }
                Event::Reset => {
                    return Err(self.failure(
                        format!("{name}: the connection was reset: the program's system threw it away."),
                        expected,
                        format!("{so_far}a reset"),
                    ));
                }
                Event::Silence(silence) => {
                    let after = self.ground.last_sent();
                    let what = format!("{name} got nothing more: the program went silent after {after}.");
                    let mut failure = self.failure(what, expected, format!("{so_far}nothing for {}", spoken(silence)));
                    failure.silent = true;
                    return Err(failure);
                }
                Event::Excess => return Err(self.failure("The program was ended.", expected, "its end")),
            }
        }
    }

    /// Our system may acknowledge what comes at once, or wait a moment for an answer that takes the acknowledgement along
    /// (RFC 9293 section 3.8.6.3). From here on it waits, 40 ms on Linux, until it has another idea: so say it before each
    /// exchange in which it matters.
    pub fn acknowledge_late(&mut self) {
        #[cfg(target_os = "linux")]
        let _ = rustix::net::sockopt::set_tcp_quickack(&self.stream, false);
    }

    /// The same as [`Peer::expect_line`]; and whether the program's system kept a part of the line back though the program
    /// had written it.
    pub fn expect_line_unheld(&mut self, line: &str) -> Result<Option<Held>, Failure> {
        let whole = line.len() + 1;
        let mut held = None;
        let mut vigil = Vigil::begin();
        while self.received.len() < whole {
            let (before, looked) = (self.received.len(), Instant::now());
            let unsent = self.unsent();
            match self.read() {
                None => {}
                // Between two writes of a program lies a moment.
                Some(Event::Came) => std::thread::sleep(Duration::from_millis(2)),
                Some(_) => break,
            }
            let waited = looked.elapsed();
            if waited >= HELD && unsent.unwrap_or(u32::from(before > 0)) > 0 {
                let held = held.get_or_insert(Held { after: before, time: Duration::ZERO, certain: unsent.is_some() });
                if held.time.is_zero() {
                    self.ground.transcript.happened("has written more; its system holds it back");
                }
                held.time += waited;
            }
            if vigil.silent(|| self.ground.processes()).is_some() {
                break;
            }
        }
        self.expect_line(line)?;
        Ok(held)
    }

    /// Bytes that the program has written to us, and its system has not sent.
    fn unsent(&self) -> Option<u32> {
        system::held_back(self.stream.local_addr().ok()?, self.stream.peer_addr().ok()?)
    }

    /// In how many segments came what the program has sent so far, where it can be seen.
    pub fn segments(&self) -> Option<u32> {
        system::segments_come(self.stream.local_addr().ok()?, self.stream.peer_addr().ok()?)
    }

    /// The next line, without its line feed, whatever it is.
    pub fn line(&mut self, what_for: &str) -> Result<Vec<u8>, Failure> {
        loop {
            if let Some(end) = self.received.iter().position(|byte| *byte == b'\n') {
                let line = self.received[..end].to_vec();
                self.received.drain(..=end);
                return Ok(line);
            }
            self.more(what_for)?;
        }
    }

    /// What has come and was not yet expected, without waiting for more. Behind a `settle` of the stage that is all that the
    /// program says before it hears something; where the program cannot be seen, a moment is all that it is given.
    ///
    /// # Errors
    ///
    /// Nothing has come, and the connection has ended.
    pub fn come(&mut self) -> Result<&[u8], Failure> {
        let gone = loop {
            match self.read() {
                Some(Event::Came) => {}
                Some(Event::End) => break Some("the end of the stream"),
                Some(Event::Reset) => break Some("a reset"),
                _ => break None,
            }
        };
        match gone {
            Some(got) if self.received.is_empty() => {
                let what = format!("{}: the program closed the connection, and did not wait.", self.name);
                Err(self.failure(what, "that it waits for what comes next", got))
            }
            _ => Ok(&self.received),
        }
    }

    /// Exactly `count` bytes, whatever they are.
    pub fn bytes(&mut self, count: usize, what_for: &str) -> Result<Vec<u8>, Failure> {
        while self.received.len() < count {
            self.more(what_for)?;
        }
        Ok(self.received.drain(..count).collect())
    }

    /// Everything until the program closes its direction.
    pub fn until_end(&mut self) -> Result<Vec<u8>, Failure> {
        loop {
            match self.wait() {
                Event::Came => {}
                Event::End => return Ok(std::mem::take(&mut self.received)),
                Event::Reset => {
                    return Err(self.failure("The connection was reset.", "the end of the stream", "a reset"));
                }
                Event::Silence(silence) => return Err(self.no_end(silence)),
                Event::Excess => {
                    return Err(self.failure("The program was ended.", "the end of the stream", "its end"));
                }
            }
        }
    }

    /// The program closes the connection, and sends nothing before. A reset is an end too.
    pub fn expect_end(&mut self) -> Result<(), Failure> {
        loop {
            if !self.received.is_empty() {
                self.rest_of_the_line();
                let what = format!("{} got something where the stream ought to end.", self.name);
                return Err(self.failure(what, "the end of the stream", shown(&self.received)));
            }
            match self.wait() {
                Event::Came => {}
                Event::End | Event::Reset => return Ok(()),
                Event::Silence(silence) => return Err(self.no_end(silence)),
                Event::Excess => {
                    return Err(self.failure("The program was ended.", "the end of the stream", "its end"));
                }
            }
        }
    }

    /// The same, for a program that ought to close because its own input has ended: one that uses a fifth of a second of
    /// processor time meanwhile reads the end again and again.
    pub fn expect_end_without_spinning(&mut self, spinning: &'static str) -> Result<(), Failure> {
        loop {
            match self.wait_without_spinning(spinning)? {
                Event::Came => {}
                Event::End | Event::Reset => return Ok(()),
                _ => return self.expect_end(),
            }
        }
    }

    /// Something comes, or the end, from a program that ought to have noticed the end of its own input.
    pub fn expect_something_without_spinning(&mut self, spinning: &'static str) -> Result<(), Failure> {
        match self.wait_without_spinning(spinning)? {
            Event::Silence(silence) => {
                let what = format!("{}: the program does nothing at the end of the stream.", self.name);
                let mut failure =
                    self.failure(what, "a reply, or at least an end", format!("nothing for {}", spoken(silence)));
                // One that is awake is not silent: on a busy machine it may spin without getting much of a processor.
                failure.silent = system::activity(&self.ground.processes()).is_none_or(|activity| activity.asleep);
                Err(failure)
            }
            Event::Excess => Err(self.failure("The program was ended.", "a reply", "its end")),
            _ => Ok(()),
        }
    }

    fn wait_without_spinning(&mut self, spinning: &'static str) -> Result<Event, Failure> {
        let before = system::activity(&self.ground.processes()).map(|activity| activity.ticks);
        let mut vigil = Vigil::begin();
        loop {
            match self.wait_for(Duration::from_millis(60)) {
                Event::Silence(_) => {}
                event => return Ok(event),
            }
            let now = system::activity(&self.ground.processes()).map(|activity| activity.ticks);
            if let (Some(before), Some(now)) = (before, now) {
                if now >= before + SPINNING {
                    let used = format!("{} ms of processor time, though nobody sends anything", (now - before) * 10);
                    let what = format!("{}: the program does not notice the end of the stream, and spins.", self.name);
                    return Err(self.failure(what, "the end of the stream", used).is(spinning));
                }
            }
            if let Some(silence) = vigil.silent(|| self.ground.processes()) {
                return Ok(Event::Silence(silence));
            }
        }
    }

    /// The program's system has not thrown this connection away. A reset that comes behind the end is in no read.
    pub fn expect_no_reset(&mut self) -> Result<(), Failure> {
        match self.stream.take_error() {
            Ok(None) => Ok(()),
            _ => {
                self.ground.transcript.happened(format!("{}'s connection is reset", self.name));
                let what = format!("{}: the connection was reset: the program's system threw it away.", self.name);
                Err(self.failure(what, "an end, and nothing behind it", "a reset behind the end"))
            }
        }
    }

    /// Says that nothing more will be sent (`shutdown(Write)`), and goes on listening.
    pub fn finish(&mut self) {
        self.ground.transcript.did(format!("{} has finished sending (half-close)", self.name));
        let _ = self.stream.shutdown(Shutdown::Write);
    }

    /// Vanishes: what a pulled plug or a killed program looks like to the other side.
    pub fn reset(mut self) {
        self.closed = true;
        self.ground.transcript.did(format!("{} vanishes (reset)", self.name));
        // To close with a linger time of zero sends RST instead of FIN.
        let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
        let addresses = (self.stream.local_addr(), self.stream.peer_addr());
        {
            let _alone = program::alone();
            drop(self);
        }
        // On a busy machine even loopback takes its time, and what comes next shall find the connection gone.
        let begun = Instant::now();
        if let (Ok(ours), Ok(theirs)) = addresses {
            while system::connected(ours, theirs) == Some(true) && begun.elapsed() < PATIENCE {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
    }

    /// Closes both directions.
    pub fn close(mut self) {
        self.closed = true;
        self.ground.transcript.did(format!("{} closes", self.name));
        let _alone = program::alone();
        drop(self);
    }

    fn more(&mut self, what_for: &str) -> Result<(), Failure> {
        let so_far = shown(&self.received);
        let (what, got, silent) = match self.wait() {
            Event::Came => return Ok(()),
            Event::End => {
                (format!("{}: the program closed the connection.", self.name), "the end of the stream".into(), false)
            }
            Event::Reset => (format!("{}: the connection was reset.", self.name), "a reset".to_owned(), false),
            Event::Silence(silence) => {
                let what =
                    format!("{} got nothing: the program went silent after {}.", self.name, self.ground.last_sent());
                (what, format!("nothing for {}", spoken(silence)), true)
            }
            Event::Excess => ("The program was ended.".to_owned(), "its end".to_owned(), false),
        };
        let mut failure = self.failure(what, what_for, format!("{so_far}, then {got}"));
        failure.silent = silent;
        Err(failure)
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

    /// For the report alone: a byte that differs is enough to know, but all that the program says is easier to read, and
    /// the same each time.
    fn rest_of_the_line(&mut self) {
        const ENOUGH: usize = 4096;
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(1) && self.received.len() < ENOUGH {
            if !matches!(self.wait_for(Duration::from_millis(100)), Event::Came) {
                return;
            }
        }
    }

    fn no_end(&self, silence: Duration) -> Failure {
        let what = format!("{}: the program does not close the connection.", self.name);
        let mut failure = self.failure(what, "the end of the stream", format!("nothing for {}", spoken(silence)));
        failure.silent = true;
        failure
    }

    fn failure(&self, what: impl Into<String>, expected: impl Into<String>, got: impl Into<String>) -> Failure {
        Failure::new(what, expected, got)
    }
}

/// Whoever is let go without `close` or `reset` stays connected until the program has been ended: its last words are about
/// what it did, and not about all its clients leaving at once.
impl Drop for Peer {
    fn drop(&mut self) {
        if let (false, Ok(stream)) = (self.closed, self.stream.try_clone()) {
            self.ground.keep(stream);
        }
    }
}
