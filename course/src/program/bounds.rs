//! What may a program use, and who looks after that?
//!
//! # In production
//!
//! A cgroup bounds memory and processes without looking: the kernel refuses what is too much.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use super::{Shared, bounded, lock};
use crate::system;

/// What a program may use. Each excess ends it, and is a diagnosis.
#[derive(Debug, Clone)]
pub struct Bounds {
    pub lifetime: Duration,
    pub memory_kib: u64,
    /// Bytes on standard output and standard error together.
    pub output: usize,
    /// Processes below it, itself included.
    pub processes: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        // An interpreter with its launcher is a handful of processes; a chat server in Java stays below 300 MiB.
        let lifetime = Duration::from_secs(60);
        Self { lifetime, memory_kib: 512 * 1024, output: 1024 * 1024, processes: 16 }
    }
}

/// The bound that a program broke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Excess {
    Lifetime,
    Memory,
    Output,
    Processes,
}

impl Excess {
    /// Its name in the catalogue.
    pub fn mistake(self) -> &'static str {
        match self {
            Self::Lifetime => "program-never-ends",
            Self::Memory => "program-eats-memory",
            Self::Output => "program-floods-its-output",
            Self::Processes => "program-forks-without-end",
        }
    }
}

/// Looks after the bounds until the program is ended by its check. Memory and children are looked at rarely: it takes
/// some files of `/proc` for each process.
pub fn guard(process: u32, bounds: &Bounds, shared: &Shared) {
    let started = Instant::now();
    let mut turn = 0;
    while !shared.ended.load(Ordering::Relaxed) {
        let family = if turn % 5 == 4 { system::family(process) } else { Vec::new() };
        let excess = if shared.written.load(Ordering::Relaxed) > bounds.output as u64 {
            Some(Excess::Output)
        } else if started.elapsed() > bounds.lifetime {
            Some(Excess::Lifetime)
        } else if family.len() > bounds.processes {
            Some(Excess::Processes)
        } else if system::resident_kib(&family).is_some_and(|used| used > bounds.memory_kib) {
            Some(Excess::Memory)
        } else {
            None
        };
        if let Some(excess) = excess {
            *lock(&shared.excess) = Some(excess);
            bounded::kill(process);
            return;
        }
        turn += 1;
        thread::park_timeout(Duration::from_millis(10));
    }
}
