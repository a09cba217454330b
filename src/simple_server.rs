//! What does the simplest server look like that is not a toy?
//!
//! One conversation at a time, on one thread. Whoever comes meanwhile waits in the system's queue, connected and
//! unanswered, until the conversation before it has ended. That is all that many tools need, and it shows why servers
//! have threads: one client that says nothing keeps everybody else waiting.
//!
//! ```text
//!   socket(), bind(), listen()    SimpleServer::bind
//!   accept()                      SimpleServer::accept       one client ...
//!   read(), write(), close()      Connection                 ... until we are done with it
//! ```
//!
//! # In production
//!
//! `inetd` starts a process for each client, and such a one-client program is all it needs.

use crate::connection::Connection;
use crate::error::{Error, HandlerResult};
use crate::listener::{Arrival, Listener, StopHandle};
use crate::settings::Settings;
use std::net::SocketAddr;
use std::time::Duration;

/// The passive side, one client at a time. WLanguage: `SocketCreate` (in French `SocketCrée`), simplified server.
///
/// ```
/// use socklab::{Client, Received, SimpleServer};
///
/// let mut server = SimpleServer::bind("127.0.0.1:0")?; // port 0: the system takes any free one
/// let mut client = Client::connect(&server.local_address().to_string())?;
/// client.send("Hello")?;
///
/// let mut connection = server.accept()?;
/// assert_eq!(connection.receive()?, Received::Message(b"Hello".to_vec()));
/// # Ok::<(), socklab::Error>(())
/// ```
#[derive(Debug)]
pub struct SimpleServer {
    listener: Listener,
}

impl SimpleServer {
    /// Socket, bind, listen on `HOST:PORT`, with the default [`Settings`]. WLanguage: `SocketCreate` (in French
    /// `SocketCrée`). Errors: [`Error::Address`],
    /// [`Error::Resolve`], [`Error::Listen`].
    pub fn bind(address: &str) -> Result<SimpleServer, Error> {
        SimpleServer::bind_with(address, &Settings::default())
    }

    /// Socket, bind, listen on `HOST:PORT`. Errors as for [`SimpleServer::bind`].
    pub fn bind_with(address: &str, settings: &Settings) -> Result<SimpleServer, Error> {
        Ok(SimpleServer { listener: Listener::bind(address, settings)? })
    }

    /// The address and port that we listen on: with port 0, the one that the system took.
    pub fn local_address(&self) -> SocketAddr {
        self.listener.local_address()
    }

    /// Waits for a client and lets it in, however long it takes. WLanguage: `SocketAccept` (in French `SocketAccepte`).
    /// System call: `accept4`. Errors: [`Error::Closed`] once the server is stopped, [`Error::Accept`].
    ///
    /// It borrows the server mutably and returns an owned connection: nothing stops a program from accepting a second
    /// client before it is done with the first, but then it is on the way to a [`StandardServer`](crate::StandardServer).
    pub fn accept(&mut self) -> Result<Connection, Error> {
        match self.wait(Duration::MAX)? {
            Arrival::Client(newcomer) => Ok(newcomer.accept()),
            Arrival::Nobody | Arrival::Stopped => Err(Error::Closed),
        }
    }

    /// Waits for a client, up to this limit, and leaves the decision to the caller. WLanguage:
    /// `SocketWaitForConnection` (`SocketAttendConnexion`), then [`Newcomer::accept`](crate::Newcomer::accept) or
    /// [`refuse`](crate::Newcomer::refuse). System call: `accept4`. Error: [`Error::Accept`].
    pub fn wait(&mut self, limit: Duration) -> Result<Arrival, Error> {
        self.listener.wait(limit)
    }

    /// Lets one client after another in and hands each to `handler`, until somebody stops the server. Blocks meanwhile; a
    /// stop waits for the conversation that goes on.
    ///
    /// A handler that fails costs its own client only: the error is told on standard error, and the next client is let in.
    /// (A panic goes through, for there is one thread only, and it is the caller's.)
    pub fn serve<F>(&mut self, mut handler: F) -> Result<(), Error>
    where
        F: FnMut(&mut Connection) -> HandlerResult,
    {
        loop {
            match self.wait(Duration::MAX)? {
                Arrival::Client(newcomer) => {
                    let peer = newcomer.peer_address();
                    let mut connection = newcomer.accept();
                    match handler(&mut connection) {
                        Ok(()) => connection.close(),
                        Err(error) => eprintln!("client {peer}: {error}"),
                    }
                }
                Arrival::Nobody => {}
                Arrival::Stopped => return Ok(()),
            }
        }
    }

    /// A handle that stops the server from another thread.
    pub fn stop_handle(&self) -> StopHandle {
        self.listener.stop_handle()
    }
}
