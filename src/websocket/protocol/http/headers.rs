//! What is a header, and what may its name and value contain?
//!
//! A line `Name: value` (RFC 9112 section 5). Names are compared without regard to case, the same name may stand on
//! several lines, and many values are lists: `Connection: keep-alive, Upgrade` says two things. A server that looks for
//! the whole value `Upgrade` refuses Firefox.
//!
//! What a name and a value may *not* contain matters more. A line end inside a value that we send would begin a line of
//! its writer's choice; a space before the colon is read as part of the name by one program and not by the next, and
//! what lies between the two is called request smuggling.
//!
//! # In production
//!
//! The `http` crate interns the usual names and keeps values as bytes; here a value is text, and what is not UTF-8 in
//! it is replaced, for no value that we look at may contain it.

use std::error::Error;
use std::fmt;

/// A head that breaks the rules of HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadError {
    /// What a server answers: 400, 431 or 505. A client has nobody to tell.
    pub status: u16,
    /// What the peer did, and where to look.
    pub what: String,
    /// The rule, such as "RFC 9112 section 5.1".
    pub section: &'static str,
}

impl HeadError {
    pub(super) fn bad(section: &'static str, what: impl Into<String>) -> Self {
        HeadError { status: 400, what: what.into(), section }
    }
}

impl fmt::Display for HeadError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({}; HTTP status {})", self.what, self.section, self.status)
    }
}

impl Error for HeadError {}

/// A header that we were asked to send and must not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeaderError {
    /// What is wrong with it.
    pub what: String,
}

impl fmt::Display for HeaderError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.what)
    }
}

impl Error for HeaderError {}

/// The characters of names, methods and subprotocols (`token`, RFC 9110 section 5.6.2): no space, no separator.
pub fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// A value's characters: tab, space, what is visible, and the bytes above ASCII (RFC 9110 section 5.5).
fn is_value(bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| byte == b'\t' || (byte >= b' ' && byte != 0x7f))
}

/// Is this a header that we may send? The check that stops header injection: no CR, no LF, nothing before or after.
///
/// # Errors
///
/// The name is no token, or the value holds what would end the line or be cut from it.
pub fn check_header(name: &str, value: &str) -> Result<(), HeaderError> {
    if !is_token(name) {
        return Err(HeaderError { what: format!("{name:?} is not a header name: letters, digits and hyphens are") });
    }
    if !is_value(value.as_bytes()) || value.trim_matches([' ', '\t']) != value {
        let what =
            format!("the value {value:?} of header {name} holds a line end or control character, or outer spaces");
        return Err(HeaderError { what });
    }
    Ok(())
}

/// The elements of a list value: `keep-alive, Upgrade` has two. Empty ones do not count (RFC 9110 section 5.6.1).
pub fn list(value: &str) -> impl Iterator<Item = &str> {
    value.split(',').map(|element| element.trim_matches([' ', '\t'])).filter(|element| !element.is_empty())
}

/// The headers of one head, in the order in which they came.
///
/// ```
/// use socklab::websocket::protocol::http::Headers;
///
/// let headers = Headers::parse(b"Host: localhost\r\nConnection: keep-alive, Upgrade\r\n")?;
/// assert_eq!(headers.get("host"), Some("localhost"));
/// assert!(headers.has_token("connection", "upgrade"));
/// # Ok::<(), socklab::websocket::protocol::http::HeadError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers {
    lines: Vec<(String, String)>,
}

impl Headers {
    /// Reads header lines, each with its CR LF, without the blank line that ends the head.
    ///
    /// # Errors
    ///
    /// A line that breaks RFC 9112, with status 400.
    pub fn parse(mut bytes: &[u8]) -> Result<Headers, HeadError> {
        let mut lines = Vec::new();
        while !bytes.is_empty() {
            let (line, rest) = split_line(bytes)?;
            lines.push(parse_line(line)?);
            bytes = rest;
        }
        Ok(Headers { lines })
    }

    /// The first value of this name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.get_all(name).next()
    }

    /// Every value of this name.
    pub fn get_all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        let same_name = self.lines.iter().filter(move |(each, _)| each.eq_ignore_ascii_case(name));
        same_name.map(|(_, value)| value.as_str())
    }

    /// How often this name stands in the head. For a header that must be single, two are a sign of tampering.
    pub fn count(&self, name: &str) -> usize {
        self.get_all(name).count()
    }

    /// The elements of the list that all lines of this name make together.
    pub fn elements<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        self.get_all(name).flat_map(list)
    }

    /// Is this token in the list, in whatever case?
    pub fn has_token(&self, name: &str, token: &str) -> bool {
        self.elements(name).any(|element| element.eq_ignore_ascii_case(token))
    }

    /// All of them: name and value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.lines.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

/// Cuts the first line off, without its CR LF.
pub(super) fn split_line(bytes: &[u8]) -> Result<(&[u8], &[u8]), HeadError> {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n");
    let Some(end) = end else {
        return Err(HeadError::bad("RFC 9112 section 2.2", "the last line of the head has no CR LF"));
    };
    Ok((&bytes[..end], &bytes[end + 2..]))
}

// ANCHOR: parse_line
fn parse_line(line: &[u8]) -> Result<(String, String), HeadError> {
    let shown = String::from_utf8_lossy(line);
    if line.first().is_some_and(|byte| b" \t".contains(byte)) {
        // Once, a line that began with a space continued the one before. Not all programs agreed on it.
        let what = format!("the header line {shown:?} begins with a space; folded lines are obsolete");
        return Err(HeadError::bad("RFC 9112 section 5.2", what));
    }
    let Some(colon) = line.iter().position(|&byte| byte == b':') else {
        return Err(HeadError::bad("RFC 9112 section 5", format!("the header line {shown:?} has no colon")));
    };
    let (name, value) = (String::from_utf8_lossy(&line[..colon]), &line[colon + 1..]);
    if !is_token(&name) {
        let what = format!("{name:?} is not a header name; is there a space before the colon?");
        return Err(HeadError::bad("RFC 9112 section 5.1", what));
    }
    if !is_value(value) {
        // A bare CR or LF too: some program on the way may take it for the end of the line.
        let what = format!("the value of header {name} holds a control character");
        return Err(HeadError::bad("RFC 9110 section 5.5", what));
    }
    let value = String::from_utf8_lossy(value);
    Ok((name.into_owned(), value.trim_matches([' ', '\t']).to_owned()))
}
// ANCHOR_END: parse_line

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(bytes: &[u8]) -> HeadError {
        Headers::parse(bytes).unwrap_err()
    }

    #[test]
    fn names_are_found_in_any_case_and_values_in_order() {
        let headers = Headers::parse(b"A: one\r\nB:two \t\r\na:\t three, four\r\nEmpty:\r\n").unwrap();
        assert_eq!(headers.get("A"), Some("one"));
        assert_eq!(headers.get("b"), Some("two"));
        assert_eq!(headers.get("empty"), Some(""));
        assert_eq!(headers.get("missing"), None);
        assert_eq!(headers.get_all("a").collect::<Vec<_>>(), ["one", "three, four"]);
        assert_eq!(headers.count("A"), 2);
        assert_eq!(headers.elements("a").collect::<Vec<_>>(), ["one", "three", "four"]);
        assert_eq!(headers.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["A", "B", "a", "Empty"]);
    }

    #[test]
    fn a_token_is_an_element_not_a_part_of_a_word() {
        let headers = Headers::parse(b"Connection: keep-alive , , UPGRADE\r\nX: upgrade-now\r\n").unwrap();
        assert!(headers.has_token("Connection", "upgrade"));
        assert!(!headers.has_token("X", "upgrade"));
    }

    #[test]
    fn what_is_not_a_header_line_is_refused() {
        for (line, what) in [
            (&b"Host : x\r\n"[..], "before the colon"),
            (b"Host\r\n", "no colon"),
            (b": x\r\n", "not a header name"),
            (b"A: x\r\n folded\r\n", "folded"),
            (b"\tA: x\r\n", "folded"),
            (b"A\0B: x\r\n", "not a header name"),
            ("é: x\r\n".as_bytes(), "not a header name"),
            (b"A: x\0y\r\n", "control character"),
            (b"A: x\ry\r\n", "control character"),
            (b"A: x\ny\r\n", "control character"),
            (b"A: \x7f\r\n", "control character"),
            (b"A: x\n", "no CR LF"),
        ] {
            let error = refused(line);
            assert_eq!(error.status, 400);
            assert!(error.what.contains(what), "{line:?}: {error}");
        }
        assert_eq!(Headers::parse(b"A: caf\xe9\tx\r\n").unwrap().get("a"), Some("caf\u{fffd}\tx"));
    }

    #[test]
    fn nothing_can_be_injected() {
        assert_eq!(check_header("X-Name", "a plain value"), Ok(()));
        for (name, value) in
            [("X", "a\r\nEvil: yes"), ("X", "a\n"), ("X", "\0"), ("X", " a"), ("X: Y", "a"), ("", "a"), ("X\r\n", "a")]
        {
            assert!(check_header(name, value).is_err(), "{name:?}: {value:?}");
        }
    }
}
