//! Any cut finds the same head; what can be parsed can be judged; what is refused can be told so.
#![no_main]

mod cuts;

use libfuzzer_sys::fuzz_target;
use socklab::websocket::protocol::http::headers::{Headers, list};
use socklab::websocket::protocol::{ClientHandshake, HeadReader, RequestHead, ResponseHead, Upgrade, WebSocketUrl};

/// The head and how many bytes belong to it, or the status that refuses it.
fn read(limit: usize, pieces: &[&[u8]]) -> Result<Option<(Vec<u8>, usize)>, u16> {
    let mut reader = HeadReader::new(limit);
    let mut before = 0;
    for piece in pieces {
        match reader.feed(piece) {
            Ok(Some(used)) => return Ok(Some((reader.head().to_vec(), before + used))),
            Ok(None) => before += piece.len(),
            Err(error) => return Err(error.status),
        }
    }
    Ok(None)
}

fn parse(head: &[u8]) {
    if let Ok(request) = RequestHead::parse(head) {
        // A proxy's client sends a whole URL, in which the path stands further behind, or is left out.
        let (target, path) = (&request.target, request.path());
        let begins =
            if target.starts_with('/') { target.starts_with(path) } else { target.contains(path) || path == "/" };
        assert!(begins && request.query().is_none_or(|query| target.ends_with(query)), "{target} has the path {path}");
        match Upgrade::check(&request) {
            Ok(upgrade) => {
                let chosen = upgrade.subprotocols.first().map(String::as_str);
                let answer = upgrade.accept(chosen, &[]).expect("what was offered can be agreed to");
                ResponseHead::parse(&answer).expect("our own answer can be read");
            }
            Err(refusal) => drop(refusal.response().expect("whatever is wrong with it can be said").encode()),
        }
    }
    if let Ok(answer) = ResponseHead::parse(head) {
        let handshake = ClientHandshake::new("localhost", "/", *b"the sample nonce", &["chat"], &[]);
        let _ = handshake.expect("it is a good one").check(&answer).map_err(|error| error.to_string());
    }
    if let Ok(headers) = Headers::parse(head) {
        for (name, value) in headers.iter() {
            assert!(headers.count(name) > 0 && headers.get_all(name).any(|each| each == value));
            assert!(list(value).all(|element| !element.is_empty()));
        }
    }
}

fuzz_target!(|input: &[u8]| {
    let Some((first, rest)) = input.split_first() else { return };
    let Some(pieces) = cuts::cut(rest) else { return };
    let limit = [10, 60, 1_000, usize::MAX][usize::from(first % 4)];
    let bytes = pieces.concat();
    let (whole, cut) = (read(limit, &[&bytes]), read(limit, &pieces));
    // Of two faults, the one that shows first is told.
    assert_eq!(whole.is_err(), cut.is_err(), "{whole:?} {cut:?}");
    if let Ok(Some((head, used))) = &whole {
        assert!(*used <= bytes.len() && head.len() <= limit);
        assert_eq!(whole, cut);
        parse(head);
    }
    parse(&bytes);
    if let Ok(Ok(url)) = std::str::from_utf8(&bytes).map(WebSocketUrl::parse) {
        assert_eq!(WebSocketUrl::parse(&url.to_string()).as_ref(), Ok(&url));
    }
});
