//! The opening handshake: any cut finds the same end, and what one side says the other understands.

use crate::cuts::Cut;
use proptest::collection::vec;
use proptest::prelude::*;
use socklab::websocket::protocol::http::headers::check_header;
use socklab::websocket::protocol::url::WebSocketUrl;
use socklab::websocket::protocol::{ClientHandshake, HeadReader, RequestHead, Response, ResponseHead, Upgrade};

/// What a reader made of a stream: the head and how many bytes belong to it, or the status that refuses it.
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

fn token() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9!#$%&'*+.^_`|~-]{1,12}"
}

/// Headers as a program may add them: names that are not the handshake's, values without outer spaces.
fn headers() -> impl Strategy<Value = Vec<(String, String)>> {
    vec(("X-[a-zA-Z0-9-]{1,10}", "([!-~\u{a1}-\u{ff}]([ \t!-~]{0,20}[!-~])?)?"), 0..8)
}

fn borrowed(headers: &[(String, String)]) -> Vec<(&str, &str)> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

/// Every header that was added stands in the head, in order.
fn has_all<'a>(head: impl Iterator<Item = (&'a str, &'a str)>, added: &[(String, String)]) -> bool {
    let found: Vec<_> = head.filter(|(name, _)| name.starts_with("X-")).collect();
    found == borrowed(added)
}

proptest! {
    #![proptest_config(crate::cases(500))]

    #[test]
    fn any_cut_of_the_same_bytes_finds_the_same_head(
        lines in vec(prop_oneof![
            8 => "[A-Z][a-z]{0,6}: [ -~]{0,20}\r\n",
            1 => Just("\r\n".to_owned()),
            1 => "[ -~]{0,20}\n",
            1 => "\r{0,3}",
        ], 0..8),
        behind in vec(any::<u8>(), 0..20),
        limit in prop::sample::select(vec![10_usize, 60, 16_384, usize::MAX]),
        cut in Cut::any(),
    ) {
        let bytes = [format!("GET / HTTP/1.1\r\n{}\r\n", lines.concat()).as_bytes(), &behind].concat();
        let whole = read(limit, &[&bytes]);
        let cut = read(limit, &cut.pieces(&bytes, 2_000));
        // Of two faults, the one that shows first is told.
        prop_assert_eq!(cut.is_err(), whole.is_err(), "{:?} and {:?}", &cut, &whole);
        if whole.is_ok() {
            prop_assert_eq!(cut, whole);
        }
    }

    #[test]
    fn a_client_and_a_server_understand_each_other_whatever_they_say(
        nonce: [u8; 16],
        target in "/[a-zA-Z0-9/%._~-]{0,20}(\\?[a-zA-Z0-9=&]{0,10})?",
        host in "[a-z0-9.-]{1,20}(:[0-9]{1,5})?",
        subprotocols in prop::collection::hash_set(token(), 0..4),
        (asks, answers) in (headers(), headers()),
        chosen in any::<Option<prop::sample::Index>>(),
        frames in vec(any::<u8>(), 0..20),
        cut in Cut::any(),
    ) {
        let subprotocols: Vec<&str> = subprotocols.iter().map(String::as_str).collect();
        let handshake = ClientHandshake::new(&host, &target, nonce, &subprotocols, &borrowed(&asks)).unwrap();

        let wire = [handshake.request(), &frames].concat();
        let (head, used) = read(1 << 20, &cut.pieces(&wire, 2_000)).unwrap().unwrap();
        prop_assert_eq!(&wire[used..], &frames);
        let request = RequestHead::parse(&head).unwrap();
        prop_assert_eq!(&request.target, &target);
        prop_assert_eq!(request.headers.get("host"), Some(host.as_str()));
        prop_assert!(has_all(request.headers.iter(), &asks));
        let upgrade = Upgrade::check(&request).unwrap();
        prop_assert_eq!(&upgrade.subprotocols, &subprotocols);

        let chosen = chosen.filter(|_| !subprotocols.is_empty()).map(|index| *index.get(&subprotocols));
        let wire = [upgrade.accept(chosen, &borrowed(&answers)).unwrap(), frames.clone()].concat();
        let (head, used) = read(1 << 20, &cut.pieces(&wire, 2_000)).unwrap().unwrap();
        prop_assert_eq!(&wire[used..], &frames);
        let answer = ResponseHead::parse(&head).unwrap();
        prop_assert!(has_all(answer.headers.iter(), &answers));
        prop_assert_eq!(handshake.check(&answer).unwrap(), chosen.map(str::to_owned));
    }

    #[test]
    fn the_answer_to_one_key_is_none_to_another(one: [u8; 16], other: [u8; 16]) {
        prop_assume!(one != other);
        let client = |nonce| ClientHandshake::new("localhost", "/", nonce, &[], &[]).unwrap();
        let upgrade = Upgrade::check(&RequestHead::parse(client(one).request()).unwrap()).unwrap();
        let answer = ResponseHead::parse(&upgrade.accept(None, &[]).unwrap()).unwrap();
        prop_assert!(client(one).check(&answer).is_ok());
        prop_assert!(client(other).check(&answer).is_err());
    }

    #[test]
    fn a_response_is_read_as_it_was_meant(
        status in 200..600_u16,
        body in vec(any::<u8>(), 0..50),
        added in headers(),
        cut in Cut::any(),
    ) {
        let response = Response::new(status, "text/html", body.clone()).unwrap();
        let response = added.iter().try_fold(response, |response, (name, value)| response.header(name, value)).unwrap();
        let wire = response.encode();
        let (head, used) = read(1 << 20, &cut.pieces(&wire, 2_000)).unwrap().unwrap();
        let head = ResponseHead::parse(&head).unwrap();
        prop_assert_eq!(head.status, status);
        prop_assert_eq!(head.headers.get("Content-Length").unwrap(), body.len().to_string());
        prop_assert!(has_all(head.headers.iter(), &added));
        prop_assert_eq!(&wire[used..], &body);
    }

    #[test]
    fn no_header_that_may_be_sent_becomes_two(name in ".{0,12}", value in "[\\PC\r\n\t\0 ]{0,20}") {
        if check_header(&name, &value).is_ok() {
            let head = RequestHead::parse(format!("GET / HTTP/1.1\r\n{name}: {value}\r\n\r\n").as_bytes()).unwrap();
            prop_assert_eq!(head.headers.iter().collect::<Vec<_>>(), [(name.as_str(), value.as_str())]);
        }
    }

    #[test]
    fn an_address_that_was_understood_is_the_same_when_it_is_written_again(
        url in "(ws|wss|WS)://([a-z0-9._-]{1,12}|\\[[0-9a-f:]{2,12}\\])(:[0-9]{0,6})?[/a-z?=&%#@]{0,12}",
    ) {
        if let Ok(url) = WebSocketUrl::parse(&url) {
            prop_assert_eq!(WebSocketUrl::parse(&url.to_string()), Ok(url.clone()));
            // And a request can be made of it.
            prop_assert!(ClientHandshake::new(&url.host_header(), &url.target, [0; 16], &[], &[]).is_ok());
        }
    }
}
