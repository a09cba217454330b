//! Does the program's system keep back what the program has written?
//!
//! Nagle's algorithm on one side and late acknowledgements on the other: each is sensible, and together they cost 40 ms for
//! each exchange. The queue of the program's socket shows it; a clock alone would only suggest it.
//!
//! # In production
//!
//! `ss --tcp --info` shows the same queue, and a capture the pause: a small segment that leaves when its acknowledgement comes.

use std::time::{Duration, Instant};

use super::{Event, Failure, Peer};
use crate::system;
use crate::vigil::Vigil;

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

impl Peer {
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
}
