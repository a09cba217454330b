//! How is somebody else's program run, and ended for certain?
//!
//! In a process group of its own, with its output in pipes that are read all the time, under a guard that looks every few
//! milliseconds whether it still keeps within its bounds. Whatever it started ends with it: by its group, and, for those
//! that left the group, by a mark in the environment that every descendant inherits. On Linux the runner is the "subreaper"
//! of its descendants, so that even an orphan remains below it and is found.
//!
//! # In production
//!
//! A container or a cgroup bounds a program from outside (systemd-run, docker, Gradescope's own containers). This is no
//! wall against somebody who wants to do harm; it keeps a mistake from taking the lab's machine along.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::system;

mod bounds;
mod pipes;

pub use bounds::{Bounds, Excess};
use pipes::{Shared, drain};

/// What is to be run: a program and its arguments, `{port}` in them replaced.
#[derive(Debug, Clone)]
pub struct Recipe {
    pub command: Vec<OsString>,
    pub folder: Option<PathBuf>,
    pub bounds: Bounds,
}

impl Recipe {
    pub fn new(command: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        Self { command: command.into_iter().map(Into::into).collect(), folder: None, bounds: Bounds::default() }
    }
}

/// A running program. Dropping it ends it and all that it started.
pub struct Program {
    child: Child,
    input: Option<ChildStdin>,
    shared: Arc<Shared>,
    guard: Option<JoinHandle<()>>,
    mark: String,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Program {
    /// Starts it. `port` takes the place of each `{port}`; where there is none it becomes the last argument, and
    /// `arguments` follow.
    ///
    /// # Errors
    ///
    /// What the system says when there is no such program, or it may not be run.
    pub fn start(recipe: &Recipe, port: u16, arguments: &[OsString]) -> io::Result<Self> {
        static STARTED: AtomicU64 = AtomicU64::new(0);
        let mark = format!("{}-{}", std::process::id(), STARTED.fetch_add(1, Ordering::Relaxed));
        let words = with_port(&recipe.command, port);
        let (name, rest) = words.split_first().ok_or_else(|| io::Error::other("there is no command to run"))?;
        let mut command = Command::new(name);
        command.args(rest).args(arguments).env(MARK, &mark);
        // What a panic says is wanted, and not the seconds that a busy machine needs to find the names of its callers.
        command.env("RUST_BACKTRACE", "0");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        if let Some(folder) = &recipe.folder {
            command.current_dir(folder);
        }
        bounded::before(&mut command);
        let mut child = {
            let _alone = alone();
            command.spawn()?
        };
        lock(&RUNNING).push(child.id());
        bounded::after(&child, &recipe.bounds);

        let shared = Arc::new(Shared {
            output: Mutex::default(),
            grown: Condvar::new(),
            excess: Mutex::new(None),
            written: AtomicU64::new(0),
            ended: AtomicBool::new(false),
            readers: Mutex::default(),
        });
        let input = child.stdin.take();
        if let Some(pipe) = child.stdout.take() {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                drain(pipe, &shared, |output| &mut output.standard, |output| &mut output.standard_ended)
            });
        }
        if let Some(pipe) = child.stderr.take() {
            let shared = Arc::clone(&shared);
            thread::spawn(move || drain(pipe, &shared, |output| &mut output.error, |output| &mut output.error_ended));
        }
        let (guarded, limits, process) = (Arc::clone(&shared), recipe.bounds.clone(), child.id());
        let guard = Some(thread::spawn(move || bounds::guard(process, &limits, &guarded)));
        Ok(Self { child, input, shared, guard, mark: format!("{MARK}={mark}") })
    }

    /// The processes that belong to it now.
    pub fn processes(&self) -> Vec<u32> {
        system::family(self.child.id())
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Waits until it ends; `None` at the deadline.
    pub fn wait_until(&mut self, deadline: Instant) -> Option<ExitStatus> {
        loop {
            if let Some(status) = self.ended() {
                return Some(status);
            }
            if Instant::now() >= deadline {
                return None;
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// The bound that it broke, if it did.
    pub fn excess(&self) -> Option<Excess> {
        *lock(&self.shared.excess)
    }

    /// Writes to its standard input.
    pub fn feed(&mut self, bytes: &[u8]) -> io::Result<()> {
        let input = self.input.as_mut().ok_or_else(|| io::Error::other("its input has been closed already"))?;
        input.write_all(bytes)?;
        input.flush()
    }

    /// Its standard input comes to its end.
    pub fn close_input(&mut self) {
        self.input = None;
    }

    /// Stops it where it stands, as a machine under load does for a moment. Nothing where there are no signals.
    pub fn pause(&self) {
        bounded::pause(self.child.id());
    }

    /// Lets it open so many files and sockets more, and then no more. Nothing where that cannot be done.
    pub fn leave_descriptors(&self, more: usize) -> Option<usize> {
        let open = system::descriptors(self.child.id())?;
        bounded::limit_descriptors(self.child.id(), open + more).then_some(open + more)
    }

    /// How many it has open.
    pub fn descriptors(&self) -> Option<usize> {
        system::descriptors(self.child.id())
    }

    /// Lets it go on.
    pub fn resume(&self) {
        bounded::resume(self.child.id());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.shared.ended.store(true, Ordering::Relaxed);
        self.input = None;
        // The guard first: it may signal the group only as long as the group's number is not somebody else's.
        if let Some(guard) = self.guard.take() {
            guard.thread().unpark();
            let _ = guard.join();
        }
        let process = self.child.id();
        bounded::end(&mut self.child, &self.mark, SOLE.load(Ordering::Relaxed));
        lock(&RUNNING).retain(|running| *running != process);
    }
}

/// Those that run now.
static RUNNING: Mutex<Vec<u32>> = Mutex::new(Vec::new());

/// See [`sole`].
static SOLE: AtomicBool = AtomicBool::new(false);

/// Says that this process runs one program at a time and has no other children: then whoever is below it when the program
/// has ended was started by the program, even one that became a daemon and threw its environment away.
///
/// Should this process be interrupted, or told to end, the program ends with it.
///
/// # Errors
///
/// The system lets nobody wait for its signals.
pub fn sole() -> io::Result<()> {
    SOLE.store(true, Ordering::Relaxed);
    bounded::when_interrupted(|| {
        lock(&RUNNING).iter().for_each(|process| bounded::kill(*process));
        bounded::end_orphans();
        // What a shell answers for a program that Ctrl-C has ended.
        std::process::exit(130);
    })
}

/// While a process is being started it holds a copy of every descriptor of ours, for a moment, and what is closed here is
/// not yet closed. Who wants to see a connection end at once does it while nothing is being started.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    static STARTING: Mutex<()> = Mutex::new(());
    lock(&STARTING)
}

/// The name of the variable by which a descendant is known to be one.
const MARK: &str = "LAB_PROGRAM";

fn with_port(command: &[OsString], port: u16) -> Vec<OsString> {
    let named = command.iter().any(|word| word.to_string_lossy().contains("{port}"));
    let replaced = |word: &OsString| match word.to_str() {
        Some(text) => OsString::from(text.replace("{port}", &port.to_string())),
        None => word.clone(),
    };
    let mut words: Vec<OsString> = command.iter().map(replaced).collect();
    if !named {
        words.push(port.to_string().into());
    }
    words
}

#[cfg(unix)]
#[path = "program/unix.rs"]
mod bounded;
#[cfg(not(unix))]
#[path = "program/other.rs"]
mod bounded;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_takes_its_place_or_comes_last() {
        let words = |command: &[&str]| with_port(&command.iter().map(OsString::from).collect::<Vec<_>>(), 7000);
        assert_eq!(words(&["serve", "--listen", "127.0.0.1:{port}"]), ["serve", "--listen", "127.0.0.1:7000"]);
        assert_eq!(words(&["serve"]), ["serve", "7000"]);
    }
}
