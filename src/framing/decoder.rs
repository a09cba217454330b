//! How does the receiving side find the messages in what the reads brought?
//!
//! Each read brings a piece of the stream, cut anywhere: in the middle of a message, of a length, of a two-byte marker. The
//! pieces are collected, and asked again and again whether they begin with a whole message.
//!
//! Three mistakes are usual. To search a long line from its beginning for each byte that comes; to look for the marker in
//! the new piece only, where the half of it that came before is missed; and to allocate what a length announces, which is
//! a stranger's word.

use super::{ByteOrder, Framing, check_delimiter, find};
use crate::buffer::Buffer;
use crate::error::Error;

/// The longest decimal length that we read: 20 digits hold any `u64`, and a peer that sends digits for ever is stopped.
const MAX_DIGITS: usize = 20;

/// What the receiving side keeps between two reads.
#[derive(Debug)]
pub(crate) struct Decoder {
    framing: Framing,
    limit: usize,
    buffer: Buffer,
    /// How far the delimiter has been looked for in vain. Without it a peer that sends a long line byte by byte would
    /// have us search the whole line again for each byte.
    searched: usize,
}

/// The two numbers that a length framing tells: how long the mark in front is, and how long the message behind it.
type Announced = Option<(usize, u64)>;

impl Decoder {
    pub(crate) fn new(framing: Framing, limit: usize) -> Decoder {
        Decoder { framing, limit, buffer: Buffer::default(), searched: 0 }
    }

    /// How the stream is marked at the moment.
    pub(crate) fn framing(&self) -> &Framing {
        &self.framing
    }

    /// From the next message on, the stream is marked differently. Bytes that came already stay.
    pub(crate) fn set_framing(&mut self, framing: Framing) {
        self.framing = framing;
        self.searched = 0;
    }

    /// Room for the next read.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        self.buffer.space()
    }

    /// The read put so many bytes there.
    pub(crate) fn filled(&mut self, count: usize) {
        self.buffer.filled(count);
    }

    /// Bytes that belong to no message that was handed out.
    pub(crate) fn unread(&self) -> &[u8] {
        self.buffer.unread()
    }

    /// The bytes that belong to no message, given away: the connection goes on under another protocol.
    pub(crate) fn take_unread(&mut self) -> Vec<u8> {
        let bytes = self.buffer.unread().to_vec();
        self.buffer.take(bytes.len());
        bytes
    }

    /// The next whole message, or `None` if it needs more bytes.
    pub(crate) fn next_message(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let unread = self.buffer.unread();
        let (mark, length, after) = match &self.framing {
            Framing::Raw if unread.is_empty() => return Ok(None),
            // Without marks there is no message to be too long: what is over the limit is the next piece.
            Framing::Raw => (0, unread.len().min(self.limit.max(1)), 0),
            Framing::Delimiter(marker) => {
                check_delimiter(marker)?;
                // The marker may have begun in the bytes already searched: step back by all of it but one byte.
                let from = self.searched.saturating_sub(marker.len() - 1);
                match find(&unread[from..], marker) {
                    Some(position) => (0, from + position, marker.len()),
                    // Saturating, here and below: `usize::MAX` is a limit that means none, and a length may be a lie.
                    None if unread.len() >= self.limit.saturating_add(marker.len()) => {
                        return Err(Error::TooLong { length: unread.len() as u64, limit: self.limit });
                    }
                    None => {
                        self.searched = unread.len();
                        return Ok(None);
                    }
                }
            }
            Framing::DecimalLength | Framing::BinaryLength { .. } => match announced(&self.framing, unread)? {
                None => return Ok(None),
                Some((_, length)) if length > self.limit as u64 => {
                    return Err(Error::TooLong { length, limit: self.limit });
                }
                Some((mark, length)) => {
                    let whole = mark.saturating_add(usize::try_from(length).unwrap_or(usize::MAX));
                    if unread.len() < whole {
                        self.buffer.want(whole);
                        return Ok(None);
                    }
                    (mark, length as usize, 0)
                }
            },
        };
        if length > self.limit {
            return Err(Error::TooLong { length: length as u64, limit: self.limit });
        }
        let message = unread[mark..mark + length].to_vec();
        self.buffer.take(mark + length + after);
        self.searched = 0;
        Ok(Some(message))
    }
}

/// Reads the length in front of a message. `None` if it is not all there yet.
fn announced(framing: &Framing, unread: &[u8]) -> Result<Announced, Error> {
    if let Framing::BinaryLength { width, order } = framing {
        let Some(mark) = unread.get(..width.bytes()) else { return Ok(None) };
        let add = |length: u64, byte: &u8| length << 8 | u64::from(*byte);
        let length = match order {
            ByteOrder::BigEndian => mark.iter().fold(0, add),
            ByteOrder::LittleEndian => mark.iter().rev().fold(0, add),
        };
        return Ok(Some((mark.len(), length)));
    }
    let digits = unread.iter().take_while(|byte| byte.is_ascii_digit()).count();
    match &unread[digits..] {
        // All that came so far could still become a length.
        [] | [b'\r'] if digits <= MAX_DIGITS && (digits > 0 || unread.is_empty()) => Ok(None),
        // More digits are refused also when they come at once: whether a message is one must not depend on the cuts.
        [b'\r', b'\n', ..] if (1..=MAX_DIGITS).contains(&digits) => {
            let text = String::from_utf8_lossy(&unread[..digits]);
            match text.parse() {
                Ok(length) => Ok(Some((digits + 2, length))),
                Err(_) => Err(Error::Malformed { what: format!("the announced length {text} is no possible length") }),
            }
        }
        _ => {
            let found = unread[..unread.len().min(MAX_DIGITS + 2)].escape_ascii();
            Err(Error::Malformed {
                what: format!("a message should begin with its length, CR LF, but it begins \"{found}\""),
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::framing::LengthWidth;

    fn all_framings() -> Vec<Framing> {
        let mut framings = vec![
            Framing::lines(),
            Framing::internet_lines(),
            Framing::Delimiter(b"<EOF>".to_vec()),
            Framing::Delimiter(b"aab".to_vec()),
            Framing::DecimalLength,
        ];
        for width in [LengthWidth::One, LengthWidth::Two, LengthWidth::Four, LengthWidth::Eight] {
            for order in [ByteOrder::BigEndian, ByteOrder::LittleEndian] {
                framings.push(Framing::BinaryLength { width, order });
            }
        }
        framings
    }

    fn decode(framing: &Framing, wire: &[u8], cut: usize) -> Result<Vec<Vec<u8>>, Error> {
        let mut decoder = Decoder::new(framing.clone(), 1000);
        let mut messages = Vec::new();
        for piece in wire.chunks(cut) {
            decoder.buffer.push(piece);
            while let Some(message) = decoder.next_message()? {
                messages.push(message);
            }
        }
        assert!(decoder.unread().is_empty(), "{framing:?} left bytes over");
        Ok(messages)
    }

    #[test]
    fn every_framing_survives_every_cut() {
        let messages = [b"Hello World".to_vec(), Vec::new(), b"11".to_vec(), vec![b'a'; 255], "Gr\u{fc}\u{df}e".into()];
        for framing in all_framings() {
            let mut wire = Vec::new();
            for message in &messages {
                framing.encode(message, 1000, &mut wire).unwrap();
            }
            for cut in 1..=wire.len() {
                assert_eq!(decode(&framing, &wire, cut).unwrap(), messages, "{framing:?} cut every {cut}");
            }
        }
    }

    #[test]
    fn the_bytes_are_those_of_the_table() {
        let on_the_wire = |framing: Framing| {
            let mut wire = Vec::new();
            framing.encode(b"Hello World", 1000, &mut wire).unwrap();
            wire
        };
        assert_eq!(on_the_wire(Framing::Raw), b"Hello World");
        assert_eq!(on_the_wire(Framing::internet_lines()), b"Hello World\r\n");
        assert_eq!(on_the_wire(Framing::DecimalLength), b"11\r\nHello World");
        assert_eq!(on_the_wire(Framing::length_prefix()), b"\0\0\0\x0bHello World");
        let little = Framing::BinaryLength { width: LengthWidth::Two, order: ByteOrder::LittleEndian };
        assert_eq!(on_the_wire(little), b"\x0b\0Hello World");
    }

    #[test]
    fn a_length_with_too_many_digits_is_refused_however_it_is_cut() {
        for cut in 1..=30 {
            let result = decode(&Framing::DecimalLength, b"0000000000000000000000005\r\nHello", cut);
            assert!(matches!(result, Err(Error::Malformed { .. })), "pieces of {cut}: {result:?}");
        }
        let most = decode(&Framing::DecimalLength, b"00000000000000000005\r\nHello", 7);
        assert_eq!(most.unwrap(), [b"Hello"]);
    }

    #[test]
    fn a_length_counts_bytes_and_not_characters() {
        let mut wire = Vec::new();
        Framing::DecimalLength.encode("é".as_bytes(), 10, &mut wire).unwrap();
        assert_eq!(wire, "2\r\né".as_bytes());
    }

    #[test]
    fn a_message_that_would_arrive_as_two_is_not_sent() {
        for (marker, message) in [("\n", "a\nb"), ("||", "x|"), ("aab", "xaa")] {
            let framing = Framing::Delimiter(marker.into());
            let mut wire = b"before".to_vec();
            let sent = framing.encode(message.as_bytes(), 100, &mut wire);
            if marker == "aab" {
                sent.unwrap(); // "xaa" + "aab" holds "aab" first where the marker stands: the message comes back whole
            } else {
                assert!(matches!(sent, Err(Error::Unsendable { .. })), "{message:?} with {marker:?}");
                assert_eq!(wire, b"before", "nothing of a refused message may be left behind");
            }
        }
    }

    #[test]
    fn what_has_no_form_is_refused() {
        let mut wire = Vec::new();
        assert!(matches!(Framing::Raw.encode(b"", 9, &mut wire), Err(Error::Unsendable { .. })));
        assert!(matches!(Framing::Delimiter(vec![]).encode(b"x", 9, &mut wire), Err(Error::Unsendable { .. })));
        let byte = Framing::BinaryLength { width: LengthWidth::One, order: ByteOrder::BigEndian };
        assert!(matches!(byte.encode(&[0; 256], 999, &mut wire), Err(Error::Unsendable { .. })));
        assert!(matches!(
            Framing::lines().encode(&[0; 10], 9, &mut wire),
            Err(Error::TooLong { length: 10, limit: 9 })
        ));
        assert!(wire.is_empty());
    }

    #[test]
    fn a_message_over_the_limit_is_refused_as_soon_as_it_shows() {
        let too_long = |framing: Framing, wire: &[u8]| {
            let mut decoder = Decoder::new(framing, 5);
            decoder.buffer.push(wire);
            assert!(matches!(decoder.next_message(), Err(Error::TooLong { .. })), "{wire:?}");
        };
        too_long(Framing::lines(), b"123456");
        too_long(Framing::lines(), b"123456\n");
        too_long(Framing::DecimalLength, b"6\r\n");
        too_long(Framing::DecimalLength, b"18446744073709551615\r\n");
        too_long(Framing::length_prefix(), b"\xff\xff\xff\xff");
        let mut exactly = Decoder::new(Framing::lines(), 5);
        exactly.buffer.push(b"12345");
        assert_eq!(exactly.next_message().unwrap(), None);
        exactly.buffer.push(b"\n");
        assert_eq!(exactly.next_message().unwrap().unwrap(), b"12345");
    }

    #[test]
    fn no_limit_is_no_reason_to_panic() {
        let mut lines = Decoder::new(Framing::lines(), usize::MAX);
        lines.buffer.push(b"no end");
        assert_eq!(lines.next_message().unwrap(), None);
        let eight = Framing::BinaryLength { width: LengthWidth::Eight, order: ByteOrder::BigEndian };
        for (framing, wire) in [(eight, &[0xff; 20][..]), (Framing::DecimalLength, b"18446744073709551615\r\nHello")] {
            let mut decoder = Decoder::new(framing, usize::MAX);
            decoder.buffer.push(wire);
            assert_eq!(decoder.next_message().unwrap(), None);
            decoder.space();
        }
    }

    #[test]
    fn a_length_that_is_none_is_said_to_be_so() {
        for wire in ["x", "1x", "\r\n", "-1\r\n", "1\r1", "1\n", "99999999999999999999\r\n", "123456789012345678901"] {
            let mut decoder = Decoder::new(Framing::DecimalLength, 5);
            decoder.buffer.push(wire.as_bytes());
            assert!(matches!(decoder.next_message(), Err(Error::Malformed { .. })), "{wire:?}");
        }
    }
}
