//! How does one make a network behave badly on purpose, and twice the same?
//!
//! Everything that varies comes from one number, the seed: where a line is cut, in how many pieces it comes, which words
//! are in it. TCP may cut and join as it likes (RFC 9293 section 2.2: what it carries is a stream of bytes), so whatever the
//! adversary does, a correct program does not notice.
//!
//! Here the bytes are chosen. How a piece is kept from running together with the next is [`crate::peer`]'s business.
//!
//! # In production
//!
//! Property tests (proptest, quickcheck) choose and then shrink what failed to the smallest case. Here the cases are small
//! already, and each varies one thing.

use fastrand::Rng;
use std::ops::RangeInclusive;

pub struct Adversary(Rng);

impl Adversary {
    /// `salt` tells the probes of one run apart: leaving one out does not change what the others do.
    pub fn new(seed: u64, salt: &str) -> Self {
        // FNV-1a, so that the same seed means the same run on every machine and with every version of Rust.
        let hash = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01B3);
        Self(Rng::with_seed(salt.bytes().fold(0xCBF2_9CE4_8422_2325 ^ seed, hash)))
    }

    /// A number of the range, both ends included.
    pub fn number(&mut self, range: RangeInclusive<usize>) -> usize {
        self.0.usize(range)
    }

    /// `true` in half of the cases.
    pub fn coin(&mut self) -> bool {
        self.0.bool()
    }

    /// A short word of ASCII letters.
    pub fn word(&mut self) -> String {
        const WORDS: [&str; 12] = [
            "apple", "bridge", "candle", "dragon", "engine", "forest", "garden", "harbour", "island", "jacket",
            "kettle", "lantern",
        ];
        WORDS[self.0.usize(..WORDS.len())].to_owned()
    }

    /// Two to four words.
    pub fn sentence(&mut self) -> String {
        let count = self.number(2..=4);
        (0..count).map(|_| self.word()).collect::<Vec<_>>().join(" ")
    }

    /// `length` ASCII letters.
    pub fn letters(&mut self, length: usize) -> String {
        (0..length).map(|_| self.0.lowercase()).collect()
    }

    /// Two pieces, none empty. `bytes` must have two bytes at least.
    pub fn halves<'a>(&mut self, bytes: &'a [u8]) -> (&'a [u8], &'a [u8]) {
        bytes.split_at(self.number(1..=bytes.len() - 1))
    }

    /// At most `most` pieces, none empty, that together are `bytes`.
    pub fn pieces<'a>(&mut self, bytes: &'a [u8], most: usize) -> Vec<&'a [u8]> {
        let mut pieces = Vec::new();
        let mut rest = bytes;
        while rest.len() > 1 && pieces.len() + 1 < most {
            let (piece, after) = self.halves(rest);
            pieces.push(piece);
            rest = after;
        }
        pieces.push(rest);
        pieces
    }

    /// One byte at a time.
    pub fn dribble<'a>(&mut self, bytes: &'a [u8]) -> Vec<&'a [u8]> {
        bytes.chunks(1).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_plays_the_same_run_and_another_another() {
        let play = |seed, salt| {
            let mut adversary = Adversary::new(seed, salt);
            (0..20).map(|_| adversary.number(0..=1000)).collect::<Vec<_>>()
        };
        assert_eq!(play(7, "cut"), play(7, "cut"));
        assert_ne!(play(7, "cut"), play(8, "cut"));
        assert_ne!(play(7, "cut"), play(7, "glue"));
    }

    #[test]
    fn pieces_lose_nothing_and_none_is_empty() {
        for seed in 0..200 {
            let pieces =
                Adversary::new(seed, "").pieces(b"hello, world", 4).into_iter().map(<[u8]>::to_vec).collect::<Vec<_>>();
            assert!(pieces.len() <= 4 && pieces.iter().all(|piece| !piece.is_empty()), "{pieces:?}");
            assert_eq!(pieces.concat(), b"hello, world");
        }
    }
}
