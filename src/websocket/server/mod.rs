//! What does a server need whose clients stay, and who must not reach each other's data?
//!
//! Each client is a session with a context of its own, on a thread of its own. Beside them lives one global service with a
//! context of its own, which ticks. Any thread may send to any session, list them, run a procedure in a context,
//! disconnect: through handles, and never by reaching in.
//!
//! ```text
//!      accept ─> thread: session 1 [context]        service [context]   tick, tick, tick
//!             ─> thread: session 2 [context]           ^
//!             ─> thread: session 3 [context] <─────────┴──── execute(procedure), text(...), disconnect(...)
//! ```
//!
//! Read in this order: `application.rs` (what an application says), `limits.rs`, `context.rs` (how two threads never work
//! on the same data), `registry.rs` and `handle.rs` (how one reaches another), `house.rs` (what all sessions share),
//! `door.rs` (who is let in), `session.rs` (one client's life) with `silence.rs` (how long it may say nothing),
//! `service.rs` (the loop beside them). The outbox, through which all that is sent leaves, is one floor down.
//!
//! # In production
//!
//! The same shape with other threads: an actor for each client (Erlang, Akka), or a task for each (tokio), and a broker
//! such as Redis between machines, for sessions on two servers cannot share a registry.

mod application;
mod context;
mod door;
mod handle;
mod house;
mod limits;
mod registry;
mod service;
mod session;
mod silence;

pub use application::{Application, Ending, Request};
pub use handle::{NotDone, ServerHandle, SessionHandle};
pub use limits::Limits;
pub use session::Session;

use super::errands::Errands;
use super::protocol::http::{HeaderError, Response};
use super::protocol::{CloseCode, CloseReason};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::standard_server::{ServeReport, StandardServer, Trouble, guarded};
use house::{House, Page};
use registry::Registry;
use service::Service;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

/// A WebSocket server: sessions with contexts, and a global service beside them. WLanguage: the project "WebSocket
/// server", which there runs on Windows behind IIS. See [`Application`] for an example.
pub struct WebSocketServer<A: Application> {
    server: StandardServer,
    application: A,
    limits: Limits,
    subprotocols: Vec<String>,
    pages: HashMap<String, Page>,
    page_headers: Vec<(String, String)>,
    handle: ServerHandle<A>,
    errands: Arc<Errands>,
    reports: Arc<dyn Fn(Trouble) + Send + Sync>,
}

impl<A: Application> WebSocketServer<A> {
    /// Socket, bind, listen on `HOST:PORT`. `service` is the context of the global service. Nobody is let in before
    /// [`WebSocketServer::run`].
    pub fn bind(
        address: &str,
        application: A,
        service: A::Service,
        limits: Limits,
    ) -> Result<WebSocketServer<A>, Error> {
        let server = StandardServer::bind_with(address, &limits.settings)?;
        let address = server.local_address();
        let reports = guarded(|trouble| eprintln!("client {}: {}", trouble.peer, trouble.what));
        let errands = Arc::new(Errands::new());
        let service = Service::context(service, &errands, address);
        let handle = ServerHandle { registry: Registry::new(), service, stop: server.stop_handle(), address };
        let (subprotocols, pages, page_headers) = (Vec::new(), HashMap::new(), Vec::new());
        Ok(WebSocketServer { server, application, limits, subprotocols, pages, page_headers, handle, errands, reports })
    }

    /// The address and port that we listen on: with port 0, the one that the system took.
    pub fn local_address(&self) -> SocketAddr {
        self.server.local_address()
    }

    /// A handle on the server, for any thread.
    pub fn handle(&self) -> ServerHandle<A> {
        self.handle.clone()
    }

    /// The subprotocols that this server speaks. A client that offers some gets the first of its own list that is here, or
    /// none.
    pub fn subprotocols(mut self, names: &[&str]) -> Self {
        self.subprotocols = names.iter().map(|&name| name.to_owned()).collect();
        self
    }

    /// Serves a page at this path on the same port, so that an application is complete without another server.
    ///
    /// ```
    /// # use socklab::websocket::*;
    /// # struct A;
    /// # impl Application for A { type Session = (); type Service = ();
    /// # fn connected(&self, _: &Request<'_>, _: &SessionHandle<A>) -> Result<(), Refusal> { Ok(()) }
    /// # fn message(&self, _: &mut (), _: MessageRef<'_>, _: &mut Session<'_, A>) {} }
    /// let server = WebSocketServer::bind("127.0.0.1:0", A, (), Limits::default())?
    ///     .page("/", "text/html; charset=utf-8", "<h1>Hello</h1>");
    /// # drop(server);
    /// # Ok::<(), socklab::Error>(())
    /// ```
    pub fn page(mut self, path: &str, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        self.pages.insert(path.to_owned(), Page { content_type: content_type.to_owned(), body: body.into() });
        self
    }

    /// A header that goes with every page: what a browser may do with it, and for how long it may keep it.
    ///
    /// ```
    /// # use socklab::websocket::*;
    /// # struct A;
    /// # impl Application for A { type Session = (); type Service = ();
    /// # fn connected(&self, _: &Request<'_>, _: &SessionHandle<A>) -> Result<(), Refusal> { Ok(()) }
    /// # fn message(&self, _: &mut (), _: MessageRef<'_>, _: &mut Session<'_, A>) {} }
    /// let server = WebSocketServer::bind("127.0.0.1:0", A, (), Limits::default())?
    ///     .page("/", "text/html; charset=utf-8", "<h1>Hello</h1>")
    ///     .page_header("Content-Security-Policy", "default-src 'self'")?
    ///     .page_header("Cache-Control", "no-store")?;
    /// # drop(server);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// Errors: what is no header, or one that each answer sets by itself.
    pub fn page_header(mut self, name: &str, value: &str) -> Result<Self, HeaderError> {
        // Said to whoever wrote it, and not to the first client.
        Response::text(200, "").header(name, value)?;
        self.page_headers.push((name.to_owned(), value.to_owned()));
        Ok(self)
    }

    /// Who is told of what happens to one client and stops nobody else: a refused request, a panic. Without it, standard
    /// error is.
    pub fn on_trouble(mut self, reports: impl Fn(Trouble) + Send + Sync + 'static) -> Self {
        self.reports = guarded(reports);
        self
    }

    /// Runs until [`ServerHandle::stop`]. Then: nobody is let in any more, every session gets a Close frame with 1001, all
    /// share one deadline ([`Settings::stop_limit`](crate::Settings::stop_limit)) for their goodbyes, every thread is
    /// joined, and last of all the service's stop callback runs. Whoever is still in code of its own at the deadline is
    /// named in the report.
    pub fn run(self) -> Result<ServeReport, Error> {
        let WebSocketServer {
            server,
            application,
            limits,
            subprotocols,
            pages,
            page_headers,
            handle,
            errands,
            reports,
        } = self;
        let stop_limit = limits.settings.stop_limit;
        let ours = errands.clone();
        let house =
            Arc::new(House { application, limits, subprotocols, pages, page_headers, handle, errands: ours, reports });

        let ticking = Service::start(&house)?;
        let (serves, turns_away, says_goodbye) = (house.clone(), house.clone(), house.clone());
        let tells = house.reports.clone();
        let result = server
            .on_trouble(move |trouble| tells(trouble))
            .on_full(move |connection| Ok(turns_away.turn_away(connection)?))
            .farewell(move || {
                let reason = CloseReason::new(CloseCode::GOING_AWAY, "the server stops");
                let members = says_goodbye.handle.registry.members();
                for member in &members {
                    let _ = member.say_goodbye(&reason);
                }
                members.iter().map(|member| member.connection()).collect()
            })
            .serve(move |connection| Ok(serves.serve(connection)?));

        let deadline = Deadline::after(stop_limit);
        let still_running = Service::stop(&house, ticking, deadline);
        let errands_ended = errands.wait(deadline);
        let mut report = result?;
        report.still_running.extend(still_running);
        if !errands_ended {
            report.still_running.push("a procedure".to_owned());
        }
        Ok(report)
    }
}
