//! Which frames lie in these bytes?
//!
//! A trace must show what was really sent. It could be told by the code that builds a frame, and then it would show
//! what that code *meant*; so it reads the bytes that are about to leave, as a stranger would. Without an observer
//! nobody calls this, and sending costs nothing more.
//!
//! # In production
//!
//! Wireshark does the same one level below, and needs the TLS keys for it (`SSLKEYLOGFILE`).

use super::frame::FrameHeader;
use super::mask::mask;

/// Shows the frames in bytes that are queued, their payloads unmasked: what is really there, for a trace that does not
/// lie.
///
/// ```
/// use socklab::websocket::protocol::{Outgoing, see_frames};
///
/// let mut outgoing = Outgoing::server();
/// outgoing.text("before")?;
/// let mark = outgoing.pending().len();
/// outgoing.text("Hello")?;
/// see_frames(&outgoing.pending()[mark..], &mut |_header, payload| assert_eq!(payload, b"Hello"));
/// # Ok::<(), socklab::websocket::protocol::SendError>(())
/// ```
pub fn see_frames(mut bytes: &[u8], see: &mut dyn FnMut(&FrameHeader, &[u8])) {
    while let Ok(Some((header, size))) = FrameHeader::decode(bytes) {
        let rest = &bytes[size..];
        let length = usize::try_from(header.length).unwrap_or(usize::MAX).min(rest.len());
        let (payload, rest) = rest.split_at(length);
        match header.mask {
            None => see(&header, payload),
            Some(key) => {
                let mut unmasked = payload.to_vec();
                mask(&mut unmasked, key, 0);
                see(&header, &unmasked);
            }
        }
        bytes = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_shown_unmasked_and_in_order() {
        let bytes = [0x81, 0x81, 1, 2, 3, 4, b'a' ^ 1, 0x8a, 0x00, 0x82, 0x02, b'b'];
        let mut seen = Vec::new();
        see_frames(&bytes, &mut |header, payload| seen.push((header.opcode.bits(), payload.to_vec())));
        assert_eq!(seen, [(1, b"a".to_vec()), (10, vec![]), (2, b"b".to_vec())], "the last is cut, and shown as it is");
    }
}
