//! How do the check and the program come together, and what if they do not?
//!
//! A server is connected to, a client is accepted. Who is never reached has ended, sleeps, or listens somewhere else: each is a
//! mistake of its own, and is named before any probe's.
//!
//! # In production
//!
//! A supervisor tries a service's port until it answers, and gives up with what it knows (systemd's `ExecStartPost`, a
//! container's readiness probe).

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use super::{Stage, ours};
use crate::peer::{Failure, Peer};
use crate::system;
use crate::vigil::{PATIENCE, Vigil, spoken};

impl Stage {
    /// A connection to the program; `name` is what the ladder calls it. The first one waits until the program listens.
    pub fn connect(&mut self, name: &str) -> Result<Peer, Failure> {
        self.connect_by(name, TcpStream::connect)
    }

    /// The same with the smallest receive buffer: a reader as slow as they come.
    pub fn connect_narrow(&mut self, name: &str) -> Result<Peer, Failure> {
        self.connect_by(name, Peer::connect_narrow)
    }

    pub(super) fn connect_by(
        &mut self,
        name: &str,
        by: fn(SocketAddr) -> std::io::Result<TcpStream>,
    ) -> Result<Peer, Failure> {
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

    pub(super) fn still_alive(&mut self) -> Result<(), Failure> {
        if self.ground.excess().is_some() {
            return Err(Failure::new("The program was ended.", "a connection", "its end"));
        }
        match self.ground.ended() {
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
    pub(super) fn not_reached(&self, waited: Duration) -> Failure {
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
