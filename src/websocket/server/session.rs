//! What is the life of one client, from its request to its goodbye?
//!
//! ```text
//!   read the head ─ asked() ─ a page? 200 ─ wrong? 4xx ─ connected(): no? its status ─ 101 ─┐
//!                                                                               open: in the registry
//!        ┌──────────────────────────────────────────────────────────────────────┘
//!        └> read ─ message() ─ replies ─ read ... silence? ping ... end ─ out of the registry ─ disconnected()
//! ```
//!
//! All of it on the client's own thread, so all of it may wait for this client, and for nobody else.

use super::application::{Application, Ending, Request};
use super::context::{Context, Visit, panic_text};
use super::handle::{ServerHandle, SessionHandle};
use super::house::House;
use super::registry::{Alive, Member, When};
use super::silence::{Silence, Todo};
use crate::connection::Connection;
use crate::deadline::Deadline;
use crate::websocket::connection::{Phase, WebSocket};
use crate::websocket::error::Error;
use crate::websocket::message::MessageRef;
use crate::websocket::outbox::Outbox;
use crate::websocket::protocol::handshake::Refusal;
use crate::websocket::protocol::{CloseCode, CloseReason, SendError};
use crate::websocket::receiving::{Handler, Step};
use crate::websocket::sender::Replies;
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What the message callback can do for its own session.
pub struct Session<'a, A: Application> {
    replies: Replies<'a>,
    member: &'a Arc<Member<A>>,
    house: &'a House<A>,
    /// Something for everybody is queued, and not written yet.
    posted: &'a mut bool,
    /// A reply that could not be sent: the client is gone, and after the callback so is the session.
    failed: Option<Error>,
}

impl<A: Application> Session<'_, A> {
    /// Replies with text. Replies to messages that came together leave together: when all are handled, at 64 KiB, or at
    /// [`Session::flush`]. A client that does not read holds up nobody but itself, up to
    /// [`Settings::send_limit`](crate::Settings::send_limit).
    pub fn text(&mut self, text: &str) {
        self.send(MessageRef::Text(text));
    }

    /// Replies with bytes.
    pub fn binary(&mut self, bytes: &[u8]) {
        self.send(MessageRef::Binary(bytes));
    }

    /// Replies with a message of either kind.
    pub fn send(&mut self, message: MessageRef<'_>) {
        if self.failed.is_none() {
            match self.replies.send(message) {
                // After our goodbye a reply comes too late, and that is no reason not to wait for the client's.
                Ok(()) | Err(Error::Send(SendError::AfterClose)) => {}
                Err(error) => self.failed = Some(error),
            }
        }
    }

    /// Sends to every session, this one too, as [`ServerHandle::broadcast`] does, and returns how many accepted it. What the messages
    /// of one batch tell everybody leaves together, one write for each client, when replies leave: a system call for
    /// each client is what a broadcast costs, and ten messages that came in one read cost it once.
    pub fn broadcast(&mut self, message: MessageRef<'_>) -> usize {
        *self.posted = true;
        self.house.handle.registry.broadcast(message, When::Later)
    }

    /// Sends what is waiting now, for a callback that goes on working.
    pub fn flush(&mut self) {
        if self.failed.is_none() {
            self.failed = self.replies.flush().err();
        }
        if std::mem::take(self.posted) {
            self.house.handle.registry.write_posted();
        }
    }

    /// Ends this session after the callback. Errors: a reason that must not be sent.
    pub fn close(&mut self, reason: &CloseReason) -> Result<(), super::NotDone> {
        self.member.close(reason)
    }

    /// A handle on this session, for other threads and other sessions.
    pub fn handle(&self) -> SessionHandle<A> {
        self.member.handle()
    }

    /// The server.
    pub fn server(&self) -> &ServerHandle<A> {
        &self.house.handle
    }

    /// The client's address and port.
    pub fn peer_address(&self) -> SocketAddr {
        self.member.peer
    }
}

impl<A: Application> House<A> {
    /// The whole life of a client. The error is for the report: the client has got its answer.
    pub(super) fn serve(self: &Arc<Self>, connection: Connection) -> Result<(), Error> {
        let Some(opening) = self.read(connection)? else { return Ok(()) };
        let (peer, local) = (opening.peer_address()?, opening.local_address()?);
        let connection = opening.transport().tracer().connection();
        let request = Request { head: opening.head(), peer, local, connection, subprotocol: None, tls: opening.tls() };
        if let Some(answer) = self.asked(&request) {
            return opening.answer(&answer);
        }
        if !opening.asks_for_upgrade() {
            return self.answer_page(opening);
        }
        if let Some(refusal) = self.refusal(&opening) {
            return Err(opening.refuse_with(refusal));
        }
        let (opening, upgrade) = opening.check()?;
        let ours: Vec<&str> = self.subprotocols.iter().map(String::as_str).collect();
        let subprotocol = upgrade.choose(&ours);

        let send_limit = self.limits.settings.send_limit;
        let outbox = Outbox::not_yet_open(opening.transport().clone(), send_limit, self.errands.clone());
        static LAST: AtomicU64 = AtomicU64::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        let (member, alive) =
            Member::new(number, peer, outbox.clone(), &self.limits, self.errands.clone(), self.handle.clone());

        let request = Request { head: opening.head(), peer, local, connection, subprotocol, tls: opening.tls() };
        let data = match catch_unwind(AssertUnwindSafe(|| self.application.connected(&request, &member.handle()))) {
            Ok(Ok(data)) => data,
            Ok(Err(refusal)) => return Err(opening.refuse_with(refusal)),
            Err(panic) => {
                self.report(peer, format!("connected panicked: {}", panic_text(&panic)));
                return Err(opening.refuse_with(Refusal::new(500, "the server failed")));
            }
        };
        let context = self.context(data, &member);
        member.set_context(context.clone());
        let met = match opening.agree(&upgrade, outbox, subprotocol, &[]) {
            Ok(mut socket) => self.converse(&mut socket, &member, &context),
            Err(error) => Ending::Vanished(error.to_string()),
        };
        self.part(&member, alive, &context, met);
        Ok(())
    }

    fn context(self: &Arc<Self>, data: A::Session, member: &Arc<Member<A>>) -> Arc<Context<A::Session>> {
        let (house, weak) = (Arc::clone(self), Arc::downgrade(member));
        Context::new(data, self.errands.clone(), move |name, panic| {
            let Some(member) = weak.upgrade() else { return };
            // The data may be half-changed: only the last callback sees it again.
            if let Ok(context) = member.context() {
                context.shut();
            }
            house.report(member.peer, format!("{name} panicked: {}", panic_text(&panic)));
            let _ = member.close(&CloseReason::new(CloseCode::INTERNAL_ERROR, "the server failed"));
        })
    }

    /// Messages until the end.
    fn converse(&self, socket: &mut WebSocket, member: &Arc<Member<A>>, context: &Arc<Context<A::Session>>) -> Ending {
        self.handle.registry.enter(member);
        if let Err(error) = socket.outbox.open() {
            return Ending::Vanished(error.to_string());
        }
        let going_away = CloseReason::new(CloseCode::GOING_AWAY, "the server stops");
        if self.handle.stop.is_stopped() {
            // The stop may have gone through the registry a moment before we entered it.
            let _ = member.close(&going_away);
        }
        let mut silence = Silence::new(&self.limits);
        // The time-out of the handshake is still set: without this, each new session would wake from it for nothing.
        if let Err(source) = socket.outbox.transport.renew_read_limit(silence.patience()) {
            return Ending::Vanished(source.to_string());
        }
        let posted = false;
        let mut callbacks = Callbacks { house: self, member, visit: Visit::to(context), posted, message_came: false };
        loop {
            callbacks.message_came = false;
            let step = socket.step(silence.patience(), &mut callbacks);
            match step {
                Ok(Step::Events) if !silence.sign_of_life(callbacks.message_came) => socket.heard = false,
                Ok(Step::Closed) => {
                    return match &socket.phase {
                        Phase::PeerClosed(reason) => Ending::PeerClosed(reason.clone()),
                        Phase::Open | Phase::CutShort => Ending::WeClosed(going_away),
                    };
                }
                Ok(Step::Events | Step::Nothing) => match silence.look(std::mem::take(&mut socket.heard)) {
                    Todo::Wait => {}
                    Todo::Ping => {
                        let _ = member.post(When::Now, |outgoing| outgoing.ping(b""));
                    }
                    Todo::Leave => {
                        let _ = member.close(&CloseReason::new(CloseCode::GOING_AWAY, "no message for too long"));
                    }
                    Todo::TakeForDead => return Ending::Vanished("the peer answered no ping".to_owned()),
                },
                Err(Error::Violation(violation)) => return Ending::RuleBroken(violation),
                Err(error @ Error::Socket(crate::Error::TimedOut { .. })) => {
                    let reason = CloseReason::shortened(CloseCode::POLICY, &error.to_string());
                    let _ = member.say_goodbye(&reason);
                    return Ending::WeClosed(reason);
                }
                Err(_) if socket.outbox.transport.has_stopped_receiving() => {
                    // Nobody said why it was cut off, so it was the thread that wrote to it.
                    let why = format!("it took nothing for {:?}", self.limits.settings.send_limit);
                    return Ending::WeClosed(CloseReason::new(CloseCode::POLICY, why));
                }
                Err(error) => return Ending::Vanished(error.to_string()),
            }
        }
    }

    /// The session is over: nobody finds it any more, nobody enters its context any more, and then it is told so, once.
    fn part(&self, member: &Arc<Member<A>>, alive: Alive, context: &Context<A::Session>, met: Ending) {
        self.handle.registry.leave(member.number);
        let ending = member.ending(met);
        drop(alive);
        if let Some(data) = context.end(Deadline::never()) {
            let told = || self.application.disconnected(data, &ending, &self.handle);
            if let Err(panic) = catch_unwind(AssertUnwindSafe(told)) {
                self.report(member.peer, format!("disconnected panicked: {}", panic_text(&panic)));
            }
        }
    }
}

/// A session's messages on their way to the application.
struct Callbacks<'a, A: Application> {
    house: &'a House<A>,
    member: &'a Arc<Member<A>>,
    /// One for all messages of a batch.
    visit: Visit<'a, A::Session>,
    /// They told everybody something, and it is not written yet.
    posted: bool,
    message_came: bool,
}

impl<A: Application> Handler for Callbacks<'_, A> {
    fn message(&mut self, message: MessageRef<'_>, replies: &mut Replies<'_>) -> Result<(), Error> {
        self.message_came = true;
        let (house, member, posted) = (self.house, self.member, &mut self.posted);
        let mut session = Session { replies: Replies(replies.0), member, house, posted, failed: None };
        self.visit.run("message", |data| house.application.message(data, message, &mut session));
        session.failed.map_or(Ok(()), Err)
    }

    fn before_waiting(&mut self) {
        self.visit.leave();
        if std::mem::take(&mut self.posted) {
            self.house.handle.registry.write_posted();
        }
    }
}

impl<A: Application> Drop for Callbacks<'_, A> {
    /// However the conversation ends, what was said to everybody leaves.
    fn drop(&mut self) {
        self.before_waiting();
    }
}
