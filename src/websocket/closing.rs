//! In which order does a conversation end, so that nobody loses the last word?
//!
//! ```text
//!   our Close frame  ->  the peer's Close frame  ->  shutdown  ->  read to the end  ->  close
//!   \____________ WebSocket says goodbye __________/  \__________ TCP says goodbye ________/
//! ```
//!
//! Two protocols end here, one inside the other, and each has its own goodbye. TCP alone could not tell a program that is
//! done from one that was killed: both end the stream. And the server ends TCP first, so that a client that connects again
//! and again does not collect ports in TIME-WAIT (RFC 6455 section 7.1.1).
//!
//! # In production
//!
//! The same, with an eye on who waits: a server with a million connections does not keep a thread for each goodbye.

use super::connection::{Phase, WebSocket};
use super::error::Error;
use super::message::MessageRef;
use super::protocol::{CloseCode, CloseReason, Role, SendError, Violation, answer_violation};
use super::receiving::{Handler, Step};
use super::sender::Replies;
use crate::deadline::{Deadline, Patience};

/// Messages that come behind our goodbye are thrown away.
struct TooLate;

impl Handler for TooLate {
    fn message(&mut self, _message: MessageRef<'_>, _replies: &mut Replies<'_>) -> Result<(), Error> {
        Ok(())
    }
}

impl WebSocket {
    /// The peer's Close frame came, and ours is queued or sent: end TCP in the order of RFC 6455 section 7.1.1.
    pub(super) fn end(&mut self, reason: Option<CloseReason>) {
        self.phase = Phase::PeerClosed(reason);
        // If it cannot be sent, the peer has said its goodbye all the same, and does not wait for ours.
        let _ = self.outbox.flush();
        let deadline = self.goodbye();
        if self.role == Role::Client {
            // The server ends TCP first. One that does not is given the rest of the limit, and then we do.
            self.outbox.transport.read_to_end(deadline);
        }
        self.outbox.transport.close(deadline);
    }

    /// Says goodbye and waits for the peer to say it too: see [`WebSocket::close_with`]. The code is 1000.
    pub fn close(&mut self) {
        // Code 1000 without a text can always be sent: what fails here is a connection that is gone, and so closed.
        let _ = self.close_with(&CloseReason::new(CloseCode::NORMAL, ""));
    }

    /// Ends the conversation in order: our Close frame, the peer's, then TCP's own end. WLanguage: `SocketClose`
    /// (`SocketFerme`). Messages that the peer still sends meanwhile are thrown away. Blocks for at most
    /// [`Settings::close_limit`](crate::Settings::close_limit) twice, once for each protocol. A second close does nothing.
    ///
    /// Errors: [`Error::Send`] for a code that must not be sent or a reason over 123 bytes, and nothing has happened yet;
    /// [`Error::Socket`] when the Close frame cannot be written, and the conversation is over.
    pub fn close_with(&mut self, reason: &CloseReason) -> Result<(), Error> {
        if self.phase.is_over() {
            return Ok(());
        }
        // The same for both Close frames: a peer that does not read has not much to say either.
        let deadline = self.goodbye();
        match self.outbox.send_before(Some(deadline), |outgoing| outgoing.close(Some(reason))) {
            // Our Close frame was sent before, by a `WebSocketSender`: what is missing is the peer's.
            Ok(()) | Err(Error::Send(SendError::AfterClose)) => {}
            Err(error @ Error::Send(_)) => return Err(error),
            Err(error) => {
                // A goodbye that cannot be written gets no answer: there is nothing to wait for but TCP's end.
                self.phase = Phase::CutShort;
                self.outbox.transport.close(self.goodbye());
                return Err(error);
            }
        }
        while let Ok(Step::Events) = self.step(Patience::Until(deadline), &mut TooLate) {
            if deadline.has_passed() {
                break;
            }
        }
        if !self.phase.is_over() {
            self.phase = Phase::CutShort;
            self.outbox.transport.close(self.goodbye());
        }
        Ok(())
    }

    fn goodbye(&self) -> Deadline {
        Deadline::after(self.settings.close_limit)
    }

    /// The server that this conversation belongs to stops: the peer is told so (section 7.4.1). Its answer is not waited
    /// for, because the receiving direction has been shut to wake us. What the peer still sends is answered with a reset,
    /// and Linux lets it read our goodbye all the same; where a system throws that away, a
    /// [`WebSocketServer`](super::WebSocketServer) is the one that waits.
    pub(super) fn go_away(&mut self) {
        self.outbox.incoming_ended("the server stops");
        // A peer that cannot be told meets the end of the stream, and that is next.
        let _ = self.outbox.send(|outgoing| outgoing.close(Some(&CloseReason::new(CloseCode::GOING_AWAY, ""))));
        self.phase = Phase::CutShort;
    }

    /// The peer broke a rule. It should learn which, so our Close frame goes before the connection does.
    pub(super) fn end_by(&mut self, violation: &Violation) {
        self.outbox.incoming_ended(&violation.what);
        let told = self.outbox.send_before(Some(self.goodbye()), |outgoing| answer_violation(violation, outgoing));
        self.phase = Phase::CutShort;
        if told.is_ok() {
            self.outbox.transport.close(self.goodbye());
        }
    }
}
