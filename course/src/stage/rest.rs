//! What is the program doing, has it done what it had to do, and what if it is stopped in the middle?
//!
//! # In production
//!
//! `top -H` shows the same of a process that one suspects; SIGSTOP and SIGCONT are what a debugger and a frozen container use.

use std::time::{Duration, Instant};

use super::Stage;
use crate::peer::Failure;
use crate::system;
use crate::vigil::{Idle, PATIENCE, Vigil};

/// Where it cannot be seen whether a program has stopped.
const NAP: Duration = Duration::from_millis(20);

/// Whoever sleeps for so long was not only between two things to do.
const MOMENT: Duration = Duration::from_millis(60);

impl Stage {
    /// What the program is doing now, where it can be seen.
    pub fn activity(&self) -> Option<system::Activity> {
        system::activity(&self.ground.processes())
    }

    /// By itself, however it was.
    pub fn has_ended(&self) -> bool {
        self.ground.ended().is_some()
    }

    /// Resident memory of the program and those whom it has started, in KiB, where it can be seen.
    pub fn memory_kib(&self) -> Option<u64> {
        system::resident_kib(&self.ground.processes())
    }

    /// Waits until the program sleeps and has slept for a moment: what it does after an end that we saw, such as giving back
    /// a place, it has done by then. One whose turn on a processor has not come yet is waited for; one that sleeps and looks
    /// again and again is looked at fifty times; and one that has ended is waited for no more.
    pub fn until_at_rest(&self) {
        let begun = Instant::now();
        let mut still: Option<(Instant, system::Activity)> = None;
        let mut looks = 0;
        while begun.elapsed() < PATIENCE && looks < 50 && !self.has_ended() {
            // Where it cannot be seen, a moment is all that can be given.
            let Some(now) = self.activity() else { return std::thread::sleep(4 * MOMENT) };
            looks += u32::from(now.asleep);
            match still {
                Some((since, then)) if now.asleep && now == then => {
                    if since.elapsed() >= MOMENT {
                        return;
                    }
                }
                _ => still = Some((Instant::now(), now)),
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// The program has nothing to do, and does nothing: one that uses a fifth of a second of processor time before it has come
    /// to rest asks again and again for what will come by itself. One that looks now and then is not meant.
    pub fn expect_rest(&self, what: &str) -> Result<(), Failure> {
        let Some(before) = self.activity() else { return Ok(()) };
        let (idle, mut vigil, mut still) = (Idle::begin(Some(before)), Vigil::begin(), (Instant::now(), before));
        while vigil.silent(|| self.ground.processes()).is_none() {
            let Some(now) = self.activity() else { return Ok(()) };
            if let Some(used) = idle.spun(Some(now)) {
                let got = format!("{used}, for nothing");
                return Err(Failure::new(what, "that it sleeps until something happens", got));
            }
            if !now.asleep || now != still.1 {
                still = (Instant::now(), now);
            }
            if still.0.elapsed() >= 3 * MOMENT {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    /// Stops the program where it stands. A program that is stopped in the middle of a `write` and then goes on is given a
    /// short count, in any language.
    pub fn pause_program(&self) {
        self.ground.transcript.did("the program is stopped where it stands");
        if let Some(program) = self.ground.program().as_ref() {
            program.pause();
        }
        // A signal is delivered when its receiver is given a processor, which on a busy machine takes its time; and one to go
        // on that comes before it takes it back.
        let begun = Instant::now();
        let stopped = || system::stopped(&self.ground.processes());
        while begun.elapsed() < PATIENCE && !stopped().unwrap_or(begun.elapsed() > NAP) {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    pub fn resume_program(&self) {
        self.ground.transcript.did("the program goes on");
        if let Some(program) = self.ground.program().as_ref() {
            program.resume();
        }
    }

    /// Stops the program, which is blocked in a call, and lets it go on. A `write` that has taken something by then returns
    /// that much and no more: write(2) allows it, and in Linux being stopped is interruption enough (signal(7)).
    pub fn interrupt_its_call(&self) {
        self.until_at_rest();
        self.pause_program();
        self.resume_program();
    }
}
