//! What ought to come, and what came instead?
//!
//! Byte by byte: the first that differs ends the waiting, and so does a silence. What comes behind the expected stays for the
//! next expectation.
//!
//! # In production
//!
//! expect(1) waits for a terminal program's words in the same way, by patterns and with a clock.

use std::time::{Duration, Instant};

use super::{Event, Failure, Peer};
use crate::transcript::shown;
use crate::vigil::spoken;

impl Peer {
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

    pub(super) fn more(&mut self, what_for: &str) -> Result<(), Failure> {
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

    /// For the report alone: a byte that differs is enough to know, but all that the program says is easier to read, and
    /// the same each time.
    pub(super) fn rest_of_the_line(&mut self) {
        const ENOUGH: usize = 4096;
        let begun = Instant::now();
        while begun.elapsed() < Duration::from_secs(1) && self.received.len() < ENOUGH {
            if !matches!(self.wait_for(Duration::from_millis(100)), Event::Came) {
                return;
            }
        }
    }
}
