//! What does a step say, in words that fit a column, and what may one say about the side that nobody watches?
//!
//! Only what must be true. When a read brought bytes, the peer has written them, though perhaps in other pieces; when a
//! write returned, they are with *our* system, and the peer can read them soon, or never. A ladder that drew "read 11
//! bytes" on the peer's side for each of our writes would teach that TCP has messages.
//!
//! # In production
//!
//! A capture with `tcpdump` on both machines shows what crossed and when, and nobody has to infer.

use super::hex::{counted, digits, dump};
use super::rung::{Arrow, BELOW};
use super::said::{Words, name, other, target};
use super::tls::tls;
use crate::trace::step::LARGE_WRITE;
use crate::trace::{Action, Call, FrameStep, Outcome, Side, Step};
use std::io::ErrorKind;
use std::time::Duration;

/// A call that should return at once and took longer than this is said to have waited.
const NOTICEABLE: Duration = Duration::from_millis(1);
/// Lines of an HTTP head that are drawn.
const HEAD_LINES: usize = 40;

/// The words for a step, or `None` for one that is not drawn. `first` says that its call has not been seen before, and
/// `said_end` that the peer has been told already that we send no more.
pub(super) fn words(step: &Step<'_>, first: bool, said_end: bool) -> Option<Words> {
    let mut words = match &step.action {
        Action::Wait { call, bytes } => wait(step, *call, *bytes)?,
        Action::Call { call, outcome } => {
            let mut words = returned(step, *call, outcome, said_end);
            let failed = matches!(outcome, Outcome::Failed(_));
            if first || (failed && call.system_calls().len() > 1) {
                words.ours.push(below(&under_the_hood(*call, failed)));
            }
            words
        }
        Action::Tls(step_of_tls) => tls(step, step_of_tls),
        Action::Head { direction, bytes } => {
            let arrow = Some(Arrow::Meaning(target(step.side, *direction)));
            Words { ours: head(bytes), arrow, ..Words::default() }
        }
        Action::Frame { direction, frame: parts } => {
            let arrow = Some(Arrow::Meaning(target(step.side, *direction)));
            Words { ours: frame(parts), arrow, ..Words::default() }
        }
        Action::State { from, to, why } => {
            Words { ours: vec![format!("state: {from} → {to}"), below(why)], ..Words::default() }
        }
        Action::Note(text) => Words { ours: vec![format!("note: {text}")], ..Words::default() },
    };
    words.ours = words.ours.iter().map(|paragraph| clean(paragraph)).collect();
    Some(words)
}

fn wait(step: &Step<'_>, call: Call, bytes: Option<usize>) -> Option<Words> {
    let peer = name(other(step.side));
    let (text, arrow) = match (call, bytes) {
        (Call::Accept, _) => ("accept … waits for a client".to_string(), None),
        (Call::Connect, _) => {
            let address = step.peer.map(|address| format!(" to {address}")).unwrap_or_default();
            (format!("connect{address} … waits for the {peer}"), Some(Arrow::Bytes(Side::Server)))
        }
        (Call::Resolve, _) => ("resolve … waits for the system".to_string(), None),
        (Call::Write, Some(bytes)) if bytes > LARGE_WRITE => {
            (format!("write {} … may wait for the {peer} to read", counted(bytes as u64)), None)
        }
        (Call::Write | Call::Send | Call::SendTo, _) => return None,
        (Call::ReceiveFrom, _) => ("recvfrom … waits for a datagram".to_string(), None),
        (other, _) => (format!("{} … waits for the {peer}", other.name()), None),
    };
    Some(Words { ours: vec![text], theirs: None, arrow })
}

fn returned(step: &Step<'_>, call: Call, outcome: &Outcome<'_>, said_end: bool) -> Words {
    let word = call.name();
    let after = match call {
        Call::Resolve | Call::Accept | Call::Connect | Call::Read | Call::ReceiveFrom => waited(step.took),
        _ if step.took >= NOTICEABLE => waited(step.took),
        _ => String::new(),
    };
    let towards_us = Some(Arrow::Bytes(step.side));
    let towards_them = Some(Arrow::Bytes(other(step.side)));
    let (ours, theirs, arrow) = match (call, outcome) {
        (Call::Read, Outcome::Bytes(bytes)) => {
            (with_dump(format!("read {}{after}", counted(bytes.len() as u64)), bytes), "(has written them)", towards_us)
        }
        (Call::Write, Outcome::Bytes(bytes)) => {
            (with_dump(format!("write {}{after}", counted(bytes.len() as u64)), bytes), "(can read them)", towards_them)
        }
        (Call::Send | Call::SendTo, Outcome::Bytes(bytes)) => {
            let first = format!("{word}{}: {}{after}", datagram_peer(step), counted(bytes.len() as u64));
            (with_dump(first, bytes), "(may receive it, or never)", towards_them)
        }
        (Call::ReceiveFrom, Outcome::Bytes(bytes)) => {
            let first = format!("{word}{}: {}{after}", datagram_peer(step), counted(bytes.len() as u64));
            (with_dump(first, bytes), "(has sent it)", towards_us)
        }
        (_, Outcome::Bytes(bytes)) => (with_dump(format!("{word}: the next byte is there{after}"), bytes), "", None),
        (Call::Read, Outcome::End) => {
            (vec![format!("read: end{after}")], "(shutdown or close: sends no more)", towards_us)
        }
        (_, Outcome::OwnEnd) => (vec![format!("{word}: end, by our own shutdown{after}")], "", None),
        (_, Outcome::End) => (vec![format!("{word}: end{after}")], "", None),
        (Call::Accept, Outcome::Nothing) => (vec![format!("accept: nobody, the time is up{after}")], "", None),
        (_, Outcome::Nothing) => (vec![format!("{word}: nothing, the time is up{after}")], "", None),
        (_, Outcome::Accepted { descriptor, peer }) => {
            let socket = descriptor.map(|number| below(&format!("a new socket, descriptor {number}")));
            let ours = std::iter::once(format!("accept {peer}{after}")).chain(socket).collect();
            (ours, "(is connected)", Some(Arrow::Bytes(step.side)))
        }
        (Call::Connect, Outcome::Done) => {
            let ours = vec![format!("{word}: connected{after}"), below(&ourselves(step, "from"))];
            (ours, "(its system shook hands, accept may follow)", towards_us)
        }
        (Call::ConnectDatagram, Outcome::Done) => {
            let ours = vec![format!("{word}{}: nothing is sent", datagram_peer(step)), below(&ourselves(step, "from"))];
            (ours, "", None)
        }
        (Call::CloseDatagram, Outcome::Done) => {
            let descriptor = step.descriptor.map(|number| format!(", descriptor {number}")).unwrap_or_default();
            (vec![format!("{word}{descriptor}{after}")], "", None)
        }
        (Call::Listen | Call::Bind, Outcome::Done) => (vec![word.to_string(), below(&ourselves(step, "on"))], "", None),
        (Call::Shutdown | Call::Close, Outcome::Done) => {
            let descriptor =
                step.descriptor.filter(|_| call == Call::Close).map(|number| format!(" descriptor {number}"));
            let ours = vec![format!("{word}{}{after}", descriptor.unwrap_or_default())];
            // A listening socket has no peer to tell, and the end is told once.
            let tells = step.peer.is_some() && !said_end;
            if tells { (ours, "(can read what is left, then end)", towards_them) } else { (ours, "", None) }
        }
        (_, Outcome::Done) => (vec![format!("{word}: done{after}")], "", None),
        (_, Outcome::Failed(error)) => {
            let ours = vec![format!("{word} failed{after}"), below(&error.to_string())];
            match error.kind() {
                // ICMP "port unreachable", in answer to a datagram of before.
                ErrorKind::ConnectionRefused if call != Call::Connect => {
                    (ours, "(its system: nobody receives here)", towards_us)
                }
                ErrorKind::ConnectionReset => (ours, "(reset: died, or closed with bytes unread)", towards_us),
                ErrorKind::ConnectionRefused => (ours, "(its system: nobody listens here)", towards_us),
                _ => (ours, "", None),
            }
        }
    };
    Words { ours, theirs: Some(theirs.to_string()).filter(|words| !words.is_empty()), arrow }
}

/// Where a datagram goes, or comes from: each has an address of its own.
fn datagram_peer(step: &Step<'_>) -> String {
    step.peer.map(|address| format!(" {address}")).unwrap_or_default()
}

/// Our address and our descriptor, as far as they are known.
fn ourselves(step: &Step<'_>, preposition: &str) -> String {
    let address = step.local.map(|address| format!("{preposition} {address}"));
    let descriptor = step.descriptor.map(|number| format!("descriptor {number}"));
    address.into_iter().chain(descriptor).collect::<Vec<_>>().join(", ")
}

/// What `std` is asked for, and what it asks the system for. Of several calls we cannot see which one failed.
fn under_the_hood(call: Call, failed: bool) -> String {
    let calls = call.system_calls();
    let one_of = if failed && calls.len() > 1 { "one of " } else { "" };
    let whose = if cfg!(target_os = "linux") { "" } else { "on Linux " };
    let system = if calls.is_empty() { "getaddrinfo of the C library".to_string() } else { calls.join(", ") };
    format!("{} → {whose}{one_of}{system}", call.standard_library())
}

fn head(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let all: Vec<&str> = text.trim_end().lines().collect();
    let mut lines: Vec<String> = all.iter().take(HEAD_LINES).map(|line| line.to_string()).collect();
    if all.len() > HEAD_LINES {
        lines.push(format!("… {} more lines", all.len() - HEAD_LINES));
    }
    lines
}

/// RFC 6455 section 5.2 in words.
fn frame(frame: &FrameStep<'_>) -> Vec<String> {
    let kind = match frame.opcode {
        0 => "Continuation".to_string(),
        1 => "Text".to_string(),
        2 => "Binary".to_string(),
        8 => "Close".to_string(),
        9 => "Ping".to_string(),
        10 => "Pong".to_string(),
        reserved => format!("reserved opcode {reserved}"),
    };
    let fin = if frame.fin { "FIN" } else { "more follows" };
    let masked = if frame.key.is_some() { "masked" } else { "unmasked" };
    let reserved = if frame.rsv == 0 { String::new() } else { format!(", RSV {:03b}", frame.rsv) };
    let key = frame.key.map(|key| format!(", key {}", digits(&key))).unwrap_or_default();
    let mut lines = vec![format!("{kind}, {fin}{reserved}, {masked}, {}", counted(frame.length))];
    lines.push(below(&format!("header {}{key}", digits(frame.header))));
    // A Close may say why: two bytes of code, then text (section 5.5.1).
    if let (8, [high, low, reason @ ..]) = (frame.opcode, frame.payload) {
        let code = u16::from_be_bytes([*high, *low]);
        lines.push(below(format!("code {code} {}", String::from_utf8_lossy(reason)).trim_end()));
    }
    lines.extend(dump(frame.payload).iter().map(|row| below(row)));
    if (frame.payload.len() as u64) < frame.length {
        lines.push(below(&format!("{} of them came", counted(frame.payload.len() as u64))));
    }
    lines
}

fn with_dump(first: String, bytes: &[u8]) -> Vec<String> {
    std::iter::once(first).chain(dump(bytes).iter().map(|row| below(row))).collect()
}

fn below(line: &str) -> String {
    format!("{BELOW}{line}")
}

fn waited(took: Duration) -> String {
    // Ten microseconds are what the call itself takes: what it waits for was there already.
    if took < Duration::from_micros(10) { ", at once".to_string() } else { format!(", after {}", span(took)) }
}

/// A duration for people: three digits say it.
fn span(took: Duration) -> String {
    let micros = took.as_micros();
    match micros {
        0..10_000 => format!("{}.{:02} ms", micros / 1000, micros % 1000 / 10),
        10_000..1_000_000 => format!("{} ms", micros / 1000),
        _ => format!("{}.{:02} s", micros / 1_000_000, micros % 1_000_000 / 10_000),
    }
}

/// A peer's text on our terminal: an escape sequence in a header could clear the screen or retitle the window, and a
/// mark for writing from right to left could turn a line around. What is not printable is shown as its number.
pub(super) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '"' | '\'' | '\\' => out.push(character),
            other => out.extend(other.escape_debug()),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_does_not_write_to_our_terminal() {
        assert_eq!(clean("a\u{1b}[2Jb\u{202e}c\n\"é\" … →"), "a\\u{1b}[2Jb\\u{202e}c\\n\"é\" … →");
    }

    #[test]
    fn times_are_as_long_as_they_are_interesting() {
        let said = |micros| span(Duration::from_micros(micros));
        assert_eq!([said(35), said(1_230), said(512_400)], ["0.03 ms", "1.23 ms", "512 ms"]);
        assert_eq!([said(9_999_000), said(12_340_000)], ["9.99 s", "12.34 s"]);
    }

    #[test]
    fn frames_are_put_in_words() {
        let plain =
            FrameStep { fin: true, rsv: 0, opcode: 1, key: None, length: 5, header: &[0x81, 5], payload: b"Hello" };
        assert_eq!(
            frame(&plain),
            ["Text, FIN, unmasked, 5 bytes", "  header 81 05", "  48 65 6c 6c 6f           Hello"]
        );
        let broken = FrameStep { fin: false, rsv: 4, opcode: 3, key: Some([1, 2, 3, 4]), payload: b"He", ..plain };
        assert_eq!(frame(&broken)[0], "reserved opcode 3, more follows, RSV 100, masked, 5 bytes");
        assert_eq!(frame(&broken)[1], "  header 81 05, key 01 02 03 04");
        assert_eq!(frame(&broken)[3], "  2 bytes of them came");
        let close = FrameStep { opcode: 8, length: 5, header: &[0x88, 5], payload: b"\x03\xe8bye", ..plain };
        assert_eq!(frame(&close)[2], "  code 1000 bye");
    }

    #[test]
    fn of_several_calls_nobody_knows_which_one_failed() {
        assert!(under_the_hood(Call::Listen, true).ends_with("one of socket, setsockopt, bind, listen"));
        assert!(under_the_hood(Call::Listen, false).ends_with("→ socket, setsockopt, bind, listen"));
        assert!(under_the_hood(Call::Read, true).ends_with("→ recvfrom"));
    }
}
