//! How slow may a server be, and who is to blame when it was too slow?
//!
//! A server that thinks before it answers, and one whose answer comes drop by drop. These take real time, and on a busy
//! machine they take more than they were meant to: a probe that found a pause too long for its question asks again.
//!
//! # In production
//!
//! A test of time limits runs on a clock that the test itself turns (tokio's `time::pause`). A program in any language has
//! only the real one.

use std::time::{Duration, Instant};

use super::echo::Unsent;
use super::{Event, Failure, Peer};
use crate::transcript::shown;
use crate::vigil::spoken;

/// So many of the bytes that are poured were under way when the limit was over.
const LAST: usize = 16;

/// What became of bytes that were sent one by one.
pub struct Drip {
    /// The program closed the connection before the time was up.
    pub given_up: bool,
    /// The longest time between two bytes; where it was poured, of the last ones before it was given up.
    pub longest_pause: Duration,
}

impl Peer {
    /// Does nothing for so long, as a server that has much to do. On a busy machine it is longer.
    pub fn think(&self, time: Duration) {
        self.ground.transcript.did(format!("{} thinks for {} ms", self.name, time.as_millis()));
        std::thread::sleep(time);
    }

    /// Sends `bytes` one by one, with a pause after each, until the time is up or the program closes the connection.
    pub fn drip(&mut self, bytes: &[u8], pause: Duration, time: Duration) -> Drip {
        let pace = format!("{} sends the next byte by byte, one every {} ms", self.name, pause.as_millis());
        self.ground.transcript.did(pace);
        let begun = Instant::now();
        let (mut sent, mut given_up, mut longest_pause, mut last) = (0, false, Duration::ZERO, begun);
        while !given_up && begun.elapsed() < time && sent < bytes.len() {
            given_up = self.push(&bytes[sent..=sent]).is_err();
            sent += 1;
            longest_pause = longest_pause.max(last.elapsed());
            last = Instant::now();
            given_up |= matches!(self.wait_for(pause), Event::End | Event::Reset);
        }
        // Where it was cut off is not the seed's doing, so it is no row of what was sent.
        self.ground.transcript.did(format!("{}: {}", self.name, shown(&bytes[..sent])));
        Drip { given_up, longest_pause }
    }

    /// Sends `bytes` one by one, so close together that a read finds the next one there, until the program closes the
    /// connection; when all are sent, it may do so for `rest`. How many it took differs from run to run.
    pub fn pour(&mut self, bytes: &[u8], pause: Duration, rest: Duration) -> Drip {
        let pace = format!("{} sends the next byte by byte, one every {:.1} ms", self.name, 1e3 * pause.as_secs_f64());
        self.ground.transcript.did(pace);
        let (mut given_up, mut pauses, mut last) = (false, Vec::new(), Instant::now());
        for byte in bytes {
            std::thread::sleep(pause);
            given_up = self.push(&[*byte]).is_err();
            pauses.push(last.elapsed());
            last = Instant::now();
            if given_up {
                break;
            }
        }
        given_up = given_up || matches!(self.wait_for(rest), Event::End | Event::Reset);
        // The others were over long before.
        let longest_pause = pauses.into_iter().rev().take(LAST).max().unwrap_or(Duration::MAX);
        Drip { given_up, longest_pause }
    }

    /// Sends `bytes` again and again, and reads nothing, until the program closes the connection. How often differs from run
    /// to run: a system makes room as long as the program reads.
    ///
    /// # Errors
    ///
    /// The program does not read any more, and sleeps.
    pub fn insist(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        const AT_MOST: usize = 64 << 20;
        self.ground.transcript.did(format!("{} sends {} again and again, and reads nothing", self.name, shown(bytes)));
        let many = bytes.repeat((1 << 16) / bytes.len().max(1));
        for _ in 0..AT_MOST / many.len().max(1) {
            match self.push(&many) {
                Ok(()) => {}
                Err(Unsent::Closed(_)) => {
                    self.ground.transcript.happened(format!("closes {}'s connection", self.name));
                    return Ok(());
                }
                Err(Unsent::Silence(silence)) => {
                    let what = format!("{} does not read the answers, and is kept for ever.", self.name);
                    let mut failure =
                        self.failure(what, "the end of the connection", format!("nothing for {}", spoken(silence)));
                    failure.silent = true;
                    return Err(failure);
                }
            }
        }
        Ok(())
    }
}
