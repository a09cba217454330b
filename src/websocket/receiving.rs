//! How does a stream of bytes become messages, and how long does one wait for them?
//!
//! Everything that a read brought is handled before the next read: each message is handed on, each Ping and each Close
//! answered. The answers to one batch leave in one write, and only then the next read may wait. Two limits run meanwhile:
//! the caller's patience, and that of a message which has begun.
//!
//! # In production
//!
//! A server bounds what one peer may make it answer: a flood of Pings costs a Pong each.

use super::connection::{Phase, WebSocket};
use super::error::Error;
use super::message::{Message, MessageRef, Received};
use super::outbox::tell_frame;
use super::protocol::{Event, answer};
use super::sender::Replies;
use crate::deadline::{Deadline, Patience};
use crate::trace::Direction;
use crate::transport::Chunk;
use std::time::Duration;

/// What one step of receiving came to.
pub(super) enum Step {
    /// What had come is handled, or as much of it as was wanted.
    Events,
    Nothing,
    Closed,
}

/// What somebody does with messages.
pub(super) trait Handler {
    fn message(&mut self, message: MessageRef<'_>, replies: &mut Replies<'_>) -> Result<(), Error>;

    /// Whether it takes another message now, if one has come.
    fn wants_more(&self) -> bool {
        true
    }

    /// The batch is through, and what comes now may wait for the peer: a write, a read, a goodbye.
    fn before_waiting(&mut self) {}
}

/// Who wants one message.
impl Handler for Option<Message> {
    fn message(&mut self, message: MessageRef<'_>, _replies: &mut Replies<'_>) -> Result<(), Error> {
        *self = Some(message.to_owned());
        Ok(())
    }

    fn wants_more(&self) -> bool {
        self.is_none()
    }
}

impl<F: FnMut(MessageRef<'_>, &mut Replies<'_>) -> Result<(), Error>> Handler for F {
    fn message(&mut self, message: MessageRef<'_>, replies: &mut Replies<'_>) -> Result<(), Error> {
        self(message, replies)
    }
}

impl WebSocket {
    /// Waits for the next message, up to [`Settings::receive_limit`](crate::Settings::receive_limit). WLanguage:
    /// `SocketRead` (`SocketLit`). Pings are answered meanwhile.
    ///
    /// Errors: [`Error::Violation`] when the peer breaks a rule: it has been told so in a Close frame, and the
    /// conversation is over. [`Error::Vanished`] when the peer is gone without a Close frame. [`Error::Socket`] with
    /// [`TimedOut`](crate::Error::TimedOut) when a message that began is not whole within
    /// [`Settings::message_limit`](crate::Settings::message_limit), and with [`Closed`](crate::Error::Closed) after
    /// [`abort`](super::WebSocketSender::abort).
    pub fn receive(&mut self) -> Result<Received, Error> {
        self.receive_within(self.settings.receive_limit)
    }

    /// Waits for the next message, up to this limit, with the outcomes and errors of [`receive`](Self::receive).
    pub fn receive_within(&mut self, limit: Duration) -> Result<Received, Error> {
        let wait = Deadline::after(limit);
        // If we were busy elsewhere while a message ran out of time, what came meanwhile came in time.
        if !self.phase.is_over() && self.begun.is_some_and(|begun| begun.has_passed()) {
            self.read_within(&mut Patience::For(Duration::ZERO))?;
        }
        let mut received: Option<Message> = None;
        loop {
            let step = self.step(Patience::Until(wait), &mut received)?;
            match (step, received.take()) {
                (_, Some(message)) => {
                    // Nobody knows when this program will come back: a Pong that is due does not wait for it. If it cannot
                    // be sent, the message has come all the same; that the peer is gone, the next call will say.
                    let _ = self.outbox.flush();
                    return Ok(Received::Message(message));
                }
                (Step::Closed, None) => return Ok(self.closed()),
                (Step::Nothing, None) => return Ok(Received::Nothing),
                // Pings, Pongs: nothing that a program waits for. A peer that sends them without end does not make this wait
                // longer than it should be.
                (Step::Events, None) if wait.has_passed() => {
                    self.outbox.flush()?;
                    return Ok(Received::Nothing);
                }
                (Step::Events, None) => {}
            }
        }
    }

    /// Hands each message to `handler` where it lies in the read buffer, until the end or until nothing came for
    /// [`Settings::receive_limit`](crate::Settings::receive_limit). Replies to messages that came in one read leave in one
    /// write. Errors: those of [`receive`](Self::receive), and the handler's own.
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
            match self.step(Patience::For(self.settings.receive_limit), &mut handler)? {
                Step::Events => {}
                Step::Nothing => return Ok(Received::Nothing),
                Step::Closed => return Ok(self.closed()),
            }
        }
    }

    // ANCHOR: step
    /// Receives until something has come, and handles all of it: hands on the messages, and answers what the protocol itself
    /// answers.
    pub(super) fn step(&mut self, mut wait: Patience, handler: &mut impl Handler) -> Result<Step, Error> {
        let mut looked = false;
        loop {
            let mut came = false;
            while let Some(step) = self.take_event(handler)? {
                if matches!(step, Step::Closed) || !handler.wants_more() {
                    return Ok(step);
                }
                came = true;
            }
            if came {
                return Ok(Step::Events);
            }
            // Everything that came is handled: now, and not before each answer, is the time to write.
            handler.before_waiting();
            self.outbox.flush()?;
            if looked && wait.left().is_zero() {
                return Ok(Step::Nothing);
            }
            looked = true;
            self.read(&mut wait)?;
        }
    }
    // ANCHOR_END: step

    // ANCHOR: take_event
    /// Takes one event from what has come. `None`: more must come first.
    fn take_event(&mut self, handler: &mut impl Handler) -> Result<Option<Step>, Error> {
        if self.phase.is_over() {
            return Ok(Some(Step::Closed));
        }
        // Before the next message and not when all have been handled: a peer that talks faster than it is answered always
        // has one more.
        if self.outbox.transport.was_asked_to_end() {
            handler.before_waiting();
            self.go_away();
            return Ok(Some(Step::Closed));
        }
        let tracer = self.outbox.transport.tracer();
        let see = &mut |header: &_, payload: &[u8]| tell_frame(tracer, Direction::In, header, payload);
        let event = match self.incoming.next(see) {
            Ok(Some(event)) => event,
            Ok(None) => return Ok(None),
            Err(violation) => {
                handler.before_waiting();
                self.end_by(&violation);
                return Err(Error::Violation(violation));
            }
        };
        let message = match event {
            Event::Text(text) => MessageRef::Text(text),
            Event::Binary(bytes) => MessageRef::Binary(bytes),
            Event::Ping(_) | Event::Pong(_) => {
                self.outbox.queue(|outgoing| answer(&event, outgoing))?;
                // Pings between its fragments do not give a message more time.
                if !self.incoming.has_begun_a_message() {
                    self.begun = None;
                }
                return Ok(Some(Step::Events));
            }
            Event::Close(ref reason) => {
                let reason = reason.clone();
                handler.before_waiting();
                self.outbox.incoming_ended("the peer's Close frame");
                // A goodbye is one even if the way back is cut and nobody will hear our answer to it.
                let _ = self.outbox.queue(|outgoing| answer(&event, outgoing));
                self.end(reason);
                return Ok(Some(Step::Closed));
            }
        };
        self.begun = None;
        handler.message(message, &mut Replies(&self.outbox))?;
        Ok(Some(Step::Events))
    }
    // ANCHOR_END: take_event

    /// One read, under the sooner of two limits: the caller's patience, and that of a message which has begun.
    fn read(&mut self, wait: &mut Patience) -> Result<(), Error> {
        if self.incoming.is_inside_a_message() {
            let begun = *self.begun.get_or_insert_with(|| Deadline::after(self.settings.message_limit));
            if begun.has_passed() {
                let doing = "receiving a message that had begun";
                return Err(crate::Error::TimedOut { doing, limit: begun.limit }.into());
            }
        }
        match self.begun {
            Some(begun) => self.read_within(&mut begun.or_sooner(wait.begin()).into()),
            None => self.read_within(wait),
        }
    }

    fn read_within(&mut self, wait: &mut Patience) -> Result<(), Error> {
        match self.outbox.transport.read(self.incoming.space(), wait) {
            Ok(Chunk::Bytes(count)) => {
                self.incoming.filled(count);
                self.heard = true;
            }
            Ok(Chunk::Nothing) => {}
            Ok(Chunk::End) if self.outbox.transport.was_asked_to_end() => {} // Who takes the next event says goodbye.
            Ok(Chunk::End) if self.outbox.transport.has_stopped_receiving() => return Err(crate::Error::Closed.into()),
            Ok(Chunk::End) => return Err(Error::Vanished { source: None }),
            Err(source) => return Err(Error::lost(source)),
        }
        Ok(())
    }

    /// The end, as a receive tells it.
    fn closed(&self) -> Received {
        match &self.phase {
            Phase::PeerClosed(reason) => Received::Closed(reason.clone()),
            Phase::Open | Phase::CutShort => Received::Closed(None),
        }
    }
}
