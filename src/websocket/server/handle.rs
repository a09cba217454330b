//! How does any thread reach a session, or the server?
//!
//! By a handle: cheap to clone, and harmless once what it leads to is gone. It does not keep a session alive, nor its
//! descriptor; it looks for the session at each call, and says so when there is none.

use super::application::Application;
use super::context::{Context, NotAccepted};
use super::registry::{Member, Order, Registry, When};
use crate::listener::StopHandle;
use crate::websocket::message::MessageRef;
use crate::websocket::protocol::CloseReason;
use crate::websocket::sender::queue_in_pieces;
use crossbeam_channel::{RecvTimeoutError, bounded};
use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

/// Why something that was asked of a session, or of the service, was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotDone {
    /// The session has ended, or is ending.
    Gone,
    /// The client does not take what it was sent before: more than [`Limits::outbox`](super::Limits::outbox) bytes are
    /// waiting, and it is disconnected.
    TooSlow,
    /// The message or the close reason must not be sent: a code that never travels, a reason over 123 bytes.
    Unsendable,
    /// The system has no thread left.
    NoThread,
    /// The procedure did not end in the time given. It may still run.
    TimedOut,
    /// The procedure panicked, or the session ended before it ran.
    Abandoned,
    /// A procedure that waits for its own context would wait for ever.
    InsideTheSameContext,
}

impl fmt::Display for NotDone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            NotDone::Gone => "the session has ended",
            NotDone::TooSlow => "the client does not take what it was sent, and is disconnected",
            NotDone::Unsendable => "this must not be sent: look at the close code and the length of the reason",
            NotDone::NoThread => "the system has no thread left to run it",
            NotDone::TimedOut => "the procedure did not end in the time given",
            NotDone::Abandoned => "the procedure panicked, or its session ended before it ran",
            NotDone::InsideTheSameContext => "a procedure that waits for its own context would wait for ever",
        })
    }
}

impl std::error::Error for NotDone {}

/// One session, from any thread. WLanguage: `websocketClient`.
pub struct SessionHandle<A: Application> {
    pub(super) number: u64,
    pub(super) peer: SocketAddr,
    pub(super) member: Weak<Member<A>>,
}

impl<A: Application> Clone for SessionHandle<A> {
    fn clone(&self) -> SessionHandle<A> {
        SessionHandle { number: self.number, peer: self.peer, member: self.member.clone() }
    }
}

impl<A: Application> fmt::Debug for SessionHandle<A> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "session {} of {}", self.number, self.peer)
    }
}

impl<A: Application> PartialEq for SessionHandle<A> {
    fn eq(&self, other: &SessionHandle<A>) -> bool {
        self.number == other.number
    }
}

impl<A: Application> Eq for SessionHandle<A> {}

impl<A: Application> SessionHandle<A> {
    /// A number that no other session of this process has or will have.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The client's address and port.
    pub fn peer_address(&self) -> SocketAddr {
        self.peer
    }

    /// Sends text. WLanguage: `WebSocketSend` (in French `WebSocketEnvoie`), which queues and never fails, even for a
    /// client that left. Ours queues too, never waits for the client for more than a millisecond, and says whether the
    /// message was accepted. That it was is no promise that it arrives: only an answer is.
    pub fn text(&self, text: &str) -> Result<(), NotDone> {
        self.member()?.post(When::Now, |outgoing| outgoing.text(text))
    }

    /// Sends bytes.
    pub fn binary(&self, bytes: &[u8]) -> Result<(), NotDone> {
        self.member()?.post(When::Now, |outgoing| outgoing.binary(bytes))
    }

    /// Sends a message in so many fragments, at least one: see
    /// [`WebSocketSender::in_pieces`](crate::websocket::WebSocketSender::in_pieces).
    pub fn in_pieces(&self, message: MessageRef<'_>, count: usize) -> Result<(), NotDone> {
        self.member()?.post(When::Now, |outgoing| queue_in_pieces(outgoing, message, count))
    }

    /// Sends a Ping.
    pub fn ping(&self, payload: &[u8]) -> Result<(), NotDone> {
        self.member()?.post(When::Now, |outgoing| outgoing.ping(payload))
    }

    /// Closes the session. WLanguage: `WebSocketDisconnect` (`WebSocketDéconnecte`). The Close frame is queued behind what
    /// was sent before; the session's disconnected callback runs once, on its own thread.
    pub fn disconnect(&self, reason: &CloseReason) -> Result<(), NotDone> {
        self.member()?.close(reason)
    }

    /// Runs a procedure in the session's context, promptly, even while its client is silent, and returns at once.
    /// WLanguage: `WebSocketExecute` (`WebSocketExécute`).
    pub fn execute(&self, procedure: impl FnOnce(&mut A::Session) + Send + 'static) -> Result<(), NotDone> {
        execute(&self.member()?.context()?, procedure)
    }

    /// Runs a procedure in the session's context and waits for its result, up to `limit`. From inside the same context it
    /// is an error; two contexts that wait for each other wait until the limit.
    pub fn execute_and_wait<R: Send + 'static>(
        &self,
        limit: Duration,
        procedure: impl FnOnce(&mut A::Session) -> R + Send + 'static,
    ) -> Result<R, NotDone> {
        let context = self.member()?.context()?;
        wait_for(&context, limit, procedure)
    }

    /// The server that the session belongs to.
    pub fn server(&self) -> Result<ServerHandle<A>, NotDone> {
        Ok(self.member()?.server.clone())
    }

    /// Whether the session is still there.
    pub fn is_connected(&self) -> bool {
        self.member().is_ok()
    }

    fn member(&self) -> Result<Arc<Member<A>>, NotDone> {
        self.member.upgrade().ok_or(NotDone::Gone)
    }
}

/// The server, from any thread.
pub struct ServerHandle<A: Application> {
    pub(super) registry: Arc<Registry<A>>,
    pub(super) service: Arc<Context<A::Service>>,
    pub(super) stop: StopHandle,
    pub(super) address: SocketAddr,
}

impl<A: Application> Clone for ServerHandle<A> {
    fn clone(&self) -> ServerHandle<A> {
        ServerHandle {
            registry: self.registry.clone(),
            service: self.service.clone(),
            stop: self.stop.clone(),
            address: self.address,
        }
    }
}

impl<A: Application> ServerHandle<A> {
    /// The address and port that the server listens on.
    pub fn local_address(&self) -> SocketAddr {
        self.address
    }

    /// The sessions of this moment. WLanguage: `WebSocketListConnectedClient` (`WebSocketListeClientConnecté`).
    pub fn sessions(&self) -> Vec<SessionHandle<A>> {
        self.registry.members().iter().map(|member| member.handle()).collect()
    }

    /// Sends to every session, encoded once. Returns how many accepted it; a client over its bound is disconnected, and
    /// no client waits for another. One system call for each client: where a message callback tells everybody,
    /// [`Session::broadcast`](super::Session::broadcast) needs fewer.
    pub fn broadcast(&self, message: MessageRef<'_>) -> usize {
        self.registry.broadcast(message, When::Now)
    }

    /// Runs a procedure in the global service's context, at once. WLanguage: `WebSocketExecuteGlobalService`
    /// (`WebSocketExécuteServiceGlobal`), which waits for the next turn of the loop, up to 10 s.
    pub fn execute_in_service(&self, procedure: impl FnOnce(&mut A::Service) + Send + 'static) -> Result<(), NotDone> {
        execute(&self.service, procedure)
    }

    /// The same, and waits for the result, up to `limit`.
    pub fn execute_in_service_and_wait<R: Send + 'static>(
        &self,
        limit: Duration,
        procedure: impl FnOnce(&mut A::Service) -> R + Send + 'static,
    ) -> Result<R, NotDone> {
        wait_for(&self.service, limit, procedure)
    }

    /// Changes the interval of the global service. The time to the next tick is counted from now.
    pub fn set_interval(&self, interval: Duration) {
        self.registry.order(Order::Interval(interval));
    }

    /// Asks the server to stop, and returns at once, from a callback too. The thread in
    /// [`WebSocketServer::run`](super::WebSocketServer::run) does the stopping.
    pub fn stop(&self) {
        self.stop.stop();
    }
}

fn execute<T: Send + 'static>(
    context: &Arc<Context<T>>,
    procedure: impl FnOnce(&mut T) + Send + 'static,
) -> Result<(), NotDone> {
    context.execute(Box::new(procedure)).map_err(|why| match why {
        NotAccepted::Gone => NotDone::Gone,
        NotAccepted::NoThread => NotDone::NoThread,
    })
}

fn wait_for<T: Send + 'static, R: Send + 'static>(
    context: &Arc<Context<T>>,
    limit: Duration,
    procedure: impl FnOnce(&mut T) -> R + Send + 'static,
) -> Result<R, NotDone> {
    if context.is_mine() {
        return Err(NotDone::InsideTheSameContext);
    }
    let (answer, answered) = bounded(1);
    // Nobody may be waiting any more when it is done: then the result is dropped.
    execute(context, move |data| drop(answer.send(procedure(data))))?;
    answered.recv_timeout(limit).map_err(|why| match why {
        RecvTimeoutError::Timeout => NotDone::TimedOut,
        // The procedure, and with it the sending end, was dropped without an answer.
        RecvTimeoutError::Disconnected => NotDone::Abandoned,
    })
}
