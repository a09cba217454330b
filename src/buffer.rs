//! Where do bytes wait between the read that brought them and the message they belong to?
//!
//! TCP delivers what it likes: half a message, or three at once. The bytes of the rest stay here. Data: one block of
//! memory, of which `start..end` holds bytes that came and were not taken.
//!
//! ```text
//!   0          start         end              block.len()
//!   |  taken   |  unread     |  space          |
//! ```
//!
//! Invariant: `start <= end <= block.len()`. Taking bytes only moves `start`: with many messages in one read, moving the
//! rest to the front after each would cost as many copies. The front is only tidied when the back runs out of space.
//!
//! # In production
//!
//! The `bytes` crate hands out reference-counted slices of such a block, so that a message can outlive the next read
//! without a copy.

/// What a new buffer begins with: ten thousand idle clients pay for it.
const SMALL: usize = 4 * 1024;
/// How much a buffer grows at most in one step beyond what it holds already.
const STEP: usize = 256 * 1024;

/// Bytes that were read and not yet understood.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    block: Vec<u8>,
    start: usize,
    end: usize,
}

impl Buffer {
    /// The bytes that came and were not taken.
    pub(crate) fn unread(&self) -> &[u8] {
        &self.block[self.start..self.end]
    }

    /// Room for the next read: never empty. `expected` is how many bytes are still missing to a whole message, as far
    /// as that is known. It is the peer's word, so it is followed only in steps that bytes already received justify.
    pub(crate) fn space(&mut self, expected: usize) -> &mut [u8] {
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        }
        let unread = self.end - self.start;
        let wanted = expected.clamp(SMALL, unread.max(STEP));
        if self.block.len() - self.end < wanted {
            self.block.copy_within(self.start..self.end, 0);
            (self.start, self.end) = (0, unread);
            if self.block.len() < unread + wanted {
                self.block.resize(unread + wanted, 0);
            }
        }
        &mut self.block[self.end..]
    }

    /// So many bytes were put into the space.
    pub(crate) fn filled(&mut self, count: usize) {
        self.end = (self.end + count).min(self.block.len());
    }

    /// So many bytes are understood and not needed any more.
    pub(crate) fn take(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
        // One large message must not cost its size for the rest of a long and quiet conversation.
        if self.start == self.end && self.block.len() > STEP {
            *self = Buffer::default();
        }
    }

    #[cfg(test)]
    pub(crate) fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let space = self.space(bytes.len());
            let count = space.len().min(bytes.len());
            space[..count].copy_from_slice(&bytes[..count]);
            self.filled(count);
            bytes = &bytes[count..];
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_come_out_as_they_went_in_whatever_is_taken_when() {
        let mut buffer = Buffer::default();
        let (mut next_in, mut next_out) = (0u8, 0u8);
        for round in 1..2_000usize {
            let bytes: Vec<u8> = (0..round % 97)
                .map(|_| {
                    next_in = next_in.wrapping_add(1);
                    next_in
                })
                .collect();
            buffer.push(&bytes);
            let count = (round * 31) % (buffer.unread().len() + 1);
            for &byte in &buffer.unread()[..count] {
                next_out = next_out.wrapping_add(1);
                assert_eq!(byte, next_out);
            }
            buffer.take(count);
        }
    }

    #[test]
    fn a_promise_of_bytes_does_not_allocate_them() {
        let mut buffer = Buffer::default();
        assert!(buffer.space(1 << 40).len() <= STEP);
    }

    #[test]
    fn the_space_is_never_empty_and_a_large_message_is_forgotten() {
        let mut buffer = Buffer::default();
        buffer.push(&vec![7; 3 * STEP]);
        assert!(!buffer.space(0).is_empty());
        buffer.take(3 * STEP);
        assert!(buffer.block.len() <= STEP);
    }
}
