//! What does a `ws://` address say?
//!
//! `ws://host:port/path?query` (RFC 6455 section 3): to whom to connect, over TLS or not, and what to ask for there.
//! The default ports are HTTP's own, 80 and 443, because the connection begins as HTTP.
//!
//! # In production
//!
//! The `url` crate follows the WHATWG's rules: it also takes names in any script and what people mistype. Here what
//! cannot be sent as it stands is an error that says how to write it.

// An address is data: parsing one asks no network.
use core::net::Ipv6Addr;
use std::error::Error;
use std::fmt;

/// A `ws://` or `wss://` address, taken apart.
///
/// ```
/// use socklab::websocket::protocol::url::WebSocketUrl;
///
/// let url = WebSocketUrl::parse("ws://localhost:7000/chat?room=1")?;
/// assert_eq!((url.host.as_str(), url.port, url.is_secure), ("localhost", 7000, false));
/// assert_eq!(url.target, "/chat?room=1");
/// # Ok::<(), socklab::websocket::protocol::url::UrlError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebSocketUrl {
    /// `wss://`: TLS around it all.
    pub is_secure: bool,
    /// A name, an IPv4 address, or an IPv6 address without its brackets: what to connect to.
    pub host: String,
    /// As it is written, or the scheme's own.
    pub port: u16,
    /// The path with its query, at least `/`: what the request line asks for.
    pub target: String,
}

/// An address that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UrlError {
    /// What is wrong with it, and how to write it.
    pub what: String,
}

impl UrlError {
    fn new(what: impl Into<String>) -> Self {
        UrlError { what: what.into() }
    }
}

impl fmt::Display for UrlError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.what)
    }
}

impl Error for UrlError {}

impl WebSocketUrl {
    /// Takes an address apart.
    ///
    /// # Errors
    ///
    /// Whatever is not `ws://` or `wss://` with a host, or cannot be sent as it stands.
    pub fn parse(text: &str) -> Result<WebSocketUrl, UrlError> {
        let Some((scheme, rest)) = text.split_once("://") else {
            return Err(UrlError::new(format!("{text:?} has no scheme; write ws://{text}")));
        };
        let is_secure = match scheme.to_ascii_lowercase().as_str() {
            "ws" => false,
            "wss" => true,
            "http" => return Err(UrlError::new("a WebSocket address begins with ws://, not http://")),
            "https" => return Err(UrlError::new("a WebSocket address begins with wss://, not https://")),
            _ => return Err(UrlError::new(format!("the scheme {scheme:?} is not ws or wss"))),
        };
        if rest.contains('#') {
            // A fragment is a place within a document, and there is no document.
            return Err(UrlError::new("a WebSocket address has no fragment; write %23 if you mean the character #"));
        }
        if let Some(wrong) = rest.chars().find(|character| !character.is_ascii_graphic()) {
            return Err(UrlError::new(format!("the character {wrong:?} cannot stand in an address; write it as %xx")));
        }
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        let default_port = if is_secure { 443 } else { 80 };
        let (host, port) = split_authority(authority, default_port)?;
        // "ws://host?query" has an empty path, and a request line cannot.
        let target = if target.starts_with('/') { target.to_owned() } else { format!("/{target}") };
        Ok(WebSocketUrl { is_secure, host, port, target })
    }

    /// What the `Host` header says: brackets around IPv6, and the port unless it is the scheme's own.
    pub fn host_header(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        let default_port = if self.is_secure { 443 } else { 80 };
        if self.port == default_port { host } else { format!("{host}:{}", self.port) }
    }
}

impl fmt::Display for WebSocketUrl {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.is_secure { "wss" } else { "ws" };
        write!(formatter, "{scheme}://{}{}", self.host_header(), self.target)
    }
}

/// `host`, `host:port`, `[::1]` or `[::1]:port`.
fn split_authority(authority: &str, default_port: u16) -> Result<(String, u16), UrlError> {
    if authority.contains('@') {
        return Err(UrlError::new("a user or password in the address is not sent; use an Authorization header"));
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let Some((address, port)) = rest.split_once(']') else {
                return Err(UrlError::new(format!("the bracket in {authority:?} is not closed")));
            };
            if address.parse::<Ipv6Addr>().is_err() {
                return Err(UrlError::new(format!("{address:?} is not an IPv6 address")));
            }
            (address, port)
        }
        None => {
            let (host, port) = authority.split_at(authority.find(':').unwrap_or(authority.len()));
            if !is_host_name(host) {
                return Err(UrlError::new(format!("{host:?} is not a host; write localhost, a name or an address")));
            }
            (host, port)
        }
    };
    Ok((host.to_owned(), parse_port(port, default_port)?))
}

fn is_host_name(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte))
}

/// Nothing, or a colon and a number.
fn parse_port(text: &str, default_port: u16) -> Result<u16, UrlError> {
    let number = match text.strip_prefix(':') {
        None if text.is_empty() => return Ok(default_port),
        // "ws://host:" is allowed, and means the default (RFC 3986 section 3.2.3).
        Some("") => return Ok(default_port),
        Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse::<u16>().ok(),
        _ => None,
    };
    match number {
        Some(port) if port != 0 => Ok(port),
        _ => Err(UrlError::new(format!("{text:?} is not a port from :1 to :65535; an IPv6 address needs brackets"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart_and_put_together() {
        for (text, host, port, target, header) in [
            ("ws://localhost", "localhost", 80, "/", "localhost"),
            ("wss://localhost", "localhost", 443, "/", "localhost"),
            ("WS://a.b-c:81/", "a.b-c", 81, "/", "a.b-c:81"),
            ("ws://h:80/x", "h", 80, "/x", "h"),
            ("wss://h:80/x", "h", 80, "/x", "h:80"),
            ("ws://h:?q", "h", 80, "/?q", "h"),
            ("ws://h/a?b=c/d:e@f", "h", 80, "/a?b=c/d:e@f", "h"),
            ("ws://[::1]", "::1", 80, "/", "[::1]"),
            ("wss://[2001:db8::7]:7000/x", "2001:db8::7", 7000, "/x", "[2001:db8::7]:7000"),
            ("ws://127.0.0.1:7000", "127.0.0.1", 7000, "/", "127.0.0.1:7000"),
        ] {
            let url = WebSocketUrl::parse(text).unwrap();
            assert_eq!((url.host.as_str(), url.port, url.target.as_str()), (host, port, target), "{text}");
            assert_eq!(url.host_header(), header);
            assert_eq!(WebSocketUrl::parse(&url.to_string()), Ok(url));
        }
    }

    #[test]
    fn what_cannot_be_used_says_why() {
        for (text, what) in [
            ("localhost:7000", "ws://localhost:7000"),
            ("http://h", "not http://"),
            ("https://h", "wss://"),
            ("ftp://h", "ftp"),
            ("ws://", "not a host"),
            ("ws:///path", "not a host"),
            ("ws://h/#top", "fragment"),
            ("ws://user:secret@h/", "Authorization"),
            ("ws://h:70000", "port"),
            ("ws://h:0", "port"),
            ("ws://h:+7", "port"),
            ("ws://::1/", "not a host"),
            ("ws://fe80::1/", "brackets"),
            ("ws://[::1/", "not closed"),
            ("ws://[h]/", "IPv6"),
            ("ws://[::1]x/", "port"),
            ("ws://h/a b", "%xx"),
            ("ws://h/\r\nEvil: yes", "%xx"),
            ("ws://hé/", "%xx"),
            ("ws://h%20/", "not a host"),
        ] {
            let error = WebSocketUrl::parse(text).unwrap_err();
            assert!(error.what.contains(what), "{text}: {error}");
        }
    }
}
