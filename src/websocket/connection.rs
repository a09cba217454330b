//! What is a WebSocket once both sides have agreed to it?
//!
//! The bytes of [`protocol`](super::protocol) on a connection. Sans the waiting everything is decided there; here is what
//! both halves have in common. How it receives is told in `receiving.rs`, how it ends in `closing.rs`.
//!
//! Both sides hold the same type. The role decides who masks, and who ends TCP first.
//!
//! # In production
//!
//! A connection through proxies dies in silence when it is idle, so both sides ping.

use super::error::Error;
use super::message::MessageRef;
use super::outbox::Outbox;
use super::protocol::{CloseReason, Incoming, Role, State};
use super::sender::WebSocketSender;
use crate::deadline::Deadline;
use crate::settings::Settings;
use crate::tls::Secured;
use std::net::SocketAddr;
use std::sync::Arc;

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
    pub(super) begun: Option<Deadline>,
    /// Bytes have come since somebody last took this back: the peer lives.
    pub(super) heard: bool,
    pub(super) phase: Phase,
}

/// How far the conversation has come.
#[derive(Debug)]
pub(super) enum Phase {
    Open,
    /// The peer said goodbye, first or in answer to ours.
    PeerClosed(Option<CloseReason>),
    /// It is over without the peer's goodbye: we could not wait for it.
    CutShort,
}

impl Phase {
    pub(super) fn is_over(&self) -> bool {
        !matches!(self, Phase::Open)
    }
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
        WebSocket { incoming, outbox, role, settings, subprotocol, begun: None, heard: false, phase: Phase::Open }
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
        self.outbox.send(|outgoing| outgoing.message(message.kind(), message.bytes()))
    }

    /// A handle through which any thread can send, while this one waits in a receive.
    pub fn sender(&self) -> WebSocketSender {
        WebSocketSender(self.outbox.clone())
    }

    /// Whether the conversation goes on, as far as one look tells: see [`Connection::is_open`](crate::Connection::is_open).
    /// WLanguage: `SocketExist` (`SocketExiste`).
    pub fn is_open(&self) -> bool {
        !self.phase.is_over() && self.outbox.state() == State::Open && self.outbox.transport.is_open()
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
