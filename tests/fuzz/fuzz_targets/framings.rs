//! Each framing over a real connection, for its decoder is the library's own affair: whatever the cuts, the messages are
//! those that a much simpler program finds in the whole stream.
#![no_main]

mod cuts;

use libfuzzer_sys::fuzz_target;
use socklab::{ByteOrder, Connection, Error, Framing, LengthWidth, Received, Settings, SimpleServer};
use std::cell::RefCell;
use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

const LIMIT: usize = 300;

#[derive(Debug, PartialEq)]
enum End {
    Closed,
    /// So many bytes belong to no message.
    CutOff(usize),
    TooLong,
    Malformed,
    /// What came first is the peer's part of a handshake, and we speak none.
    Tls,
}

fn framing(choice: u8) -> Framing {
    let binary = |width, order| Framing::BinaryLength { width, order };
    match choice % 9 {
        0 => Framing::lines(),
        1 => Framing::internet_lines(),
        2 => Framing::Delimiter(b"aab".to_vec()),
        3 => Framing::DecimalLength,
        4 => binary(LengthWidth::One, ByteOrder::BigEndian),
        5 => binary(LengthWidth::Two, ByteOrder::LittleEndian),
        6 => binary(LengthWidth::Four, ByteOrder::BigEndian),
        7 => binary(LengthWidth::Eight, ByteOrder::LittleEndian),
        _ => Framing::Raw,
    }
}

/// The much simpler program: it has the whole stream.
fn shadow(framing: &Framing, stream: &[u8]) -> (Vec<Vec<u8>>, End) {
    let (mut messages, mut rest) = (vec![], stream);
    if *framing == Framing::Raw {
        return (vec![stream.to_vec()], End::Closed);
    }
    while !rest.is_empty() {
        let (mark, length, after) = match framing {
            Framing::Delimiter(marker) => match rest.windows(marker.len()).position(|bytes| bytes == &marker[..]) {
                Some(at) => (0, at as u64, marker.len()),
                None if rest.len() >= LIMIT + marker.len() => return (messages, End::TooLong),
                None => return (messages, End::CutOff(rest.len())),
            },
            Framing::DecimalLength => {
                let digits = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
                let could_be =
                    digits > 0 && digits <= 20 && b"\r\n".starts_with(&rest[digits..rest.len().min(digits + 2)]);
                if digits == 0 || !could_be && (digits > 20 || !rest[digits..].starts_with(b"\r\n")) {
                    return (messages, End::Malformed);
                }
                if rest.len() < digits + 2 {
                    return (messages, End::CutOff(rest.len()));
                }
                match std::str::from_utf8(&rest[..digits]).unwrap().parse() {
                    Ok(length) => (digits + 2, length, 0),
                    Err(_) => return (messages, End::Malformed),
                }
            }
            Framing::BinaryLength { width, order } => {
                let size = match width {
                    LengthWidth::One => 1,
                    LengthWidth::Two => 2,
                    LengthWidth::Four => 4,
                    LengthWidth::Eight => 8,
                };
                let Some(mark) = rest.get(..size) else { return (messages, End::CutOff(rest.len())) };
                let mut word = [0; 8];
                match order {
                    ByteOrder::BigEndian => word[8 - size..].copy_from_slice(mark),
                    ByteOrder::LittleEndian => {
                        word[..size].copy_from_slice(mark);
                        word.reverse();
                    }
                }
                (size, u64::from_be_bytes(word), 0)
            }
            Framing::Raw => unreachable!("has no marks"),
        };
        if length > LIMIT as u64 {
            return (messages, End::TooLong);
        }
        let end = mark + length as usize;
        let Some(message) = rest.get(mark..end) else { return (messages, End::CutOff(rest.len())) };
        messages.push(message.to_vec());
        rest = &rest[end + after..];
    }
    (messages, End::Closed)
}

/// Receives until nothing more comes, or something after which there is no way on.
fn take(connection: &mut Connection, messages: &mut Vec<Vec<u8>>, limit: Duration) -> Option<End> {
    loop {
        match connection.receive_within(limit) {
            Ok(Received::Message(message)) => messages.push(message),
            Ok(Received::Nothing) => return None,
            Ok(Received::Closed) => return Some(End::Closed),
            Err(Error::CutOff { partial }) => return Some(End::CutOff(partial.len())),
            Err(Error::TooLong { .. }) => return Some(End::TooLong),
            Err(Error::Malformed { .. }) => return Some(End::Malformed),
            Err(Error::Tls { .. }) => return Some(End::Tls),
            Err(other) => panic!("{other}"),
        }
    }
}

fn hear(framing: &Framing, pieces: &[&[u8]]) -> (Vec<Vec<u8>>, End) {
    thread_local! {
        static SERVER: RefCell<SimpleServer> = RefCell::new({
            let settings = Settings { max_message: LIMIT, ..Settings::default() };
            SimpleServer::bind_with("127.0.0.1:0", &settings).unwrap()
        });
    }
    SERVER.with_borrow_mut(|server| {
        let mut peer = TcpStream::connect(server.local_address()).unwrap();
        peer.set_nodelay(true).unwrap();
        let mut connection = server.accept().unwrap();
        connection.set_framing(framing.clone());
        let mut messages = vec![];
        for piece in pieces {
            peer.write_all(piece).unwrap();
            if let Some(end) = take(&mut connection, &mut messages, Duration::ZERO) {
                return (messages, end);
            }
        }
        peer.shutdown(Shutdown::Write).unwrap();
        let end = take(&mut connection, &mut messages, Duration::from_secs(10)).expect("the end comes");
        (messages, end)
    })
}

/// A record with a ClientHello in it, or with an alert (RFC 8446 sections 4, 5.1 and 6).
fn begins_like_tls(stream: &[u8]) -> bool {
    matches!(stream, [22, 3, _, _, _, 1, ..] | [21, 3, _, 0, 2, 1 | 2, _, ..])
}

fuzz_target!(|input: &[u8]| {
    let Some((first, rest)) = input.split_first() else { return };
    let Some(mut pieces) = cuts::cut(rest) else { return };
    // Each is a write and some reads.
    pieces.truncate(40);
    let framing = framing(*first);
    let (mut messages, end) = hear(&framing, &pieces);
    if framing == Framing::Raw {
        messages = vec![messages.concat()];
    }
    let stream = pieces.concat();
    if end == End::Tls {
        // In the library's words: why there will never be a message. Only for a peer that began like TLS, and at once.
        assert!(messages.is_empty() && begins_like_tls(&stream), "{framing:?}");
        return;
    }
    assert_eq!((messages, end), shadow(&framing, &stream), "{framing:?}");
});
