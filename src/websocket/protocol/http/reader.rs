//! Where does the head end, while it arrives in pieces?
//!
//! At the first blank line. The pieces are cut anywhere, and two mistakes are usual. One is to search from the
//! beginning each time: a peer that sends a long head byte by byte makes that quadratic, and a server busy with nothing
//! (CVE-2023-43669). So each byte is looked at once. The other is to throw away what came behind the blank line in the
//! same read: those bytes are the first frame.
//!
//! What can never become a head is refused at once, and not when the time runs out: a line that ends in LF alone, too
//! many bytes or headers, or the first byte of a TLS handshake, which is what a `wss://` client sends to a `ws://`
//! port.
//!
//! # In production
//!
//! A server for many also limits the length of a single line, and answers 414 to a long target.

use super::headers::HeadError;

/// More headers than this are an attack or a mistake: a browser sends about twenty.
pub const MAX_HEADERS: usize = 100;

/// Collects a head.
///
/// ```
/// use socklab::websocket::protocol::http::HeadReader;
///
/// let mut reader = HeadReader::new(8192);
/// assert_eq!(reader.feed(b"GET / HTTP/1.1\r\nHost: x\r\n\r")?, None);
/// let last = b"\nfirst frame";
/// let used = reader.feed(last)?.ok_or("the head is complete")?;
/// assert_eq!(&last[used..], b"first frame"); // keep it!
/// assert_eq!(reader.head(), b"GET / HTTP/1.1\r\nHost: x\r\n\r\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct HeadReader {
    limit: usize,
    /// What came of the head; never what came behind it.
    bytes: Vec<u8>,
    /// Where the current line begins in `bytes`: all lines before it were looked at.
    line_start: usize,
    /// How many lines ended.
    lines: usize,
    complete: bool,
}

impl HeadReader {
    /// A head of at most `limit` bytes.
    pub fn new(limit: usize) -> Self {
        HeadReader { limit, bytes: Vec::new(), line_start: 0, lines: 0, complete: false }
    }

    // ANCHOR: feed
    /// Takes the next piece. `Some(count)`: the head is complete, and `count` bytes of this piece belong to it; the
    /// rest belongs to whoever reads on. `None`: more is needed.
    ///
    /// # Errors
    ///
    /// What can never become a head, with the status to answer: 400 or 431.
    pub fn feed(&mut self, piece: &[u8]) -> Result<Option<usize>, HeadError> {
        if self.complete {
            return Ok(Some(0));
        }
        self.check_first_byte(piece)?;
        let mut used = 0;
        while let Some(line_length) = piece[used..].iter().position(|&byte| byte == b'\n') {
            let end = used + line_length + 1;
            self.append(&piece[used..end])?;
            used = end;
            self.end_line()?;
            if self.complete {
                return Ok(Some(used));
            }
        }
        self.append(&piece[used..])?;
        Ok(None)
    }
    // ANCHOR_END: feed

    /// What came of the head so far; all of it, with its blank line, when [`feed`](Self::feed) said `Some`.
    pub fn head(&self) -> &[u8] {
        &self.bytes
    }

    /// Has nothing come yet? A browser opens a spare connection and may never use it: its end then is no error.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    fn append(&mut self, bytes: &[u8]) -> Result<(), HeadError> {
        if bytes.len() > self.limit - self.bytes.len() {
            let what = format!("the peer's head is longer than {} bytes; is there a large cookie?", self.limit);
            return Err(HeadError { status: 431, what, section: "RFC 6585 section 5" });
        }
        self.bytes.extend_from_slice(bytes);
        Ok(())
    }

    /// `bytes` ends in LF.
    fn end_line(&mut self) -> Result<(), HeadError> {
        let line = &self.bytes[self.line_start..];
        let Some(line) = line.strip_suffix(b"\r\n") else {
            // A recipient may take LF alone for a line end, and then it may disagree with the proxy before it.
            let what = "a line of the head ends in LF alone; HTTP's lines end in CR LF, \"\\r\\n\"";
            return Err(HeadError::bad("RFC 9112 section 2.2", what));
        };
        self.complete = line.is_empty();
        self.line_start = self.bytes.len();
        self.lines += 1;
        if self.complete && self.lines == 1 {
            // RFC 9112 section 2.2 asks to skip blank lines that an old client sent behind an earlier body. There was
            // no earlier body here.
            return Err(HeadError::bad("RFC 9112 section 2.2", "the head begins with a blank line"));
        }
        // The first line and the blank one are not headers.
        if self.lines > MAX_HEADERS + 1 && !self.complete {
            let what = format!("the peer sent more than {MAX_HEADERS} headers");
            return Err(HeadError { status: 431, what, section: "RFC 6585 section 5" });
        }
        Ok(())
    }

    fn check_first_byte(&self, piece: &[u8]) -> Result<(), HeadError> {
        match (self.bytes.is_empty(), piece.first()) {
            // 22 begins a TLS handshake, 21 a TLS alert (RFC 8446 section 5.1). Neither begins a head.
            (true, Some(0x15 | 0x16)) => {
                let what = "the peer speaks TLS where plain HTTP was expected; is one side wss:// and the other ws://?";
                Err(HeadError::bad("RFC 8446 section 5.1", what))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n";

    #[test]
    fn every_cut_finds_the_same_end() {
        let bytes = [HEAD, b"\x81\x00\r\n\r\n"].concat();
        for cut in 0..bytes.len() {
            let mut reader = HeadReader::new(1_000);
            let used = match reader.feed(&bytes[..cut]).unwrap() {
                Some(used) => used,
                None => cut + reader.feed(&bytes[cut..]).unwrap().unwrap(),
            };
            assert_eq!(used, HEAD.len(), "cut at {cut}");
            assert_eq!(reader.head(), HEAD);
            assert_eq!(reader.feed(b"more"), Ok(Some(0)), "what comes later is not the head's");
        }
    }

    #[test]
    fn byte_by_byte_it_is_complete_with_the_last_byte() {
        let mut reader = HeadReader::new(1_000);
        assert!(reader.is_empty());
        for (index, byte) in HEAD.iter().enumerate() {
            let complete = reader.feed(&[*byte]).unwrap();
            assert_eq!(complete.is_some(), index == HEAD.len() - 1, "at byte {index}");
        }
    }

    /// Searching from the beginning each time would take minutes here: the line is long, so that searching only from its beginning would be too
    /// slow.
    #[test]
    fn a_dripped_head_is_looked_at_once() {
        let mut reader = HeadReader::new(4_000_000);
        for _ in 0..2_000_000 {
            assert_eq!(reader.feed(b"a"), Ok(None));
        }
    }

    #[test]
    fn a_head_is_limited_in_bytes() {
        assert_eq!(HeadReader::new(HEAD.len()).feed(HEAD), Ok(Some(HEAD.len())));
        assert_eq!(HeadReader::new(HEAD.len() - 1).feed(HEAD).unwrap_err().status, 431);
        let mut reader = HeadReader::new(10);
        assert_eq!(reader.feed(b"0123456789"), Ok(None));
        assert_eq!(reader.feed(b"0").unwrap_err().status, 431, "without a line end, too");
        let mut reader = HeadReader::new(HEAD.len());
        assert!(reader.feed(&[HEAD, &[0; 100]].concat()).is_ok(), "what is behind the head does not count");
    }

    #[test]
    fn a_head_is_limited_in_headers() {
        let head = |count: usize| format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(count));
        assert!(HeadReader::new(10_000).feed(head(MAX_HEADERS).as_bytes()).unwrap().is_some());
        assert_eq!(HeadReader::new(10_000).feed(head(MAX_HEADERS + 1).as_bytes()).unwrap_err().status, 431);
    }

    #[test]
    fn what_is_no_head_is_refused_at_once() {
        for (bytes, what) in [
            (&b"GET / HTTP/1.1\n"[..], "LF alone"),
            (b"GET / HTTP/1.1\r\nA: b\n", "LF alone"),
            (b"\n", "LF alone"),
            (b"\r\n", "blank line"),
            (b"\x16\x03\x01\x02", "TLS"),
            (b"\x15\x03\x03\x00\x02", "TLS"),
        ] {
            let error = HeadReader::new(1_000).feed(bytes).unwrap_err();
            assert_eq!(error.status, 400);
            assert!(error.what.contains(what), "{bytes:?}: {error}");
        }
    }
}
