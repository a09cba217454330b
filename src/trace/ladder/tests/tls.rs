//! Golden ladders of what TLS adds.

use super::*;
use crate::trace::{RecordStep, SecuredStep, TlsStep};

fn record<'a>(direction: Direction, content_type: u8, length: u16, handshake: Option<u8>) -> Action<'a> {
    Action::Tls(TlsStep::Record { direction, record: RecordStep { content_type, version: 0x0303, length, handshake } })
}

/// What both sides have agreed on, as the client tells it.
const AGREED: SecuredStep<'static> = SecuredStep {
    version: "TLS 1.3",
    cipher: "TLS13_AES_256_GCM_SHA384",
    name: Some("localhost"),
    verified: true,
    chain: 1,
    protocol: None,
    resumed: false,
};

#[test]
fn records_stand_below_the_bytes_that_they_are_made_of() {
    let steps = [
        step(Side::Client, 1, 200, 10, done(Call::Write, Outcome::Bytes(&[22, 3, 1, 0, 2, 1, 0]))),
        step(Side::Client, 1, 220, 0, record(Direction::Out, 22, 238, Some(1))),
        step(Side::Client, 1, 300, 0, record(Direction::In, 22, 90, Some(2))),
        step(Side::Client, 1, 310, 0, record(Direction::In, 20, 1, None)),
        step(Side::Client, 1, 320, 0, record(Direction::In, 22, 40, None)),
        step(Side::Client, 1, 400, 0, Action::Tls(TlsStep::Secured(AGREED))),
        step(Side::Client, 1, 500, 0, Action::Tls(TlsStep::Plaintext { direction: Direction::Out, bytes: b"Hello" })),
        step(Side::Client, 1, 510, 0, record(Direction::Out, 23, 22, None)),
        step(Side::Client, 1, 520, 0, record(Direction::In, 21, 2, None)),
    ];
    assert_ladder(
        &drawn(Drawing::new(), &steps),
        r#"
        |│───▶│ bytes, by a call   │═══▶│ what they mean: an HTTP head, a frame   (…) inferred, not seen
        |────── ms #1    client 127.0.0.1:50000 ─────────────────────┼────┼ server 127.0.0.1:7000 (inferred) ──────────
        |    0.000 #1    write 7 bytes                               │───▶│ (can read them)
        |                  16 03 01 00 02 01 00     ·······          │    │
        |                  TcpStream::write → sendto                 │    │
        |    0.020 #1    TLS record: handshake: ClientHello, 238     │═══▶│
        |                  bytes                                     │    │
        |    0.100 #1    TLS record: handshake: ServerHello, 90      │◀═══│
        |                  bytes                                     │    │
        |    0.110 #1    TLS record: change_cipher_spec, 1 byte      │◀═══│
        |    0.120 #1    TLS record: handshake, encrypted, 40 bytes  │◀═══│
        |    0.200 #1    TLS 1.3 with TLS13_AES_256_GCM_SHA384       │    │
        |                  a new session; the server has shown 1     │    │
        |                    certificate                             │    │
        |                  verified: it is localhost                 │    │
        |    0.300 #1    TLS holds: 5 bytes                          │═══▶│
        |                  48 65 6c 6c 6f           Hello            │    │
        |    0.310 #1    TLS record: application_data, 22 bytes      │═══▶│
        |    0.320 #1    TLS record: alert, 2 bytes                  │◀═══│
        "#,
    );
}

#[test]
fn what_is_known_of_the_peer_is_not_the_same_on_both_sides() {
    let says = |side, secured| {
        let ladder = drawn(Drawing::new(), &[step(side, 1, 400, 0, Action::Tls(TlsStep::Secured(secured)))]);
        ladder.lines().skip(2).map(|line| line.replace(['│', ' '], "")).collect::<String>()
    };
    assert!(says(Side::Client, AGREED).contains("verified:itislocalhost"));
    let believing = SecuredStep { verified: false, ..AGREED };
    assert!(says(Side::Client, believing).contains("NOTverified:whoeveritis,itneednotbelocalhost"));
    let stranger = SecuredStep { verified: false, chain: 0, name: None, resumed: true, ..AGREED };
    let said = says(Side::Server, stranger);
    assert!(said.contains("asessiontakenupagain,inwhichtheclienthadshownnocertificate"), "{said}");
    assert!(said.contains("askedfornonameandhasnotprovedwhoitis"), "{said}");
    let known = says(Side::Server, SecuredStep { protocol: Some("http/1.1"), ..AGREED });
    assert!(known.contains("askedforlocalhostandisverified"), "{known}");
    assert!(known.contains("aboveit:http/1.1(ALPN)"), "{known}");
}
