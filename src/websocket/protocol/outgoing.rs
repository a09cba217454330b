//! What may we say, and how does it look on the wire?
//!
//! The sending direction of a connection. Each method appends whole frames to one queue of bytes; whoever owns the
//! socket takes all that is queued as one batch ([`exchange`](Outgoing::exchange)) and writes it. So many replies leave in
//! one system call, what is queued meanwhile is the next batch, and how far a partial write came is known to the writer
//! alone.
//!
//! Invariant: the queue holds nothing that we would refuse from a peer. Control frames are short and whole, nothing
//! follows our Close frame, fragments of one message are not mixed with another, text is UTF-8, and a client masks.
//! Those who check only what they receive find their own mistakes in another program's log.
//!
//! # In production
//!
//! A payload is copied once here, in front of it its header. A library under load keeps a list of both, and hands the
//! kernel the list (`writev`); ours does so for large replies alone (`outbox/in_place.rs`).

use super::close::CloseReason;
use super::frame::{FrameHeader, MAX_CONTROL_PAYLOAD};
use super::mask::mask;
use super::mask_keys::MaskKeys;
use super::message::MessageKind;
use super::opcode::{Opcode, Role};
use super::send_error::SendError;
use std::mem;

mod fragments;

use fragments::Fragments;

/// The sending direction of a connection: messages in, bytes out.
///
/// ```
/// use socklab::websocket::protocol::Outgoing;
///
/// let mut outgoing = Outgoing::server();
/// outgoing.text("Hello")?;
/// assert_eq!(outgoing.pending(), b"\x81\x05Hello");
/// let batch = outgoing.take(); // for the socket, and what follows is the next batch
/// outgoing.ping(b"")?;
/// assert_eq!((&batch[..], outgoing.pending()), (&b"\x81\x05Hello"[..], &b"\x89\0"[..]));
/// # Ok::<(), socklab::websocket::protocol::SendError>(())
/// ```
#[derive(Debug)]
pub struct Outgoing {
    /// A client has keys, a server none: the role and the mask cannot disagree.
    keys: Option<MaskKeys>,
    bytes: Vec<u8>,
    fragments: Option<Fragments>,
    closed: bool,
}

impl Outgoing {
    /// A server's direction: never masked.
    pub fn server() -> Self {
        Outgoing { keys: None, bytes: Vec::new(), fragments: None, closed: false }
    }

    /// A client's direction: every frame is masked with a key of its own.
    pub fn client(keys: MaskKeys) -> Self {
        Outgoing { keys: Some(keys), ..Outgoing::server() }
    }

    /// Which end this is.
    pub fn role(&self) -> Role {
        if self.keys.is_some() { Role::Client } else { Role::Server }
    }

    /// Queues a text message.
    ///
    /// # Errors
    ///
    /// After our Close frame, or inside a message in fragments.
    pub fn text(&mut self, text: &str) -> Result<(), SendError> {
        self.message(MessageKind::Text, text.as_bytes())
    }

    /// Queues a binary message.
    ///
    /// # Errors
    ///
    /// After our Close frame, or inside a message in fragments.
    pub fn binary(&mut self, bytes: &[u8]) -> Result<(), SendError> {
        self.message(MessageKind::Binary, bytes)
    }

    /// Queues a message of either kind. That a text is UTF-8 its caller knows: it had it as a `str`.
    ///
    /// # Errors
    ///
    /// After our Close frame, or inside a message in fragments.
    #[inline]
    pub(in crate::websocket) fn message(&mut self, kind: MessageKind, payload: &[u8]) -> Result<(), SendError> {
        self.check_message_may_begin()?;
        self.frame(kind.opcode(), true, payload)
    }

    /// Queues a Ping: the peer must answer with a Pong that has the same payload.
    ///
    /// # Errors
    ///
    /// After our Close frame, or more than 125 bytes.
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.control(Opcode::PING, payload)
    }

    /// Queues a Pong: the answer to a Ping, or unasked a sign of life (RFC 6455 section 5.5.3).
    ///
    /// # Errors
    ///
    /// After our Close frame, or more than 125 bytes.
    pub fn pong(&mut self, payload: &[u8]) -> Result<(), SendError> {
        self.control(Opcode::PONG, payload)
    }

    // ANCHOR: close
    /// Queues our Close frame: after it this direction is silent, while the other may still speak.
    ///
    /// A message in fragments that has begun is left unfinished; a peer that gets a Close in the middle of it knows
    /// why.
    ///
    /// # Errors
    ///
    /// After our Close frame, a code that never travels, or a reason that does not fit.
    pub fn close(&mut self, reason: Option<&CloseReason>) -> Result<(), SendError> {
        let payload = match reason {
            Some(reason) => reason.encode().map_err(SendError::Close)?,
            None => Vec::new(),
        };
        self.control(Opcode::CLOSE, &payload)?;
        self.closed = true;
        Ok(())
    }
    // ANCHOR_END: close

    /// Is our Close frame queued or sent?
    pub fn is_closed(&self) -> bool {
        self.closed
    }

    /// What is to be written. Note its length before you queue more: from there on, [`see_frames`](super::see_frames)
    /// shows what was added.
    pub fn pending(&self) -> &[u8] {
        &self.bytes
    }

    /// Exchanges all that is pending for an empty piece of memory: whoever writes it gives the memory back next time, and
    /// no message costs an allocation.
    pub fn exchange(&mut self, empty: Vec<u8>) -> Vec<u8> {
        mem::replace(&mut self.bytes, empty)
    }

    /// Takes all that is pending, for whoever does not give memory back: a server encodes a broadcast once and shares it.
    pub fn take(&mut self) -> Vec<u8> {
        self.exchange(Vec::new())
    }

    /// Queues frames that were encoded elsewhere by [`Outgoing::server`]: a broadcast is encoded once, for a server's frames
    /// have no mask and are the same for everybody.
    ///
    /// # Errors
    ///
    /// After our Close frame, or inside a message in fragments.
    pub fn encoded(&mut self, frames: &[u8]) -> Result<(), SendError> {
        if self.closed {
            return Err(SendError::AfterClose);
        }
        self.check_message_may_begin()?;
        self.bytes.extend_from_slice(frames);
        Ok(())
    }

    /// The header of a whole message that the caller writes by itself, with the payload from where it lies; nothing may be
    /// queued before it. `None`: a client's frames are masked, so it must be copied.
    ///
    /// # Errors
    ///
    /// After our Close frame, or inside a message in fragments.
    pub fn unmasked_header(&self, kind: MessageKind, length: usize) -> Result<Option<FrameHeader>, SendError> {
        self.check_message_may_begin()?;
        if self.closed {
            return Err(SendError::AfterClose);
        }
        if self.keys.is_some() {
            return Ok(None);
        }
        Ok(Some(FrameHeader::new(kind.opcode(), length as u64)))
    }

    fn check_message_may_begin(&self) -> Result<(), SendError> {
        match &self.fragments {
            Some(fragments) if !self.closed => Err(SendError::InsideFragments(fragments.kind)),
            _ => Ok(()),
        }
    }

    fn control(&mut self, opcode: Opcode, payload: &[u8]) -> Result<(), SendError> {
        if payload.len() > MAX_CONTROL_PAYLOAD {
            return Err(SendError::ControlTooLong(payload.len()));
        }
        self.frame(opcode, true, payload)
    }

    // ANCHOR: frame
    /// The one place where a frame is made.
    #[inline]
    fn frame(&mut self, opcode: Opcode, fin: bool, payload: &[u8]) -> Result<(), SendError> {
        if self.closed {
            return Err(SendError::AfterClose);
        }
        let key = match &mut self.keys {
            Some(keys) => Some(keys.draw().map_err(SendError::NoRandomness)?),
            None => None,
        };
        let header = FrameHeader { fin, mask: key, ..FrameHeader::new(opcode, payload.len() as u64) };
        header.encode(&mut self.bytes);
        let start = self.bytes.len();
        self.bytes.extend_from_slice(payload);
        if let Some(key) = key {
            mask(&mut self.bytes[start..], key, 0);
        }
        Ok(())
    }
    // ANCHOR_END: frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::websocket::protocol::close::CloseError;
    use crate::websocket::protocol::close_code::CloseCode;
    use crate::websocket::protocol::mask_keys::NoRandomness;
    use crate::websocket::protocol::see::see_frames;

    fn client() -> Outgoing {
        let mut next = 0_u8;
        Outgoing::client(MaskKeys::new(move |block: &mut [u8]| {
            for byte in block {
                next = next.wrapping_add(1);
                *byte = next;
            }
            Ok(())
        }))
    }

    fn seen(outgoing: &Outgoing) -> Vec<(FrameHeader, Vec<u8>)> {
        let mut frames = Vec::new();
        see_frames(outgoing.pending(), &mut |header, payload| frames.push((*header, payload.to_vec())));
        frames
    }

    #[test]
    fn a_client_masks_each_frame_with_a_fresh_key_and_a_server_none() {
        let mut outgoing = client();
        outgoing.text("Hello").unwrap();
        outgoing.ping(b"Hello").unwrap();
        let frames = seen(&outgoing);
        assert_eq!(frames[0].0.mask, Some([1, 2, 3, 4]));
        assert_eq!(frames[1].0.mask, Some([5, 6, 7, 8]));
        assert!(frames.iter().all(|(_, payload)| payload == b"Hello"));
        assert_eq!(outgoing.pending()[6..8], [b'H' ^ 1, b'e' ^ 2]);
        assert_eq!(outgoing.role(), Role::Client);

        let mut outgoing = Outgoing::server();
        outgoing.binary(&[1; 200]).unwrap();
        assert_eq!(outgoing.pending()[..4], [0x82, 126, 0, 200]);
        assert_eq!(outgoing.role(), Role::Server);
    }

    #[test]
    fn what_we_send_passes_our_own_check() {
        for (mut outgoing, receiver) in [(client(), Role::Server), (Outgoing::server(), Role::Client)] {
            outgoing.first_fragment(MessageKind::Text, b"\xe2\x82").unwrap();
            outgoing.ping(&[0; 125]).unwrap();
            outgoing.last_fragment(b"\xac").unwrap();
            outgoing.close(Some(&CloseReason::new(CloseCode(4999), "x".repeat(123)))).unwrap();
            let frames = seen(&outgoing);
            assert_eq!(frames.len(), 4);
            assert!(frames.iter().all(|(header, _)| header.check(receiver).is_ok()));
            assert_eq!((frames[0].0.fin, frames[2].0.fin, frames[2].0.opcode), (false, true, Opcode::CONTINUATION));
        }
    }

    #[test]
    fn control_frames_that_do_not_fit_are_refused() {
        let mut outgoing = Outgoing::server();
        assert_eq!(outgoing.ping(&[0; 126]), Err(SendError::ControlTooLong(126)));
        assert_eq!(outgoing.pong(&[0; 126]), Err(SendError::ControlTooLong(126)));
        let long = CloseReason::new(CloseCode::NORMAL, "x".repeat(124));
        assert_eq!(outgoing.close(Some(&long)), Err(SendError::Close(CloseError::ReasonTooLong(124))));
        let unsayable = CloseReason::new(CloseCode::ABNORMAL, "");
        assert!(matches!(outgoing.close(Some(&unsayable)), Err(SendError::Close(_))));
        assert_eq!(outgoing.pending(), b"");
        assert!(!outgoing.is_closed(), "a close that was refused closes nothing");
    }

    #[test]
    fn nothing_follows_a_close() {
        let mut outgoing = Outgoing::server();
        outgoing.first_fragment(MessageKind::Binary, b"").unwrap();
        outgoing.close(None).unwrap();
        let length = outgoing.pending().len();
        assert_eq!(outgoing.text(""), Err(SendError::AfterClose));
        assert_eq!(outgoing.binary(b""), Err(SendError::AfterClose));
        assert_eq!(outgoing.ping(b""), Err(SendError::AfterClose));
        assert_eq!(outgoing.pong(b""), Err(SendError::AfterClose));
        assert_eq!(outgoing.close(None), Err(SendError::AfterClose));
        assert_eq!(outgoing.first_fragment(MessageKind::Text, b""), Err(SendError::AfterClose));
        assert_eq!(outgoing.next_fragment(b""), Err(SendError::AfterClose));
        assert_eq!(outgoing.last_fragment(b""), Err(SendError::AfterClose));
        assert_eq!(outgoing.pending().len(), length);
    }

    #[test]
    fn batches_follow_one_another_in_the_memory_that_is_given_back() {
        let mut outgoing = Outgoing::server();
        outgoing.text("one").unwrap();
        outgoing.text("two").unwrap();
        let batch = outgoing.exchange(Vec::with_capacity(100));
        assert_eq!(batch, b"\x81\x03one\x81\x03two");
        outgoing.text("three").unwrap();
        assert_eq!((outgoing.pending(), outgoing.bytes.capacity()), (&b"\x81\x05three"[..], 100));
        assert_eq!((&outgoing.take()[..], outgoing.pending()), (&b"\x81\x05three"[..], &b""[..]));
    }

    #[test]
    fn without_randomness_nothing_is_sent() {
        let mut outgoing = Outgoing::client(MaskKeys::new(|_: &mut [u8]| Err(NoRandomness)));
        assert_eq!(outgoing.text("x"), Err(SendError::NoRandomness(NoRandomness)));
        assert_eq!(outgoing.pending(), b"");
    }
}
