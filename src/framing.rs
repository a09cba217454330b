//! Where does one message end and the next begin?
//!
//! TCP carries a stream of bytes and keeps no borders: what one side wrote in two calls the other may read in one, or
//! in seven. Whoever wants messages must mark them, and both sides must agree how. WINDEV calls this the transmission
//! mode; there are only three ideas, and every protocol on the Internet uses one of them:
//!
//! | framing | on the wire, for `Hello World` | who uses it | the price |
//! |---|---|---|---|
//! | [`Framing::Raw`] | `Hello World` | nothing but a stream | no messages: one receive brings what one read brings |
//! | [`Framing::Delimiter`] | `Hello World` CR LF | SMTP, NNTP, IRC, Redis | the marker must not occur in a message |
//! | [`Framing::DecimalLength`] | `11` CR LF `Hello World` | WINDEV by default; HTTP in `Content-Length` | the length must be known first |
//! | [`Framing::BinaryLength`] | 00 00 00 0b `Hello World` | DNS over TCP, TLS records, Kafka | both must agree on width and byte order |
//!
//! Data: a [`Framing`] and, for the receiving side, a `Decoder`, which holds the bytes that came and belong to no
//! whole message yet. Contract of the decoder: however the same bytes are cut into reads, the same messages come out
//! (for [`Framing::Raw`], the same bytes).
//!
//! # In production
//!
//! `tokio_util::codec` has the same three; Protocol Buffers prefix a length of variable width. Larger systems put a
//! checksum and a version in front as well.

use crate::buffer::Buffer;
use crate::error::Error;

/// How messages are marked in the stream. WLanguage: `SocketChangeTransmissionMode` (in French
/// `SocketChangeModeTransmission`). Lengths count bytes, never characters.
///
/// ```
/// use socklab::Framing;
///
/// let mut wire = Vec::new();
/// Framing::DecimalLength.encode("Hello World".as_bytes(), 1024, &mut wire)?;
/// Framing::lines().encode("Grüße".as_bytes(), 1024, &mut wire)?;
/// assert_eq!(wire, "11\r\nHello WorldGrüße\n".as_bytes());
/// # Ok::<(), socklab::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Framing {
    /// No marker: a receive brings whatever one read brings, at least one byte and at most `max_message`. (WLanguage: no end marker, the
    /// mode that a WebSocket has there.)
    Raw,
    /// A marker ends each message and is not part of it. It has at least one byte, and no message may contain it.
    Delimiter(Vec<u8>),
    /// The length in bytes as a decimal number, CR LF, then the message: the default between two WINDEV programs.
    DecimalLength,
    /// The length in bytes as a binary number of fixed width, then the message.
    BinaryLength {
        /// How many bytes the length takes.
        width: LengthWidth,
        /// Which of its bytes comes first.
        order: ByteOrder,
    },
}

/// How many bytes a binary length takes, and so how long a message can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LengthWidth {
    /// One byte: messages up to 255 bytes.
    One,
    /// Two bytes: up to 65,535.
    Two,
    /// Four bytes: up to 4,294,967,295.
    Four,
    /// Eight bytes.
    Eight,
}

impl LengthWidth {
    fn bytes(self) -> usize {
        match self {
            LengthWidth::One => 1,
            LengthWidth::Two => 2,
            LengthWidth::Four => 4,
            LengthWidth::Eight => 8,
        }
    }
}

/// Which byte of a number comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ByteOrder {
    /// The most significant byte first: "network order", what RFCs mean when they say nothing.
    BigEndian,
    /// The least significant byte first: what most processors do in memory. A program that sends its memory as it is
    /// announces 184,549,376 bytes to a peer who expects network order, where it meant 11.
    LittleEndian,
}

/// The longest decimal length that we read: 20 digits hold any `u64`, and a peer that sends digits for ever is stopped.
const MAX_DIGITS: usize = 20;

impl Framing {
    /// Lines that end with LF, as a shell or `nc` sends them.
    pub fn lines() -> Framing {
        Framing::Delimiter(b"\n".to_vec())
    }

    /// Lines that end with CR LF, as the Internet's text protocols want them (RFC 5321, RFC 3977).
    pub fn internet_lines() -> Framing {
        Framing::Delimiter(b"\r\n".to_vec())
    }

    /// The length as four bytes in network order, then the message.
    pub fn length_prefix() -> Framing {
        Framing::BinaryLength { width: LengthWidth::Four, order: ByteOrder::BigEndian }
    }

    /// Appends the message to `wire`, marked.
    ///
    /// Errors: [`Error::TooLong`] over `limit`; [`Error::Unsendable`] where the receiver could not get it back whole,
    /// because it holds the delimiter, or its length does not fit the width, or it is empty and unmarked.
    pub fn encode(&self, message: &[u8], limit: usize, wire: &mut Vec<u8>) -> Result<(), Error> {
        if message.len() > limit {
            return Err(Error::TooLong { length: message.len() as u64, limit });
        }
        match self {
            Framing::Raw if message.is_empty() => {
                return unsendable("it is empty, and without a marker nothing at all would reach the peer".into());
            }
            Framing::Raw => wire.extend_from_slice(message),
            Framing::Delimiter(marker) => {
                check_delimiter(marker)?;
                // The last bytes of the message and the first of the marker may form a marker of their own: a message
                // "a\r" before "\r\n" is fine, but "x|" before "||" would end one byte early.
                wire.reserve(message.len() + marker.len());
                let start = wire.len();
                wire.extend_from_slice(message);
                wire.extend_from_slice(marker);
                if find(&wire[start..], marker) != Some(message.len()) {
                    wire.truncate(start);
                    return unsendable(format!(
                        "it contains its own end marker {}, and the peer would see two messages",
                        marker.escape_ascii()
                    ));
                }
            }
            Framing::DecimalLength => {
                wire.extend_from_slice(format!("{}\r\n", message.len()).as_bytes());
                wire.extend_from_slice(message);
            }
            Framing::BinaryLength { width, order } => {
                let (length, bytes) = (message.len() as u64, width.bytes());
                if bytes < 8 && length >> (8 * bytes) != 0 {
                    return unsendable(format!("its length {length} does not fit into {bytes} byte(s)"));
                }
                match order {
                    ByteOrder::BigEndian => wire.extend_from_slice(&length.to_be_bytes()[8 - bytes..]),
                    ByteOrder::LittleEndian => wire.extend_from_slice(&length.to_le_bytes()[..bytes]),
                }
                wire.extend_from_slice(message);
            }
        }
        Ok(())
    }
}

fn unsendable(why: String) -> Result<(), Error> {
    Err(Error::Unsendable { why })
}

fn check_delimiter(marker: &[u8]) -> Result<(), Error> {
    if marker.is_empty() {
        return unsendable("an end marker needs at least one byte".into());
    }
    Ok(())
}

fn find(bytes: &[u8], marker: &[u8]) -> Option<usize> {
    bytes.windows(marker.len()).position(|window| window == marker)
}

/// What the receiving side keeps between two reads.
#[derive(Debug)]
pub(crate) struct Decoder {
    framing: Framing,
    limit: usize,
    buffer: Buffer,
    /// How far the delimiter has been looked for in vain. Without it a peer that sends a long line byte by byte would
    /// have us search the whole line again for each byte.
    searched: usize,
    /// How many bytes are missing to a whole message, as far as the framing tells.
    missing: usize,
}

/// The two numbers that a length framing tells: how long the mark in front is, and how long the message behind it.
type Announced = Option<(usize, u64)>;

impl Decoder {
    pub(crate) fn new(framing: Framing, limit: usize) -> Decoder {
        Decoder { framing, limit, buffer: Buffer::default(), searched: 0, missing: 0 }
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
        self.buffer.space(self.missing)
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
                    None if unread.len() >= self.limit + marker.len() => {
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
                    let whole = mark + length as usize;
                    if unread.len() < whole {
                        self.missing = whole - unread.len();
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
        (self.searched, self.missing) = (0, 0);
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
        [b'\r', b'\n', ..] if digits > 0 => {
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
    fn a_length_that_is_none_is_said_to_be_so() {
        for wire in ["x", "1x", "\r\n", "-1\r\n", "1\r1", "1\n", "99999999999999999999\r\n", "123456789012345678901"] {
            let mut decoder = Decoder::new(Framing::DecimalLength, 5);
            decoder.buffer.push(wire.as_bytes());
            assert!(matches!(decoder.next_message(), Err(Error::Malformed { .. })), "{wire:?}");
        }
    }
}
