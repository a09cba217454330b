//! Who speaks, and what is a frame for?
//!
//! Two small words that every rule about frames needs: which of the two ends this is, and the four bits that say what
//! kind of frame it is (RFC 6455 section 5.2).
//!
//! # In production
//!
//! Ten of the sixteen opcodes have no meaning to this day: extensions found the three reserved bits enough.

use std::fmt;

/// Which end of the connection is this? The two are not alike: a client masks what it sends, a server never does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The end that connected and asked for the upgrade.
    Client,
    /// The end that accepted.
    Server,
}

/// What a frame is for: four bits, and any of their sixteen values may come. It is not an `enum`, for a trace shows what
/// came, with a meaning or without.
///
/// ```
/// use socklab::websocket::protocol::Opcode;
///
/// assert_eq!(Opcode::from_bits(0x89), Opcode::PING); // FIN stands in the same byte, and is not the opcode's
/// assert!(Opcode::PING.is_control());
/// assert!(Opcode::from_bits(3).is_reserved());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Opcode(u8);

impl Opcode {
    /// 0: the next piece of a message that has begun.
    pub const CONTINUATION: Opcode = Opcode(0);
    /// 1: a text message, or its first piece.
    pub const TEXT: Opcode = Opcode(1);
    /// 2: a binary message, or its first piece.
    pub const BINARY: Opcode = Opcode(2);
    /// 8: the last frame of this direction.
    pub const CLOSE: Opcode = Opcode(8);
    /// 9: "are you there?"
    pub const PING: Opcode = Opcode(9);
    /// 10: "I am."
    pub const PONG: Opcode = Opcode(10);

    /// The opcode in the low four bits of a frame's first byte.
    pub const fn from_bits(bits: u8) -> Self {
        Opcode(bits & 0x0f)
    }

    /// The four bits of this opcode.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Control frames speak about the connection, data frames carry messages. The highest of the four bits decides, so
    /// this is known even of the reserved ones (RFC 6455 section 5.5).
    pub const fn is_control(self) -> bool {
        self.0 & 0x08 != 0
    }

    /// 3 to 7 and 11 to 15 have no meaning yet, and [`FrameHeader::check`](super::FrameHeader::check) refuses them.
    pub const fn is_reserved(self) -> bool {
        self.0 & 0x07 > 2
    }
}

impl fmt::Debug for Opcode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match *self {
            Opcode::CONTINUATION => "Continuation",
            Opcode::TEXT => "Text",
            Opcode::BINARY => "Binary",
            Opcode::CLOSE => "Close",
            Opcode::PING => "Ping",
            Opcode::PONG => "Pong",
            Opcode(bits) => return write!(f, "Reserved({bits})"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn four_bits_make_an_opcode_and_back() {
        for bits in 0..16 {
            let opcode = Opcode::from_bits(bits);
            assert_eq!(opcode.bits(), bits);
            assert_eq!(Opcode::from_bits(0xf0 | bits), opcode, "the upper four bits are not the opcode's");
            assert_eq!(opcode.is_control(), bits >= 8);
            assert_eq!(opcode.is_reserved(), !matches!(bits, 0..=2 | 8..=10));
        }
    }
}
