//! Where does the connection stand, and what must be answered?
//!
//! A WebSocket connection is two directions, and each ends with a Close frame of its own, as each direction of TCP ends
//! with a FIN of its own:
//!
//! ```text
//!                          the peer's direction
//!                     open                 ended (its Close came, or it broke a rule)
//!   our     open   |  Open               |  Closing: our answer is due
//!   Close   sent   |  Closing: we wait   |  Closed: let the connection go
//! ```
//!
//! RFC 6455 asks for an answer to two events: a Ping (section 5.5.2) and a Close (section 5.5.1); and a broken rule is
//! answered with a Close that says so (section 7.1.7). This file is the one place where an event causes a frame. Both
//! the blocking connection and the tests over simulated wires use it, so that what was tested is what runs.
//!
//! # In production
//!
//! Of several Pings that wait, only the last needs its Pong (section 5.5.3). We answer each; whoever fears a flood of
//! them counts.

use super::close::CloseReason;
use super::event::Event;
use super::outgoing::Outgoing;
use super::send_error::SendError;
use super::violation::Violation;

/// Where the connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// Both directions may carry messages.
    Open,
    /// One direction has ended. If it was the peer's, our answer is due; if it was ours, messages may still come.
    Closing,
    /// Both have ended. What is left is TCP's: a server closes first, so that its peer's last bytes meet no reset
    /// (RFC 6455 section 7.1.1).
    Closed,
}

impl State {
    /// The state that the two directions make.
    pub fn of(incoming_ended: bool, outgoing_closed: bool) -> State {
        match (incoming_ended, outgoing_closed) {
            (false, false) => State::Open,
            (true, true) => State::Closed,
            (true, false) | (false, true) => State::Closing,
        }
    }

    /// Its name, as the trace shows it.
    pub fn name(self) -> &'static str {
        match self {
            State::Open => "open",
            State::Closing => "closing",
            State::Closed => "closed",
        }
    }
}

// ANCHOR: answer
/// Queues the answer that the protocol itself gives to an event, if any.
///
/// ```
/// use socklab::websocket::protocol::{Event, Outgoing, answer};
///
/// let mut outgoing = Outgoing::server();
/// answer(&Event::Ping(b"are you there"), &mut outgoing)?;
/// assert_eq!(outgoing.pending(), b"\x8a\x0dare you there");
/// # Ok::<(), socklab::websocket::protocol::SendError>(())
/// ```
///
/// # Errors
///
/// Only a client's random generator can fail here.
pub fn answer(event: &Event<'_>, outgoing: &mut Outgoing) -> Result<(), SendError> {
    if outgoing.is_closed() {
        // Our Close was the last frame. A Ping gets no Pong any more, and the peer's Close *is* the answer to ours: an
        // echo of it would make the peer echo the echo.
        return Ok(());
    }
    match event {
        Event::Ping(payload) => outgoing.pong(payload),
        // The code comes back so that the peer sees that it was understood; its sentence it knows.
        Event::Close(reason) => {
            let echo = reason.as_ref().map(|reason| CloseReason::new(reason.code, ""));
            outgoing.close(echo.as_ref())
        }
        Event::Text(_) | Event::Binary(_) | Event::Pong(_) => Ok(()),
    }
}

/// Queues the Close frame that tells the peer which rule it broke. Write it before you let the connection go: without
/// it the peer sees a connection that vanished, and its author looks for the mistake in the network.
///
/// # Errors
///
/// Only a client's random generator can fail here.
pub fn answer_violation(violation: &Violation, outgoing: &mut Outgoing) -> Result<(), SendError> {
    if outgoing.is_closed() {
        return Ok(());
    }
    outgoing.close(Some(&CloseReason::shortened(violation.code, &violation.what)))
}
// ANCHOR_END: answer

#[cfg(test)]
mod tests {
    use super::*;
    use crate::websocket::protocol::close_code::CloseCode;
    use crate::websocket::protocol::incoming::Incoming;
    use crate::websocket::protocol::mask_keys::MaskKeys;
    use crate::websocket::protocol::opcode::Role;

    fn client() -> (Incoming, Outgoing) {
        let keys = MaskKeys::new(|block: &mut [u8]| {
            block.fill(0x5a);
            Ok(())
        });
        (Incoming::new(Role::Client, 1_000), Outgoing::client(keys))
    }

    fn server() -> (Incoming, Outgoing) {
        (Incoming::new(Role::Server, 1_000), Outgoing::server())
    }

    /// All that one end queued reaches the other, which answers; what it heard comes back as text.
    fn deliver(from: &mut Outgoing, incoming: &mut Incoming, outgoing: &mut Outgoing) -> Vec<String> {
        incoming.push(&from.take());
        let mut heard = Vec::new();
        loop {
            match incoming.next(&mut |_, _| {}) {
                Ok(Some(event)) => {
                    answer(&event, outgoing).unwrap();
                    heard.push(format!("{event:?}"));
                }
                Ok(None) => return heard,
                Err(violation) => {
                    answer_violation(&violation, outgoing).unwrap();
                    heard.push(format!("{}", violation.code.0));
                    return heard;
                }
            }
        }
    }

    #[test]
    fn a_ping_is_answered_with_its_payload() {
        let (mut client_in, mut client_out) = client();
        let (mut server_in, mut server_out) = server();
        client_out.ping(b"same").unwrap();
        deliver(&mut client_out, &mut server_in, &mut server_out);
        let heard = deliver(&mut server_out, &mut client_in, &mut client_out);
        assert_eq!(heard, [format!("{:?}", Event::Pong(b"same"))]);
        assert_eq!(client_out.pending(), b"", "a pong is not answered");
    }

    #[test]
    fn a_close_is_echoed_once_and_both_ends_are_closed() {
        let (mut client_in, mut client_out) = client();
        let (mut server_in, mut server_out) = server();
        assert_eq!(State::of(server_in.is_ended(), server_out.is_closed()), State::Open);
        server_out.close(Some(&CloseReason::new(CloseCode(4321), "enough"))).unwrap();
        assert_eq!(State::of(server_in.is_ended(), server_out.is_closed()), State::Closing);
        deliver(&mut server_out, &mut client_in, &mut client_out);
        assert_eq!(State::of(client_in.is_ended(), client_out.is_closed()), State::Closed);
        let heard = deliver(&mut client_out, &mut server_in, &mut server_out);
        assert_eq!(heard, [r#"Close(Some(CloseReason { code: CloseCode(4321), reason: "" }))"#]);
        assert_eq!(State::of(server_in.is_ended(), server_out.is_closed()), State::Closed);
        assert_eq!(server_out.pending(), b"", "the echo is not echoed");
    }

    #[test]
    fn a_close_that_says_nothing_is_answered_with_nothing() {
        let mut outgoing = Outgoing::server();
        answer(&Event::Close(None), &mut outgoing).unwrap();
        assert_eq!(outgoing.pending(), [0x88, 0]);
    }

    #[test]
    fn both_may_close_at_once() {
        let (mut client_in, mut client_out) = client();
        let (mut server_in, mut server_out) = server();
        client_out.text("last words").unwrap();
        client_out.close(None).unwrap();
        server_out.close(None).unwrap();
        assert_eq!(deliver(&mut client_out, &mut server_in, &mut server_out).len(), 2, "we hear what was under way");
        assert_eq!(deliver(&mut server_out, &mut client_in, &mut client_out).len(), 1);
        assert_eq!(State::of(client_in.is_ended(), client_out.is_closed()), State::Closed);
        assert_eq!(State::of(server_in.is_ended(), server_out.is_closed()), State::Closed);
    }

    #[test]
    fn after_our_close_a_ping_gets_no_pong() {
        let mut outgoing = Outgoing::server();
        outgoing.close(None).unwrap();
        let length = outgoing.pending().len();
        answer(&Event::Ping(b"?"), &mut outgoing).unwrap();
        assert_eq!(outgoing.pending().len(), length);
    }

    #[test]
    fn a_broken_rule_is_told_even_inside_our_own_fragments() {
        let (mut server_in, mut server_out) = server();
        server_out.first_fragment(crate::websocket::protocol::MessageKind::Text, b"half").unwrap();
        let _ = server_out.take();
        let mut not_masked = Outgoing::server();
        not_masked.text("x").unwrap();
        deliver(&mut not_masked, &mut server_in, &mut server_out);
        assert_eq!(State::of(server_in.is_ended(), server_out.is_closed()), State::Closed);
        assert_eq!(server_out.pending()[..1], [0x88]);
        assert_eq!(server_out.pending()[2..4], 1002_u16.to_be_bytes());
        let (mut client_in, mut client_out) = client();
        let heard = deliver(&mut server_out, &mut client_in, &mut client_out);
        assert!(heard[0].contains("not masked"), "{heard:?}");
    }

    #[test]
    fn a_long_explanation_is_cut_to_fit() {
        let violation = Violation { code: CloseCode::TOO_BIG, what: "é".repeat(200), section: "" };
        let mut outgoing = Outgoing::server();
        answer_violation(&violation, &mut outgoing).unwrap();
        assert_eq!(outgoing.pending()[1], 2 + 122);
    }
}
