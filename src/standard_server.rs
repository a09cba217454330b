//! How does one program talk to many clients at once?
//!
//! With a thread for each. The accepting thread does nothing but hand over: whatever a client can slow down (its
//! request, its handshake, our answer) happens on that client's own thread, so a client that is stuck stops nobody.
//!
//! ```text
//!                                accept
//!   StandardServer::serve  ───────┬────────────┬────────────┐
//!                              client 1     client 2     client 3        a thread each,
//!                              handler      handler      handler         at most max_clients of them
//!                                 └────────────┴────────────┴───> joined by the next that ends, or at the stop
//! ```
//!
//! Data: the threads that live, each with the transport through which it can be woken (`standard_server/clients.rs`).
//! Invariant: a client counts until its thread ends, and every thread that has ended is joined, by the next one that ends or
//! at the stop.
//!
//! # In production
//!
//! Ten thousand threads are possible and cost some 24 KiB of memory each; what they cost in time is the switch from one
//! to the next. Servers for more use an event loop (nginx) or tasks that share a few threads (tokio).

mod clients;

use crate::connection::Connection;
use crate::error::{Error, HandlerResult};
use crate::listener::{Arrival, Listener, StopHandle};
use crate::settings::Settings;
use clients::Clients;
use std::collections::HashSet;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

/// Something that happened to one client and stopped nobody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Whose conversation it was.
    pub peer: SocketAddr,
    /// What happened, and what to look at.
    pub what: String,
}

/// The passive side, a thread for each client. WLanguage: `SocketCreate` (in French `SocketCrée`), standard server.
///
/// The short form hands each client to a function:
///
/// ```
/// use socklab::{Client, Framing, Received, Settings, StandardServer};
/// use std::thread;
///
/// let settings = Settings { framing: Framing::lines(), ..Settings::default() };
/// let server = StandardServer::bind_with("127.0.0.1:0", &settings)?;
/// let address = server.local_address().to_string();
/// let stop = server.stop_handle();
/// let running = thread::spawn(move || {
///     server.serve(|mut connection| {
///         while let Received::Message(line) = connection.receive()? {
///             connection.send(line.to_ascii_uppercase())?;
///         }
///         Ok(())
///     })
/// });
///
/// let mut client = Client::connect_with(&address, &settings)?;
/// client.send("louder")?;
/// assert_eq!(client.receive()?, Received::Message(b"LOUDER".to_vec()));
/// stop.stop();
/// let report = running.join().unwrap()?;
/// assert_eq!((report.served, report.still_running.len()), (1, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// The explicit form is [`StandardServer::wait`], which leaves decision and threads to the caller.
pub struct StandardServer {
    listener: Listener,
    admits: Box<dyn Fn(SocketAddr) -> bool + Send + Sync>,
    reports: Arc<dyn Fn(Trouble) + Send + Sync>,
    full: Option<Arc<Handler>>,
    farewell: Option<Box<Farewell>>,
}

/// What says goodbye at the stop, and to whom.
type Farewell = dyn FnOnce() -> HashSet<u64> + Send;

/// What turns a client away when the server is full.
type Handler = dyn Fn(Connection) -> HandlerResult + Send + Sync;

/// Who is told of a trouble may be in trouble itself. The thread that tells is the accepting one, or a client's that has
/// still to say that it ends: neither can be spared.
pub(crate) fn guarded(reports: impl Fn(Trouble) + Send + Sync + 'static) -> Arc<dyn Fn(Trouble) + Send + Sync> {
    Arc::new(move |trouble| drop(catch_unwind(AssertUnwindSafe(|| reports(trouble)))))
}

/// How a server's life went.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServeReport {
    /// Clients that were let in.
    pub served: u64,
    /// Clients that were turned away: by the cap, by [`StandardServer::admit_if`], or for want of a thread.
    pub refused: u64,
    /// Handlers that panicked.
    pub panicked: u64,
    /// Threads that were still in the handler's own code at [`Settings::stop_limit`] and could not be joined.
    pub still_running: Vec<String>,
}

impl StandardServer {
    /// Socket, bind, listen on `HOST:PORT`, with the default [`Settings`]. WLanguage: `SocketCreate` (in French
    /// `SocketCrée`). Errors: [`Error::Address`],
    /// [`Error::Resolve`], [`Error::Listen`].
    pub fn bind(address: &str) -> Result<StandardServer, Error> {
        StandardServer::bind_with(address, &Settings::default())
    }

    /// Socket, bind, listen on `HOST:PORT`. Errors as for [`StandardServer::bind`].
    pub fn bind_with(address: &str, settings: &Settings) -> Result<StandardServer, Error> {
        let listener = Listener::bind(address, settings)?;
        let reports = guarded(|trouble| eprintln!("client {}: {}", trouble.peer, trouble.what));
        Ok(StandardServer { listener, admits: Box::new(|_| true), reports, full: None, farewell: None })
    }

    /// The address and port that we listen on: with port 0, the one that the system took.
    pub fn local_address(&self) -> SocketAddr {
        self.listener.local_address()
    }

    /// Looks at each client's address first and turns away those for which `admits` says false. It runs on the
    /// accepting thread: decide, and do not wait. If it panics, that client is turned away.
    pub fn admit_if(mut self, admits: impl Fn(SocketAddr) -> bool + Send + Sync + 'static) -> StandardServer {
        self.admits = Box::new(admits);
        self
    }

    /// Who is told when a client's handler fails, panics, or gets no thread. Without it, standard error is. It runs on the
    /// client's thread, or on the accepting one if there is none, and a panic in it is passed over.
    pub fn on_trouble(mut self, reports: impl Fn(Trouble) + Send + Sync + 'static) -> StandardServer {
        self.reports = guarded(reports);
        self
    }

    /// Who tells a client that the server is full, in the words of its protocol. It runs on a thread of its own, at most
    /// 16 of them at once; whoever comes beyond that is turned away without a word, as everybody is without this.
    pub fn on_full(mut self, tells: impl Fn(Connection) -> HandlerResult + Send + Sync + 'static) -> StandardServer {
        self.full = Some(Arc::new(tells));
        self
    }

    /// What is done first at the stop: a protocol of its own has a goodbye of its own. It returns the
    /// [numbers](Connection::number) of those who heard it. Everybody else's receiving direction is ended, as it is without
    /// this.
    pub fn farewell(mut self, says: impl FnOnce() -> HashSet<u64> + Send + 'static) -> StandardServer {
        self.farewell = Some(Box::new(says));
        self
    }

    /// A handle that stops the server from any thread.
    pub fn stop_handle(&self) -> StopHandle {
        self.listener.stop_handle()
    }

    /// Waits for a client, up to this limit, and leaves the decision to the caller: the explicit form. WLanguage:
    /// `SocketWaitForConnection` (`SocketAttendConnexion`), then `SocketAccept` (`SocketAccepte`) or `SocketDeny`
    /// (`SocketRefuse`). System call: `accept4`. Error: [`Error::Accept`].
    ///
    /// One thread waits at a time, or the limit of a second would only begin when the first is done:
    ///
    /// ```compile_fail,E0499
    /// # use socklab::StandardServer;
    /// # use std::time::Duration;
    /// let mut server = StandardServer::bind("127.0.0.1:0").unwrap();
    /// std::thread::scope(|both| {
    ///     both.spawn(|| server.wait(Duration::MAX));
    ///     both.spawn(|| server.wait(Duration::from_millis(10)));
    /// });
    /// ```
    pub fn wait(&mut self, limit: Duration) -> Result<Arrival, Error> {
        self.listener.wait(limit)
    }

    /// A panic is no yes, and no reason to stop accepting others.
    fn admits(&self, peer: SocketAddr) -> bool {
        catch_unwind(AssertUnwindSafe(|| (self.admits)(peer))).unwrap_or_else(|_| {
            let what = "turned away, for admit_if panicked; its message stands above".to_owned();
            (self.reports)(Trouble { peer, what });
            false
        })
    }

    /// Gives each client a thread that runs `handler`, until [`StopHandle::stop`]. Blocks meanwhile.
    ///
    /// A client over [`Settings::max_clients`], or for which the system has no thread left, is turned away. A handler
    /// that fails or panics costs its own client only. The conversation ends with its handler: closed in order when that
    /// returns without an error, and at once when it fails or panics.
    ///
    /// At the stop each client's receive says [`Received::Closed`](crate::Received::Closed), whatever else has come, so that
    /// a handler can still send its last word; what is not done within [`Settings::stop_limit`] is cut off, and who is then still
    /// in code of its own is named in the report. Error: [`Error::Accept`], after the same stop.
    ///
    /// A handler's thread has a stack of 256 KiB. More than that in local variables, or a deep recursion, ends the whole
    /// program, and no `catch_unwind` helps: put large buffers into a `Vec`.
    pub fn serve<F>(mut self, handler: F) -> Result<ServeReport, Error>
    where
        F: Fn(Connection) -> HandlerResult + Send + Sync + 'static,
    {
        let handler = Arc::new(handler);
        let max_clients = self.listener.settings().max_clients;
        let mut clients = Clients::new(self.reports.clone(), self.full.clone());
        let outcome = loop {
            match self.wait(Duration::MAX) {
                Ok(Arrival::Client(newcomer)) => {
                    if !self.admits(newcomer.peer_address()) {
                        clients.report.refused += 1;
                        newcomer.refuse();
                    } else if clients.count() >= max_clients {
                        clients.turn_away(newcomer);
                    } else {
                        clients.start(newcomer, handler.clone());
                    }
                }
                Ok(Arrival::Nobody) => {}
                Ok(Arrival::Stopped) => break Ok(()),
                Err(error) => break Err(error),
            }
        };
        let stop_limit = self.listener.settings().stop_limit;
        // Nobody shall connect to a server that will not answer any more.
        drop(self.listener);
        clients.stop(stop_limit, self.farewell);
        outcome.map(|()| clients.report)
    }
}
