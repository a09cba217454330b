//! However the same bytes are cut into reads, the same messages come out, for each framing.
//!
//! Over a real connection, and yet the cuts are certain: one thread holds both ends, writes a piece, and receives until
//! nothing more comes, before it writes the next.

use crate::cuts::Cut;
use proptest::collection::vec;
use proptest::prelude::*;
use socklab::{ByteOrder, Connection, Error, Framing, LengthWidth, Received, Settings, SimpleServer};
use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

const LIMIT: usize = 300;

fn framing() -> impl Strategy<Value = Framing> {
    // Few different bytes, so that markers overlap with themselves and with messages.
    let marker = vec(prop::sample::select(b"|a\r\n".to_vec()), 1..4);
    let width = prop::sample::select(vec![LengthWidth::One, LengthWidth::Two, LengthWidth::Four, LengthWidth::Eight]);
    let order = prop::sample::select(vec![ByteOrder::BigEndian, ByteOrder::LittleEndian]);
    prop_oneof![
        Just(Framing::Raw),
        marker.prop_map(Framing::Delimiter),
        Just(Framing::DecimalLength),
        (width, order).prop_map(|(width, order)| Framing::BinaryLength { width, order }),
    ]
}

/// Messages from the same few bytes, sometimes long ones.
fn messages() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let byte = prop::sample::select(b"|a\r\n0".to_vec());
    let long =
        (prop::sample::select(vec![255_usize, 256, LIMIT]), any::<u8>()).prop_map(|(size, byte)| vec![byte; size]);
    vec(prop_oneof![5 => vec(byte, 0..12), 1 => long], 0..6)
}

/// What a receiver made of a stream: the messages, and how it ended.
#[derive(Debug, PartialEq)]
struct Heard {
    messages: Vec<Vec<u8>>,
    end: String,
}

/// Sends the bytes, cut like this, and then the end.
fn hear(framing: &Framing, limit: usize, bytes: &[u8], cut: &Cut) -> Heard {
    let settings = Settings { framing: framing.clone(), max_message: limit, ..Settings::default() };
    let mut server = SimpleServer::bind_with("127.0.0.1:0", &settings).unwrap();
    let mut peer = TcpStream::connect(server.local_address()).unwrap();
    peer.set_nodelay(true).unwrap();
    let mut connection = server.accept().unwrap();
    let mut messages = vec![];
    for piece in cut.pieces(bytes, 40) {
        peer.write_all(piece).unwrap();
        if let Some(end) = take(&mut connection, &mut messages, Duration::ZERO) {
            return Heard { messages, end };
        }
    }
    peer.shutdown(Shutdown::Write).unwrap();
    let end = take(&mut connection, &mut messages, Duration::from_secs(10)).unwrap_or_else(|| "none".into());
    if *framing == Framing::Raw {
        messages = vec![messages.concat()];
    }
    Heard { messages, end }
}

/// Receives until nothing more comes, or something for which there is no way on.
fn take(connection: &mut Connection, messages: &mut Vec<Vec<u8>>, limit: Duration) -> Option<String> {
    loop {
        match connection.receive_within(limit) {
            Ok(Received::Message(message)) => messages.push(message),
            Ok(Received::Nothing) => return None,
            Ok(Received::Closed) => return Some("closed".into()),
            Err(Error::CutOff { partial }) => {
                return Some(format!("cut off after {:?}", partial.escape_ascii().to_string()));
            }
            // How much had come when it became clear differs; that it did must not.
            Err(Error::TooLong { .. }) => return Some("too long".into()),
            Err(Error::Malformed { .. }) => return Some("malformed".into()),
            Err(other) => panic!("{other}"),
        }
    }
}

proptest! {
    #![proptest_config(crate::cases(150))]

    #[test]
    fn whatever_is_sent_arrives_however_it_is_cut(framing in framing(), messages in messages(), cut in Cut::any()) {
        let mut wire = vec![];
        // What the framing cannot carry it refuses, and then nothing of it is on the wire.
        let mut sent: Vec<Vec<u8>> = messages
            .into_iter()
            .filter(|message| framing.encode(message, LIMIT, &mut wire).is_ok())
            .collect();
        if framing == Framing::Raw {
            sent = vec![sent.concat()];
        }
        let heard = hear(&framing, LIMIT, &wire, &cut);
        prop_assert_eq!(heard, Heard { messages: sent, end: "closed".into() });
    }

    #[test]
    fn any_bytes_mean_the_same_however_they_are_cut(
        framing in framing(),
        bytes in vec(prop_oneof![prop::sample::select(b"|a\r\n0123456789\0\x01\x02".to_vec()), any::<u8>()], 0..60),
        limit in prop::sample::select(vec![1, 5, LIMIT, usize::MAX]),
        cut in Cut::any(),
    ) {
        let whole = hear(&framing, limit, &bytes, &Cut::Whole);
        prop_assert_eq!(hear(&framing, limit, &bytes, &cut), whole);
    }
}
