//! Where do bytes come from that nobody can guess?
//!
//! From the operating system, through the generator that the TLS library brings along. Masking keys and handshake keys
//! must be unpredictable (RFC 6455 sections 5.3 and 10.3), and a generator written by hand is a classic way to get that
//! wrong.

use rustls::crypto::ring::default_provider;

/// The system gave no random bytes: it is too early in its life, or its generator is out of reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unavailable;

/// Fills `bytes` with bytes that nobody can predict.
pub(crate) fn fill(bytes: &mut [u8]) -> Result<(), Unavailable> {
    default_provider().secure_random.fill(bytes).map_err(|_| Unavailable)
}

#[cfg(test)]
mod tests {
    #[test]
    fn two_draws_differ() {
        let (mut one, mut two) = ([0; 16], [0; 16]);
        super::fill(&mut one).unwrap();
        super::fill(&mut two).unwrap();
        assert_ne!(one, two);
    }
}
