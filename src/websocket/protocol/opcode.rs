//! Who speaks, and what is a frame for?
//!
//! Two small words that every rule about frames needs: which of the two ends this is, and the four bits that say what
//! kind of frame it is (RFC 6455 section 5.2).
//!
//! # In production
//!
//! Ten of the sixteen opcodes have no meaning to this day: extensions found the three reserved bits enough.

/// Which end of the connection is this? The two are not alike: a client masks what it sends, a server never does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The end that connected and asked for the upgrade.
    Client,
    /// The end that accepted.
    Server,
}

/// What a frame is for: four bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Opcode {
    /// 0: the next piece of a message that has begun.
    Continuation,
    /// 1: a text message, or its first piece.
    Text,
    /// 2: a binary message, or its first piece.
    Binary,
    /// 8: the last frame of this direction.
    Close,
    /// 9: "are you there?"
    Ping,
    /// 10: "I am."
    Pong,
    /// 3 to 7 and 11 to 15: no meaning yet. Kept so that a trace can show what came;
    /// [`FrameHeader::check`](super::FrameHeader::check) refuses it.
    Reserved(u8),
}

impl Opcode {
    /// The opcode in the low four bits of a frame's first byte.
    pub const fn from_bits(bits: u8) -> Self {
        match bits & 0x0f {
            0 => Opcode::Continuation,
            1 => Opcode::Text,
            2 => Opcode::Binary,
            8 => Opcode::Close,
            9 => Opcode::Ping,
            10 => Opcode::Pong,
            other => Opcode::Reserved(other),
        }
    }

    /// The four bits of this opcode.
    pub const fn bits(self) -> u8 {
        match self {
            Opcode::Continuation => 0,
            Opcode::Text => 1,
            Opcode::Binary => 2,
            Opcode::Close => 8,
            Opcode::Ping => 9,
            Opcode::Pong => 10,
            Opcode::Reserved(bits) => bits & 0x0f,
        }
    }

    /// Control frames speak about the connection, data frames carry messages. The highest of the four bits decides, so
    /// this is known even of the reserved ones (RFC 6455 section 5.5).
    pub const fn is_control(self) -> bool {
        match self {
            Opcode::Continuation | Opcode::Text | Opcode::Binary => false,
            Opcode::Close | Opcode::Ping | Opcode::Pong => true,
            Opcode::Reserved(bits) => bits & 0x08 != 0,
        }
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
            assert_eq!(matches!(opcode, Opcode::Reserved(_)), !matches!(bits, 0..=2 | 8..=10));
        }
    }
}
