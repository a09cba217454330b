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
//! Data: a [`Framing`], which marks what we send, and for the receiving side a `Decoder` (`framing/decoder.rs`), which
//! holds the bytes that came and belong to no whole message yet. Contract of the decoder: however the same bytes are cut into reads, the same messages come out
//! (for [`Framing::Raw`], the same bytes).
//!
//! # In production
//!
//! `tokio_util::codec` has the same three; Protocol Buffers prefix a length of variable width. Larger systems put a
//! checksum and a version in front as well.

mod decoder;

pub(crate) use decoder::Decoder;

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
    /// No marker: a receive brings whatever one read brings, at least one byte and at most `max_message`. (WLanguage: no
    /// end marker, the mode that a WebSocket has there.)
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
