//! What does the program read at its standard input, what does it print, and how does it end?
//!
//! # In production
//!
//! A service writes its log to standard output, and its supervisor keeps it and notes the exit status.

use std::time::{Duration, Instant};

use super::Stage;
use crate::peer::Failure;
use crate::program::Program;
use crate::transcript::shown;
use crate::vigil::{PATIENCE, Vigil, spoken};

impl Stage {
    pub fn feed(&mut self, bytes: &[u8]) {
        self.ground.transcript.sent("standard input", bytes);
        if let Some(program) = self.ground.program().as_mut() {
            // A program that has ended reads nothing; what it ought to have done is expected elsewhere.
            let _ = program.feed(bytes);
        }
    }

    pub fn close_input(&mut self) {
        self.ground.transcript.did("the end of standard input");
        if let Some(program) = self.ground.program().as_mut() {
            program.close_input();
        }
    }

    /// The next line that the program prints is `line`.
    pub fn expect_output_line(&mut self, line: &str) -> Result<(), Failure> {
        let next = self.output_line(&shown(line.as_bytes()))?;
        match next == line.as_bytes() {
            true => Ok(()),
            false => Err(Failure::new("The program printed something else.", shown(line.as_bytes()), shown(&next))),
        }
    }

    /// The next line that the program prints, whatever it is, without its ending.
    pub fn output_line(&mut self, what_for: &str) -> Result<Vec<u8>, Failure> {
        let (begun, mut vigil, mut silence) = (Instant::now(), Vigil::begin(), None);
        loop {
            let next = match self.ground.program().as_ref() {
                Some(program) => program.output_line(Instant::now() + Duration::from_millis(20)),
                None => None,
            };
            if let Some(mut next) = next {
                self.ground.transcript.printed(&next);
                if next.last() == Some(&b'\r') {
                    next.pop();
                }
                return Ok(next);
            }
            if let Some(silence) = silence {
                let mut failure = self.nothing_printed(what_for, silence);
                failure.silent = true;
                return Err(failure);
            }
            // On a busy machine the program may have printed, and sleep, while our own thread that reads its output still
            // waits for a processor: so one more look when that thread has had its turn.
            let read = || self.ground.program().as_ref().is_none_or(Program::output_is_read);
            silence = vigil.silent(|| self.ground.processes()).filter(|_| read() || begun.elapsed() > 4 * PATIENCE);
        }
    }

    /// "Nothing for 0.7 s" says little of a program that has ended: it will never print, and how it ended is what one asks next.
    fn nothing_printed(&self, what_for: &str, silence: Duration) -> Failure {
        let more = if self.output().is_empty() { "anything" } else { "anything more" };
        match self.ground.ended() {
            Some(status) => {
                self.ground.transcript.happened(format!("ends ({status})"));
                let what = format!("The program ended without printing {more}.");
                Failure::new(what, what_for, format!("its end ({status})"))
            }
            None => {
                Failure::new("The program printed nothing more.", what_for, format!("nothing for {}", spoken(silence)))
            }
        }
    }

    /// The program ends by itself; how is the answer.
    pub fn expect_exit(&mut self) -> Result<std::process::ExitStatus, Failure> {
        let mut vigil = Vigil::begin();
        loop {
            if let Some(status) = self.ground.ended() {
                self.ground.transcript.happened(format!("ends ({status})"));
                if let Some(program) = self.ground.program().as_ref() {
                    program.settle();
                }
                return Ok(status);
            }
            if let Some(silence) = vigil.silent(|| self.ground.processes()) {
                let mut failure = Failure::new(
                    "The program does not end.",
                    "its end",
                    format!("it still runs after {}", spoken(silence)),
                );
                failure.silent = true;
                return Err(failure);
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// All that it printed until now.
    pub fn output(&self) -> Vec<u8> {
        self.ground.program().as_ref().map(Program::output).unwrap_or_default()
    }
}
