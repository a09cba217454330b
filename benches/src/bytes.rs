//! What is sent, and what must come back, byte for byte?
//!
//! A message of 16 MiB is not kept as 16 MiB: its payload repeats a piece that stays in the processor's cache, or the load
//! generator would spend its time on fetching what it compares. The piece's length is no power of two, so that a
//! server which swaps, drops or repeats one of its buffers is noticed.

use crate::link::Link;
use std::io;

/// How long the repeated piece is: a multiple of four, for masking must not disturb the period.
pub const PERIOD: usize = 64 * 1024 + 4;

/// Some bytes to send or to expect.
#[derive(Debug, Clone)]
pub struct Bytes {
    /// The beginning: header and first piece, so that they leave in one write.
    start: Vec<u8>,
    header: usize,
    piece: Vec<u8>,
    length: usize,
}

impl Bytes {
    /// A header, and a payload of so many bytes that repeats `piece`.
    pub fn new(header: &[u8], piece: &[u8], payload: usize) -> Bytes {
        let start = [header, &piece[..piece.len().min(payload)]].concat();
        Bytes { start, header: header.len(), piece: piece.to_vec(), length: header.len() + payload }
    }

    /// These bytes, once.
    pub fn once(bytes: Vec<u8>) -> Bytes {
        Bytes { header: bytes.len(), piece: Vec::new(), length: bytes.len(), start: bytes }
    }

    pub fn len(&self) -> usize {
        self.length
    }

    pub fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// As many as lie in one piece from this position on; none at the end.
    pub fn at(&self, position: usize) -> &[u8] {
        if position < self.start.len() {
            return &self.start[position..];
        }
        if position >= self.length {
            return &[];
        }
        let from = (position - self.header) % self.piece.len();
        let count = (self.piece.len() - from).min(self.length - position);
        &self.piece[from..from + count]
    }

    /// All of it in one piece of memory.
    pub fn whole(&self) -> Vec<u8> {
        let mut all = Vec::with_capacity(self.length);
        while all.len() < self.length {
            all.extend_from_slice(self.at(all.len()));
        }
        all
    }

    /// Sends all of it.
    pub fn send(&self, link: &Link) -> io::Result<()> {
        let mut position = 0;
        while position < self.length {
            let now = self.at(position);
            link.send(now)?;
            position += now.len();
        }
        Ok(())
    }

    /// Receives exactly as many, and compares every one.
    pub fn expect(&self, link: &Link, buffer: &mut [u8]) -> io::Result<()> {
        let mut position = 0;
        while position < self.length {
            let space = buffer.len().min(self.length - position);
            let count = link.receive(&mut buffer[..space])?;
            if count == 0 {
                return Err(io::Error::other(format!("the server ended after {position} of {} bytes", self.length)));
            }
            self.compare(&buffer[..count], position)?;
            position += count;
        }
        Ok(())
    }

    /// Receives what there is by now, if anything, and compares it. True when that was the last of it.
    pub fn expect_more(&self, position: &mut usize, link: &Link, buffer: &mut [u8]) -> io::Result<bool> {
        let space = buffer.len().min(self.length - *position);
        match link.try_receive(&mut buffer[..space])? {
            None => return Ok(false),
            Some(0) => {
                return Err(io::Error::other(format!("the server ended after {position} of {} bytes", self.length)));
            }
            Some(count) => {
                self.compare(&buffer[..count], *position)?;
                *position += count;
            }
        }
        Ok(*position == self.length)
    }

    fn compare(&self, mut came: &[u8], mut position: usize) -> io::Result<()> {
        while !came.is_empty() {
            let expected = self.at(position);
            let (now, later) = came.split_at(came.len().min(expected.len()));
            if now != &expected[..now.len()] {
                let wrong = now.iter().zip(expected).position(|(came, expected)| came != expected).unwrap_or(0);
                let (at, came, expected) = (position + wrong, now[wrong], expected[wrong]);
                return Err(io::Error::other(format!("byte {at} came back as {came:02x} instead of {expected:02x}")));
            }
            position += now.len();
            came = later;
        }
        Ok(())
    }
}

/// Bytes that look like nothing: xorshift, the same for the same seed.
pub fn noise(seed: u64, count: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..count).map(|_| next()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_payload_repeats_behind_the_header_and_ends_where_it_should() {
        let bytes = Bytes::new(b"head", b"abcde", 12);
        assert_eq!(bytes.whole(), b"headabcdeabcdeab");
        assert_eq!(Bytes::new(b"head", b"abcde", 3).whole(), b"headabc");
        assert_eq!(Bytes::once(b"all of it".to_vec()).whole(), b"all of it");
    }

    #[test]
    fn one_wrong_byte_is_noticed_wherever_it_is() {
        let bytes = Bytes::new(b"head", b"abcde", 12);
        let right = bytes.whole();
        for cut in 0..right.len() {
            assert!(bytes.compare(&right[cut..], cut).is_ok());
            let mut wrong = right.clone();
            wrong[cut] ^= 1;
            assert!(bytes.compare(&wrong, 0).is_err(), "byte {cut}");
        }
    }
}
