//! Where do masking keys come from?
//!
//! From a source that nobody can predict (RFC 6455 section 5.3): if the page that chose the payload could guess the
//! key, it would choose the bytes on the wire after all. A good source is a call to the operating system, and a call
//! for each frame would cost as much as sending it. So we fetch keys in blocks and use them one after another.
//!
//! The source is given from outside: here is no system to ask, and a test wants keys that it knows.
//!
//! # In production
//!
//! Many clients keep a generator of their own (ChaCha) that the system seeds once. It comes to the same.

use std::error::Error;
use std::fmt;

/// How many bytes are asked for at once: 64 keys.
const BLOCK: usize = 256;

/// The source of randomness had none to give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NoRandomness;

impl fmt::Display for NoRandomness {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the random generator gave no bytes, and a client must not send without a masking key")
    }
}

impl Error for NoRandomness {}

/// Fills a slice with bytes that nobody can predict.
type Source = Box<dyn FnMut(&mut [u8]) -> Result<(), NoRandomness> + Send>;

/// A supply of masking keys.
///
/// ```
/// use socklab::websocket::protocol::MaskKeys;
///
/// // For a test only: these can be predicted.
/// let mut keys = MaskKeys::new(|block: &mut [u8]| {
///     block.fill(7);
///     Ok(())
/// });
/// assert_eq!(keys.draw(), Ok([7, 7, 7, 7]));
/// ```
pub struct MaskKeys {
    source: Source,
    block: [u8; BLOCK],
    /// `block[..used]` is spent: a key serves once.
    used: usize,
}

impl MaskKeys {
    /// Keys from this source, which is first asked when the first key is needed.
    pub fn new(source: impl FnMut(&mut [u8]) -> Result<(), NoRandomness> + Send + 'static) -> Self {
        MaskKeys { source: Box::new(source), block: [0; BLOCK], used: BLOCK }
    }

    /// A fresh key.
    ///
    /// # Errors
    ///
    /// The source failed. There is no key to fall back on: a known one is worse than none, for it looks like one.
    pub fn draw(&mut self) -> Result<[u8; 4], NoRandomness> {
        if self.used == BLOCK {
            (self.source)(&mut self.block)?;
            self.used = 0;
        }
        let mut key = [0; 4];
        key.copy_from_slice(&self.block[self.used..self.used + 4]);
        self.used += 4;
        Ok(key)
    }
}

/// Without the keys: who can read them from a log can predict what comes next.
impl fmt::Debug for MaskKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MaskKeys").field("left", &((BLOCK - self.used) / 4)).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn keys_come_in_blocks_and_none_serves_twice() {
        let calls = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&calls);
        let mut keys = MaskKeys::new(move |block: &mut [u8]| {
            let call = counter.fetch_add(1, Ordering::Relaxed);
            for (index, key) in block.chunks_exact_mut(4).enumerate() {
                key.copy_from_slice(&((call * 1_000 + index) as u32).to_be_bytes());
            }
            Ok(())
        });
        let drawn: Vec<u32> = (0..130).map(|_| u32::from_be_bytes(keys.draw().unwrap())).collect();
        let expected: Vec<u32> = (0..64).chain(1_000..1_064).chain(2_000..2_002).collect();
        assert_eq!(drawn, expected);
        assert_eq!(calls.load(Ordering::Relaxed), 3);
    }

    #[test]
    fn without_randomness_there_is_no_key() {
        let mut keys = MaskKeys::new(|_: &mut [u8]| Err(NoRandomness));
        assert_eq!(keys.draw(), Err(NoRandomness));
        assert_eq!(keys.draw(), Err(NoRandomness), "a failed block must not be used");
    }
}
