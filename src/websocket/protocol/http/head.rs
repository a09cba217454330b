//! What does the first line of a head say?
//!
//! A request's says what is wanted: `GET /chat?room=1 HTTP/1.1`. A response's says what became of it:
//! `HTTP/1.1 101 Switching Protocols`. One space between the words, not two, not a tab: where two programs could
//! disagree on the words, a request can be hidden from one of them (RFC 9112 section 3).
//!
//! # In production
//!
//! A general server also takes the forms of a target that are for proxies (`CONNECT`) and for the server as a whole
//! (`*`).

use super::headers::{HeadError, Headers, is_token, split_line};

/// The version of HTTP that a head claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// 1 in all that is text.
    pub major: u8,
    /// 0 or 1.
    pub minor: u8,
}

impl Version {
    /// HTTP/1.1: the oldest that knows how to upgrade.
    pub const HTTP_1_1: Version = Version { major: 1, minor: 1 };

    fn parse(text: &str) -> Result<Version, HeadError> {
        let digits = text.strip_prefix("HTTP/").map(str::as_bytes);
        let Some(&[major @ b'0'..=b'9', b'.', minor @ b'0'..=b'9']) = digits else {
            return Err(HeadError::bad("RFC 9112 section 2.3", format!("{text:?} is not a version such as HTTP/1.1")));
        };
        let version = Version { major: major - b'0', minor: minor - b'0' };
        if version.major == 1 {
            return Ok(version);
        }
        // 505 speaks of the major version only (RFC 9110 section 15.6.6). "PRI * HTTP/2.0" is how HTTP/2 says hello.
        let what = format!("the peer speaks {text}; WebSocket begins in HTTP/1.1");
        Err(HeadError { status: 505, what, section: "RFC 9112 section 2.3" })
    }
}

/// The head of a request.
///
/// ```
/// use socklab::websocket::protocol::http::RequestHead;
///
/// let head = RequestHead::parse(b"GET /chat?room=1 HTTP/1.1\r\nHost: localhost:7000\r\n\r\n")?;
/// assert_eq!((head.path(), head.query()), ("/chat", Some("room=1")));
/// assert_eq!(head.headers.get("Host"), Some("localhost:7000"));
/// # Ok::<(), socklab::websocket::protocol::http::HeadError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestHead {
    /// Such as `GET`. Methods are case-sensitive.
    pub method: String,
    /// As it was sent; [`path`](Self::path) and [`query`](Self::query) take it apart.
    pub target: String,
    /// At least 1.0.
    pub version: Version,
    /// All headers.
    pub headers: Headers,
}

impl RequestHead {
    // ANCHOR: parse
    /// Reads a whole head, with the blank line that ends it.
    ///
    /// # Errors
    ///
    /// What breaks RFC 9112, with the status to answer: 400 or 505.
    pub fn parse(head: &[u8]) -> Result<RequestHead, HeadError> {
        let (line, headers) = split_head(head)?;
        let mut words = line.split(' ');
        let (Some(method), Some(target), Some(version), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            let what = format!("the request line {line:?} is not three words with one space between them");
            return Err(HeadError::bad("RFC 9112 section 3", what));
        };
        if !is_token(method) {
            return Err(HeadError::bad("RFC 9112 section 3.1", format!("{method:?} is not a method such as GET")));
        }
        let version = Version::parse(version)?;
        check_target(target)?;
        Ok(RequestHead {
            method: method.to_owned(),
            target: target.to_owned(),
            version,
            headers: Headers::parse(headers)?,
        })
    }
    // ANCHOR_END: parse

    /// The path: what stands before the question mark. It is as it was sent: `%20` is not a space yet.
    pub fn path(&self) -> &str {
        let target = self.origin_form();
        let path = target.split_once('?').map_or(target, |(path, _)| path);
        // `http://host?query` has none, and means the root (RFC 9110 section 4.2.3).
        if path.is_empty() { "/" } else { path }
    }

    /// What stands behind the question mark, if there is one.
    pub fn query(&self) -> Option<&str> {
        self.origin_form().split_once('?').map(|(_, query)| query)
    }

    /// Clients of a proxy send `GET http://host/path`, and a server must understand it (RFC 9112 section 3.2.2).
    fn origin_form(&self) -> &str {
        let Some(rest) = without_scheme(&self.target) else { return &self.target };
        rest.find(['/', '?']).map_or("/", |start| &rest[start..])
    }
}

/// The head of a response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseHead {
    /// At least 1.0.
    pub version: Version,
    /// Such as 101.
    pub status: u16,
    /// The sentence behind it; often empty, and never to be relied on.
    pub reason: String,
    /// All headers.
    pub headers: Headers,
}

impl ResponseHead {
    /// Reads a whole head, with the blank line that ends it.
    ///
    /// # Errors
    ///
    /// What breaks RFC 9112. The status in the error is of no use to a client.
    pub fn parse(head: &[u8]) -> Result<ResponseHead, HeadError> {
        let (line, headers) = split_head(head)?;
        let mut words = line.splitn(3, ' ');
        let (Some(version), Some(status), Some(reason)) = (words.next(), words.next(), words.next()) else {
            let what = format!("{line:?} is not a status line such as HTTP/1.1 101 Switching Protocols");
            return Err(HeadError::bad("RFC 9112 section 4", what));
        };
        let version = Version::parse(version)?;
        let number = if status.len() == 3 { status.parse::<u16>().ok() } else { None };
        let Some(status) = number.filter(|number| (100..=999).contains(number)) else {
            return Err(HeadError::bad("RFC 9112 section 4", format!("{status:?} is not a status of three digits")));
        };
        Ok(ResponseHead { version, status, reason: reason.to_owned(), headers: Headers::parse(headers)? })
    }
}

/// The first line, and the lines behind it without the blank one.
fn split_head(head: &[u8]) -> Result<(&str, &[u8]), HeadError> {
    let (line, rest) = split_line(head)?;
    let Some(headers) = rest.strip_suffix(b"\r\n") else {
        return Err(HeadError::bad("RFC 9112 section 2.1", "the head does not end in a blank line"));
    };
    match std::str::from_utf8(line) {
        Ok(line) if line.chars().all(|character| character >= ' ' && character != '\x7f') => Ok((line, headers)),
        _ => Err(HeadError::bad("RFC 9112 section 2.2", "the first line of the head holds bytes that are not text")),
    }
}

/// What a target may be: visible ASCII, in the form of a path or of a whole address, without the fragment, which is for
/// the client alone.
fn check_target(target: &str) -> Result<(), HeadError> {
    let visible = target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#');
    let known_form = target.starts_with('/') || target == "*" || without_scheme(target).is_some();
    if visible && known_form {
        return Ok(());
    }
    let what = format!("{target:?} is not a target such as /chat; other characters are sent as %20 and the like");
    Err(HeadError::bad("RFC 9112 section 3.2", what))
}

fn without_scheme(target: &str) -> Option<&str> {
    let (scheme, rest) = target.split_once("://")?;
    let known = ["http", "https", "ws", "wss"].iter().any(|each| each.eq_ignore_ascii_case(scheme));
    known.then_some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(line: &str) -> Result<RequestHead, HeadError> {
        RequestHead::parse(format!("{line}\r\nHost: x\r\n\r\n").as_bytes())
    }

    #[test]
    fn a_target_is_taken_apart() {
        for (target, path, query) in [
            ("/", "/", None),
            ("/a/b?c=d?e", "/a/b", Some("c=d?e")),
            ("/?", "/", Some("")),
            ("http://host:80/a?b", "/a", Some("b")),
            ("http://host?b", "/", Some("b")),
            ("HTTP://host", "/", None),
            ("/go?to=http://x/y", "/go", Some("to=http://x/y")),
        ] {
            let head = request(&format!("GET {target} HTTP/1.1")).unwrap();
            assert_eq!((head.path(), head.query()), (path, query), "{target}");
        }
    }

    #[test]
    fn request_lines_are_read_strictly() {
        for line in [
            "GET  / HTTP/1.1",
            "GET / HTTP/1.1 ",
            " GET / HTTP/1.1",
            "GET\t/ HTTP/1.1",
            "GET /",
            "GET",
            "",
            "G(T / HTTP/1.1",
            "GET /a b HTTP/1.1",
            "GET /\u{e9} HTTP/1.1",
            "GET /#top HTTP/1.1",
            "GET chat HTTP/1.1",
            "GET  HTTP/1.1",
            "GET / http/1.1",
            "GET / HTTP/1.10",
            "GET / HTTP/11",
            "GET / HTTP/+1.1",
            "GET /\0 HTTP/1.1",
        ] {
            assert_eq!(request(line).unwrap_err().status, 400, "{line:?}");
        }
        assert_eq!(request("PRI * HTTP/2.0").unwrap_err().status, 505);
        assert_eq!(request("GET / HTTP/0.9").unwrap_err().status, 505);
        assert_eq!(request("GET / HTTP/1.0").unwrap().version, Version { major: 1, minor: 0 });
        assert_eq!(request("get / HTTP/1.1").unwrap().method, "get");
    }

    #[test]
    fn a_head_ends_in_a_blank_line() {
        assert!(RequestHead::parse(b"GET / HTTP/1.1\r\nHost: x\r\n").is_err());
        assert!(RequestHead::parse(b"GET / HTTP/1.1\n\n").is_err());
        assert!(RequestHead::parse(b"").is_err());
        assert!(RequestHead::parse(b"GET / HTTP/1.1\r\n\r\n").is_ok());
        assert!(RequestHead::parse(b"GET / HTTP/1.1\r\n\r\nA: behind the end\r\n\r\n").is_err());
    }

    #[test]
    fn status_lines_are_read_strictly() {
        let head = ResponseHead::parse(b"HTTP/1.1 404 Not Found here\r\nA: b\r\n\r\n").unwrap();
        assert_eq!((head.status, head.reason.as_str(), head.headers.get("a")), (404, "Not Found here", Some("b")));
        assert_eq!(ResponseHead::parse(b"HTTP/1.1 101 \r\n\r\n").unwrap().reason, "");
        for line in
            ["HTTP/1.1 101", "HTTP/1.1 1e1 x", "HTTP/1.1 +99 x", "HTTP/1.1 0101 x", "HTTP/1.1  101 x", "101 x y"]
        {
            assert!(ResponseHead::parse(format!("{line}\r\n\r\n").as_bytes()).is_err(), "{line:?}");
        }
    }
}
