//! No bytes make anything panic. There is nothing to compare with: to come back at all is what is asked for.

use crate::frames::{hear, role};
use proptest::collection::vec;
use proptest::prelude::*;
use socklab::websocket::protocol::http::headers::{Headers, list};
use socklab::websocket::protocol::url::WebSocketUrl;
use socklab::websocket::protocol::utf8::Utf8Validator;
use socklab::websocket::protocol::{
    ClientHandshake, CloseReason, FrameHeader, HeadReader, RequestHead, ResponseHead, Upgrade, see_frames,
};

const REQUEST: &str = "GET /chat HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

const ANSWER: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n";

/// Good bytes with a few places changed: what is almost right gets further in than noise does.
fn damaged(good: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let damage = (
        any::<prop::sample::Index>(),
        vec(prop_oneof![any::<u8>(), prop::sample::select(b"\r\n: \t,".to_vec())], 0..3),
        0..4_usize,
    );
    vec(damage, 0..5).prop_map(move |places| {
        let mut bytes = good.as_bytes().to_vec();
        for (place, put, taken) in places {
            let place = place.index(bytes.len() + 1);
            let end = (place + taken).min(bytes.len());
            bytes.splice(place..end, put);
        }
        bytes
    })
}

fn try_as_heads(bytes: &[u8]) {
    let mut reader = HeadReader::new(1_000);
    let _ = reader.feed(bytes);
    let _ = Headers::parse(bytes);
    if let Ok(request) = RequestHead::parse(bytes) {
        let _ = (request.path(), request.query());
        match Upgrade::check(&request) {
            Ok(upgrade) => drop(upgrade.accept(upgrade.subprotocols.first().map(String::as_str), &[]).unwrap()),
            // Whatever is wrong with it can be said.
            Err(refusal) => drop(refusal.response().unwrap().encode()),
        }
    }
    if let Ok(answer) = ResponseHead::parse(bytes) {
        let handshake = ClientHandshake::new("localhost", "/", *b"the sample nonce", &["chat"], &[]).unwrap();
        let _ = handshake.check(&answer).map_err(|error| error.to_string());
    }
}

proptest! {
    #![proptest_config(crate::cases(2000))]

    #[test]
    fn noise(bytes in vec(any::<u8>(), 0..300), role in role(), limit: usize) {
        hear(role, limit, &[&bytes]);
        see_frames(&bytes, &mut |_, payload| assert!(payload.len() <= bytes.len()));
        let _ = FrameHeader::decode(&bytes);
        let _ = CloseReason::decode(&bytes).map(|reason| reason.map(|reason| reason.to_string()));
        let mut validator = Utf8Validator::default();
        let valid = validator.feed(&bytes).is_ok() && validator.finish().is_ok();
        prop_assert_eq!(valid, std::str::from_utf8(&bytes).is_ok());
        try_as_heads(&bytes);
    }

    #[test]
    fn damaged_heads(request in damaged(REQUEST), answer in damaged(ANSWER)) {
        try_as_heads(&request);
        try_as_heads(&answer);
    }

    #[test]
    fn any_text(text in "\\PC*") {
        let _ = WebSocketUrl::parse(&text).map_err(|error| error.to_string());
        let _ = WebSocketUrl::parse(&format!("ws://{text}"));
        assert!(list(&text).all(|element| !element.is_empty()));
        let _ = ClientHandshake::new(&text, &text, [0; 16], &[&text], &[(&text, &text)]);
    }
}
