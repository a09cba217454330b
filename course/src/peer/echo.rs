//! How does an echo service stop a program that does not listen while it talks?
//!
//! By being one: it reads a piece, sends it back, and reads the next one only then. With nobody who reads what it sends
//! back, its own `write` blocks, and soon everything does.
//!
//! # In production
//!
//! RFC 862 has the service in ten lines. Any server that answers while it is still being asked is one in this respect.

use std::io::{self, Write};

use super::{Event, Failure, Peer};
use crate::transcript::shown;
use crate::vigil::{Vigil, spoken};

/// Why not all was sent.
pub(super) enum Unsent {
    /// Nothing was taken for so long, and the program sleeps.
    Silence(std::time::Duration),
    Closed(io::Error),
}

impl Peer {
    /// All of `bytes`, however slowly they are taken.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Unsent> {
        let mut rest = bytes;
        let mut vigil = Vigil::begin();
        while !rest.is_empty() {
            match self.stream.write(rest) {
                Ok(count) => {
                    rest = &rest[count..];
                    vigil = Vigil::begin();
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted => {}
                    _ => return Err(Unsent::Closed(error)),
                },
            }
            if let Some(silence) = vigil.silent(|| self.ground.processes()) {
                return Err(Unsent::Silence(silence));
            }
        }
        Ok(())
    }

    /// Reads until `count` bytes more than were known of have come, and leaves them to be expected later.
    pub fn take_in(&mut self, count: usize) -> Result<(), Failure> {
        let wanted = self.received.len() + count;
        while self.received.len() < wanted {
            self.more("more of what it sends")?;
        }
        Ok(())
    }

    /// Sends back whatever comes, piece by piece, until `count` bytes have come and gone back. They are the answer.
    pub fn echo(&mut self, count: usize) -> Result<Vec<u8>, Failure> {
        self.ground.transcript.did(format!("{} sends back what comes, while it comes", self.name));
        let mut back = 0;
        loop {
            let piece = self.received[back..].to_vec();
            if let Err(unsent) = self.push(&piece) {
                let name = &self.name;
                let come = self.received.len();
                let (got, silent) = match unsent {
                    Unsent::Silence(silence) => {
                        (format!("nothing was read for {}, after {come} bytes had come", spoken(silence)), true)
                    }
                    Unsent::Closed(error) => (format!("the connection was closed ({error})"), false),
                };
                let what = format!("{name}: the program does not read what comes back while it is still sending.");
                let mut failure = self.failure(what, format!("that it reads while it sends {count} bytes"), got);
                failure.silent = silent;
                return Err(failure);
            }
            back += piece.len();
            if back >= count {
                self.ground.transcript.sent(&self.name, &self.received);
                return Ok(std::mem::take(&mut self.received));
            }
            match self.wait() {
                Event::Came => {}
                ended => {
                    let so_far = shown(&self.received);
                    let (got, silent) = match ended {
                        Event::Silence(silence) => (format!("nothing more for {}", spoken(silence)), true),
                        Event::Reset => ("a reset".to_owned(), false),
                        _ => ("the end of the stream".to_owned(), false),
                    };
                    let what = format!("{}: the program sent {} of {count} bytes.", self.name, self.received.len());
                    let mut failure = self.failure(what, format!("{count} bytes"), format!("{so_far}, then {got}"));
                    failure.silent = silent;
                    return Err(failure);
                }
            }
        }
    }
}
