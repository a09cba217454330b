//! Who may send into a WebSocket, and when does it leave?
//!
//! Any thread, through a [`WebSocketSender`]: the message leaves at once. And the program that is being handed messages,
//! through [`Replies`]: its answers to messages that came together leave together.

use super::error::Error;
use super::message::MessageRef;
use super::outbox::Outbox;
use super::protocol::{CloseReason, MessageKind};
use std::sync::Arc;

/// Sends into a WebSocket, from any thread. Cheap to clone, and harmless once the conversation is over: a send is then
/// an error and nothing else.
///
/// Each send blocks while the peer does not read and the buffers are full, up to
/// [`Settings::send_limit`](crate::Settings::send_limit).
///
/// ```
/// # use socklab::{Client, StandardServer, websocket::{Received, Message, WebSocket}};
/// # let server = StandardServer::bind("127.0.0.1:0")?;
/// # let (address, stop) = (server.local_address(), server.stop_handle());
/// # let running = std::thread::spawn(move || server.serve(|connection| {
/// #     let mut socket = WebSocket::accept(connection)?;
/// #     Ok(socket.for_each_message(|message, replies| replies.send(message)).map(drop)?)
/// # }));
/// let mut socket = WebSocket::connect(&format!("ws://{address}/"))?;
/// let sender = socket.sender();
/// std::thread::spawn(move || sender.text("from another thread"));
/// assert_eq!(socket.receive()?, Received::Message(Message::Text("from another thread".into())));
/// # socket.close();
/// # stop.stop();
/// # running.join().unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct WebSocketSender(pub(super) Arc<Outbox>);

impl WebSocketSender {
    /// Sends a text message. WLanguage: `SocketWrite` (in French `SocketEcrit`).
    pub fn text(&self, text: &str) -> Result<(), Error> {
        self.0.send(|outgoing| outgoing.text(text))
    }

    /// Sends a binary message.
    pub fn binary(&self, bytes: &[u8]) -> Result<(), Error> {
        self.0.send(|outgoing| outgoing.binary(bytes))
    }

    /// Sends a message in fragments of at most `size` bytes, at least one (RFC 6455 section 5.4). The receiver puts them
    /// together: its program sees one message.
    pub fn in_fragments(&self, message: MessageRef<'_>, size: usize) -> Result<(), Error> {
        let (kind, bytes) = match message {
            MessageRef::Text(text) => (MessageKind::Text, text.as_bytes()),
            MessageRef::Binary(bytes) => (MessageKind::Binary, bytes),
        };
        self.0.send(|outgoing| {
            let mut pieces = bytes.chunks(size.max(1));
            let last = pieces.next_back().unwrap_or_default();
            let mut begun = false;
            for piece in pieces {
                if begun {
                    outgoing.next_fragment(piece)?
                } else {
                    outgoing.first_fragment(kind, piece)?
                }
                begun = true;
            }
            match (begun, message) {
                (true, _) => outgoing.last_fragment(last),
                (false, MessageRef::Text(text)) => outgoing.text(text),
                (false, MessageRef::Binary(bytes)) => outgoing.binary(bytes),
            }
        })
    }

    /// Asks the peer for a Pong with the same payload, at most 125 bytes (section 5.5.2).
    pub fn ping(&self, payload: &[u8]) -> Result<(), Error> {
        self.0.send(|outgoing| outgoing.ping(payload))
    }

    /// Says that we will send nothing more, and why: the Close frame (section 5.5.1). The thread that receives gets the
    /// peer's answer as [`Received::Closed`](super::Received::Closed). To close and wait for that, see
    /// [`WebSocket::close`](super::WebSocket::close).
    pub fn close(&self, reason: &CloseReason) -> Result<(), Error> {
        self.0.send(|outgoing| outgoing.close(Some(reason)))
    }
}

/// Sends replies from inside [`WebSocket::for_each_message`](super::WebSocket::for_each_message). They are queued, and
/// leave together: before the next read, at 64 KiB, or at [`Replies::flush`].
#[derive(Debug)]
pub struct Replies<'a>(pub(super) &'a Arc<Outbox>);

impl Replies<'_> {
    /// Queues a message of either kind.
    pub fn send(&mut self, message: MessageRef<'_>) -> Result<(), Error> {
        match message {
            MessageRef::Text(text) => self.text(text),
            MessageRef::Binary(bytes) => self.binary(bytes),
        }
    }

    /// Queues a text message.
    pub fn text(&mut self, text: &str) -> Result<(), Error> {
        self.0.queue(|outgoing| outgoing.text(text))
    }

    /// Queues a binary message.
    pub fn binary(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.0.queue(|outgoing| outgoing.binary(bytes))
    }

    /// Writes what is queued now.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.0.flush()
    }
}
