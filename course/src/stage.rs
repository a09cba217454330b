//! What does one probe have at its disposal?
//!
//! A stage: the program, freshly started, a seeded adversary, and connections. Each probe gets a stage of its own, so that
//! what one probe broke is not held against the next.
//!
//! A program that is a **server** is told a port and is connected to: [`Stage::connect`]. A program that is a **client** is
//! told the port of a listener of ours: [`Stage::accept`]. Standard input and output belong to the stage as well.
//!
//! # In production
//!
//! A port is better found by the program itself (port 0) and announced by it: between our choosing a port and the program's
//! binding it somebody else may take it. A student's first server should not have to do that.

use socket2::{Domain, SockRef, Socket, Type};
use std::ffi::OsString;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::adversary::Adversary;
use crate::peer::{Failure, Peer};
use crate::program::{self, Excess, Program, Recipe};
use crate::system;
use crate::transcript::{Transcript, shown};
use crate::vigil::{PATIENCE, Vigil, spoken};

mod again;
mod crowd;
mod folder;
mod pressure;

pub use crowd::{Crowd, Exhaustion};

/// What the connections of one stage share.
pub struct Ground {
    pub(crate) transcript: Transcript,
    program: Mutex<Option<Program>>,
    kept: Mutex<Vec<TcpStream>>,
}

impl Ground {
    fn program(&self) -> MutexGuard<'_, Option<Program>> {
        self.program.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn keep(&self, stream: TcpStream) {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).push(stream);
    }

    pub(crate) fn processes(&self) -> Vec<u32> {
        self.program().as_ref().map(Program::processes).unwrap_or_default()
    }

    pub(crate) fn excess(&self) -> Option<Excess> {
        self.program().as_ref().and_then(Program::excess)
    }

    pub(crate) fn last_sent(&self) -> String {
        self.transcript.last_sent().unwrap_or_else(|| "it was connected to".to_owned())
    }
}

pub struct Stage {
    pub adversary: Adversary,
    ground: Arc<Ground>,
    recipe: Recipe,
    port: u16,
    listener: Option<TcpListener>,
    arguments: Vec<OsString>,
    reached: bool,
    folder: Option<folder::Folder>,
}

impl Stage {
    pub fn new(recipe: &Recipe, seed: u64, salt: &str) -> Self {
        let transcript = Transcript::default();
        let ground = Ground { transcript, program: Mutex::new(None), kept: Mutex::default() };
        Self {
            adversary: Adversary::new(seed, salt),
            ground: Arc::new(ground),
            recipe: recipe.clone(),
            port: 0,
            listener: None,
            arguments: Vec::new(),
            reached: false,
            folder: None,
        }
    }

    /// Further arguments for the program, behind the port. Before it is started.
    pub fn arguments(&mut self, arguments: impl IntoIterator<Item = impl Into<OsString>>) {
        self.arguments.extend(arguments.into_iter().map(Into::into));
    }

    /// Starts a program that is a server. It is ready when the first [`Stage::connect`] succeeds.
    pub fn start_server(&mut self) -> Result<(), Failure> {
        self.port = free_port()?;
        self.start()
    }

    /// Starts a program that is a client of ours.
    pub fn start_client(&mut self) -> Result<(), Failure> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(ours)?;
        listener.set_nonblocking(true).map_err(ours)?;
        self.port = listener.local_addr().map_err(ours)?.port();
        self.listener = Some(listener);
        self.start()
    }

    /// Starts a program that is a client, and nobody listens at its port.
    pub fn start_client_refused(&mut self) -> Result<(), Failure> {
        self.port = free_port()?;
        self.start()?;
        self.ground.transcript.did("nobody listens there");
        Ok(())
    }

    fn start(&mut self) -> Result<(), Failure> {
        let program = Program::start(&self.recipe, self.port, &self.arguments).map_err(|error| {
            let command =
                self.recipe.command.first().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            Failure::new(format!("{command} could not be started."), "a program that starts", error.to_string())
                .is("program-cannot-be-started")
        })?;
        self.ground.transcript.did(format!("the program is started, port {}", self.port));
        *self.ground.program() = Some(program);
        Ok(())
    }

    /// A connection to the program; `name` is what the ladder calls it. The first one waits until the program listens.
    pub fn connect(&mut self, name: &str) -> Result<Peer, Failure> {
        self.connect_by(name, TcpStream::connect)
    }

    /// The same with the smallest receive buffer: a reader as slow as they come.
    pub fn connect_narrow(&mut self, name: &str) -> Result<Peer, Failure> {
        self.connect_by(name, Peer::connect_narrow)
    }

    fn connect_by(&mut self, name: &str, by: fn(SocketAddr) -> std::io::Result<TcpStream>) -> Result<Peer, Failure> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        // A virtual machine that starts on a busy computer takes its time; one that is asleep is not starting.
        let mut vigil = Vigil::with_patience(2 * PATIENCE);
        loop {
            match by(address) {
                Ok(stream) => {
                    self.reached = true;
                    self.ground.transcript.did(format!("{name} connects"));
                    return Peer::new(name, stream, Arc::clone(&self.ground)).map_err(ours);
                }
                Err(_) => self.still_alive()?,
            }
            if let Some(waited) = vigil.silent(|| self.ground.processes()) {
                return Err(self.not_reached(waited));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// The program's connection to us.
    pub fn accept(&mut self, name: &str) -> Result<Peer, Failure> {
        let Some(listener) = &self.listener else {
            return Err(Failure::new("This probe never listened.", "start_client() before accept()", "neither"));
        };
        let listener = listener.try_clone().map_err(ours)?;
        let mut vigil = Vigil::with_patience(2 * PATIENCE);
        loop {
            match listener.accept() {
                Ok((stream, _)) => {
                    self.reached = true;
                    stream.set_nonblocking(false).map_err(ours)?;
                    self.ground.transcript.happened(format!("connects ({name})"));
                    return Peer::new(name, stream, Arc::clone(&self.ground)).map_err(ours);
                }
                Err(_) => self.still_alive()?,
            }
            if let Some(waited) = vigil.silent(|| self.ground.processes()) {
                let what = format!("The program did not connect to 127.0.0.1:{}.", self.port);
                return Err(self.unreached(
                    what,
                    "a connection",
                    format!("none in {}", spoken(waited)),
                    "program-never-connects",
                ));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    // --- standard input and output, and the program itself ------------------------------------------

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
        let mut vigil = Vigil::begin();
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
            if let Some(silence) = vigil.silent(|| self.ground.processes()) {
                let mut failure = self.nothing_printed(what_for, silence);
                failure.silent = true;
                return Err(failure);
            }
        }
    }

    /// "Nothing for 0.7 s" says little of a program that has ended: it will never print, and how it ended is what one asks next.
    fn nothing_printed(&self, what_for: &str, silence: Duration) -> Failure {
        let ended = self.ground.program().as_mut().and_then(Program::ended);
        let more = if self.output().is_empty() { "anything" } else { "anything more" };
        match ended {
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
            // Let go of the lock before it is taken again: what an `if let` looks at lives as long as its body.
            let ended = self.ground.program().as_mut().and_then(Program::ended);
            if let Some(status) = ended {
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

    /// Stops the program where it stands. A program that is stopped in the middle of a `write` and then goes on is given a
    /// short count, in any language.
    pub fn pause_program(&self) {
        self.ground.transcript.did("the program is stopped where it stands");
        if let Some(program) = self.ground.program().as_ref() {
            program.pause();
        }
        // A signal is delivered when its receiver is given a processor, which on a busy machine takes its time.
        let begun = Instant::now();
        while system::stopped(&self.ground.processes()) == Some(false) && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    pub fn resume_program(&self) {
        self.ground.transcript.did("the program goes on");
        if let Some(program) = self.ground.program().as_ref() {
            program.resume();
        }
    }

    /// What the program is doing now, where it can be seen.
    pub fn activity(&self) -> Option<system::Activity> {
        system::activity(&self.ground.processes())
    }

    /// Waits until the program has done all that it is going to do for now: all its threads sleep, or it has ended. Where
    /// that cannot be seen a moment is all that can be given.
    pub fn settle(&self) {
        let begun = Instant::now();
        let mut before = None;
        while begun.elapsed() < PATIENCE {
            let now = self.activity();
            if now.is_none_or(|now| now.asleep && before == Some(now)) {
                return;
            }
            before = now;
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    // --- for the run --------------------------------------------------------------------------------

    pub(crate) fn transcript(&self) -> Transcript {
        self.ground.transcript.clone()
    }

    pub(crate) fn excess(&self) -> Option<Excess> {
        self.ground.excess()
    }

    /// How it ended, if it has ended by itself, and what it complained of. A crash and its message take a moment to arrive:
    /// until it has ended, or does nothing any more, and then until what it wrote has been read.
    pub(crate) fn remains(&self) -> (Option<String>, String) {
        const AT_MOST: Duration = Duration::from_secs(3);
        const TURN: Duration = Duration::from_millis(30);
        let begun = Instant::now();
        let mut before = self.activity();
        loop {
            let mut program = self.ground.program();
            let Some(program) = program.as_mut() else { return (None, String::new()) };
            let status = program.wait_until(Instant::now() + TURN);
            let now = system::activity(&program.processes());
            let resting = now.is_none() || now == before && now.is_some_and(|now| now.asleep);
            if status.is_some() || resting || begun.elapsed() > AT_MOST {
                if status.is_some() {
                    program.settle();
                }
                return (status.map(|status| status.to_string()), program.complaint());
            }
            before = now;
        }
    }

    fn still_alive(&mut self) -> Result<(), Failure> {
        if self.ground.excess().is_some() {
            return Err(Failure::new("The program was ended.", "a connection", "its end"));
        }
        let ended = self.ground.program().as_mut().and_then(Program::ended);
        match ended {
            Some(status) => {
                self.ground.transcript.happened(format!("ends ({status})"));
                let what = match self.reached {
                    true => "The program has ended.",
                    false => "The program ended before anything could be asked of it.",
                };
                Err(self.unreached(
                    what.to_owned(),
                    "a connection",
                    format!("its end ({status})"),
                    "program-ends-at-once",
                ))
            }
            None => Ok(()),
        }
    }

    /// Nobody listens at our port. Where the program listens instead is the best hint there is.
    fn not_reached(&self, waited: Duration) -> Failure {
        let expected = format!("a server at 127.0.0.1:{}", self.port);
        let ports = system::listening_ports(&self.ground.processes()).unwrap_or_default();
        if ports.is_empty() {
            let got = format!("nobody listens after {}", spoken(waited));
            return self.unreached("The program does not listen.".to_owned(), expected, got, "program-never-listens");
        }
        let ports = ports.iter().map(u16::to_string).collect::<Vec<_>>().join(" and ");
        let got = format!("it listens at port {ports}, or not at 127.0.0.1");
        self.unreached("The program listens somewhere else.".to_owned(), expected, got, "program-listens-elsewhere")
    }

    /// The general mistakes are for a program that was never reached; afterwards it is the probe that failed.
    fn unreached(&self, what: String, expected: impl Into<String>, got: String, mistake: &'static str) -> Failure {
        let failure = Failure::new(what, expected, got);
        if self.reached { failure } else { failure.is(mistake) }
    }
}

/// The program first, then its connections, by a reset: thousands of checks leave nothing waiting in the system's table.
impl Drop for Ground {
    fn drop(&mut self) {
        *self.program() = None;
        for stream in self.kept.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
        }
    }
}

fn ours(error: std::io::Error) -> Failure {
    Failure::new(
        "The check itself could not get a socket: `cargo lab doctor` says more.",
        "a socket",
        error.to_string(),
    )
    .is("machine-has-no-sockets")
}

/// A port that nobody has. Below those that the system gives to outgoing connections: another check's connection, opened
/// between this moment and the program's bind, does not take it. It is asked for by a bind, and not by a connection: that
/// would be a client to the program of another check on this machine, and take a place in it. And while nothing is being
/// started: a socket of ours would live on for a moment in every process that another thread is just starting.
fn free_port() -> Result<u16, Failure> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    const FIRST: u32 = 10_000;
    let end = u32::from(system::first_ephemeral_port()).max(FIRST + 1_000);
    let start = std::process::id().wrapping_mul(7_919);
    let _alone = program::alone();
    for _ in 0..500 {
        let offset = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % (end - FIRST);
        let port = u16::try_from(FIRST + offset).unwrap_or(0);
        // Without SO_REUSEADDR, so that a port with a connection in TIME_WAIT is passed over too.
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).map_err(ours)?;
        if socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into()).is_ok() {
            return Ok(port);
        }
    }
    let what = "No free port was found below those for outgoing connections.";
    Err(Failure::new(what, "a free port", "500 that are taken").is("machine-has-no-sockets"))
}
