//! How do several threads send into one WebSocket, and when does a reply leave?
//!
//! The sending direction lies behind one lock: frames are queued under it and written under it, so the order in which they
//! were accepted is the order on the wire. A send from any thread queues and writes at once. A reply to a message that
//! came together with others is only queued: the batch leaves in one write before the next read, for a system call costs
//! more than the message.
//!
//! # In production
//!
//! The lock is held while the system call waits for a peer that does not read, and other senders to this peer wait with
//! it, up to the send limit. A server that broadcasts must not let one slow client do that: it queues up to a bound.

use super::error::Error;
use super::message::MessageRef;
use super::protocol::{CloseReason, FrameHeader, Outgoing, SendError, State, see_frames};
use crate::sender::write;
use crate::trace::{Direction, FrameStep, Tracer};
use crate::transport::{Transport, enter};
use std::net::Shutdown;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Replies to one batch leave at the latest when so many bytes are queued.
const BATCH: usize = 64 * 1024;

/// What the two halves of a WebSocket share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) transport: Arc<Transport>,
    half: Mutex<Half>,
    send_limit: Duration,
}

#[derive(Debug)]
struct Half {
    outgoing: Outgoing,
    /// The peer's direction has ended: kept here as well, for the state is made of both.
    incoming_ended: bool,
}

impl Shared {
    pub(super) fn new(transport: Arc<Transport>, outgoing: Outgoing, send_limit: Duration) -> Arc<Shared> {
        Arc::new(Shared { transport, half: Mutex::new(Half { outgoing, incoming_ended: false }), send_limit })
    }

    /// Queues what `queue` sends and leaves it there, unless much is waiting.
    pub(super) fn queue<T>(&self, queue: impl FnOnce(&mut Outgoing) -> Result<T, SendError>) -> Result<T, Error> {
        let mut half = enter(&self.half);
        let result = half.queue(queue, self.transport.tracer())?;
        if half.outgoing.pending().len() >= BATCH {
            self.write(&mut half)?;
        }
        Ok(result)
    }

    /// Queues what `queue` sends, and writes all that is queued.
    pub(super) fn send<T>(&self, queue: impl FnOnce(&mut Outgoing) -> Result<T, SendError>) -> Result<T, Error> {
        let mut half = enter(&self.half);
        let result = half.queue(queue, self.transport.tracer())?;
        self.write(&mut half)?;
        Ok(result)
    }

    /// Writes what is queued, in one call if the system takes it.
    pub(super) fn flush(&self) -> Result<(), Error> {
        self.write(&mut enter(&self.half))
    }

    fn write(&self, half: &mut Half) -> Result<(), Error> {
        let pending = half.outgoing.pending();
        if pending.is_empty() {
            return Ok(());
        }
        let (length, result) = (pending.len(), write(&self.transport, pending, self.send_limit));
        // Gone also if it failed: the peer may have a part of it, nothing can follow that, and a receive that came to
        // send the rest would fail in the place of reading what the peer still says.
        half.outgoing.mark_written(length);
        Ok(result?)
    }

    /// The peer's direction has ended. It matters to the state, and to nobody who sends.
    pub(super) fn incoming_ended(&self, why: &str) {
        let mut half = enter(&self.half);
        let before = half.state();
        half.incoming_ended = true;
        half.tell_state(before, why, self.transport.tracer());
    }

    pub(super) fn state(&self) -> State {
        enter(&self.half).state()
    }
}

impl Half {
    fn state(&self) -> State {
        State::of(self.incoming_ended, self.outgoing.is_closed())
    }

    /// With an observer, each frame is told as it stands in the queue: what is told is what will be written.
    fn queue<T>(
        &mut self,
        queue: impl FnOnce(&mut Outgoing) -> Result<T, SendError>,
        tracer: &Tracer,
    ) -> Result<T, SendError> {
        let (before, mark) = (self.state(), self.outgoing.pending().len());
        let result = queue(&mut self.outgoing)?;
        if tracer.is_on() {
            see_frames(&self.outgoing.pending()[mark..], &mut |header, payload| {
                tell_frame(tracer, Direction::Out, header, payload);
            });
            self.tell_state(before, "our Close frame", tracer);
        }
        Ok(result)
    }

    fn tell_state(&self, before: State, why: &str, tracer: &Tracer) {
        let now = self.state();
        if now != before {
            tracer.state(before.name(), now.name(), why);
        }
    }
}

/// Tells of one frame, header and unmasked payload.
pub(super) fn tell_frame(tracer: &Tracer, direction: Direction, header: &FrameHeader, payload: &[u8]) {
    if !tracer.is_on() {
        return;
    }
    let mut bytes = Vec::with_capacity(14);
    header.encode(&mut bytes);
    // On the wire the masking key ends the header; the trace shows it by itself.
    bytes.truncate(bytes.len() - header.mask.map_or(0, |key| key.len()));
    let rsv = u8::from(header.rsv1) << 2 | u8::from(header.rsv2) << 1 | u8::from(header.rsv3);
    let frame = FrameStep {
        fin: header.fin,
        rsv,
        opcode: header.opcode.bits(),
        key: header.mask,
        length: header.length,
        header: &bytes,
        payload,
    };
    tracer.frame(direction, frame);
}

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
pub struct WebSocketSender(pub(super) Arc<Shared>);

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
        self.send_pieces(message, &pieces)
    }

    /// As [`in_fragments`](Self::in_fragments), in exactly `count` of them, at least one. Their lengths differ by a byte
    /// at most; where there are fewer bytes than fragments some are empty, which is legal.
    pub fn in_pieces(&self, message: MessageRef<'_>, count: usize) -> Result<(), Error> {
        let (bytes, count) = (message.bytes(), count.max(1));
        let cut = |index: usize| (bytes.len() as u128 * index as u128 / count as u128) as usize;
        let pieces: Vec<&[u8]> = (0..count).map(|index| &bytes[cut(index)..cut(index + 1)]).collect();
        self.send_pieces(message, &pieces)
    }

    /// All under one lock: no other thread's message can come between two fragments.
    fn send_pieces(&self, message: MessageRef<'_>, pieces: &[&[u8]]) -> Result<(), Error> {
        self.0.send(|outgoing| match pieces {
            [first, middle @ .., last] => {
                outgoing.first_fragment(message.kind(), first)?;
                for piece in middle {
                    outgoing.next_fragment(piece)?;
                }
                outgoing.last_fragment(last)
            }
            // One piece, or none, is a message like any other.
            [] | [_] => match message {
                MessageRef::Text(text) => outgoing.text(text),
                MessageRef::Binary(bytes) => outgoing.binary(bytes),
            },
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

    /// Ends the conversation at once, without a goodbye: for a peer that answers nothing any more. It waits for nobody;
    /// a thread that is blocked in a receive or a send on this WebSocket wakes up with an error. System call: `shutdown`.
    pub fn abort(&self) {
        self.0.transport.shutdown(Shutdown::Both);
    }
}

/// Sends replies from inside [`WebSocket::for_each_message`](super::WebSocket::for_each_message). They are queued, and
/// leave together: before the next read, at 64 KiB, or at [`Replies::flush`].
#[derive(Debug)]
pub struct Replies<'a>(pub(super) &'a Shared);

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
