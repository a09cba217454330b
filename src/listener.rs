//! How does a program wait to be called, and how is it told to stop waiting?
//!
//! The passive side, in the order of the system calls:
//!
//! ```text
//!   socket()   a descriptor, still alone                           \
//!   bind()     it gets an address and a port: now it has a name     |  TcpListener::bind
//!   listen()   the system begins to answer SYNs in its name        /
//!   accept()   the next client that waits becomes a socket of its own  Listener::wait
//! ```
//!
//! Clients are connected *before* accept: the system shakes hands with up to 128 of them on its own (the backlog that
//! `std` asks for), and accept only hands over the next. So to look at a client before deciding, one has to accept it,
//! and refusing means closing at once.
//!
//! Two things `std` lacks are made here: a limit to the wait, and a way to end it from another thread. How is the
//! system's affair: `listener/linux.rs` where the kernel helps, `listener/portable.rs` with a thread elsewhere.
//!
//! # In production
//!
//! One listening socket for each core (SO_REUSEPORT), a backlog in the thousands, and a supervisor that keeps the
//! listening socket open while the program behind it is replaced.

mod failure;
#[cfg(target_os = "linux")]
mod linux;
mod newcomer;
#[cfg(any(test, not(target_os = "linux")))]
mod portable;

#[cfg(target_os = "linux")]
use linux::Acceptor;
#[cfg(not(target_os = "linux"))]
use portable::Acceptor;

pub use newcomer::Newcomer;

use crate::deadline::Deadline;
use crate::error::Error;
use crate::settings::Settings;
use crate::trace::{Call, Outcome, Side, TellClose, Tracer};
use crate::transport::{Transport, descriptor, enter};
use failure::{is_about_descriptors, is_about_one_client};
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// What a wait for clients brought.
#[derive(Debug)]
pub enum Arrival {
    /// Somebody connected.
    Client(Newcomer),
    /// Nobody did, within the time given.
    Nobody,
    /// [`StopHandle::stop`] was called: this listener accepts nobody any more.
    Stopped,
}

/// Socket, bind, listen: a socket that waits to be called.
#[derive(Debug)]
pub(crate) struct Listener {
    acceptor: Acceptor,
    shared: Arc<Shared>,
    local: SocketAddr,
    settings: Arc<Settings>,
    tracer: Tracer,
    /// A descriptor kept back for the day when there is none left, see [`Listener::turn_away_unheard`].
    spare: Option<TcpListener>,
    _told: TellClose,
}

/// What a listener and its stop handles have in common.
#[derive(Debug)]
struct Shared {
    stopped: AtomicBool,
    /// Gone with the listener: a forgotten stop handle must not keep the port.
    waker: Mutex<Option<Box<dyn Wake>>>,
}

/// Ends a wait from another thread.
trait Wake: Send + Sync + std::fmt::Debug {
    fn wake(&self);
}

/// Asks a server to stop, from any thread. Cheap to clone, and harmless once the server is gone.
#[derive(Debug, Clone)]
pub struct StopHandle(Arc<Shared>);

impl StopHandle {
    /// Asks, and returns at once: the server's own thread does the stopping. A second stop does no more.
    pub fn stop(&self) {
        self.0.stopped.store(true, Ordering::Release);
        if let Some(waker) = &*enter(&self.0.waker) {
            waker.wake();
        }
    }

    /// Whether somebody asked.
    pub fn is_stopped(&self) -> bool {
        self.0.stopped.load(Ordering::Acquire)
    }
}

impl Listener {
    pub(crate) fn bind(address: &str, settings: &Settings) -> Result<Listener, Error> {
        // What is wrong with a certificate is said to whoever starts the server, and not to its first client.
        settings.tls_of_server()?;
        let mut tracer = Tracer::new(&settings.trace, Side::Server);
        let candidates = settings.resolver.addresses(address, Deadline::after(settings.connect_limit), &tracer)?;
        let started = tracer.start(Call::Listen);
        let result = TcpListener::bind(&candidates[..]);
        if let Ok(socket) = &result {
            tracer.descriptor = descriptor(socket);
            tracer.local = socket.local_addr().ok();
        }
        tracer.finish(started, || match &result {
            Ok(_) => Outcome::Done,
            Err(error) => Outcome::Failed(error),
        });
        let fail = |source| Error::Listen { address: address.to_owned(), source };
        let socket = result.map_err(fail)?;
        let local = socket.local_addr().map_err(fail)?;
        let spare = socket.try_clone().ok();
        let (acceptor, waker) = Acceptor::new(socket, tracer.clone()).map_err(fail)?;
        let shared = Arc::new(Shared { stopped: AtomicBool::new(false), waker: Mutex::new(Some(waker)) });
        let _told = TellClose(tracer.clone());
        Ok(Listener { acceptor, shared, local, settings: Arc::new(settings.clone()), tracer, spare, _told })
    }

    pub(crate) fn local_address(&self) -> SocketAddr {
        self.local
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    pub(crate) fn stop_handle(&self) -> StopHandle {
        StopHandle(self.shared.clone())
    }

    /// Waits for the next client. Exclusively: the socket has one time-out, and of two threads that wait one would have to
    /// wait for the other first, past its own limit.
    pub(crate) fn wait(&mut self, limit: Duration) -> Result<Arrival, Error> {
        let deadline = Deadline::after(limit);
        let stop = self.stop_handle();
        loop {
            if stop.is_stopped() {
                return Ok(Arrival::Stopped);
            }
            let started = self.tracer.start_waiting(Call::Accept, None);
            let result = self.acceptor.accept(deadline);
            self.tracer.finish(started, || match &result {
                Ok(Some((stream, peer))) => Outcome::Accepted { descriptor: descriptor(stream), peer: *peer },
                Ok(None) => Outcome::Nothing,
                Err(error) => Outcome::Failed(error),
            });
            match result {
                Ok(Some((stream, peer))) => match self.newcomer(stream, peer) {
                    Ok(newcomer) if !stop.is_stopped() => return Ok(Arrival::Client(newcomer)),
                    // It was accepted in the moment of the stop, and is turned away by dropping it; or it was gone before
                    // we could ask the system about it.
                    _ => continue,
                },
                // The listening socket was shut to wake us.
                _ if stop.is_stopped() => return Ok(Arrival::Stopped),
                Ok(None) => return Ok(Arrival::Nobody),
                Err(error) if is_about_one_client(&error) => {}
                Err(error) if is_about_descriptors(&error) => self.turn_away_unheard(),
                Err(source) => return Err(Error::Accept { source }),
            }
        }
    }

    fn newcomer(&self, stream: TcpStream, peer: SocketAddr) -> io::Result<Newcomer> {
        let mut tracer = Tracer::new(&self.settings.trace, Side::Server);
        tracer.peer = Some(peer);
        let tls = self.settings.tls_of_server()?;
        let transport = Transport::new(stream, tracer, self.settings.no_delay, tls)?;
        Ok(Newcomer { transport: Arc::new(transport), peer, settings: self.settings.clone() })
    }

    /// Out of descriptors, accept fails and the client stays in the queue: asking again fails again, at once, a
    /// hundred thousand times a second. So one descriptor was kept back. It is given up, the newcomer gets it and is
    /// closed, which at least it can see, and the spare is taken back.
    fn turn_away_unheard(&mut self) {
        self.spare = None;
        self.tracer.note("out of file descriptors: the newcomer is closed unheard");
        let turned_away = self.acceptor.accept(Deadline::after(Duration::from_millis(1)));
        drop(turned_away);
        self.spare = self.acceptor.spare();
        if self.spare.is_none() {
            // Another thread was quicker and took the descriptor. There is nothing to hand out and nothing to wait on
            // but time: let the others finish something before we ask again.
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        *enter(&self.shared.waker) = None;
    }
}
