//! What does a client ask, and is the answer to that question?
//!
//! The request is RFC 6455 section 4.1, items 1 to 12, and the answer is judged by the list behind it. The judgement is
//! strict because the answer may come from anyone: a web server that has never heard of WebSocket, a cache, a proxy.
//! What it says before the hash is right proves nothing.
//!
//! # In production
//!
//! A client follows a redirect and answers a 401. We report the status and leave that to the caller.

use std::error::Error;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::server::VERSION;
use super::{accept_key, check_extra, head_bytes, single};
use crate::websocket::protocol::http::headers::{check_header, is_token};
use crate::websocket::protocol::http::{HeaderError, ResponseHead, Version};

/// A request, and what its answer will be compared with.
///
/// ```
/// use socklab::websocket::protocol::handshake::{ClientHandshake, accept_key};
/// use socklab::websocket::protocol::http::ResponseHead;
///
/// let nonce = *b"the sample nonce"; // 16 bytes, at random in earnest
/// let handshake = ClientHandshake::new("localhost:7000", "/chat", nonce, &["chat"], &[])?;
/// assert!(handshake.request().starts_with(b"GET /chat HTTP/1.1\r\nHost: localhost:7000\r\n"));
///
/// let answer = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
///                Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n";
/// let chosen = handshake.check(&ResponseHead::parse(answer)?)?;
/// assert_eq!(chosen.as_deref(), Some("chat"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientHandshake {
    request: Vec<u8>,
    key: String,
    subprotocols: Vec<String>,
}

/// Why an answer does not open a WebSocket.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnswerError {
    /// The server said something other than 101. Its head is here, and a body that explains may follow on the
    /// connection.
    Refused(ResponseHead),
    /// The server said 101 and did not mean it.
    Broken {
        /// What is wrong, and where to look.
        what: String,
        /// The rule.
        section: &'static str,
    },
}

impl ClientHandshake {
    // ANCHOR: request
    /// Builds the request. `host` is the value of the Host header, with its port if it is not the usual one; `target`
    /// is the path with its query; `nonce` must be fresh random bytes for each connection.
    ///
    /// # Errors
    ///
    /// Something that cannot be sent: a host or target that would break the head, a subprotocol that is no token or is
    /// there twice, an extra header that belongs to the handshake.
    pub fn new(
        host: &str,
        target: &str,
        nonce: [u8; 16],
        subprotocols: &[&str],
        extra: &[(&str, &str)],
    ) -> Result<ClientHandshake, HeaderError> {
        check_target_and_host(target, host)?;
        check_subprotocols(subprotocols)?;
        check_extra(extra, &["host", "upgrade", "connection", "content-length", "transfer-encoding"])?;
        let key = STANDARD.encode(nonce);
        let offer = subprotocols.join(", ");
        let mut headers = vec![
            ("Host", host),
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Key", &key),
            ("Sec-WebSocket-Version", VERSION),
        ];
        if !subprotocols.is_empty() {
            headers.push(("Sec-WebSocket-Protocol", &offer));
        }
        headers.extend_from_slice(extra);
        let request = head_bytes(&format!("GET {target} HTTP/1.1"), headers);
        let subprotocols = subprotocols.iter().map(|&each| each.to_owned()).collect();
        Ok(ClientHandshake { request, key, subprotocols })
    }
    // ANCHOR_END: request

    /// The bytes to send.
    pub fn request(&self) -> &[u8] {
        &self.request
    }

    // ANCHOR: check
    /// Judges the answer. `Some` subprotocol is one that we offered; `None` says that the server chose none, which it
    /// may even if we offered some: whether that will do is for the caller to say.
    ///
    /// # Errors
    ///
    /// The server refused, or its 101 is not an answer to this request.
    pub fn check(&self, answer: &ResponseHead) -> Result<Option<String>, AnswerError> {
        if answer.status != 101 {
            return Err(AnswerError::Refused(answer.clone()));
        }
        let headers = &answer.headers;
        if answer.version < Version::HTTP_1_1 {
            return Err(broken("the server answered 101 in HTTP/1.0, which knows no upgrade"));
        }
        let upgrade = single(headers, "Upgrade").map_err(broken)?;
        if !upgrade.eq_ignore_ascii_case("websocket") {
            return Err(broken(format!("the server upgrades to {upgrade:?}, not to websocket")));
        }
        if !headers.has_token("Connection", "Upgrade") {
            return Err(broken("the answer has no \"Connection: Upgrade\"; is there a proxy in between?"));
        }
        let accept = single(headers, "Sec-WebSocket-Accept").map_err(broken)?;
        let expected = accept_key(&self.key);
        if accept != expected {
            let what =
                format!("the Sec-WebSocket-Accept is {accept:?}; for the key {} it must be {expected:?}", self.key);
            return Err(broken(what));
        }
        if headers.elements("Sec-WebSocket-Extensions").next().is_some() {
            // Its frames would have bits set that we do not understand.
            return Err(broken("the server uses an extension, and we offered none"));
        }
        if headers.count("Sec-WebSocket-Protocol") == 0 {
            return Ok(None);
        }
        let chosen = single(headers, "Sec-WebSocket-Protocol").map_err(broken)?;
        if !self.subprotocols.iter().any(|offered| offered == chosen) {
            return Err(broken(format!("the server chose the subprotocol {chosen:?}, and we did not offer it")));
        }
        Ok(Some(chosen.to_owned()))
    }
    // ANCHOR_END: check
}

fn broken(what: impl Into<String>) -> AnswerError {
    AnswerError::Broken { what: what.into(), section: "RFC 6455 section 4.1" }
}

fn check_target_and_host(target: &str, host: &str) -> Result<(), HeaderError> {
    check_header("Host", host)?;
    if host.is_empty() || !host.bytes().all(|byte| byte.is_ascii_graphic() && !b"/?#@,".contains(&byte)) {
        return Err(HeaderError { what: format!("{host:?} is not a host such as localhost:7000") });
    }
    // A space in the target would be a second target, and a line end a header.
    if !target.starts_with('/') || !target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
        let what = format!("{target:?} is not a path such as /chat; write other characters as %20 and the like");
        return Err(HeaderError { what });
    }
    Ok(())
}

fn check_subprotocols(subprotocols: &[&str]) -> Result<(), HeaderError> {
    for (index, each) in subprotocols.iter().enumerate() {
        if !is_token(each) {
            return Err(HeaderError { what: format!("{each:?} is not a subprotocol's name: no spaces, no commas") });
        }
        if subprotocols[..index].contains(each) {
            return Err(HeaderError { what: format!("the subprotocol {each:?} is offered twice") });
        }
    }
    Ok(())
}

impl fmt::Display for AnswerError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AnswerError::Refused(head) => {
                write!(formatter, "the server answered {} {} instead of 101", head.status, head.reason)
            }
            AnswerError::Broken { what, section } => write!(formatter, "{what} ({section})"),
        }
    }
}

impl Error for AnswerError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::websocket::protocol::handshake::Upgrade;
    use crate::websocket::protocol::http::RequestHead;

    const NONCE: [u8; 16] = *b"the sample nonce";
    const GOOD: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: two\r\n";

    fn handshake() -> ClientHandshake {
        ClientHandshake::new("localhost:7000", "/chat?room=1", NONCE, &["one", "two"], &[("Origin", "null")]).unwrap()
    }

    fn changed(from: &str, to: &str) -> Result<Option<String>, AnswerError> {
        assert!(GOOD.contains(from));
        let head = format!("{}\r\n", GOOD.replace(from, to));
        handshake().check(&ResponseHead::parse(head.as_bytes()).unwrap())
    }

    #[test]
    fn our_own_server_accepts_our_request_and_we_its_answer() {
        let request = RequestHead::parse(handshake().request()).unwrap();
        assert_eq!((request.path(), request.query()), ("/chat", Some("room=1")));
        assert_eq!(request.headers.get("Origin"), Some("null"));
        let upgrade = Upgrade::check(&request).unwrap();
        let answer = upgrade.accept(upgrade.choose(&["two"]), &[]).unwrap();
        assert_eq!(handshake().check(&ResponseHead::parse(&answer).unwrap()), Ok(Some("two".to_owned())));
    }

    #[test]
    fn a_good_answer_is_taken_in_every_spelling() {
        assert_eq!(changed("Upgrade: websocket", "UPGRADE: WebSocket"), Ok(Some("two".to_owned())));
        assert_eq!(changed("Connection: Upgrade", "connection: keep-alive, upgrade"), Ok(Some("two".to_owned())));
        assert_eq!(changed("Sec-WebSocket-Protocol: two\r\n", ""), Ok(None), "the server may choose none");
    }

    #[test]
    fn an_answer_that_is_not_to_this_question_is_refused() {
        for (from, to, what) in [
            ("Upgrade: websocket\r\n", "", "Upgrade header is missing"),
            ("Upgrade: websocket", "Upgrade: h2c", "h2c"),
            ("Upgrade: websocket", "Upgrade: websocket, h2c", "h2c"),
            ("Upgrade: websocket", "Upgrade: websocket\r\nUpgrade: websocket", "2 Upgrade"),
            ("Connection: Upgrade\r\n", "", "Connection"),
            ("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n", "", "Accept header is missing"),
            ("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "S3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "must be"),
            ("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", "dGhlIHNhbXBsZSBub25jZQ==", "must be"),
            ("Sec-WebSocket-Protocol: two", "Sec-WebSocket-Protocol: three", "three"),
            ("Sec-WebSocket-Protocol: two", "Sec-WebSocket-Protocol: one, two", "one, two"),
            ("Sec-WebSocket-Protocol: two", "Sec-WebSocket-Protocol: ", "did not offer"),
            ("Sec-WebSocket-Protocol: two", "Sec-WebSocket-Protocol: two\r\nSec-WebSocket-Protocol: one", "2 Sec"),
            ("Sec-WebSocket-Protocol: two", "Sec-WebSocket-Extensions: permessage-deflate", "extension"),
            ("HTTP/1.1", "HTTP/1.0", "HTTP/1.0"),
        ] {
            let error = changed(from, to).unwrap_err();
            assert!(matches!(&error, AnswerError::Broken { what: got, .. } if got.contains(what)), "{to:?}: {error}");
        }
    }

    #[test]
    fn a_refusal_is_handed_over_with_its_head() {
        let error = changed("101 Switching Protocols", "403 Forbidden").unwrap_err();
        assert!(matches!(&error, AnswerError::Refused(head) if head.status == 403), "{error}");
        assert!(error.to_string().contains("403 Forbidden"));
    }

    #[test]
    fn what_would_break_the_request_is_not_sent() {
        let build = |host, target, subprotocols: &[&str], extra: &[(&str, &str)]| {
            ClientHandshake::new(host, target, NONCE, subprotocols, extra).is_ok()
        };
        assert!(build("[::1]:7000", "/", &[], &[]));
        for host in ["", "a b", "a\r\nEvil: yes", "a/b", "u@h"] {
            assert!(!build(host, "/", &[], &[]), "{host:?}");
        }
        for target in ["", "chat", "/a b", "/\r\nEvil: yes", "/#top", "/é"] {
            assert!(!build("h", target, &[], &[]), "{target:?}");
        }
        for offer in [&["a", "a"][..], &["a b"], &["a,b"], &[""], &["a\r\n"]] {
            assert!(!build("h", "/", offer, &[]), "{offer:?}");
        }
        for (name, value) in [
            ("host", "other"),
            ("Sec-WebSocket-Key", "x"),
            ("Sec-WebSocket-Extensions", "x"),
            ("Connection", "close"),
            ("Transfer-Encoding", "chunked"),
            ("X", "a\r\nEvil: yes"),
            ("X Y", "a"),
        ] {
            assert!(!build("h", "/", &[], &[(name, value)]), "{name}");
        }
    }
}
