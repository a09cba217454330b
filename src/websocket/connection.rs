//! What is a WebSocket once both sides have agreed to it?
//!
//! The bytes of [`protocol`](super::protocol) on a connection. Sans the waiting everything is decided there; here are the
//! read that waits, the limits, and the one write for a batch of answers. How it ends is told in `closing.rs`.
//!
//! Both sides hold the same type. The role decides who masks, and who ends TCP first.
//!
//! # In production
//!
//! A connection through proxies dies in silence when it is idle, so both sides ping; and a server bounds what one peer may
//! make it answer.

use super::error::Error;
use super::message::{MessageRef, Received};
use super::outbox::{Outbox, tell_frame};
use super::protocol::{CloseReason, Event, Incoming, Role, State, answer};
use super::sender::{Replies, WebSocketSender};
use crate::deadline::Deadline;
use crate::settings::Settings;
use crate::tls::Secured;
use crate::trace::Direction;
use crate::transport::Chunk;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// A WebSocket, either side of it. WLanguage: what `WebSocketClientConnect` (in French `WebSocketClientConnecte`) opens.
/// It has no framing to set: `SocketChangeTransmissionMode` (`SocketChangeModeTransmission`), which WLanguage passes over on
/// a WebSocket, does not exist here.
///
/// ```
/// use socklab::StandardServer;
/// use socklab::websocket::{Message, Received, WebSocket};
/// # use std::thread;
///
/// let server = StandardServer::bind("127.0.0.1:0")?;
/// let url = format!("ws://{}/echo", server.local_address());
/// let stop = server.stop_handle();
/// let running = thread::spawn(move || {
///     server.serve(|connection| {
///         let mut socket = WebSocket::accept(connection)?;
///         while let Received::Message(message) = socket.receive()? {
///             socket.send(message.as_ref())?;
///         }
///         Ok(())
///     })
/// });
///
/// let mut socket = WebSocket::connect(&url)?;
/// socket.send_text("Hello")?;
/// assert_eq!(socket.receive()?, Received::Message(Message::Text("Hello".into())));
/// socket.close();
/// stop.stop();
/// running.join().unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct WebSocket {
    pub(super) incoming: Incoming,
    pub(super) outbox: Arc<Outbox>,
    pub(super) role: Role,
    pub(super) settings: Arc<Settings>,
    subprotocol: Option<String>,
    /// The deadline of a message whose first bytes have come.
    begun: Option<Deadline>,
    /// Bytes have come since somebody last took this back: the peer lives.
    pub(super) heard: bool,
    /// How it ended, once it has.
    pub(super) ended: Option<Option<CloseReason>>,
}

/// What one step of receiving came to.
pub(super) enum Step {
    Event,
    Nothing,
    Closed,
}

impl WebSocket {
    /// The handshake is done. `unread` came behind the head, and belongs to the first frame.
    pub(super) fn open(
        outbox: Arc<Outbox>,
        role: Role,
        unread: &[u8],
        settings: Arc<Settings>,
        subprotocol: Option<String>,
    ) -> WebSocket {
        let mut incoming = Incoming::new(role, settings.max_message);
        incoming.push(unread);
        outbox.transport.tracer().state("connecting", "open", "both sides have agreed to speak WebSocket");
        WebSocket { incoming, outbox, role, settings, subprotocol, begun: None, heard: false, ended: None }
    }

    /// Sends a text message. WLanguage: `SocketWrite` (`SocketEcrit`). Blocks while the peer does not read, up to
    /// [`Settings::send_limit`].
    ///
    /// Errors: [`Error::Send`] after our Close frame; [`Error::Socket`] when it cannot be written: in time, or at all.
    pub fn send_text(&mut self, text: &str) -> Result<(), Error> {
        self.send(MessageRef::Text(text))
    }

    /// Sends a binary message, as [`send_text`](Self::send_text) does.
    pub fn send_binary(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.send(MessageRef::Binary(bytes))
    }

    /// Sends a message of either kind, as [`send_text`](Self::send_text) does.
    pub fn send(&mut self, message: MessageRef<'_>) -> Result<(), Error> {
        self.outbox.send(|outgoing| match message {
            MessageRef::Text(text) => outgoing.text(text),
            MessageRef::Binary(bytes) => outgoing.binary(bytes),
        })
    }

    /// A handle through which any thread can send, while this one waits in a receive.
    pub fn sender(&self) -> WebSocketSender {
        WebSocketSender(self.outbox.clone())
    }

    /// Waits for the next message, up to [`Settings::receive_limit`]. WLanguage: `SocketRead` (`SocketLit`). Pings are
    /// answered meanwhile.
    ///
    /// Errors: [`Error::Violation`] when the peer breaks a rule: it has been told so in a Close frame, and the
    /// conversation is over. [`Error::Vanished`] when the peer is gone without a Close frame. [`Error::Socket`] with
    /// [`TimedOut`](crate::Error::TimedOut) when a message that began is not whole within [`Settings::message_limit`].
    pub fn receive(&mut self) -> Result<Received, Error> {
        self.receive_within(self.settings.receive_limit)
    }

    /// Waits for the next message, up to this limit, with the outcomes and errors of [`receive`](Self::receive).
    pub fn receive_within(&mut self, limit: Duration) -> Result<Received, Error> {
        let wait = Deadline::after(limit);
        // If we were busy elsewhere while a message ran out of time, what came meanwhile came in time.
        if self.ended.is_none() && self.begun.is_some_and(|begun| begun.has_passed()) {
            self.read_until(Deadline::after(Duration::ZERO))?;
        }
        let mut received = None;
        loop {
            let step = self.step(wait, &mut |message, _| {
                received = Some(message.to_owned());
                Ok(())
            })?;
            match (step, received.take()) {
                (_, Some(message)) => {
                    // Nobody knows when this program will come back: a Pong that is due does not wait for it. If it cannot
                    // be sent, the message has come all the same; that the peer is gone, the next call will say.
                    let _ = self.outbox.flush();
                    return Ok(Received::Message(message));
                }
                (Step::Closed, None) => return Ok(Received::Closed(self.ended.clone().flatten())),
                (Step::Nothing, None) => return Ok(Received::Nothing),
                // A ping, a pong: nothing that a program waits for. What came together with it may be, so that is looked
                // at first; but a peer that sends ping after ping does not make this wait longer than it should be.
                (Step::Event, None) if wait.has_passed() && !self.incoming.has_complete_frame() => {
                    self.outbox.flush()?;
                    return Ok(Received::Nothing);
                }
                (Step::Event, None) => {}
            }
        }
    }

    /// Hands each message to `handler` where it lies in the read buffer, until the end or until nothing came for
    /// [`Settings::receive_limit`]. Replies to messages that came in one read leave in one write. Errors: those of
    /// [`receive`](Self::receive), and the handler's own.
    ///
    /// ```
    /// # use socklab::StandardServer;
    /// # use socklab::websocket::{Message, Received, WebSocket};
    /// # let server = StandardServer::bind("127.0.0.1:0")?;
    /// # let url = format!("ws://{}/echo", server.local_address());
    /// # let stop = server.stop_handle();
    /// # let running = std::thread::spawn(move || {
    /// server.serve(|connection| {
    ///     let mut socket = WebSocket::accept(connection)?;
    ///     socket.for_each_message(|message, replies| replies.send(message))?;
    ///     Ok(())
    /// })
    /// # });
    /// # let mut socket = WebSocket::connect(&url)?;
    /// # socket.send_binary(b"Hello")?;
    /// # assert_eq!(socket.receive()?, Received::Message(Message::Binary(b"Hello".into())));
    /// # socket.close();
    /// # stop.stop();
    /// # running.join().unwrap()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn for_each_message(
        &mut self,
        mut handler: impl FnMut(MessageRef<'_>, &mut Replies<'_>) -> Result<(), Error>,
    ) -> Result<Received, Error> {
        loop {
            match self.step(Deadline::after(self.settings.receive_limit), &mut handler)? {
                Step::Event => {}
                Step::Nothing => return Ok(Received::Nothing),
                Step::Closed => return Ok(Received::Closed(self.ended.clone().flatten())),
            }
        }
    }

    // ANCHOR: step
    /// Receives until there is one event, answers what the protocol itself answers, and hands on a message.
    pub(super) fn step(
        &mut self,
        wait: Deadline,
        handler: &mut dyn FnMut(MessageRef<'_>, &mut Replies<'_>) -> Result<(), Error>,
    ) -> Result<Step, Error> {
        if self.ended.is_some() {
            return Ok(Step::Closed);
        }
        let mut looked = false;
        loop {
            let tracer = self.outbox.transport.tracer();
            let see = &mut |header: &_, payload: &[u8]| tell_frame(tracer, Direction::In, header, payload);
            match self.incoming.next(see) {
                Ok(Some(event)) => {
                    if let Event::Close(_) = event {
                        self.outbox.incoming_ended("the peer's Close frame");
                    }
                    let answered = self.outbox.queue(|outgoing| answer(&event, outgoing));
                    // A goodbye is one even if the way back is cut and nobody will hear our answer to it.
                    if !matches!(event, Event::Close(_)) {
                        answered?;
                    }
                    let message = match event {
                        Event::Text(text) => MessageRef::Text(text),
                        Event::Binary(bytes) => MessageRef::Binary(bytes),
                        Event::Ping(_) | Event::Pong(_) => {
                            // Pings between its fragments do not give a message more time.
                            if !self.incoming.has_begun_a_message() {
                                self.begun = None;
                            }
                            return Ok(Step::Event);
                        }
                        Event::Close(reason) => {
                            self.end(reason);
                            return Ok(Step::Closed);
                        }
                    };
                    self.begun = None;
                    handler(message, &mut Replies(&self.outbox))?;
                    return Ok(Step::Event);
                }
                Ok(None) => {}
                Err(violation) => {
                    self.end_by(&violation);
                    return Err(Error::Violation(violation));
                }
            }
            // Everything that came is handled: now, and not before each answer, is the time to write.
            self.outbox.flush()?;
            if looked && wait.has_passed() {
                return Ok(Step::Nothing);
            }
            looked = true;
            self.read(wait)?;
            if self.ended.is_some() {
                return Ok(Step::Closed);
            }
        }
    }
    // ANCHOR_END: step

    /// One read, under the sooner of two limits: the caller's patience, and that of a message which has begun.
    fn read(&mut self, wait: Deadline) -> Result<(), Error> {
        if self.incoming.is_inside_a_message() {
            let begun = *self.begun.get_or_insert_with(|| Deadline::after(self.settings.message_limit));
            if begun.has_passed() {
                let doing = "receiving a message that had begun";
                return Err(crate::Error::TimedOut { doing, limit: begun.limit }.into());
            }
        }
        self.read_until(self.begun.map_or(wait, |begun| begun.or_sooner(wait)))
    }

    fn read_until(&mut self, deadline: Deadline) -> Result<(), Error> {
        match self.outbox.transport.read(self.incoming.space(), deadline) {
            Ok(Chunk::Bytes(count)) => {
                self.incoming.filled(count);
                self.heard = true;
            }
            Ok(Chunk::Nothing) => {}
            Ok(Chunk::End) if self.outbox.transport.was_asked_to_end() => self.go_away(),
            Ok(Chunk::End) => return Err(Error::Vanished { source: None }),
            Err(source) => return Err(Error::lost(source)),
        }
        Ok(())
    }

    /// Whether the conversation goes on, as far as one look tells: see [`Connection::is_open`](crate::Connection::is_open).
    /// WLanguage: `SocketExist` (`SocketExiste`).
    pub fn is_open(&self) -> bool {
        self.ended.is_none() && self.outbox.state() == State::Open && self.outbox.transport.is_open()
    }

    /// The subprotocol that both sides agreed on, if any.
    pub fn subprotocol(&self) -> Option<&str> {
        self.subprotocol.as_deref()
    }

    /// What the TLS handshake came to, and who the peer is. `None` without TLS.
    pub fn tls(&self) -> Option<&Secured> {
        self.outbox.transport.tls()?.secured()
    }

    /// The peer's address and port. WLanguage: `SocketClientInfo`.
    pub fn peer_address(&self) -> Result<SocketAddr, Error> {
        self.outbox.transport.tracer().peer.ok_or(Error::Socket(crate::Error::Closed))
    }

    /// Our own address and port in this conversation.
    pub fn local_address(&self) -> Result<SocketAddr, Error> {
        self.outbox.transport.tracer().local.ok_or(Error::Socket(crate::Error::Closed))
    }
}
