//! How does a connection end, and does the program notice?
//!
//! The program's end is expected, a reset is told from it, and our own end comes in three kinds: half of the connection, all of
//! it, and none but a reset.
//!
//! # In production
//!
//! A reset in a log is nearly always somebody's close with something unread. Which side it was, only a capture shows.

use socket2::SockRef;
use std::net::Shutdown;
use std::time::{Duration, Instant};

use super::{Event, Failure, Peer};
use crate::program;
use crate::system;
use crate::transcript::shown;
use crate::vigil::{Idle, PATIENCE, Vigil, spoken};

impl Peer {
    /// Says that nothing more will be sent (`shutdown(Write)`), and goes on listening.
    pub fn finish(&mut self) {
        self.ground.transcript.did(format!("{} has finished sending (half-close)", self.name));
        let _ = self.stream.shutdown(Shutdown::Write);
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
    /// processor time meanwhile reads the end again and again, and so does one that answers it again and again.
    pub fn expect_end_without_spinning(&mut self, spinning: &'static str) -> Result<(), Failure> {
        const TOO_MUCH: usize = 64 * 1024;
        loop {
            if self.received.len() > TOO_MUCH {
                let what = format!("{}: the program takes the end of the stream for something to answer.", self.name);
                let got = format!("{} bytes, and no end", self.received.len());
                return Err(self.failure(what, "the end of the stream", got).is(spinning));
            }
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
        let (idle, mut vigil) = (Idle::begin(system::activity(&self.ground.processes())), Vigil::begin());
        loop {
            match self.wait_for(Duration::from_millis(60)) {
                Event::Silence(_) => {}
                event => return Ok(event),
            }
            if let Some(used) = idle.spun(system::activity(&self.ground.processes())) {
                let what = format!("{}: the program does not notice the end of the stream, and spins.", self.name);
                let got = format!("{used}, though nobody sends anything");
                return Err(self.failure(what, "the end of the stream", got).is(spinning));
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

    fn no_end(&self, silence: Duration) -> Failure {
        let what = format!("{}: the program does not close the connection.", self.name);
        let mut failure = self.failure(what, "the end of the stream", format!("nothing for {}", spoken(silence)));
        failure.silent = true;
        failure
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
