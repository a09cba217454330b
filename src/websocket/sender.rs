//! Who may send into a WebSocket, and when does it leave?
//!
//! Any thread, through a [`WebSocketSender`]: the message leaves at once. And the program that is being handed messages,
//! through [`Replies`]: its answers to messages that came together leave together.

use super::error::Error;
use super::message::MessageRef;
use super::outbox::Outbox;
use super::protocol::{CloseReason, Outgoing, SendError};
use std::net::Shutdown;
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
        let pieces: Vec<&[u8]> = message.bytes().chunks(size.max(1)).collect();
        self.0.send(|outgoing| queue_pieces(outgoing, message, &pieces))
    }

    /// As [`in_fragments`](Self::in_fragments), in exactly `count` of them, at least one. Their lengths differ by a byte
    /// at most; where there are fewer bytes than fragments some are empty, which is legal.
    pub fn in_pieces(&self, message: MessageRef<'_>, count: usize) -> Result<(), Error> {
        self.0.send(|outgoing| queue_in_pieces(outgoing, message, count))
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

    /// Ends the conversation at once, without a goodbye: for a peer that answers nothing any more. It waits for nobody;
    /// a thread that is blocked in a receive or a send on this WebSocket wakes up with an error. System call: `shutdown`.
    pub fn abort(&self) {
        self.0.transport.shutdown(Shutdown::Both);
    }
}

/// Queues a message in so many fragments, at least one.
pub(super) fn queue_in_pieces(outgoing: &mut Outgoing, message: MessageRef<'_>, count: usize) -> Result<(), SendError> {
    let (bytes, count) = (message.bytes(), count.max(1));
    let cut = |index: usize| (bytes.len() as u128 * index as u128 / count as u128) as usize;
    let pieces: Vec<&[u8]> = (0..count).map(|index| &bytes[cut(index)..cut(index + 1)]).collect();
    queue_pieces(outgoing, message, &pieces)
}

/// All under one lock: no other thread's message can come between two fragments.
fn queue_pieces(outgoing: &mut Outgoing, message: MessageRef<'_>, pieces: &[&[u8]]) -> Result<(), SendError> {
    match pieces {
        [first, middle @ .., last] => {
            outgoing.first_fragment(message.kind(), first)?;
            for piece in middle {
                outgoing.next_fragment(piece)?;
            }
            outgoing.last_fragment(last)
        }
        // One piece, or none, is a message like any other.
        [] | [_] => outgoing.message(message.kind(), message.bytes()),
    }
}

/// Sends replies from inside [`WebSocket::for_each_message`](super::WebSocket::for_each_message). They are queued, and
/// leave together: before the next read, at 64 KiB, or at [`Replies::flush`].
#[derive(Debug)]
pub struct Replies<'a>(pub(super) &'a Arc<Outbox>);

impl Replies<'_> {
    /// Queues a message of either kind.
    pub fn send(&mut self, message: MessageRef<'_>) -> Result<(), Error> {
        self.0.reply(message)
    }

    /// Queues a text message.
    pub fn text(&mut self, text: &str) -> Result<(), Error> {
        self.send(MessageRef::Text(text))
    }

    /// Queues a binary message.
    pub fn binary(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.send(MessageRef::Binary(bytes))
    }

    /// Writes what is queued now.
    pub fn flush(&mut self) -> Result<(), Error> {
        self.0.flush()
    }
}
