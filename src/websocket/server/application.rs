//! What does an application say, and what does the server do for it?
//!
//! An application is one type with six callbacks and two kinds of data. The server decides when they run and on which
//! thread; the types decide what they can reach:
//!
//! | callback | runs | reaches |
//! |---|---|---|
//! | [`asked`](Application::asked) | on the client's thread, for each request | the request; may answer it |
//! | [`connected`](Application::connected) | on the client's thread, before the 101 | the request; makes the session's context |
//! | [`message`](Application::message) | on the client's thread | that session's context |
//! | [`disconnected`](Application::disconnected) | on the client's thread, once | that session's context, for the last time |
//! | [`tick`](Application::tick) | on the service's thread, every interval | the service's context |
//! | [`stopped`](Application::stopped) | last of all | the service's context, for the last time |
//!
//! Nothing here gives a callback another session's context. What all share is `&self` and, as everywhere in Rust, statics:
//! what lies there must be made for many threads.

use super::handle::{ServerHandle, SessionHandle};
use super::session::Session;
use crate::tls::Secured;
use crate::websocket::message::MessageRef;
use crate::websocket::protocol::handshake::Refusal;
use crate::websocket::protocol::http::{RequestHead, Response};
use crate::websocket::protocol::{CloseReason, Violation};
use std::fmt;
use std::net::SocketAddr;

/// A WebSocket server's own part. WLanguage: a project of the type "WebSocket server".
///
/// ```
/// use socklab::websocket::{Application, MessageRef, Refusal, Request, Session, SessionHandle, Limits, Message, Received, WebSocket, WebSocketServer};
///
/// /// Counts each client's messages, and refuses whoever asks for /secret.
/// struct Counter;
///
/// impl Application for Counter {
///     type Session = u32;
///     type Service = ();
///
///     fn connected(&self, request: &Request<'_>, _session: &SessionHandle<Counter>) -> Result<u32, Refusal> {
///         if request.head.path() == "/secret" { Err(Refusal::new(403, "not for you")) } else { Ok(0) }
///     }
///
///     fn message(&self, count: &mut u32, _message: MessageRef<'_>, session: &mut Session<'_, Counter>) {
///         *count += 1;
///         session.text(&format!("that was number {count}"));
///     }
/// }
///
/// let server = WebSocketServer::bind("127.0.0.1:0", Counter, (), Limits::default())?;
/// let url = format!("ws://{}/", server.local_address());
/// let handle = server.handle();
/// let running = std::thread::spawn(move || server.run());
///
/// let mut client = WebSocket::connect(&url)?;
/// client.send_text("one")?;
/// assert_eq!(client.receive()?, Received::Message(Message::Text("that was number 1".into())));
/// handle.stop();
/// assert!(matches!(client.receive()?, Received::Closed(Some(reason)) if reason.code.0 == 1001));
/// running.join().unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Isolation
///
/// A callback gets its own session's context by `&mut`, and a handle on another session gives nothing of that session's
/// data. This compiles:
///
/// ```
/// # use socklab::websocket::*;
/// # struct A;
/// # impl Application for A { type Session = String; type Service = u32;
/// # fn connected(&self, _: &Request<'_>, _: &SessionHandle<A>) -> Result<String, Refusal> { Ok(String::new()) }
/// fn message(&self, context: &mut String, _: MessageRef<'_>, session: &mut Session<'_, A>) {
///     for other in session.server().sessions() {
///         other.execute(|theirs: &mut String| theirs.push('!')).ok(); // inside their context, on another thread
///     }
///     context.push('?');
/// }
/// # }
/// ```
///
/// and this does not, for the procedure runs there and then, and what it takes along must be its own:
///
/// ```compile_fail,E0521
/// # use socklab::websocket::*;
/// # struct A;
/// # impl Application for A { type Session = String; type Service = u32;
/// # fn connected(&self, _: &Request<'_>, _: &SessionHandle<A>) -> Result<String, Refusal> { Ok(String::new()) }
/// fn message(&self, context: &mut String, _: MessageRef<'_>, session: &mut Session<'_, A>) {
///     for other in session.server().sessions() {
///         other.execute(|theirs: &mut String| theirs.push_str(context)).ok(); // our context in theirs
///     }
///     context.push('?');
/// }
/// # }
/// ```
///
/// Nor does a context come out of its procedure. This compiles, for what comes back is a copy:
///
/// ```
/// # use socklab::websocket::*;
/// # use std::time::Duration;
/// # struct A;
/// # impl Application for A { type Session = String; type Service = u32;
/// # fn connected(&self, _: &Request<'_>, _: &SessionHandle<A>) -> Result<String, Refusal> { Ok(String::new()) }
/// fn message(&self, context: &mut String, _: MessageRef<'_>, session: &mut Session<'_, A>) {
///     let service = session.server();
///     let count = service.execute_in_service_and_wait(Duration::from_secs(1), |count: &mut u32| *count);
///     context.push_str(&format!("{count:?}"));
/// }
/// # }
/// ```
///
/// and this does not, for what would come back is the service's context itself:
///
/// ```compile_fail
/// # use socklab::websocket::*;
/// # use std::time::Duration;
/// # struct A;
/// # impl Application for A { type Session = String; type Service = u32;
/// # fn connected(&self, _: &Request<'_>, _: &SessionHandle<A>) -> Result<String, Refusal> { Ok(String::new()) }
/// fn message(&self, context: &mut String, _: MessageRef<'_>, session: &mut Session<'_, A>) {
///     let service = session.server();
///     let count = service.execute_in_service_and_wait(Duration::from_secs(1), |count: &mut u32| count);
///     context.push_str(&format!("{count:?}"));
/// }
/// # }
/// ```
pub trait Application: Send + Sync + Sized + 'static {
    /// The context of a session: what one client's callbacks remember. Opened when it connects (a database handle, say),
    /// dropped after it has left.
    type Session: Send + 'static;
    /// The context of the global service.
    type Service: Send + 'static;

    /// Somebody asks for something, whatever it is: a page, or to come in, well or badly. `None`: the server does what it
    /// would do without this. `Some`: that is the answer, and the connection ends with it, such as a page that is made for
    /// this one request, a redirect, or a no that depends on the request:
    ///
    /// ```
    /// # use socklab::websocket::{*, protocol::http::Response};
    /// # struct A;
    /// # impl Application for A { type Session = (); type Service = u64;
    /// # fn connected(&self, _: &Request<'_>, _: &SessionHandle<A>) -> Result<(), Refusal> { Ok(()) }
    /// # fn message(&self, _: &mut (), _: MessageRef<'_>, _: &mut Session<'_, A>) {}
    /// fn asked(&self, request: &Request<'_>, server: &ServerHandle<A>) -> Option<Response> {
    ///     let how_many = || format!("{} are here\n", server.sessions().len());
    ///     (request.head.path() == "/count").then(|| Response::text(200, how_many()))
    /// }
    /// # }
    /// ```
    ///
    /// A panic is answered with 500.
    fn asked(&self, _request: &Request<'_>, _server: &ServerHandle<Self>) -> Option<Response> {
        None
    }

    /// Somebody asks to come in. WLanguage: the event "New connection" ("Nouvelle connexion"). What is sent to `session` here leaves after the
    /// 101. A panic is answered with 500.
    fn connected(&self, request: &Request<'_>, session: &SessionHandle<Self>) -> Result<Self::Session, Refusal>;

    /// A whole message came. WLanguage: the event "Message", whose value is a string or a buffer. It is borrowed from the
    /// read buffer: copy what must outlive the callback. A panic closes this session with 1011.
    fn message(&self, context: &mut Self::Session, message: MessageRef<'_>, session: &mut Session<'_, Self>);

    /// The client is gone, however that came. WLanguage: the event "Disconnection" ("Déconnexion"). Runs exactly once for each
    /// [`connected`](Application::connected) that let a client in.
    fn disconnected(&self, _context: Self::Session, _ending: &Ending, _server: &ServerHandle<Self>) {}

    /// WLanguage: "Global service" ("Service global"), run in a loop. A panic is reported, and the next tick comes.
    fn tick(&self, _context: &mut Self::Service, _server: &ServerHandle<Self>) {}

    /// WLanguage: "Global service stop" ("Arrêt du service global"). All sessions are gone by now.
    fn stopped(&self, _context: Self::Service) {}
}

/// What a client asks with. WLanguage: the `websocketClient` of the event "New connection".
#[derive(Debug)]
pub struct Request<'a> {
    /// Path, query and headers.
    pub head: &'a RequestHead,
    /// The client's address and port.
    pub peer: SocketAddr,
    /// The address of ours at which the client reached us.
    pub local: SocketAddr,
    /// The number under which the trace speaks of this connection: [`Step::connection`](crate::trace::Step::connection).
    pub connection: u64,
    /// The subprotocol that both speak: the first of the client's that the server knows, see
    /// [`WebSocketServer::subprotocols`](super::WebSocketServer::subprotocols). None in
    /// [`asked`](Application::asked): nothing is agreed upon yet.
    pub subprotocol: Option<&'a str>,
    /// What the TLS handshake came to, and who the client is if it was asked for a certificate. `None` without TLS.
    pub tls: Option<&'a Secured>,
}

/// How a session ended. Every end is one of these.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ending {
    /// We closed it: a callback, a handle, a limit, or the stop of the server.
    WeClosed(CloseReason),
    /// The peer said goodbye.
    PeerClosed(Option<CloseReason>),
    /// The peer is gone without a goodbye.
    Vanished(String),
    /// The peer broke a rule of the protocol, and was told so.
    RuleBroken(Violation),
}

impl fmt::Display for Ending {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Ending::WeClosed(reason) => write!(formatter, "we closed: {reason}"),
            Ending::PeerClosed(Some(reason)) => write!(formatter, "the peer closed: {reason}"),
            Ending::PeerClosed(None) => formatter.write_str("the peer closed"),
            Ending::Vanished(what) => formatter.write_str(what),
            Ending::RuleBroken(violation) => violation.fmt(formatter),
        }
    }
}
