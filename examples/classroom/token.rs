//! How does the server know that a visitor is who they say they are?
//!
//! It gave them a word that nobody can guess, and they show it again. 128 random bits: whoever tries a million words a
//! second will not have found one when the sun goes out. So the comparison may be a plain one, too: how long it takes tells
//! something about the first bytes, but only to those who can measure nanoseconds through a network.
//!
//! # In production
//!
//! A login, a cookie that scripts cannot read, an expiry; and TLS, without which anybody on the same network reads the
//! word as it passes.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rustls::crypto::ring::default_provider;

/// A fresh token, made of characters that need no escape in an address. An error if the system has no randomness to give:
/// then nobody gets in, for a token that can be guessed is worse than none.
pub fn fresh() -> Result<String, String> {
    Ok(URL_SAFE_NO_PAD.encode(random::<16>()?))
}

/// Random bytes: for tokens, for masking keys, for the key of a handshake.
pub fn random<const COUNT: usize>() -> Result<[u8; COUNT], String> {
    let mut bytes = [0; COUNT];
    let filled = default_provider().secure_random.fill(&mut bytes);
    filled.map(|()| bytes).map_err(|_| "the system gave no random bytes".to_owned())
}
