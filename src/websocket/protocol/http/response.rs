//! What does a server answer when there will be no WebSocket?
//!
//! A whole HTTP response with a status, so that the author of the client learns why; many libraries just hang up. It
//! says how long its body is and that the connection ends with it. Without `Content-Length` the body would end where
//! the connection does, and a connection that is reset looks like a body that was cut (RFC 9112 section 6.3).
//!
//! # In production
//!
//! A web server keeps the connection for the next request. Ours ends: a new one costs a millisecond, and one request
//! for each connection is easy to reason about.

use super::headers::{HeaderError, check_header};

/// A response with a body, after which the connection ends.
///
/// ```
/// use socklab::websocket::protocol::http::Response;
///
/// let bytes = Response::text(404, "no such room\n").encode();
/// let text = String::from_utf8(bytes)?;
/// assert!(text.starts_with("HTTP/1.1 404 Not Found\r\n"));
/// assert!(text.contains("Content-Length: 13\r\nConnection: close\r\n"));
/// # Ok::<(), std::string::FromUtf8Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Response {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Response {
    /// A text for people.
    pub fn text(status: u16, body: impl Into<String>) -> Self {
        let body = body.into().into_bytes();
        let content_type = ("Content-Type".to_owned(), "text/plain; charset=utf-8".to_owned());
        Response { status, headers: vec![content_type], body }
    }

    /// Any body, such as the page that opens the WebSocket.
    ///
    /// # Errors
    ///
    /// A content type that is no header value.
    pub fn new(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Result<Self, HeaderError> {
        Response { status, headers: Vec::new(), body: body.into() }.header("Content-Type", content_type)
    }

    /// Adds a header.
    ///
    /// # Errors
    ///
    /// A name or value that would break the head, or one of the two headers that are set here: `Content-Length` and
    /// `Connection`.
    pub fn header(mut self, name: &str, value: &str) -> Result<Self, HeaderError> {
        check_header(name, value)?;
        // Two lengths, or a length and a coding, and the next program chooses which one to believe.
        for ours in ["Content-Length", "Connection", "Transfer-Encoding"] {
            if name.eq_ignore_ascii_case(ours) {
                return Err(HeaderError { what: format!("{ours} is set by the response itself") });
            }
        }
        self.headers.push((name.to_owned(), value.to_owned()));
        Ok(self)
    }

    /// The status.
    pub fn status(&self) -> u16 {
        self.status
    }

    /// The bytes of the whole response.
    pub fn encode(&self) -> Vec<u8> {
        let mut head = format!("HTTP/1.1 {} {}\r\n", self.status, status_text(self.status));
        for (name, value) in &self.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        // An Upgrade header concerns this connection alone, and must be named here (RFC 9110 section 7.8).
        let upgrades = self.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("Upgrade"));
        let connection = if upgrades { "Upgrade, close" } else { "close" };
        head.push_str(&format!("Content-Length: {}\r\nConnection: {connection}\r\n\r\n", self.body.len()));
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(&self.body);
        bytes
    }
}

/// The sentence that goes with a status, for people (RFC 9110 section 15).
pub const fn status_text(status: u16) -> &'static str {
    match status {
        101 => "Switching Protocols",
        200 => "OK",
        400 => "Bad Request",
        401 => "Unauthorized",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        408 => "Request Timeout",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        // It may be empty; the space before it may not be missing.
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::websocket::protocol::http::{HeadReader, ResponseHead};

    #[test]
    fn our_own_client_can_read_it_and_find_its_body() {
        for response in [
            Response::text(426, "é").header("Upgrade", "websocket").unwrap(),
            Response::new(200, "text/html", "<p>").unwrap(),
            Response::text(599, ""),
        ] {
            let bytes = response.encode();
            let mut reader = HeadReader::new(1_000);
            let used = reader.feed(&bytes).unwrap().unwrap();
            let head = ResponseHead::parse(reader.head()).unwrap();
            assert_eq!(head.status, response.status());
            assert_eq!(head.headers.get("content-length"), Some(response.body.len().to_string().as_str()));
            assert!(head.headers.has_token("connection", "close"));
            assert_eq!(head.headers.has_token("connection", "upgrade"), head.status == 426);
            assert_eq!(bytes[used..], response.body);
        }
    }

    #[test]
    fn nothing_can_be_injected_and_lengths_are_ours() {
        assert!(Response::new(200, "text/html\r\nEvil: yes", "").is_err());
        for name in ["content-length", "Connection", "transfer-encoding", "a b"] {
            assert!(Response::text(200, "").header(name, "x").is_err(), "{name}");
        }
    }
}
