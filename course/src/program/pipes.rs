//! What has a program printed so far?
//!
//! A thread for each pipe keeps it empty, and who asks for a line waits for them.
//!
//! # In production
//!
//! A supervisor does the same with each service's output, and bounds what it keeps (journald's rate limit).

use std::fs;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Excess, Program, lock};
use crate::system;

pub struct Shared {
    pub output: Mutex<Output>,
    /// Something more was written, or a pipe came to its end.
    pub grown: Condvar,
    pub excess: Mutex<Option<Excess>>,
    pub written: AtomicU64,
    pub ended: AtomicBool,
    /// Where the system shows what the threads do that read the pipes.
    pub readers: Mutex<Vec<PathBuf>>,
}

#[derive(Default)]
pub struct Output {
    pub standard: Vec<u8>,
    pub error: Vec<u8>,
    pub standard_ended: bool,
    pub error_ended: bool,
    /// How much of the standard output has been asked for already.
    told: usize,
}

impl Program {
    /// The next whole line of its standard output, without the line feed, or what there is when the output has ended.
    /// `None`: nothing more until `deadline`, or ever.
    pub fn output_line(&self, deadline: Instant) -> Option<Vec<u8>> {
        let mut output = lock(&self.shared.output);
        loop {
            let rest = &output.standard[output.told..];
            if let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                let line = rest[..end].to_vec();
                output.told += end + 1;
                return Some(line);
            }
            if output.standard_ended {
                let line = rest.to_vec();
                output.told = output.standard.len();
                return (!line.is_empty()).then_some(line);
            }
            let left = deadline.checked_duration_since(Instant::now())?;
            output = self.shared.grown.wait_timeout(output, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// All of its standard output until now.
    pub fn output(&self) -> Vec<u8> {
        lock(&self.shared.output).standard.clone()
    }

    /// What it wrote to standard error until now: where its language says what went wrong.
    pub fn complaint(&self) -> String {
        String::from_utf8_lossy(&lock(&self.shared.output).error).into_owned()
    }

    /// Nothing that it has written is on its way to us: a thread that has not read yet what lies in its pipe is no more asleep,
    /// however long it waits for its turn on a processor. Where that cannot be seen, it is so.
    pub fn output_is_read(&self) -> bool {
        let readers = lock(&self.shared.readers);
        // One for each pipe; who is not among them has not even begun.
        readers.len() == 2 && readers.iter().all(|reader| system::thread_sleeps(reader).unwrap_or(true))
    }

    /// Waits a moment until all that a program that has ended wrote has been read: it ends before its last words arrive.
    pub fn settle(&self) {
        let deadline = Instant::now() + Duration::from_millis(500);
        let mut output = lock(&self.shared.output);
        // What it started may hold the pipes open for longer than anybody wants to wait.
        while !(output.standard_ended && output.error_ended) {
            let left = match deadline.checked_duration_since(Instant::now()) {
                Some(left) => left,
                None if self.output_is_read() => return,
                None => Duration::from_millis(20),
            };
            output = self.shared.grown.wait_timeout(output, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// Keeps a pipe empty: a program whose output nobody reads stops in its next print. What is over the bound is not kept.
pub fn drain(
    mut pipe: impl Read,
    shared: &Shared,
    place: fn(&mut Output) -> &mut Vec<u8>,
    end: fn(&mut Output) -> &mut bool,
) {
    const KEPT: usize = 64 * 1024;
    let mut buffer = [0; 8192];
    let this = fs::read_link("/proc/thread-self").unwrap_or_default();
    lock(&shared.readers).push(PathBuf::from("/proc").join(this));
    loop {
        match pipe.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => {
                shared.written.fetch_add(count as u64, Ordering::Relaxed);
                let mut output = lock(&shared.output);
                let kept = place(&mut output);
                kept.extend_from_slice(&buffer[..count.min(KEPT.saturating_sub(kept.len()))]);
                shared.grown.notify_all();
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    *end(&mut lock(&shared.output)) = true;
    shared.grown.notify_all();
}
