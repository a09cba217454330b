//! What the tests with real programs share: start one, wait for what it says, and never leave it behind.
//!
//! Three rules hold everywhere in here:
//!
//! - **Every wait has a deadline**, and a wait that meets it panics with what the program had said until then.
//! - **Nothing sleeps to be on time.** A server is ready when its first line says `listening on ADDR:PORT`.
//! - **A program dies with its [`Program`]**, also when the test panics: killed, and reaped. Only our own children are.
//!
//! A test file says `mod support;` and allows itself to panic:
//!
//! ```text
//! #![allow(clippy::unwrap_used, clippy::expect_used)]
//! mod support;
//! ```
#![allow(dead_code)] // each test is a program of its own and uses its own part of this

pub(crate) mod page;
pub(crate) mod webdriver;

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// Long enough for anything that happens at once, on a machine that is busy with something else.
pub(crate) const SOON: Duration = Duration::from_secs(30);

// --- programs ------------------------------------------------------------------------------------

/// A running program of ours: what it prints comes line by line, what it complains about is kept for the moment a test
/// fails.
pub(crate) struct Program {
    name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<String>,
    /// Lines that were read while waiting for something else.
    waiting: VecDeque<String>,
    stderr: Arc<Mutex<String>>,
    /// Until the pipe of its stderr closes.
    stderr_end: Receiver<()>,
    status: Option<ExitStatus>,
    whole_group: bool,
}

/// A program that has ended: the lines nobody had taken yet, and all of its stderr.
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) lines: Vec<String>,
    pub(crate) stderr: String,
}

impl Program {
    /// Starts `command` with all three standard streams connected to the test.
    pub(crate) fn start(name: &str, mut command: Command) -> Program {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name} did not start: {error} ({command:?})"));
        let (line, lines) = channel();
        let stdout = child.stdout.take().expect("stdout is piped");
        thread::spawn(move || {
            for_each_line(stdout, |text| drop(line.send(text)));
        });
        let stderr = Arc::new(Mutex::new(String::new()));
        let (end, stderr_end) = channel();
        let pipe = child.stderr.take().expect("stderr is piped");
        let kept = Arc::clone(&stderr);
        thread::spawn(move || {
            for_each_line(pipe, |text| {
                let mut kept = kept.lock().expect("nobody panics with this lock");
                kept.push_str(&text);
                kept.push('\n');
            });
            drop(end);
        });
        let stdin = child.stdin.take();
        Program {
            name: name.to_owned(),
            child,
            stdin,
            lines,
            waiting: VecDeque::new(),
            stderr,
            stderr_end,
            status: None,
            whole_group: false,
        }
    }

    /// As [`start`](Program::start), for a program that starts others: they end with it.
    pub(crate) fn start_group(name: &str, mut command: Command) -> Program {
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut program = Program::start(name, command);
        program.whole_group = cfg!(unix);
        program
    }

    /// Starts an example, as `cargo run --example NAME -- ARGUMENTS` would.
    pub(crate) fn example(name: &str, arguments: &[&str]) -> Program {
        let mut command = Command::new(example_path(name));
        command.args(arguments);
        Program::start(name, command)
    }

    /// Starts an example that listens, at a port that is free, and waits until it does.
    pub(crate) fn server(name: &str, arguments: &[&str]) -> (Program, SocketAddr) {
        let mut all = vec!["--listen", "127.0.0.1:0"];
        all.extend(arguments);
        let mut program = Program::example(name, &all);
        let address = program.address();
        (program, address)
    }

    /// The address in the first line, `listening on ADDR:PORT`.
    pub(crate) fn address(&mut self) -> SocketAddr {
        let line = self.line();
        line.strip_prefix("listening on ")
            .and_then(|address| address.parse().ok())
            .unwrap_or_else(|| self.fail(&format!("the first line is not `listening on ADDR:PORT`: {line:?}")))
    }

    /// The process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Writes one line to its stdin.
    pub(crate) fn say(&mut self, line: &str) {
        let name = self.name.clone();
        let stdin = self.stdin.as_mut().unwrap_or_else(|| panic!("the stdin of {name} is closed"));
        let written = stdin.write_all(format!("{line}\n").as_bytes()).and_then(|()| stdin.flush());
        if let Err(error) = written {
            self.fail(&format!("it does not read its stdin any more: {error}"));
        }
    }

    /// Closes its stdin.
    pub(crate) fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// The next line of its stdout.
    pub(crate) fn line(&mut self) -> String {
        self.line_before(Instant::now() + SOON)
            .unwrap_or_else(|| self.fail("it ended where one more line was expected"))
    }

    /// Waits for this very line, passing over others.
    pub(crate) fn expect_line(&mut self, expected: &str) {
        self.find_line(&format!("the line {expected:?}"), |line| line == expected);
    }

    /// Waits for a line of which this is true, passing over others.
    pub(crate) fn find_line(&mut self, what: &str, matches: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + SOON;
        let mut passed = Vec::new();
        loop {
            match self.line_before(deadline) {
                Some(line) if matches(&line) => return line,
                Some(line) => passed.push(line),
                None => self.fail(&format!("it ended without {what}; it said {passed:?}")),
            }
        }
    }

    fn line_before(&mut self, deadline: Instant) -> Option<String> {
        if let Some(line) = self.waiting.pop_front() {
            return Some(line);
        }
        match self.lines.recv_timeout(remaining(deadline)) {
            Ok(line) => Some(line),
            Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => self.fail("it says nothing more"),
        }
    }

    /// Waits for its end.
    pub(crate) fn finish(mut self, within: Duration) -> Finished {
        let deadline = Instant::now() + within;
        // A program that ends closes its stdout first: this waits without asking again and again.
        loop {
            match self.lines.recv_timeout(remaining(deadline)) {
                Ok(line) => self.waiting.push_back(line),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => self.fail(&format!("it has not ended within {within:?}")),
            }
        }
        while self.poll().is_none() {
            if Instant::now() >= deadline {
                self.fail(&format!("it closed its stdout but has not ended within {within:?}"));
            }
            thread::park_timeout(Duration::from_millis(2));
        }
        let _ = self.stderr_end.recv_timeout(remaining(deadline));
        Finished {
            status: self.poll().expect("it has ended"),
            lines: self.waiting.drain(..).collect(),
            stderr: self.complaints(),
        }
    }

    /// Waits for its end and asks that it be a success.
    pub(crate) fn succeed(self, within: Duration) -> Finished {
        let name = self.name.clone();
        let finished = self.finish(within);
        assert!(
            finished.status.success(),
            "{name}: {}\nlast lines of its stdout: {:#?}\nits stderr:\n{}",
            finished.status,
            finished.lines,
            finished.stderr
        );
        finished
    }

    /// What it has written to stderr until now.
    pub(crate) fn complaints(&self) -> String {
        self.stderr.lock().map(|kept| kept.clone()).unwrap_or_default()
    }

    /// Whether it still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        self.poll().is_none()
    }

    /// Its exit status, once it has one.
    fn poll(&mut self) -> Option<ExitStatus> {
        if self.status.is_none() {
            self.status = self.child.try_wait().unwrap_or_else(|error| panic!("{}: {error}", self.name));
        }
        self.status
    }

    fn fail(&self, why: &str) -> ! {
        panic!("{}: {why}\nits stderr:\n{}", self.name, self.complaints());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if self.whole_group {
            // std can only kill the child itself. The group is ours alone: it bears the number of our child, which
            // cannot be given away again before the wait below.
            let group = format!("-{}", self.child.id());
            let _ = Command::new("kill").args(["-KILL", "--", &group]).stderr(Stdio::null()).status();
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command to its end: `input` goes to its stdin, its stdout comes back as bytes.
pub(crate) fn run(name: &str, mut command: Command, input: &[u8], within: Duration) -> (ExitStatus, Vec<u8>, String) {
    let deadline = Instant::now() + within;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{name} did not start: {error} ({command:?})"));
    let mut stdin = child.stdin.take().expect("stdin is piped");
    let input = input.to_vec();
    // It may well end without having read everything: that is for its exit status to say.
    thread::spawn(move || drop(stdin.write_all(&input)));
    let (out, out_end) = read_all(child.stdout.take().expect("stdout is piped"));
    let (err, err_end) = read_all(child.stderr.take().expect("stderr is piped"));
    let take = |bytes: &Mutex<Vec<u8>>| std::mem::take(&mut *bytes.lock().expect("nobody panics with this lock"));
    // A program that ends closes its pipes first; what still keeps it after that is at most its own tidying up.
    let closed = [out_end, err_end].iter().all(|end| end.recv_timeout(remaining(deadline)).is_ok());
    while closed && Instant::now() < deadline {
        if let Some(status) = child.try_wait().unwrap_or_else(|error| panic!("{name}: {error}")) {
            return (status, take(&out), String::from_utf8_lossy(&take(&err)).into_owned());
        }
        thread::park_timeout(Duration::from_millis(2));
    }
    let _ = child.kill();
    let _ = child.wait();
    panic!(
        "{name} has not ended within {within:?} ({command:?})\nits stderr until then:\n{}",
        String::from_utf8_lossy(&take(&err))
    );
}

/// As [`run`], asks for success, and gives the bytes of its stdout.
pub(crate) fn run_well(name: &str, command: Command, input: &[u8], within: Duration) -> Vec<u8> {
    let (status, out, err) = run(name, command, input, within);
    assert!(status.success(), "{name}: {status}\nits stdout:\n{}\nits stderr:\n{err}", String::from_utf8_lossy(&out));
    out
}

pub(crate) fn remaining(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

fn for_each_line(pipe: impl Read, mut take: impl FnMut(String)) {
    let mut reader = BufReader::new(pipe);
    let mut line = Vec::new();
    while matches!(reader.read_until(b'\n', &mut line), Ok(count) if count > 0) {
        let end = line.strip_suffix(b"\n").unwrap_or(&line);
        let end = end.strip_suffix(b"\r").unwrap_or(end);
        take(String::from_utf8_lossy(end).into_owned());
        line.clear();
    }
}

/// Collects what a pipe gives, and tells when it closes.
fn read_all(mut pipe: impl Read + Send + 'static) -> (Arc<Mutex<Vec<u8>>>, Receiver<()>) {
    let bytes = Arc::new(Mutex::new(Vec::new()));
    let (done, end) = channel();
    let kept = Arc::clone(&bytes);
    thread::spawn(move || {
        let mut part = vec![0; 1 << 16];
        while let Ok(count @ 1..) = pipe.read(&mut part) {
            kept.lock().expect("nobody panics with this lock").extend_from_slice(&part[..count]);
        }
        let _ = done.send(());
    });
    (bytes, end)
}

// --- where things are ----------------------------------------------------------------------------

/// The compiled example. cargo tells a test where the package's binaries are, but not its examples: they lie beside the
/// folder of the test itself, `target/debug/deps`.
pub(crate) fn example_path(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a test knows where it is");
    let profile = test.parent().and_then(Path::parent).expect("a test lies in target/PROFILE/deps");
    let example = profile.join("examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    let advice =
        "`cargo test` builds the examples too, `cargo test --test NAME` does not: run `cargo build --examples`";
    assert!(example.is_file(), "the example {name} is not built; {advice}");
    if let Some(newer) = newer_source(&example) {
        panic!("the example {name} is older than {}; {advice}", newer.display());
    }
    example
}

/// A source of the program that changed after it was built. cargo writes down what a program is made from in a file
/// beside it, as make would: `PROGRAM: SOURCE SOURCE ...`.
fn newer_source(program: &Path) -> Option<PathBuf> {
    let built = program.metadata().ok()?.modified().ok()?;
    let rule = std::fs::read_to_string(program.with_extension("d")).ok()?;
    let (_, sources) = rule.lines().next()?.split_once(": ")?;
    sources
        .replace("\\ ", "\0")
        .split(' ')
        .map(|source| PathBuf::from(source.replace('\0', " ")))
        .find(|source| source.metadata().and_then(|data| data.modified()).is_ok_and(|changed| changed > built))
}

/// A file of the folder `tests`.
pub(crate) fn test_file(path: &str) -> PathBuf {
    // Workspace members share this file and those folders; some have a folder `tests` of their own.
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let root = package.ancestors().find(|folder| folder.join("tests/peers").is_dir());
    root.expect("the package lies in the repository").join("tests").join(path)
}

/// An empty folder of this test run's own, below `target`.
pub(crate) fn empty_folder(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    folder
}

/// Where `tests/peers/install.sh` has put the peers.
fn peers() -> PathBuf {
    let Some(folder) = std::env::var_os("SOCKLAB_PEERS") else {
        panic!(
            "SOCKLAB_PEERS is not set: this test talks to programs that must be installed first.\n\
             Install them:  tests/peers/install.sh target/peers\n\
             then run:      SOCKLAB_PEERS=$PWD/target/peers cargo test --workspace -- --ignored\n\
             or let .ci/run do both."
        )
    };
    // cargo runs a test in its package's folder, where a relative name means what it meant to the shell.
    let folder = std::path::absolute(folder).expect("SOCKLAB_PEERS names a folder");
    assert!(folder.is_dir(), "SOCKLAB_PEERS={}: no such folder; run tests/peers/install.sh there", folder.display());
    folder
}

/// A peer that is a folder full of programs.
pub(crate) fn peer_folder(name: &str) -> PathBuf {
    let folder = peers().join(name);
    assert!(folder.is_dir(), "{} is missing: run tests/peers/install.sh again", folder.display());
    folder
}

fn peer(interpreter: &str) -> Command {
    let program = peers().join(interpreter);
    assert!(program.exists(), "{} is missing: run tests/peers/install.sh again", program.display());
    Command::new(program)
}

/// Python 3 with its peers, to run a script of `tests/peers`.
pub(crate) fn python(script: &str) -> Command {
    let mut command = peer("python/bin/python");
    command.arg("-u").arg(test_file("peers").join(script));
    command
}

/// The Python 2.7 of the Autobahn suite, to run a script of `tests/autobahn`.
pub(crate) fn python27(script: &str) -> Command {
    let mut command = peer("autobahn/bin/python");
    command.args(["-u", "-B", "-W", "ignore"]).arg(test_file("autobahn").join(script));
    command
}

/// Node with its peers, to run a script of `tests/peers`.
pub(crate) fn node(script: &str) -> Command {
    let modules = peers().join("node/node_modules");
    assert!(modules.join("ws").is_dir(), "{} has no ws: run tests/peers/install.sh again", modules.display());
    let mut command = tool("node", "nodejs");
    command.env("NODE_PATH", modules).arg(test_file("peers").join(script));
    command
}

/// A program on the PATH, which Debian has in `package`.
pub(crate) fn tool(program: &str, package: &str) -> Command {
    let found = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(program).is_file()));
    assert!(found, "{program} is not on the PATH: install it (Debian: apt-get install {package}), or run .ci/run");
    Command::new(program)
}

/// Adds arguments in passing.
pub(crate) fn with<S: AsRef<OsStr>>(mut command: Command, arguments: impl IntoIterator<Item = S>) -> Command {
    command.args(arguments);
    command
}
