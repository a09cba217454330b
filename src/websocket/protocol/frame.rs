//! How does one frame begin, and what may its beginning say?
//!
//! TCP carries bytes; a frame is how WebSocket marks where a message, or a piece of one, begins and ends (RFC 6455
//! section 5.2). In front of each payload stand 2 to 14 bytes:
//!
//! ```text
//!   byte 0      byte 1          0, 2 or 8 bytes     0 or 4 bytes
//!  +--------+ +--------+ +------------------------+ +----------+ +---------
//!  |F RRR op| |M length| | longer length, if      | | masking  | | payload
//!  |I SSS co| |A 7 bits| | the 7 bits say 126     | | key, if  | | ...
//!  |N VVV de| |S       | | (then 16 bits) or 127  | | MASK is  | |
//!  |  123   | |K       | | (then 64 bits)         | | set      | |
//!  +--------+ +--------+ +------------------------+ +----------+ +---------
//! ```
//!
//! Two steps are kept apart on purpose. [`FrameHeader::decode`] asks only "can this be read?"; [`FrameHeader::check`]
//! asks "may this peer say this?". A client that forgot to mask sends a header that can be read and must be refused,
//! and whoever debugs that client wants to *see* the header.
//!
//! # In production
//!
//! An extension such as permessage-deflate (RFC 7692) gives the RSV bits a meaning, and `check` would have to know what
//! the handshake agreed on. We agree on none, so the bits stay zero.

use super::opcode::{Opcode, Role};
use super::violation::Violation;

/// A control frame carries at most this many bytes, so that it can be taken whole at any moment, even between two
/// fragments of a message (RFC 6455 section 5.5).
pub const MAX_CONTROL_PAYLOAD: usize = 125;

/// The longest header: two bytes, a 64-bit length, a masking key.
const MAX_HEADER: usize = 2 + 8 + 4;

const FIN: u8 = 0x80;
const RSV: u8 = 0x70;
const MASK: u8 = 0x80;

/// Everything that stands in front of a frame's payload.
///
/// ```
/// use socklab::websocket::protocol::{FrameHeader, Opcode};
///
/// // "Hello" from a server, and the first of its bytes (the example of RFC 6455 section 5.7).
/// let (header, size) = FrameHeader::decode(&[0x81, 0x05, b'H'])?.ok_or("two bytes are enough here")?;
/// assert_eq!((header.opcode, header.length, header.mask), (Opcode::TEXT, 5, None));
/// assert_eq!(size, 2); // the payload begins here
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHeader {
    /// The last (or only) frame of its message.
    pub fin: bool,
    /// The three bits that are reserved for extensions, as a number from 0 to 7: RSV1 is the highest.
    pub rsv: u8,
    /// What the frame is for.
    pub opcode: Opcode,
    /// The key under which the payload is hidden from proxies, if it is.
    pub mask: Option<[u8; 4]>,
    /// The number of payload bytes. What a peer *announces*, not what it sent: never allocate by it alone.
    pub length: u64,
}

impl FrameHeader {
    /// A whole frame, unmasked, without reserved bits: where most frames begin.
    pub const fn new(opcode: Opcode, length: u64) -> Self {
        FrameHeader { fin: true, rsv: 0, opcode, mask: None, length }
    }

    // ANCHOR: decode
    /// Reads a header from the front of `bytes`, and tells how many bytes it took. `None` means: more bytes are needed.
    ///
    /// # Errors
    ///
    /// A length that breaks the encoding itself: not in its shortest form, or with the top bit of its 64 set.
    #[inline(always)]
    pub fn decode(bytes: &[u8]) -> Result<Option<(FrameHeader, usize)>, Violation> {
        let [first, second, rest @ ..] = bytes else { return Ok(None) };
        let (length, rest) = match second & !MASK {
            126 => {
                let Some((word, rest)) = rest.split_first_chunk::<2>() else { return Ok(None) };
                (in_shortest_form(u16::from_be_bytes(*word).into(), 126)?, rest)
            }
            127 => {
                let Some((word, rest)) = rest.split_first_chunk::<8>() else { return Ok(None) };
                (in_shortest_form(u64::from_be_bytes(*word), 0x1_0000)?, rest)
            }
            short => (u64::from(short), rest),
        };
        let (mask, rest) = if second & MASK == 0 {
            (None, rest)
        } else {
            let Some((key, rest)) = rest.split_first_chunk::<4>() else { return Ok(None) };
            (Some(*key), rest)
        };
        let header = FrameHeader {
            fin: first & FIN != 0,
            rsv: (first & RSV) >> 4,
            opcode: Opcode::from_bits(*first),
            mask,
            length,
        };
        Ok(Some((header, bytes.len() - rest.len())))
    }
    // ANCHOR_END: decode

    /// Appends the header to `out`, its length in the shortest form: the only one that a strict peer takes.
    #[inline(always)]
    pub fn encode(&self, out: &mut Vec<u8>) {
        let fin = if self.fin { FIN } else { 0 };
        let first = fin | ((self.rsv << 4) & RSV) | self.opcode.bits();
        let masked = if self.mask.is_some() { MASK } else { 0 };
        // The shorter lengths are the tail of the 64-bit one, for the network's byte order puts the low bytes last.
        let length = self.length.to_be_bytes();
        let [.., high, low] = length;
        out.reserve(MAX_HEADER);
        match self.length {
            0..126 => out.extend_from_slice(&[first, masked | low]),
            126..0x1_0000 => out.extend_from_slice(&[first, masked | 126, high, low]),
            _ => {
                out.extend_from_slice(&[first, masked | 127]);
                out.extend_from_slice(&length);
            }
        }
        if let Some(key) = self.mask {
            out.extend_from_slice(&key);
        }
    }

    // ANCHOR: check
    /// May a peer send this frame to us, who are `receiver`? The rules that need no memory of earlier frames; those
    /// about the order of fragments need it, and [`Incoming`](super::Incoming) keeps it.
    ///
    /// # Errors
    ///
    /// The broken rule, with close code 1002.
    #[inline]
    pub fn check(&self, receiver: Role) -> Result<(), Violation> {
        if self.rsv != 0 {
            // Often a peer that compresses although nobody agreed to it: RSV1 is permessage-deflate's.
            let what = "the peer set a reserved bit, though no extension was agreed on; does it compress?";
            return Err(Violation::protocol("RFC 6455 section 5.2", what));
        }
        if self.opcode.is_reserved() {
            let bits = self.opcode.bits();
            let what = format!("the peer sent opcode {bits}, which has no meaning; is this the start of a frame?");
            return Err(Violation::protocol("RFC 6455 section 5.2", what));
        }
        // Masking keeps a hostile page from making a browser send bytes of its choice: a proxy in between could take
        // them for an HTTP request and store the answer for others (section 10.3). It protects the path from the
        // client, so it is a duty there and a sign of confusion in the other direction.
        match (receiver, self.mask) {
            (Role::Server, None) => {
                let what = "the client sent a frame that is not masked; clients must mask every frame";
                return Err(Violation::protocol("RFC 6455 section 5.1", what));
            }
            (Role::Client, Some(_)) => {
                let what = "the server sent a masked frame; servers must not mask";
                return Err(Violation::protocol("RFC 6455 section 5.1", what));
            }
            (Role::Server, Some(_)) | (Role::Client, None) => {}
        }
        if self.opcode.is_control() && !self.fin {
            // A copy, for `format!` borrows what it shows: a header that is borrowed, if only here, cannot stay in registers.
            let opcode = self.opcode;
            let what = format!("the peer fragmented a {opcode:?} frame; control frames are always whole");
            return Err(Violation::protocol("RFC 6455 section 5.5", what));
        }
        if self.opcode.is_control() && self.length > MAX_CONTROL_PAYLOAD as u64 {
            let (opcode, length) = (self.opcode, self.length);
            let what = format!("the peer sent a {opcode:?} frame of {length} bytes; 125 is the limit");
            return Err(Violation::protocol("RFC 6455 section 5.5", what));
        }
        Ok(())
    }
    // ANCHOR_END: check
}

/// One length, one encoding: where two spellings mean the same, a filter and the program behind it can be made to read
/// different things.
fn in_shortest_form(length: u64, shortest: u64) -> Result<u64, Violation> {
    if length < shortest {
        let what = format!("the peer wrote the length {length} in more bytes than it needs");
        return Err(Violation::protocol("RFC 6455 section 5.2", what));
    }
    // The sign bit of those languages that have only signed integers.
    if length > i64::MAX as u64 {
        let what = "the peer set the top bit of a 64-bit length, which must be zero; is its byte order right?";
        return Err(Violation::protocol("RFC 6455 section 5.2", what));
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(bytes: &[u8]) -> (FrameHeader, usize) {
        FrameHeader::decode(bytes).unwrap().unwrap()
    }

    #[test]
    fn the_examples_of_section_5_7() {
        let (header, size) = decoded(&[0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f]);
        assert_eq!((header.opcode, header.fin, header.length, size), (Opcode::TEXT, true, 5, 6));
        assert_eq!(header.mask, Some([0x37, 0xfa, 0x21, 0x3d]));
        let (header, size) = decoded(&[0x01, 0x03]);
        assert_eq!((header.opcode, header.fin, header.length, size), (Opcode::TEXT, false, 3, 2));
        let (header, size) = decoded(&[0x82, 0x7e, 0x01, 0x00]);
        assert_eq!((header.opcode, header.length, size), (Opcode::BINARY, 256, 4));
        let (header, size) = decoded(&[0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0]);
        assert_eq!((header.length, size), (65_536, 10));
    }

    #[test]
    fn what_is_encoded_is_decoded_and_every_shorter_piece_asks_for_more() {
        let lengths = [0, 1, 125, 126, 127, 255, 256, 65_535, 65_536, 1 << 32, i64::MAX as u64];
        for bits in 0..=255_u8 {
            for length in lengths {
                let header = FrameHeader {
                    fin: bits & 0x80 != 0,
                    rsv: bits >> 4 & 7,
                    opcode: Opcode::from_bits(bits),
                    mask: (bits & 1 == 0).then_some([1, 2, 3, bits]),
                    length,
                };
                let mut bytes = Vec::new();
                header.encode(&mut bytes);
                assert_eq!(bytes[0], bits);
                assert_eq!(decoded(&bytes), (header, bytes.len()));
                for cut in 0..bytes.len() {
                    assert_eq!(FrameHeader::decode(&bytes[..cut]), Ok(None), "{header:?} cut at {cut}");
                }
            }
        }
    }

    #[test]
    fn lengths_have_one_spelling() {
        for bytes in [&[0x82, 126, 0, 125][..], &[0x82, 126, 0, 0], &[0x82, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff]] {
            let violation = FrameHeader::decode(bytes).unwrap_err();
            assert_eq!(violation.code.0, 1002);
            assert!(violation.what.contains("more bytes than it needs"), "{violation}");
        }
        assert_eq!(decoded(&[0x82, 126, 0, 126]).0.length, 126);
    }

    #[test]
    fn the_top_bit_of_a_length_is_zero() {
        let violation = FrameHeader::decode(&[0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0]).unwrap_err();
        assert!(violation.what.contains("top bit"), "{violation}");
        assert_eq!(decoded(&[0x82, 127, 0x7f, 255, 255, 255, 255, 255, 255, 255]).0.length, i64::MAX as u64);
    }

    #[test]
    fn masks_go_one_way() {
        let plain = FrameHeader::new(Opcode::TEXT, 1);
        let masked = FrameHeader { mask: Some([0; 4]), ..plain };
        assert!(plain.check(Role::Server).unwrap_err().what.contains("not masked"));
        assert!(masked.check(Role::Client).unwrap_err().what.contains("masked"));
        assert_eq!(plain.check(Role::Client), Ok(()));
        assert_eq!(masked.check(Role::Server), Ok(()));
    }

    #[test]
    fn reserved_bits_and_opcodes_are_refused() {
        let good = FrameHeader::new(Opcode::BINARY, 0);
        for bad in [0b100, 0b010, 0b001].map(|rsv| FrameHeader { rsv, ..good }) {
            assert!(bad.check(Role::Client).unwrap_err().what.contains("reserved bit"));
        }
        for bits in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
            let bad = FrameHeader { opcode: Opcode::from_bits(bits), ..good };
            assert!(bad.check(Role::Client).unwrap_err().what.contains(&format!("opcode {bits}")));
        }
    }

    #[test]
    fn control_frames_are_whole_and_short() {
        for opcode in [Opcode::CLOSE, Opcode::PING, Opcode::PONG] {
            let good = FrameHeader::new(opcode, 125);
            assert_eq!(good.check(Role::Client), Ok(()));
            let long = FrameHeader { length: 126, ..good };
            assert!(long.check(Role::Client).unwrap_err().what.contains("126 bytes"));
            let fragment = FrameHeader { fin: false, ..good };
            assert!(fragment.check(Role::Client).unwrap_err().what.contains("fragmented"));
        }
    }
}
