//! Is this request a WebSocket handshake that we can accept, and how is it answered?
//!
//! RFC 6455 section 4.2.1 lists what a request must have. Each missing piece gets an answer of its own, for on the
//! other side somebody is debugging: a browser that was pointed at the port by hand (426: "upgrade!"), a client of an
//! old draft (426 with the version that we speak), a program that forgot the key (400).
//!
//! Whether *this* client may come in, by its path, its `Origin` or a cookie, is not decided here: the request head is
//! at hand for that, and 403 and 404 are [`Refusal`]s too.
//!
//! # In production
//!
//! Check `Origin` (RFC 6455 section 10.2): a browser sends cookies with any page's WebSocket, and this header is what
//! tells your page from a stranger's.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::{accept_key, check_extra, head_bytes, single};
use crate::websocket::protocol::http::headers::is_token;
use crate::websocket::protocol::http::{HeadError, HeaderError, RequestHead, Response, Version};

/// The version of the protocol in RFC 6455. There are no others, but for drafts.
pub(super) const VERSION: &str = "13";

/// A request that was found good: what is needed to answer it.
///
/// ```
/// use socklab::websocket::protocol::handshake::Upgrade;
/// use socklab::websocket::protocol::http::RequestHead;
///
/// let request = RequestHead::parse(
///     b"GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
///       Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
/// )?;
/// let answer = Upgrade::check(&request)?.accept(None, &[])?;
/// assert!(answer.starts_with(b"HTTP/1.1 101 Switching Protocols\r\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upgrade {
    /// The client's `Sec-WebSocket-Key`.
    pub key: String,
    /// The subprotocols that the client offers, the one it likes best first.
    pub subprotocols: Vec<String>,
}

/// A request that gets an answer other than 101, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status.
    pub status: u16,
    /// For whoever debugs the client: it becomes the body.
    pub what: String,
    /// What the status asks for, such as `Allow` for 405.
    pub headers: Vec<(&'static str, &'static str)>,
}

impl Upgrade {
    // ANCHOR: check
    /// Judges a request (RFC 6455 section 4.2.1).
    ///
    /// # Errors
    ///
    /// The answer to give instead of 101.
    pub fn check(request: &RequestHead) -> Result<Upgrade, Refusal> {
        let headers = &request.headers;
        if request.method != "GET" {
            let what = format!("a WebSocket begins with GET, not {}", request.method);
            return Err(Refusal { headers: vec![("Allow", "GET")], ..Refusal::new(405, what) });
        }
        if request.version < Version::HTTP_1_1 {
            // Not 505: that one is about the major version (RFC 9110 section 15.6.6), and 1.0 has the same as ours. The
            // request just is not what section 4.2.1 asks for.
            return Err(Refusal::new(400, "a WebSocket begins in HTTP/1.1; HTTP/1.0 knows no upgrade"));
        }
        if request.target == "*" {
            return Err(Refusal::new(400, "the target * names no resource; ask for a path such as /chat"));
        }
        single(headers, "Host").map_err(|what| Refusal::new(400, what))?;
        check_no_body(request)?;
        check_asks_for_upgrade(request)?;
        if headers.count("Origin") > 1 {
            return Err(Refusal::new(400, "there is more than one Origin header"));
        }
        let key = single(headers, "Sec-WebSocket-Key").map_err(|what| Refusal::new(400, what))?;
        // The strict engine: no line breaks, no missing padding, no second spelling of the same bytes.
        if !STANDARD.decode(key).is_ok_and(|nonce| nonce.len() == 16) {
            let what = format!("the Sec-WebSocket-Key {key:?} is not 16 bytes in base64");
            return Err(Refusal::new(400, what));
        }
        Ok(Upgrade { key: key.to_owned(), subprotocols: offered_subprotocols(request)? })
    }
    // ANCHOR_END: check

    /// The first subprotocol of the client's list that is also in ours: the client's order counts (section 4.1, item
    /// 10).
    pub fn choose<'a>(&self, ours: &[&'a str]) -> Option<&'a str> {
        self.subprotocols.iter().find_map(|offered| ours.iter().find(|each| *each == offered).copied())
    }

    /// The bytes of the 101. What comes after them are frames.
    ///
    /// # Errors
    ///
    /// A subprotocol that the client did not offer, or a header that cannot be sent.
    pub fn accept(&self, subprotocol: Option<&str>, extra: &[(&str, &str)]) -> Result<Vec<u8>, HeaderError> {
        check_extra(extra, &["upgrade", "connection", "content-length", "transfer-encoding"])?;
        let accept = accept_key(&self.key);
        let mut headers = vec![("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Accept", &accept)];
        if let Some(chosen) = subprotocol {
            if !self.subprotocols.iter().any(|offered| offered == chosen) {
                // The client would have to fail the connection (section 4.1), and its author to find out why.
                let what = format!("the subprotocol {chosen:?} was not offered by the client");
                return Err(HeaderError { what });
            }
            headers.push(("Sec-WebSocket-Protocol", chosen));
        }
        headers.extend_from_slice(extra);
        Ok(head_bytes("HTTP/1.1 101 Switching Protocols", headers))
    }
}

impl Refusal {
    /// A status and a sentence.
    pub fn new(status: u16, what: impl Into<String>) -> Self {
        Refusal { status, what: what.into(), headers: Vec::new() }
    }

    /// The whole HTTP answer.
    ///
    /// # Errors
    ///
    /// A header of `headers` that cannot be sent; those that are made here can.
    pub fn response(&self) -> Result<Response, HeaderError> {
        let response = Response::text(self.status, format!("{}\n", self.what));
        self.headers.iter().try_fold(response, |response, (name, value)| response.header(name, value))
    }
}

impl From<HeadError> for Refusal {
    /// A head that could not even be read is refused with the status that its error names.
    fn from(error: HeadError) -> Self {
        Refusal::new(error.status, format!("{} ({})", error.what, error.section))
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "refused with HTTP status {}: {}", self.status, self.what)
    }
}

impl std::error::Error for Refusal {}

/// A body would stand where the first frame is expected. A GET has none, so whoever announces one is confused or wants
/// us to be.
fn check_no_body(request: &RequestHead) -> Result<(), Refusal> {
    let headers = &request.headers;
    let announces_bytes =
        headers.count("Content-Length") > 1 || headers.get("Content-Length").is_some_and(|value| value != "0");
    if announces_bytes || headers.get("Transfer-Encoding").is_some() {
        return Err(Refusal::new(400, "the request announces a body; a WebSocket handshake has none"));
    }
    Ok(())
}

/// 426 says "come again, but upgrade", and must say to what (RFC 9110 section 15.5.22).
fn check_asks_for_upgrade(request: &RequestHead) -> Result<(), Refusal> {
    let headers = &request.headers;
    let upgrade_required = |what: String| Refusal {
        headers: vec![("Upgrade", "websocket"), ("Sec-WebSocket-Version", VERSION)],
        ..Refusal::new(426, what)
    };
    if !headers.has_token("Upgrade", "websocket") {
        return Err(upgrade_required(
            "this is a WebSocket server, and the request has no \"Upgrade: websocket\"".to_owned(),
        ));
    }
    if !headers.has_token("Connection", "Upgrade") {
        // A proxy takes hop-by-hop headers out. One that forwards only Upgrade does not know what it forwards.
        return Err(upgrade_required(
            "the request has no \"Connection: Upgrade\"; is there a proxy in between?".to_owned(),
        ));
    }
    match single(headers, "Sec-WebSocket-Version") {
        Ok(VERSION) => Ok(()),
        Ok(other) => Err(upgrade_required(format!("the Sec-WebSocket-Version is {other:?}; this server speaks 13"))),
        Err(what) if headers.count("Sec-WebSocket-Version") > 1 => Err(Refusal::new(400, what)),
        Err(what) => Err(upgrade_required(what)),
    }
}

/// The list may be spread over several lines. Its elements are tokens, each once (section 4.1, item 10).
fn offered_subprotocols(request: &RequestHead) -> Result<Vec<String>, Refusal> {
    let mut offered: Vec<String> = Vec::new();
    for each in request.headers.elements("Sec-WebSocket-Protocol") {
        if !is_token(each) {
            return Err(Refusal::new(400, format!("{each:?} is not a subprotocol's name")));
        }
        if offered.iter().any(|before| before == each) {
            return Err(Refusal::new(400, format!("the subprotocol {each:?} is offered twice")));
        }
        offered.push(each.to_owned());
    }
    Ok(offered)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::websocket::protocol::http::ResponseHead;

    const GOOD: &str = "GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

    fn check(head: &str) -> Result<Upgrade, Refusal> {
        Upgrade::check(&RequestHead::parse(format!("{head}\r\n").as_bytes()).unwrap())
    }

    /// The good request with one thing changed.
    fn changed(from: &str, to: &str) -> Result<Upgrade, Refusal> {
        assert!(GOOD.contains(from));
        check(&GOOD.replace(from, to))
    }

    #[test]
    fn a_good_request_is_accepted_in_every_spelling() {
        assert!(check(GOOD).unwrap().subprotocols.is_empty());
        assert!(changed("Upgrade: websocket", "uPGRADE: h2c, WebSocket").is_ok());
        assert!(changed("Connection: Upgrade", "connection: keep-alive\r\nConnection: upgrade").is_ok());
        assert!(changed("HTTP/1.1", "HTTP/1.2").is_ok(), "or higher");
        assert!(check(&format!("{GOOD}Content-Length: 0\r\n")).is_ok());
        assert!(check(&format!("{GOOD}Sec-WebSocket-Extensions: permessage-deflate\r\n")).is_ok());
    }

    #[test]
    fn each_missing_piece_has_its_own_answer() {
        for (from, to, status, what) in [
            ("GET", "POST", 405, "POST"),
            ("GET", "get", 405, "get"),
            ("HTTP/1.1", "HTTP/1.0", 400, "HTTP/1.0"),
            ("/chat", "*", 400, "target"),
            ("Host: localhost\r\n", "", 400, "Host header is missing"),
            ("Host: localhost", "Host: a\r\nhost: b", 400, "2 Host"),
            ("Upgrade: websocket\r\n", "", 426, "Upgrade: websocket"),
            ("Upgrade: websocket", "Upgrade: websockets", 426, "Upgrade: websocket"),
            ("Connection: Upgrade\r\n", "", 426, "Connection"),
            ("Connection: Upgrade", "Connection: keep-alive", 426, "Connection"),
            ("Sec-WebSocket-Version: 13\r\n", "", 426, "missing"),
            ("Version: 13", "Version: 8", 426, "\"8\""),
            ("Version: 13", "Version: 13, 8", 426, "13, 8"),
            ("Version: 13", "Version: 13\r\nSec-WebSocket-Version: 13", 400, "2 Sec-WebSocket-Version"),
            ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n", "", 400, "Key header is missing"),
            ("Sec-WebSocket-Key: ", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nsec-websocket-key: ", 400, "2 Sec"),
            ("dGhlIHNhbXBsZSBub25jZQ==", "", 400, "16 bytes"),
            ("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25j", 400, "16 bytes"),
            ("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ", 400, "16 bytes"),
            ("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZR==", 400, "16 bytes"),
            ("dGhlIHNhbXBsZSBub25jZQ==", "the sample nonce", 400, "16 bytes"),
            ("Host:", "Content-Length: 5\r\nHost:", 400, "body"),
            ("Host:", "Content-Length: 0\r\nContent-Length: 0\r\nHost:", 400, "body"),
            ("Host:", "Transfer-Encoding: chunked\r\nHost:", 400, "body"),
            ("Host:", "Origin: a\r\nOrigin: b\r\nHost:", 400, "Origin"),
            ("Host:", "Sec-WebSocket-Protocol: a, b\r\nSec-WebSocket-Protocol: a\r\nHost:", 400, "twice"),
            ("Host:", "Sec-WebSocket-Protocol: a b\r\nHost:", 400, "subprotocol"),
        ] {
            let refusal = changed(from, to).unwrap_err();
            assert_eq!(refusal.status, status, "{from:?} -> {to:?}: {refusal}");
            assert!(refusal.what.contains(what), "{from:?} -> {to:?}: {refusal}");
            let answer = refusal.response().unwrap().encode();
            let head_end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
            let head = ResponseHead::parse(&answer[..head_end]).unwrap();
            assert_eq!(head.headers.get("Allow"), (status == 405).then_some("GET"));
            assert_eq!(head.headers.get("Upgrade"), (status == 426).then_some("websocket"));
            assert_eq!(head.headers.get("Sec-WebSocket-Version"), (status == 426).then_some("13"));
        }
    }

    #[test]
    fn a_subprotocol_is_one_that_was_offered() {
        let upgrade =
            changed("Host:", "Sec-WebSocket-Protocol: one, two\r\nsec-websocket-protocol: three\r\nHost:").unwrap();
        assert_eq!(upgrade.subprotocols, ["one", "two", "three"]);
        assert_eq!(upgrade.choose(&["three", "two"]), Some("two"), "the client's order counts");
        assert_eq!(upgrade.choose(&["One", "four"]), None, "names are compared exactly");
        let answer = String::from_utf8(upgrade.accept(Some("two"), &[]).unwrap()).unwrap();
        assert!(answer.contains("Sec-WebSocket-Protocol: two\r\n"), "{answer}");
        assert!(upgrade.accept(Some("four"), &[]).is_err());
    }

    #[test]
    fn the_101_has_its_headers_and_ours_and_nothing_injected() {
        let upgrade = check(GOOD).unwrap();
        let answer = upgrade.accept(None, &[("Server", "socklab"), ("Set-Cookie", "a=b")]).unwrap();
        let head = ResponseHead::parse(&answer).unwrap();
        assert_eq!(head.status, 101);
        assert_eq!(head.headers.get("Sec-WebSocket-Accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
        assert_eq!(head.headers.get("Set-Cookie"), Some("a=b"));
        assert_eq!(head.headers.get("Sec-WebSocket-Protocol"), None);
        for (name, value) in [
            ("X", "a\r\nEvil: yes"),
            ("X\r\nEvil", "a"),
            ("connection", "close"),
            ("Upgrade", "h2c"),
            ("sec-websocket-extensions", "permessage-deflate"),
            ("Content-Length", "5"),
        ] {
            assert!(upgrade.accept(None, &[(name, value)]).is_err(), "{name}: {value:?}");
        }
    }
}
