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
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

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

struct Shared {
    output: Mutex<Output>,
    /// Something more was written, or a pipe came to its end.
    grown: Condvar,
    excess: Mutex<Option<Excess>>,
    written: AtomicU64,
    ended: AtomicBool,
}

#[derive(Default)]
struct Output {
    standard: Vec<u8>,
    error: Vec<u8>,
    standard_ended: bool,
    error_ended: bool,
    /// How much of the standard output has been asked for already.
    told: usize,
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
        let (guarded, bounds, process) = (Arc::clone(&shared), recipe.bounds.clone(), child.id());
        let guard = Some(thread::spawn(move || guard(process, &bounds, &guarded)));
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

    /// Waits a moment until all that a program that has ended wrote has been read: it ends before its last words arrive.
    pub fn settle(&self) {
        let deadline = Instant::now() + Duration::from_millis(500);
        let mut output = lock(&self.shared.output);
        // What it started may hold the pipes open for longer than anybody wants to wait.
        while !(output.standard_ended && output.error_ended) {
            let Some(left) = deadline.checked_duration_since(Instant::now()) else { return };
            output = self.shared.grown.wait_timeout(output, left).unwrap_or_else(PoisonError::into_inner).0;
        }
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

/// Keeps a pipe empty: a program whose output nobody reads stops in its next print. What is over the bound is not kept.
fn drain(
    mut pipe: impl Read,
    shared: &Shared,
    place: fn(&mut Output) -> &mut Vec<u8>,
    end: fn(&mut Output) -> &mut bool,
) {
    const KEPT: usize = 64 * 1024;
    let mut buffer = [0; 8192];
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

/// Looks after the bounds until the program is ended by its check. Memory and children are looked at rarely: it takes
/// some files of `/proc` for each process.
fn guard(process: u32, bounds: &Bounds, shared: &Shared) {
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
