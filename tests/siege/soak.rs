//! Everything at once for a while: what honest clients do and what attackers do, drawn by a seed.

use super::attacks;
use crate::websocket::*;
use std::net::SocketAddr;
use std::time::Duration;

/// Numbers that a seed determines.
pub(crate) struct Drawn(pub(crate) u64);

impl Drawn {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

/// What one of those who come draws, does, and checks.
type Deed = fn(SocketAddr, &mut Drawn);

pub(crate) const DEEDS: [(&str, Deed); 14] = [
    ("messages of any length", honest_lengths),
    ("fragments and pings", honest_fragments),
    ("64 in flight", honest_flight),
    ("an ordinary request", ordinary_request),
    ("our own client", own_client),
    ("another library's client", tungstenite_client),
    ("drips", |server, drawn| drop(attacks::drip(server, 1 + drawn.below(20), Duration::from_millis(500), &|| {}))),
    ("never reads", |server, _| drop(attacks::deaf(server, 1, Duration::ZERO, &|| {}))),
    ("resets", |server, drawn| drop(attacks::resets(server, 1 + drawn.below(5)))),
    ("connects and closes", |server, drawn| drop(attacks::connect_and_close(server, 1, 1 + drawn.below(50)))),
    ("floods with pings", |server, drawn| drop(attacks::pings(server, 1, 1 + drawn.below(50)))),
    ("endless fragments", |server, _| drop(attacks::fragments(server, 1, Duration::from_millis(100)))),
    ("huge lengths", |server, _| drop(attacks::huge_lengths(server, 1))),
    ("huge heads", |server, drawn| match drawn.below(2) {
        0 => drop(attacks::headers(server, 1)),
        _ => drop(attacks::endless_heads(server, 1)),
    }),
];

fn bytes(drawn: &mut Drawn) -> Vec<u8> {
    let most = [10, 126, 200, 5_000, 65_536, 200_000][drawn.below(6)];
    let (length, seed) = (drawn.below(most + 1), drawn.below(256));
    (0..length).map(|at| (at * 31 + seed) as u8).collect()
}

fn honest_lengths(server: SocketAddr, drawn: &mut Drawn) {
    let mut peer = Peer::connect(server);
    for _ in 0..1 + drawn.below(20) {
        let message = bytes(drawn);
        peer.send(BINARY, &message);
        peer.expect(BINARY, &message);
    }
    peer.leave(1000);
}

fn honest_fragments(server: SocketAddr, drawn: &mut Drawn) {
    let mut peer = Peer::connect(server);
    for _ in 0..1 + drawn.below(10) {
        let pieces: Vec<_> = (0..2 + drawn.below(5)).map(|_| bytes(drawn)).collect();
        for (at, piece) in pieces.iter().enumerate() {
            let fin = if at + 1 == pieces.len() { 0x80 } else { 0 };
            peer.send(fin | if at == 0 { 2 } else { 0 }, piece);
            if fin == 0 {
                peer.send(PING, b"between");
                peer.expect(PONG, b"between");
            }
        }
        peer.expect(BINARY, &pieces.concat());
    }
    peer.leave(1000);
}

fn honest_flight(server: SocketAddr, drawn: &mut Drawn) {
    let mut peer = Peer::connect(server);
    let messages: Vec<_> = (0..64).map(|number| format!("{number} {}", "x".repeat(drawn.below(300)))).collect();
    peer.write(&messages.iter().flat_map(|text| frame(TEXT, text.as_bytes())).collect::<Vec<_>>());
    messages.iter().for_each(|text| peer.expect(TEXT, text.as_bytes()));
    peer.leave(1001);
}

fn ordinary_request(server: SocketAddr, drawn: &mut Drawn) {
    let (request, status) = [
        ("GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(), 426),
        ("POST / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_owned(), 405),
        ("no head at all\r\n\r\n".to_owned(), 400),
        (upgrade("/", "").replace("13", "12"), 426),
    ][drawn.below(4)]
    .clone();
    assert_eq!(Peer::ask(server, &request).0, status, "{request}");
}

fn own_client(server: SocketAddr, drawn: &mut Drawn) {
    let mut client = socklab::websocket::WebSocket::connect(&format!("ws://{server}/")).unwrap();
    for number in 0..1 + drawn.below(20) {
        client.send_text(&number.to_string()).unwrap();
        assert_eq!(text(&mut client), number.to_string());
    }
    client.close();
}

fn tungstenite_client(server: SocketAddr, drawn: &mut Drawn) {
    let (mut client, _) = tungstenite::connect(format!("ws://{server}/")).unwrap();
    for _ in 0..1 + drawn.below(20) {
        let message = tungstenite::Message::binary(bytes(drawn));
        client.send(message.clone()).unwrap();
        assert_eq!(client.read().unwrap(), message);
    }
    client.close(None).unwrap();
    while client.read().is_ok() {}
}
