//! Where do the bytes wait between the read that brought them and the message they belong to?
//!
//! In one growing buffer, read at its front and filled at its end:
//!
//! ```text
//!   0        start                 end                bytes.len()
//!   | taken  | arrived, not taken  | space for a read |
//! ```
//!
//! Four wishes pull at it. The payload of a frame shall lie in one piece, so that a message can be borrowed instead of
//! copied. Many small frames shall cost nothing but two indices each. An idle client shall cost little memory, and ten
//! thousand idle clients ten thousand times little. And a frame that only *announces* a gigabyte shall cost nothing at
//! all.
//!
//! So: memory grows only when the bytes that came have filled it; bytes move only when a read needs the room, never for
//! each frame; what a large message needed is given back after it.
//!
//! # In production
//!
//! tokio's `BytesMut` shares one allocation among the frames cut out of it. A kernel interface such as io_uring lets
//! connections that have nothing to read share a pool, and an idle one holds no buffer at all.

/// What a connection that says little costs.
const FIRST: usize = 4 * 1024;

/// What a busy connection may keep between two messages: more room brings more small frames with one system call. A message
/// of 64 KiB fits with its header, so that it comes in one read and its memory is not given back each time.
const KEPT: usize = 65 * 1024;

/// How fast memory follows the bytes: what is held is at most four times what came.
pub(crate) const STEP: usize = 4;

/// Bytes that came and are not yet taken. Invariant: `start <= end <= bytes.len()`.
#[derive(Debug, Default)]
pub(crate) struct Buffer {
    /// All of it is initialised memory: cleared once when it grows, never before a read.
    bytes: Vec<u8>,
    start: usize,
    end: usize,
    /// How many bytes, counted from `start`, the frame that has begun will have; 0 between two frames.
    wanted: usize,
    /// The last read filled all the space it had: there was probably more.
    filled_up: bool,
}

impl Buffer {
    /// What came and was not taken.
    pub(crate) fn unread(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// The same, to unmask it in place.
    pub(crate) fn unread_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.start..self.end]
    }

    /// Takes `count` bytes. They stay where they are, as [`taken`](Self::taken), until the next [`space`](Self::space).
    pub(crate) fn take(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
        self.wanted = 0;
    }

    /// The last `count` bytes that were taken.
    pub(crate) fn taken(&self, count: usize) -> &[u8] {
        &self.bytes[self.start.saturating_sub(count)..self.start]
    }

    /// The frame that has begun will be `count` bytes long, counted from the front of what is unread.
    pub(crate) fn want(&mut self, count: usize) {
        self.wanted = count;
    }

    // ANCHOR: space
    /// Room for the next read, never empty.
    pub(crate) fn space(&mut self) -> &mut [u8] {
        if self.start == self.end {
            // Nothing waits: back to the front, without moving a byte. This is the usual case.
            self.start = 0;
            self.end = 0;
            if self.bytes.len() > KEPT && self.wanted <= KEPT {
                // A large message was here. Thousands of clients that each sent one must not hold it for ever.
                // Freed and made anew, not shrunk: the allocator can give freed memory to the next large message of any
                // client, but what it shrinks it returns to the system, and each page comes back with a page fault.
                self.bytes = vec![0; KEPT];
            }
        }
        // The last read brought all that it could, and there was probably more. A piece of a frame that is left over changes
        // nothing about that.
        if std::mem::take(&mut self.filled_up) && self.bytes.len() < KEPT {
            self.grow();
        }
        // A frame that was cut off by the end of the buffer moves to its front, once: after that `start` is 0.
        let room = self.bytes.len() - self.end;
        let missing = self.wanted.saturating_sub(self.end - self.start).max(1);
        if self.start > 0 && room < missing && room < self.bytes.len() / 2 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.end == self.bytes.len() {
            self.grow();
        }
        &mut self.bytes[self.end..]
    }
    // ANCHOR_END: space

    /// A read put `count` bytes into the space.
    ///
    /// # Panics
    ///
    /// If the space was smaller: such a read would be broken, and what it "brought" would be old bytes.
    pub(crate) fn filled(&mut self, count: usize) {
        assert!(count <= self.bytes.len() - self.end, "a read cannot bring more bytes than it had space for");
        self.end += count;
        self.filled_up = self.end == self.bytes.len();
    }

    /// Copies bytes in that were read elsewhere: those that came behind an HTTP head, say.
    pub(crate) fn push(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let space = self.space();
            let (now, later) = bytes.split_at(bytes.len().min(space.len()));
            space[..now.len()].copy_from_slice(now);
            self.filled(now.len());
            bytes = later;
        }
    }

    /// More room: towards the end of the frame that has begun, in steps that the bytes which came have paid for.
    fn grow(&mut self) {
        let now = self.bytes.len().max(FIRST / STEP);
        let step = now.saturating_mul(STEP);
        // What may be kept is a step of its own: going beyond it here would only be given back at once.
        let most = if now < KEPT { step.min(KEPT) } else { step };
        let size = if self.wanted > now { self.wanted.min(most) } else { most };
        // At least one byte more, or the next read would have no space and its `Ok(0)` would look like the end.
        self.bytes.resize(size.max(self.bytes.len() + 1), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_starts_small_and_always_has_space() {
        let mut buffer = Buffer::default();
        assert_eq!(buffer.bytes.len(), 0);
        assert_eq!(buffer.space().len(), FIRST);
        for _ in 0..6 {
            assert!(!buffer.space().is_empty());
            let all = buffer.space().len();
            buffer.filled(all);
        }
    }

    #[test]
    fn an_announced_length_allocates_nothing() {
        let mut buffer = Buffer::default();
        buffer.push(&[0; 14]);
        buffer.take(14);
        buffer.want(usize::MAX);
        for _ in 0..100 {
            assert!(buffer.space().len() <= FIRST);
            buffer.filled(1);
        }
        assert_eq!(buffer.bytes.len(), FIRST);
    }

    #[test]
    fn memory_is_at_most_a_few_times_what_came() {
        let mut buffer = Buffer::default();
        buffer.want(usize::MAX);
        for came in 1..3_000_usize {
            let space = buffer.space().len();
            assert!(buffer.bytes.len() <= (came * 100 * STEP).max(FIRST));
            buffer.filled(space.min(100));
        }
    }

    #[test]
    fn a_large_message_is_held_in_one_piece_and_given_back() {
        let mut buffer = Buffer::default();
        let large: Vec<u8> = (0..1_000_000_u32).map(|number| number as u8).collect();
        buffer.push(b"before");
        buffer.take(6);
        buffer.want(large.len());
        buffer.push(&large);
        assert_eq!(buffer.unread(), large);
        assert!(buffer.bytes.len() <= large.len() + FIRST, "it grows to the frame's end, not beyond");
        buffer.take(large.len());
        assert_eq!(buffer.taken(large.len()), large);
        assert_eq!(buffer.space().len(), KEPT);
        assert!(buffer.bytes.capacity() <= KEPT);
    }

    #[test]
    fn what_is_unread_survives_every_move() {
        let mut buffer = Buffer::default();
        let mut sent = 0_u8;
        let mut taken = 0_u8;
        for round in 0..5_000_usize {
            let bytes: Vec<u8> = (0..round % 97).map(|step| sent.wrapping_add(step as u8)).collect();
            sent = sent.wrapping_add(bytes.len() as u8);
            buffer.push(&bytes);
            let count = (round * 7 % 101).min(buffer.unread().len());
            for &byte in &buffer.unread()[..count] {
                assert_eq!(byte, taken);
                taken = taken.wrapping_add(1);
            }
            buffer.take(count);
        }
        assert!(buffer.bytes.len() <= KEPT);
    }

    #[test]
    fn a_frame_that_is_cut_off_does_not_keep_the_space_small() {
        let mut buffer = Buffer::default();
        for _ in 0..20 {
            let all = buffer.space().len();
            buffer.filled(all);
            // All but the last few bytes were whole frames.
            let whole = buffer.unread().len() - 7;
            buffer.take(whole);
            buffer.want(50);
        }
        assert_eq!(buffer.space().len(), KEPT - 7);
    }

    #[test]
    fn a_busy_connection_gets_more_space_and_no_more_than_is_kept() {
        let mut buffer = Buffer::default();
        for _ in 0..20 {
            let all = buffer.space().len();
            buffer.filled(all);
            buffer.take(all);
        }
        assert_eq!(buffer.space().len(), KEPT);
    }
}
