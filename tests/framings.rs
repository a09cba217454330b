//! Where a message ends, byte for byte, against a peer that is a bare `std::net::TcpStream`; and who is at each end.

use socklab::{ByteOrder, Client, Connection, Error, Framing, LengthWidth, Received, Settings, SimpleServer};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

const LONG: Duration = Duration::from_secs(10);

fn pair(framing: Framing) -> (Connection, TcpStream) {
    let settings = Settings { framing, receive_limit: LONG, ..Settings::default() };
    let mut server = SimpleServer::bind_with("127.0.0.1:0", &settings).unwrap();
    let peer = TcpStream::connect(server.local_address()).unwrap();
    peer.set_read_timeout(Some(LONG)).unwrap();
    (server.accept().unwrap(), peer)
}

/// What must be on the wire for "Hello World" and for "é", two bytes long.
fn on_the_wire() -> Vec<(Framing, &'static [u8], &'static [u8])> {
    let binary = |width, order| Framing::BinaryLength { width, order };
    use ByteOrder::{BigEndian, LittleEndian};
    vec![
        (Framing::DecimalLength, b"11\r\nHello World", "2\r\né".as_bytes()),
        (Framing::lines(), b"Hello World\n", "é\n".as_bytes()),
        (Framing::Delimiter(b"<end>".to_vec()), b"Hello World<end>", "é<end>".as_bytes()),
        (binary(LengthWidth::One, BigEndian), b"\x0bHello World", "\x02é".as_bytes()),
        (binary(LengthWidth::Two, BigEndian), b"\0\x0bHello World", "\0\x02é".as_bytes()),
        (binary(LengthWidth::Two, LittleEndian), b"\x0b\0Hello World", "\x02\0é".as_bytes()),
        (binary(LengthWidth::Four, BigEndian), b"\0\0\0\x0bHello World", "\0\0\0\x02é".as_bytes()),
        (binary(LengthWidth::Eight, LittleEndian), b"\x0b\0\0\0\0\0\0\0Hello World", "\x02\0\0\0\0\0\0\0é".as_bytes()),
    ]
}

#[test]
fn each_framing_is_on_the_wire_what_its_documentation_says() {
    for (framing, hello, short) in on_the_wire() {
        let (mut connection, mut peer) = pair(framing.clone());
        connection.send("Hello World").unwrap();
        connection.send("é").unwrap();
        let mut came = vec![0; hello.len() + short.len()];
        peer.read_exact(&mut came).unwrap();
        assert_eq!(came, [hello, short].concat(), "{framing:?}, sent");
        peer.write_all(&[hello, short].concat()).unwrap();
        assert_eq!(connection.receive().unwrap(), Received::Message(b"Hello World".to_vec()), "{framing:?}");
        assert_eq!(connection.receive().unwrap(), Received::Message("é".into()), "{framing:?}");
    }
}

#[test]
fn the_framing_changes_in_the_middle_and_what_came_early_is_read_in_the_new_one() {
    let (mut connection, mut peer) = pair(Framing::lines());
    // Both belong to one read: the second message is there before the framing changes.
    peer.write_all(b"now in decimal\n2\r\nok").unwrap();
    assert_eq!(connection.receive().unwrap(), Received::Message(b"now in decimal".to_vec()));
    connection.set_framing(Framing::DecimalLength);
    assert_eq!(connection.receive().unwrap(), Received::Message(b"ok".to_vec()));
    connection.send("ok").unwrap();
    let mut came = [0; 5];
    peer.read_exact(&mut came).unwrap();
    assert_eq!(&came, b"2\r\nok");
}

#[test]
fn sides_that_disagree_are_told_to_look_at_the_framing() {
    let (mut connection, mut peer) = pair(Framing::DecimalLength);
    peer.write_all(b"Hello World\n").unwrap();
    let error = connection.receive().unwrap_err();
    assert!(matches!(error, Error::Malformed { .. }), "{error:?}");
    assert!(error.to_string().contains("do both sides use the same framing?"), "{error}");
}

#[test]
fn both_sides_know_both_addresses() {
    for host in ["127.0.0.1", "[::1]"] {
        let mut server = SimpleServer::bind(&format!("{host}:0")).unwrap();
        let client = Client::connect(&server.local_address().to_string()).unwrap();
        let connection = server.accept().unwrap();
        assert_eq!(connection.peer_address().unwrap(), client.local_address().unwrap());
        assert_eq!(connection.local_address().unwrap(), client.peer_address().unwrap());
        assert_eq!(connection.local_address().unwrap(), server.local_address());
        assert!(connection.peer_address().unwrap().ip().is_loopback());
    }
}
