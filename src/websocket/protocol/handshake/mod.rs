//! How does an HTTP connection become a WebSocket?
//!
//! The client asks with a GET that says `Upgrade: websocket` and carries a random key. The server answers 101 and
//! proves that it understood: it sends back a hash that only a program which knows WebSocket would compute from that
//! key (RFC 6455 section 1.3). That is all the hash is for. It is no secret and no password: it keeps a server that
//! merely repeats headers, or a cache with an old answer, from being taken for a WebSocket.
//!
//! [`server`] judges the request and makes the 101; [`client`] makes the request and judges the answer.
//!
//! # In production
//!
//! RFC 8441 begins a WebSocket inside an HTTP/2 stream, without this key. Browsers fall back to this handshake.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

use super::http::headers::check_header;
use super::http::{HeaderError, Headers};

pub mod client;
pub mod server;

pub use client::{AnswerError, ClientHandshake};
pub use server::{Refusal, Upgrade};

/// The value that every WebSocket program knows, and no other has a reason to.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

// ANCHOR: accept_key
/// The `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key`.
///
/// ```
/// use socklab::websocket::protocol::handshake::accept_key;
///
/// // The example of RFC 6455 section 1.3.
/// assert_eq!(accept_key("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// ```
pub fn accept_key(key: &str) -> String {
    // The key as it was sent: its base64 is not undone.
    let hash = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    STANDARD.encode(hash)
}
// ANCHOR_END: accept_key

/// A header that must be single is missing, or there is more than one, or here it is.
fn single<'a>(headers: &'a Headers, name: &str) -> Result<&'a str, String> {
    match (headers.get(name), headers.count(name)) {
        (Some(value), 1) => Ok(value),
        (None, _) => Err(format!("the {name} header is missing")),
        // Which of them would count? Programs disagree, and that is what an attacker needs.
        (Some(_), count) => Err(format!("there are {count} {name} headers; one is allowed")),
    }
}

/// Headers that somebody wants to add to a request or a 101: they must be headers, and not those that we write
/// ourselves.
fn check_extra(headers: &[(&str, &str)], ours: &[&str]) -> Result<(), HeaderError> {
    for (name, value) in headers {
        check_header(name, value)?;
        let lower = name.to_ascii_lowercase();
        if lower.starts_with("sec-websocket-") || ours.contains(&lower.as_str()) {
            return Err(HeaderError { what: format!("the handshake itself decides about the header {name}") });
        }
    }
    Ok(())
}

/// The lines of a head, and the blank one.
fn head_bytes<'a>(first_line: &str, headers: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<u8> {
    let mut head = format!("{first_line}\r\n");
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    head.into_bytes()
}
