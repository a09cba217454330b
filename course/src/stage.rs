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

use socket2::SockRef;
use std::ffi::OsString;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::ExitStatus;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use crate::adversary::Adversary;
use crate::peer::Failure;
use crate::program::{Excess, Program, Recipe};
use crate::system;
use crate::transcript::Transcript;

mod again;
mod crowd;
mod folder;
mod output;
mod port;
mod pressure;
mod reach;
mod rest;

pub use crowd::{Crowd, Exhaustion};
use port::free_port;

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

    /// How the program has ended, if it has. The lock is free again when this returns.
    pub(crate) fn ended(&self) -> Option<ExitStatus> {
        self.program().as_mut().and_then(Program::ended)
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

    /// For a question about time that the machine has spoiled: what was said until now is in no report, and the server is
    /// started anew. Ask the adversary for all that varies before.
    pub fn start_server_afresh(&mut self) -> Result<(), Failure> {
        self.ground.transcript.forget();
        self.start_server()
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
        // One that is still there ends before the next begins: its end takes along all that this process has started.
        *self.ground.program() = None;
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
            let sleeps = now == before && now.is_some_and(|now| now.asleep);
            let resting = now.is_none() || sleeps && program.output_is_read();
            if status.is_some() || resting || begun.elapsed() > AT_MOST {
                if status.is_some() {
                    program.settle();
                }
                return (status.map(|status| status.to_string()), program.complaint());
            }
            before = now;
        }
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
