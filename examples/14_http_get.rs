//! How does one fetch a page, and how does one know that it is all there?
//!
//! HTTP/1.1 (RFC 9112) uses every framing that there is, in one conversation: the head ends with a blank line; the
//! body is as long as the head announced, or comes in chunks that each announce their own length, or goes on to the end
//! of the connection, where nobody can tell a whole page from one that was cut off.
//!
//!     cargo run --example http_get -- http://127.0.0.1:8000/
//!     SOCKLAB_TRACE=ladder cargo run --example http_get -- https://www.example.com/ >page.html

mod arguments;

use arguments::{Arguments, Failure};
use socklab::{Client, ClientTls, Error, Framing, Received, Roots, Settings};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::time::{Duration, Instant};

const USAGE: &str = "http_get URL [--root PEM-FILE] [--limit SECONDS]\n\
    Writes the page to standard output, the status and the head to standard error.\n\
    With --root it believes only the certificates of that authority, and not those that browsers believe.\n\
    The limit is for the whole answer.";

/// What a server may put on the line that announces a chunk, or on one of the trailer.
const MAX_LINE: u64 = 4096;

fn main() -> Result<(), Failure> {
    let arguments = Arguments::read(USAGE, &["limit", "root"]);
    let limit = arguments.limit("60")?;
    let (settings, server, host, path) = read_url(&arguments.only_word(USAGE), &arguments.option("root", ""))?;
    // A request without a body, and the head of an answer: each is one message that ends with a blank line.
    let framing = Framing::Delimiter(b"\r\n\r\n".to_vec());
    let settings = Settings { framing, message_limit: limit, ..settings };
    let mut client = Client::connect_with(&server, &settings)?;
    let request = format!("GET {path} HTTP/1.1");
    client.send(format!("{request}\r\nHost: {host}\r\nUser-Agent: socklab\r\nConnection: close"))?;
    let answer = Answer { client, deadline: Instant::now() + limit, limit, rest: Vec::new() };
    fetch(answer).map_err(|error| format!("we sent {request:?}: {error}").into())
}

fn fetch(mut answer: Answer) -> Result<(), Box<dyn std::error::Error>> {
    let (status, head) = loop {
        let head = answer.receive()?.ok_or("the server closed without an answer")?;
        let head = String::from_utf8_lossy(&head).into_owned();
        let status = head.strip_prefix("HTTP/1.").and_then(|rest| rest.get(2..5)?.parse().ok());
        match status.ok_or_else(|| format!("the server answered {head:?}, which is not HTTP/1"))? {
            // RFC 9110 section 15.2: before its answer a server may say that it is working on it.
            100..=199 => {}
            status => break (status, head),
        }
    };
    eprintln!("{}\n", head.replace("\r\n", "\n"));
    // From here on it is bytes. With `Read`, std's own tools do with a connection what they do with a file.
    answer.client.set_framing(Framing::Raw);
    copy_body(status, &head, BufReader::new(answer), io::stdout().lock())?;
    match (status, field(&head, "Location").first()) {
        (200..=299, _) => Ok(()),
        (300..=399, Some(place)) => Err(format!("status {status}: the page is elsewhere, at {place:?}").into()),
        _ => Err(format!("the server answered {:?}", head.lines().next().unwrap_or_default()).into()),
    }
}

/// Section 6.3: what tells the length of a body, in the order of precedence.
fn copy_body(status: u16, head: &str, mut body: impl BufRead, mut out: impl Write) -> io::Result<()> {
    let (codings, mut lengths) = (field(head, "Transfer-Encoding"), field(head, "Content-Length"));
    lengths.dedup();
    match (&codings[..], &lengths[..]) {
        _ if status == 204 || status == 304 => Ok(()),
        ([coding], _) if coding.eq_ignore_ascii_case("chunked") => copy_chunks(body, out),
        ([], [length]) if length.bytes().all(|byte| byte.is_ascii_digit()) => {
            copy(&mut body, &mut out, length.parse().map_err(io::Error::other)?)
        }
        ([], []) => {
            let count = io::copy(&mut body, &mut out)?;
            eprintln!("{count} bytes, to the end of the connection: how many to expect, the server did not say");
            Ok(())
        }
        _ => bad(format!("how long is a body with Transfer-Encoding {codings:?}, Content-Length {lengths:?}?")),
    }
}

/// Section 7.1: the length in hexadecimal, CR LF, so many bytes, CR LF; and only the length 0 is the end.
fn copy_chunks(mut body: impl BufRead, mut out: impl Write) -> io::Result<()> {
    loop {
        let line = read_line(&mut body)?;
        let digits = line.split(';').next().unwrap_or_default().trim_end();
        match u64::from_str_radix(digits, 16) {
            Ok(0) => break,
            Ok(length) if !digits.starts_with('+') => copy(&mut body, &mut out, length)?,
            _ => return bad(format!("a chunk should begin with its length, but it begins {line:?}")),
        }
        let after = read_line(&mut body)?;
        if !after.is_empty() {
            return bad(format!("a chunk is longer than its length says: it goes on with {after:?}"));
        }
    }
    // The trailer: fields that were not known before the body was, then a blank line.
    while !read_line(&mut body)?.is_empty() {}
    Ok(())
}

fn read_line(body: &mut impl BufRead) -> io::Result<String> {
    let mut line = Vec::new();
    body.take(MAX_LINE).read_until(b'\n', &mut line)?;
    match line.strip_suffix(b"\r\n") {
        Some(line) => Ok(String::from_utf8_lossy(line).into_owned()),
        None if line.ends_with(b"\n") || line.len() as u64 == MAX_LINE => bad("no CR LF ends a chunk's line".into()),
        None => bad("the body was cut short: the server closed before the last chunk and its blank line".into()),
    }
}

fn copy(body: &mut impl BufRead, out: &mut impl Write, length: u64) -> io::Result<()> {
    match io::copy(&mut body.take(length), out)? {
        count if count == length => Ok(()),
        count => bad(format!("the body was cut short: {length} bytes were announced, and {count} came")),
    }
}

/// All that the head says under this name.
fn field<'a>(head: &'a str, name: &str) -> Vec<&'a str> {
    let fields = head.split("\r\n").skip(1).filter_map(|line| line.split_once(':'));
    fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim()).collect()
}

fn bad<T>(what: String) -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::InvalidData, what))
}

/// What comes from the server, under one deadline: a server that drips a byte a second must not hold us for ever.
struct Answer {
    client: Client,
    deadline: Instant,
    limit: Duration,
    /// What a receive brought and nobody has read yet.
    rest: Vec<u8>,
}

impl Answer {
    fn receive(&mut self) -> io::Result<Option<Vec<u8>>> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        match self.client.receive_within(left) {
            Ok(Received::Message(message)) if !left.is_zero() => Ok(Some(message)),
            Ok(Received::Closed) => Ok(None),
            Ok(_) => bad(format!("the answer was not whole within {:?}", self.limit)),
            Err(Error::CutOff { partial }) => {
                bad(format!("the server closed in the middle of the head: {:?}", String::from_utf8_lossy(&partial)))
            }
            Err(error) => bad(error.to_string()),
        }
    }
}

impl Read for Answer {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.rest.is_empty() {
            self.rest = self.receive()?.unwrap_or_default();
        }
        let count = self.rest.as_slice().read(buffer)?;
        self.rest.drain(..count);
        Ok(count)
    }
}

/// `http://HOST[:PORT][/PATH]`, or `https`: how and where to connect, what to call the server, and what to ask for.
fn read_url(url: &str, root: &str) -> Result<(Settings, String, String, String), Failure> {
    // A line end in a URL would become a line of the request, and say whatever the URL's author likes.
    if !url.chars().all(|c| c.is_ascii_graphic()) {
        return Err(format!("{url:?} is no URL: it holds visible ASCII only, and writes a space as %20").into());
    }
    let (scheme, rest) = url.split_once("://").ok_or_else(|| format!("{url} is no URL: write http://HOST/PATH"))?;
    let (settings, port) = match scheme {
        "http" => (Settings::default(), 80),
        "https" => {
            let tls = if root.is_empty() { ClientTls::new() } else { ClientTls::trusting(&Roots::from_file(root)?) };
            (Settings { client_tls: Some(tls), ..Settings::default() }, 443)
        }
        other => return Err(format!("{url}: the scheme {other} is not known: use http or https").into()),
    };
    // What follows a # is for the reader's side and is never sent (RFC 9110 section 7.1).
    let rest = rest.split('#').next().unwrap_or_default();
    let (host, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    if host.is_empty() || host.contains('@') {
        return Err(format!("{url}: after // comes HOST or HOST:PORT, and no user").into());
    }
    // The colons of [::1] are not a port's.
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'));
    let server = if has_port { host.to_owned() } else { format!("{host}:{port}") };
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    Ok((settings, server, host.to_owned(), path))
}
