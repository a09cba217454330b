//! Every rule on the opening handshake, over real sockets: what our server answers to a bare stream, and what our
//! client makes of a bare server's answer. (What one head says is tried in `protocol/`; here it is whether the answer
//! arrives, and whole.)
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod wire;

use socklab::Settings;
use socklab::websocket::protocol::{AnswerError, HeaderError};
use socklab::websocket::{Error, Message, Offer, Opening, Received, WebSocket};
use std::net::Shutdown;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};
use wire::{ACCEPT, KEY, LONG, Peer, REQUEST, Server, accept_for, answer_to, connect_to, frame, patient, spawn};

// --- our server ------------------------------------------------------------------------------------

/// An answer that is whole: its head, and as many bytes as that announces, and then the end.
struct Answer {
    status: u16,
    head: String,
    body: String,
}

impl Answer {
    fn read(peer: &mut Peer) -> Answer {
        let head = peer.head();
        let status = head.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok()).expect(&head);
        let answer = Answer { status, head, body: String::from_utf8(peer.rest()).unwrap() };
        assert_eq!(answer.header("Content-Length"), Some(answer.body.len().to_string().as_str()), "{}", answer.head);
        assert!(answer.header("Connection").is_some_and(|value| value.ends_with("close")), "{}", answer.head);
        peer.ends();
        answer
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
    }
}

/// The good request with one thing changed.
fn changed(from: &str, to: &str) -> String {
    assert!(REQUEST.contains(from), "{from:?}");
    format!("{}\r\n", REQUEST.replace(from, to))
}

/// The request is refused with this status and a sentence that contains `what`, and the server's program hears the
/// same.
fn is_refused(server: &Server, name: &str, request: &[u8], status: u16, what: &str) -> Answer {
    let mut peer = Peer::connect(server);
    peer.say(request);
    let answer = Answer::read(&mut peer);
    assert_eq!(answer.status, status, "{name}: {}", answer.body);
    assert!(answer.body.contains(what), "{name}: {}", answer.body);
    drop(peer);
    let trouble = server.trouble();
    assert!(trouble.contains(&format!("status {status}")) && trouble.contains(what), "{name}: {trouble}");
    answer
}

#[test]
fn what_is_no_websocket_request_is_refused_with_its_own_status() {
    let server = Server::echo(&patient());
    for (from, to, status, what) in [
        ("GET", "POST", 405, "not POST"),
        ("GET", "get", 405, "not get"),
        ("GET", "OPTIONS", 405, "not OPTIONS"),
        ("/chat", "*", 400, "target *"),
        ("HTTP/1.1", "HTTP/1.0", 400, "HTTP/1.0"),
        ("HTTP/1.1", "HTTP/2.0", 505, "HTTP/2.0"),
        ("HTTP/1.1", "HTTP/0.9", 505, "HTTP/0.9"),
        ("Host: localhost\r\n", "", 400, "Host header is missing"),
        ("Host: localhost", "Host: localhost\r\nhost: localhost", 400, "2 Host headers"),
        ("Upgrade: websocket\r\n", "", 426, "no \"Upgrade: websocket\""),
        ("Upgrade: websocket", "Upgrade: h2c", 426, "no \"Upgrade: websocket\""),
        ("Upgrade: websocket", "Upgrade: websockets", 426, "no \"Upgrade: websocket\""),
        ("Connection: Upgrade\r\n", "", 426, "no \"Connection: Upgrade\""),
        ("Connection: Upgrade", "Connection: close", 426, "no \"Connection: Upgrade\""),
        ("Connection: Upgrade", "Connection: upgrade-later", 426, "no \"Connection: Upgrade\""),
        ("Sec-WebSocket-Version: 13\r\n", "", 426, "Version header is missing"),
        ("Version: 13", "Version: 8", 426, "speaks 13"),
        ("Version: 13", "Version: 14", 426, "speaks 13"),
        ("Version: 13", "Version: 13, 8", 426, "speaks 13"),
        ("Version: 13", "Version: 13\r\nSec-WebSocket-Version: 13", 400, "2 Sec-WebSocket-Version headers"),
        ("Sec-WebSocket-Key", "X-Key", 400, "Key header is missing"),
        (KEY, "dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==", 400, "2 Sec-WebSocket-Key"),
        (KEY, "", 400, "not 16 bytes in base64"),
        (KEY, "the sample nonce", 400, "not 16 bytes in base64"),
        (KEY, "dGhlIHNhbXBsZSBub25j", 400, "not 16 bytes in base64"),
        (KEY, "dGhlIHNhbXBsZSBub25jZWVl", 400, "not 16 bytes in base64"),
        (KEY, "dGhlIHNhbXBsZSBub25jZQ", 400, "not 16 bytes in base64"),
        (KEY, "dGhlIHNhbXBsZSBub25jZR==", 400, "not 16 bytes in base64"),
        ("Host:", "Content-Length: 5\r\nHost:", 400, "announces a body"),
        ("Host:", "Content-Length: 0\r\nContent-Length: 0\r\nHost:", 400, "announces a body"),
        ("Host:", "Transfer-Encoding: chunked\r\nHost:", 400, "announces a body"),
        ("Host:", "Origin: http://a\r\nOrigin: http://b\r\nHost:", 400, "more than one Origin"),
        ("Host:", "Sec-WebSocket-Protocol: chat, chat\r\nHost:", 400, "offered twice"),
        ("Host:", "Sec-WebSocket-Protocol: chat room\r\nHost:", 400, "not a subprotocol"),
    ] {
        let answer = is_refused(&server, &format!("{from:?} -> {to:?}"), changed(from, to).as_bytes(), status, what);
        assert_eq!(answer.header("Allow"), (status == 405).then_some("GET"));
        assert_eq!(answer.header("Sec-WebSocket-Version"), (status == 426).then_some("13"));
        assert_eq!(answer.header("Upgrade"), (status == 426).then_some("websocket"));
    }
}

#[test]
fn what_is_no_head_is_refused_before_it_is_complete() {
    let server = Server::echo(&patient());
    let client_hello = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 and what else a client says to begin TLS";
    for (request, what) in [
        (&b"GET /chat HTTP/1.1\n"[..], "LF alone"),
        (b"GET /chat HTTP/1.1\r\nHost: localhost\nUpgrade: websocket\r\n", "LF alone"),
        (b"\r\nGET /chat HTTP/1.1\r\n", "begins with a blank line"),
        (client_hello, "TLS"),
        (b"\x00\xff\x10 nothing that anybody could mean \n", "LF alone"),
    ] {
        is_refused(&server, &request.escape_ascii().to_string(), request, 400, what);
    }
}

#[test]
fn a_head_that_can_be_read_in_two_ways_is_refused() {
    let server = Server::echo(&patient());
    for (from, to, what) in [
        ("Host: localhost", "Host: localhost\r\n more: yes", "folded lines are obsolete"),
        ("Host: localhost", "Host: localhost\r\n\tmore", "folded lines are obsolete"),
        ("Host:", "Host :", "space before the colon"),
        ("Host:", "Host", "no colon"),
        ("Host:", ":", "not a header name"),
        ("localhost", "local\0host", "control character"),
        ("localhost", "local\rhost", "control character"),
        ("GET /chat", "GET  /chat", "three words"),
        ("GET /chat", "GET /chat room", "three words"),
        ("GET /chat", "GET\t/chat", "not text"),
        ("GET /chat", "GET /chat#room", "not a target"),
        ("GET /chat", "GET chat", "not a target"),
        ("HTTP/1.1", "HTTP/1.10", "not a version"),
        ("HTTP/1.1", "http/1.1", "not a version"),
    ] {
        is_refused(&server, &format!("{from:?} -> {to:?}"), changed(from, to).as_bytes(), 400, what);
    }
    // What comes to a port by mistake, and does end in a blank line.
    is_refused(&server, "HTTP/2's hello", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, "HTTP/2.0");
    is_refused(&server, "SSH", b"SSH-2.0-OpenSSH_9.2\r\n\r\n", 400, "three words");
}

#[test]
fn a_head_that_is_too_large_is_refused_and_the_answer_outlives_the_rest_of_it() {
    let server = Server::echo(&patient());
    let large = format!("{REQUEST}Cookie: {}\r\n\r\n", "x".repeat(17 * 1024));
    is_refused(&server, "a large cookie", large.as_bytes(), 431, "16384 bytes");
    is_refused(&server, "a line without end", &vec![b'x'; 17 * 1024], 431, "16384 bytes");
    let many = format!("{REQUEST}{}\r\n", "A: b\r\n".repeat(96));
    is_refused(&server, "101 headers", many.as_bytes(), 431, "more than 100 headers");

    // The server has its answer ready when most of this is still to come. Did it close now, its reset would reach us
    // before we had looked at the answer.
    let mut peer = Peer::connect(&server);
    let mut sending = peer.0.try_clone().unwrap();
    let sender = spawn(move || {
        std::io::Write::write_all(&mut sending, &vec![b'x'; 4 * 1024 * 1024])
            .expect("the server drains what it refuses")
    });
    sender.finish();
    assert_eq!(Answer::read(&mut peer).status, 431);
}

#[test]
fn a_head_at_the_limits_is_accepted() {
    let server = Server::echo(&patient());
    let hundred = format!("{REQUEST}{}\r\n", "A: b\r\n".repeat(95));
    let rest = 16 * 1024 - REQUEST.len() - "Cookie: \r\n\r\n".len();
    let exactly = format!("{REQUEST}Cookie: {}\r\n\r\n", "x".repeat(rest));
    assert_eq!(exactly.len(), 16 * 1024);
    for request in [hundred, exactly] {
        let mut peer = Peer::connect(&server);
        peer.say(request);
        assert!(peer.head().contains(ACCEPT));
        echoes(&mut peer);
    }
}

fn echoes(peer: &mut Peer) {
    peer.say(frame(true, 0x81, b"Hello"));
    let answer = peer.frame();
    assert_eq!((answer.first, answer.masked, &answer.payload[..]), (0x81, false, &b"Hello"[..]));
}

#[test]
fn every_spelling_that_the_rules_allow_is_accepted() {
    let server = Server::echo(&patient());
    for (from, to) in [
        ("Host", "Host"),
        // What Firefox says.
        ("Connection: Upgrade", "Connection: keep-alive, Upgrade\r\nSec-WebSocket-Extensions: permessage-deflate"),
        // What Chromium says.
        (
            "Host:",
            "Origin: http://localhost\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\nHost:",
        ),
        ("Connection: Upgrade", "connection: UPGRADE"),
        ("Connection: Upgrade", "Connection: keep-alive\r\nConnection:\tupgrade , "),
        ("Upgrade: websocket", "UPGRADE: h2c,WebSocket"),
        ("Sec-WebSocket-Key: ", "sec-websocket-key:\t  "),
        ("/chat", "/"),
        ("/chat", "/chat?room=1&name=%20#".trim_end_matches('#')),
        ("/chat", "http://localhost/chat"),
        ("Host: localhost", "Host: [::1]:7000"),
        ("Host:", "Content-Length: 0\r\nHost:"),
        ("Host:", "X-Bytes-Above-ASCII: \u{e9}\r\nHost:"),
        ("Host:", "Empty:\r\nHost:"),
    ] {
        let mut peer = Peer::connect(&server);
        peer.say(changed(from, to));
        let head = peer.head();
        let expected = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Accept: {ACCEPT}\r\n\r\n"
        );
        assert_eq!(head, expected, "{from:?} -> {to:?}");
        echoes(&mut peer);
    }
}

#[test]
fn a_head_in_single_bytes_is_a_head() {
    let server = Server::echo(&patient());
    let mut peer = Peer::connect(&server);
    for byte in format!("{REQUEST}\r\n").bytes() {
        peer.say([byte]);
    }
    assert!(peer.head().contains(ACCEPT));
    echoes(&mut peer);
}

#[test]
fn bytes_behind_the_head_belong_to_the_first_frame() {
    let server = Server::echo(&patient());
    let (hello, ping) = (frame(true, 0x81, b"Hello"), frame(true, 0x89, b"!"));
    // One frame, two glued together, and one that is cut anywhere: all of it in the segment that ends the head.
    let mut cuts = vec![hello.clone(), [&ping[..], &hello].concat()];
    cuts.extend((1..hello.len()).map(|cut| hello[..cut].to_vec()));
    for (number, glued) in cuts.iter().enumerate() {
        let mut peer = Peer::connect(&server);
        peer.say([format!("{REQUEST}\r\n").as_bytes(), glued].concat());
        assert!(peer.head().contains(ACCEPT));
        if number == 1 {
            assert_eq!(peer.frame().first, 0x8a);
        }
        if number > 1 {
            peer.say(&hello[glued.len()..]);
        }
        assert_eq!(peer.frame().payload, b"Hello", "{}", glued.escape_ascii());
        echoes(&mut peer);
    }
}

#[test]
fn a_head_that_drips_or_never_ends_is_answered_408_at_the_limit() {
    let limit = Duration::from_millis(300);
    let server = Server::echo(&Settings { handshake_limit: limit, ..patient() });
    for begins in ["", "GET /chat HTTP/1.1\r\nHost: local"] {
        let begun = Instant::now();
        is_refused(&server, begins, begins.as_bytes(), 408, "not complete within 300ms");
        assert!(begun.elapsed() >= limit && begun.elapsed() < LONG, "{:?}", begun.elapsed());
    }

    let begun = Instant::now();
    let mut peer = Peer::connect(&server);
    let mut dripping = peer.0.try_clone().unwrap();
    // The drip is the attack: a byte every 20 ms, each well within the limit, until the other side hangs up.
    let drip = spawn(move || {
        let mut write = |bytes: &[u8]| std::io::Write::write_all(&mut dripping, bytes).is_ok();
        while begun.elapsed() < LONG && write(b"x") {
            thread::park_timeout(Duration::from_millis(20));
        }
    });
    let answer = peer.head();
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(begun.elapsed() >= limit && begun.elapsed() < LONG, "{:?}", begun.elapsed());
    peer.0.shutdown(Shutdown::Both).unwrap();
    drip.finish();
}

#[test]
fn a_client_that_leaves_before_or_inside_its_head_harms_nobody() {
    let server = Server::echo(&patient());
    let mut healthy = Peer::open(&server);
    for (begins, trouble) in [("", "without asking"), ("G", "ended the connection"), (REQUEST, "ended the connection")]
    {
        let mut peer = Peer::connect(&server);
        peer.say(begins);
        peer.0.shutdown(Shutdown::Write).unwrap();
        assert_eq!(peer.rest(), b"", "nobody is left to be answered");
        assert!(server.trouble().contains(trouble));
        echoes(&mut healthy);
    }
    // One that says nothing keeps its thread, and nobody else's.
    let _silent = Peer::connect(&server);
    echoes(&mut healthy);
    echoes(&mut Peer::open(&server));
}

/// A server that shows what it can say besides yes.
fn rooms() -> Server {
    Server::start(&patient(), |connection| {
        let opening = Opening::read(connection)?;
        match opening.head().path() {
            "/" => opening.respond(200, "text/html", "<p>A page")?,
            "/forbidden" => opening.refuse(403, "members only")?,
            "/full" => opening.refuse(503, "come back later")?,
            "/mqtt" => drop(opening.accept_with(Some("mqtt"), &[("X-Served-By", "room 7"), ("X-Empty", "")])?),
            "/injected" => drop(opening.accept_with(None, &[("X", "a\r\nSet-Cookie: evil=1")])?),
            "/twice" => drop(opening.accept_with(None, &[("Sec-WebSocket-Accept", "mine")])?),
            "/injected-page" => opening.respond(200, "text/html\r\nEvil: 1", "")?,
            _ => opening.refuse(404, "there is no such room")?,
        }
        Ok(())
    })
}

#[test]
fn a_page_and_a_refusal_of_ones_own_arrive_whole() {
    let server = rooms();
    for (path, status, body) in [
        ("/", 200, "<p>A page"),
        ("/forbidden", 403, "members only\n"),
        ("/full", 503, "come back later\n"),
        ("/elsewhere?x", 404, "there is no such room\n"),
    ] {
        let mut peer = Peer::connect(&server);
        peer.say(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        let answer = Answer::read(&mut peer);
        assert_eq!((answer.status, answer.body.as_str()), (status, body));
    }
}

#[test]
fn the_servers_subprotocol_and_headers_are_in_its_answer() {
    let server = rooms();
    let mut peer = Peer::connect(&server);
    peer.say(
        changed("/chat", "/mqtt")
            .replace("Host:", "Sec-WebSocket-Protocol: soap\r\nsec-websocket-protocol: mqtt,x\r\nHost:"),
    );
    let head = peer.head();
    assert!(head.starts_with("HTTP/1.1 101 ") && head.contains("\r\nSec-WebSocket-Protocol: mqtt\r\n"), "{head}");
    assert!(head.contains("\r\nX-Served-By: room 7\r\n") && head.contains("\r\nX-Empty: \r\n"), "{head}");
}

#[test]
fn what_the_server_must_not_send_is_a_500_and_nothing_is_injected() {
    let server = rooms();
    for (path, what) in [
        ("/mqtt", "\"mqtt\" was not offered"), // this client did not
        ("/injected", "holds a line end"),
        ("/twice", "the handshake itself decides"),
        ("/injected-page", "holds a line end"),
    ] {
        let mut peer = Peer::connect(&server);
        peer.say(changed("/chat", path));
        let answer = Answer::read(&mut peer);
        assert_eq!(answer.status, 500, "{}", answer.head);
        assert!(!answer.head.contains("evil") && !answer.head.contains("mine"), "{}", answer.head);
        drop(peer);
        let trouble = server.trouble();
        assert!(trouble.contains(what), "{trouble}");
    }
}

// --- our client ------------------------------------------------------------------------------------

fn offering(subprotocols: &[&str]) -> Offer {
    Offer { subprotocols: subprotocols.iter().map(|&each| each.to_owned()).collect(), headers: vec![] }
}

/// Our client gets this instead of a good answer, and then the server's end. What does it say?
fn client_told(answer: impl FnOnce(&str) -> String) -> Error {
    connect_to(offering(&[]), patient(), |mut peer, request| peer.say(answer(request))).0.unwrap_err()
}

#[test]
fn the_clients_request_is_what_the_rfc_asks_for() {
    let offer = Offer {
        subprotocols: vec!["mqtt".into(), "soap".into()],
        headers: vec![("Authorization".into(), "Bearer 1234".into()), ("Cookie".into(), "a=b".into())],
    };
    let mut keys = vec![];
    for _ in 0..2 {
        let (client, request) = connect_to(offer.clone(), patient(), |mut peer, request| {
            peer.say(answer_to(request, "Sec-WebSocket-Protocol: soap\r\nX-More: fine\r\n"));
            (request.to_owned(), peer.0.local_addr().unwrap())
        });
        let (request, address) = request;
        let key = request.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).unwrap().to_owned();
        assert_eq!(
            request,
            format!(
                "GET /chat?room=1 HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: mqtt, soap\r\n\
                 Authorization: Bearer 1234\r\nCookie: a=b\r\n\r\n"
            )
        );
        assert_eq!(client.unwrap().subprotocol(), Some("soap"));
        keys.push(key);
    }
    assert_ne!(keys[0], keys[1], "a key is drawn for each connection");
}

#[test]
fn an_answer_that_does_not_open_a_websocket_is_an_error_that_says_why() {
    for (from, to, what) in [
        ("Upgrade: websocket\r\n", "", "the Upgrade header is missing"),
        ("Upgrade: websocket", "Upgrade: h2c", "not to websocket"),
        ("Connection: Upgrade\r\n", "", "no \"Connection: Upgrade\""),
        ("Connection: Upgrade", "Connection: close", "no \"Connection: Upgrade\""),
        ("Sec-WebSocket-Accept", "X-Accept", "the Sec-WebSocket-Accept header is missing"),
        ("Accept: ", "Accept: x", "it must be"),
        ("Accept: ", "Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Accept: ", "2 Sec-WebSocket-Accept"),
        ("HTTP/1.1", "HTTP/1.0", "HTTP/1.0"),
        ("HTTP/1.1", "HTTP/2.0", "HTTP/2.0"),
        ("\r\n\r\n", "\r\nSec-WebSocket-Protocol: chat\r\n\r\n", "\"chat\", and we did not offer it"),
        ("\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n", "extension"),
        ("Connection:", " more: yes\r\nConnection:", "folded lines are obsolete"),
        ("Connection:", "Connection :", "space before the colon"),
        ("\r\n", "\n", "LF alone"),
    ] {
        let error = client_told(|request| {
            let good = answer_to(request, "");
            assert!(good.contains(from));
            good.replacen(from, to, 1)
        });
        assert!(matches!(&error, Error::Answer { error: AnswerError::Broken { .. }, .. }), "{to:?}: {error:?}");
        assert!(error.to_string().contains(what), "{from:?} -> {to:?}: {error}");
    }
}

#[test]
fn the_wrong_accept_key_is_shown_beside_the_right_one() {
    let (result, right) = connect_to(offering(&[]), patient(), |mut peer, request| {
        let right = accept_for(request);
        peer.say(answer_to(request, "").replace(&right, ACCEPT));
        right
    });
    let error = result.unwrap_err().to_string();
    assert!(error.contains(ACCEPT) && error.contains(&right), "{error}");
}

#[test]
fn every_spelling_of_a_good_answer_is_accepted() {
    for (from, to) in [
        ("Upgrade: websocket", "upgrade:WebSocket"),
        ("Connection: Upgrade", "CONNECTION: keep-alive, upgrade"),
        ("101 Switching Protocols", "101 "),
        ("HTTP/1.1", "HTTP/1.1"),
        ("Connection:", "Server: x\r\nDate: today\r\nConnection:"),
    ] {
        let (client, mut peer) = connect_to(offering(&[]), patient(), |mut peer, request| {
            peer.say(answer_to(request, "").replacen(from, to, 1));
            peer
        });
        let mut client = client.unwrap_or_else(|error| panic!("{to:?}: {error}"));
        client.send_text("Hello").unwrap();
        assert_eq!(peer.frame().payload, b"Hello");
    }
}

#[test]
fn another_status_is_shown_with_what_the_server_says_about_it() {
    for (answer, shown) in [
        ("404 Not Found\r\nContent-Length: 12\r\n\r\nno such room", "404 Not Found instead of 101: no such room"),
        // Without a length the body ends where the connection does.
        ("403 Forbidden\r\n\r\nmembers only\n", "403 Forbidden instead of 101: members only"),
        ("200 OK\r\nContent-Length: 9\r\n\r\n<p>A page", "200 OK instead of 101: <p>A page"),
        ("302 Found\r\nLocation: ws://elsewhere/\r\nContent-Length: 0\r\n\r\n", "302 Found instead of 101"),
        ("426 Upgrade Required\r\nContent-Length: 0\r\n\r\n", "426 Upgrade Required instead of 101"),
        // More than was announced is not of this answer.
        ("500 Oh\r\nContent-Length: 2\r\n\r\nno and more", "500 Oh instead of 101: no"),
    ] {
        let error = client_told(|_| format!("HTTP/1.1 {answer}"));
        let Error::Answer { error: AnswerError::Refused(head), .. } = &error else { panic!("{answer}: {error:?}") };
        assert_eq!(head.status.to_string(), answer[..3]);
        assert_eq!(error.to_string(), format!("the server answered {shown}"));
    }
    // The server need not close for us to know that its answer is whole.
    let (result, _peer) = connect_to(offering(&[]), patient(), |mut peer, _| {
        peer.say("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n");
        peer.say("no");
        peer
    });
    assert!(result.unwrap_err().to_string().ends_with(": no"));
    // A body without end is cut.
    let (result, ()) = connect_to(offering(&[]), patient(), |mut peer, _| {
        peer.say("HTTP/1.1 200 OK\r\n\r\n");
        let _ = std::io::Write::write_all(&mut peer.0, &vec![b'x'; 200_000]);
    });
    let Error::Answer { body, .. } = result.unwrap_err() else { panic!() };
    assert!(body.len() <= 64 * 1024 && body.bytes().all(|byte| byte == b'x'), "{}", body.len());
}

#[test]
fn a_server_that_speaks_something_else_is_said_to_do_so() {
    for (answer, what) in [
        ("SSH-2.0-OpenSSH_9.2\r\n\r\n", "not a status line"),
        ("220 mail.example.com ESMTP\r\n\r\n", "\"220\" is not a version"),
        ("HTTP/1.1 OK\r\n\r\n", "not a status"),
        ("\0\0\0\n", "LF alone"),
    ] {
        let error = client_told(|_| answer.to_owned());
        assert!(matches!(&error, Error::Answer { error: AnswerError::Broken { .. }, .. }), "{answer:?}: {error:?}");
        assert!(error.to_string().contains(what), "{answer:?}: {error}");
    }
    // An alert of TLS: fatal, protocol_version.
    let error = client_told(|_| "\x15\x03\x01\x00\x02\x02\x46".to_owned());
    assert!(matches!(error, Error::Socket(socklab::Error::Tls(socklab::TlsError::Unexpected))), "{error:?}");
    let error = client_told(|_| "HTTP/1.1 101 Switching Protocols\r\nX: ".to_owned() + &"x".repeat(20_000));
    assert!(error.to_string().contains("longer than 16384 bytes"), "{error}");
    let error = client_told(|request| answer_to(request, &"A: b\r\n".repeat(98)));
    assert!(error.to_string().contains("more than 100 headers"), "{error}");
}

#[test]
fn a_server_that_ends_before_or_inside_its_answer_has_vanished() {
    for answer in ["", "HTTP/1.1 101 Swi", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"] {
        let error = client_told(|_| answer.to_owned());
        assert!(matches!(error, Error::Vanished { source: None }), "{answer:?}: {error:?}");
    }
}

#[test]
fn a_server_that_is_silent_or_drips_ends_at_the_handshake_limit() {
    let limit = Duration::from_millis(300);
    let settings = Settings { handshake_limit: limit, ..patient() };
    let is_timed_out = |result: Result<WebSocket, Error>, begun: Instant| {
        let error = result.unwrap_err();
        assert!(matches!(error, Error::Socket(socklab::Error::TimedOut { .. })), "{error:?}");
        assert!(error.to_string().contains("waiting for the server's answer"), "{error}");
        assert!(begun.elapsed() >= limit && begun.elapsed() < LONG, "{:?}", begun.elapsed());
    };
    for says in ["", "HTTP/1.1 101 Switching"] {
        let begun = Instant::now();
        let (result, _peer) = connect_to(offering(&[]), settings.clone(), |mut peer, _| {
            peer.say(says);
            peer
        });
        is_timed_out(result, begun);
    }
    let begun = Instant::now();
    let (result, ()) = connect_to(offering(&[]), settings.clone(), |mut peer, _| {
        // The drip is the attack, until the client hangs up.
        while begun.elapsed() < LONG && std::io::Write::write_all(&mut peer.0, b"x").is_ok() {
            thread::park_timeout(Duration::from_millis(20));
        }
    });
    is_timed_out(result, begun);

    // An answer with a body that never ends is an answer: what came until the limit is shown. A busy machine may need a
    // moment until it comes.
    let begun = Instant::now();
    let settings = Settings { handshake_limit: Duration::from_secs(2), ..settings };
    let (result, _peer) = connect_to(offering(&[]), settings, |mut peer, _| {
        peer.say("HTTP/1.1 503 Busy\r\nContent-Length: 1000\r\n\r\ncome ba");
        peer
    });
    assert_eq!(result.unwrap_err().to_string(), "the server answered 503 Busy instead of 101: come ba");
    assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
}

#[test]
fn an_answer_in_single_bytes_and_frames_glued_behind_it_are_understood() {
    let (client, _peer) = connect_to(offering(&[]), patient(), |mut peer, request| {
        for byte in answer_to(request, "").bytes() {
            peer.say([byte]);
        }
        peer.say(frame(false, 0x81, b"first"));
        peer
    });
    assert_eq!(client.unwrap().receive().unwrap(), Received::Message(Message::Text("first".into())));

    let (client, mut peer) = connect_to(offering(&[]), patient(), |mut peer, request| {
        let frames = [frame(false, 0x89, b"?"), frame(false, 0x82, b"\xff"), frame(false, 0x81, b"cut")].concat();
        peer.say([answer_to(request, "").as_bytes(), &frames[..frames.len() - 2]].concat());
        peer.say(&frames[frames.len() - 2..]);
        peer
    });
    let mut client = client.unwrap();
    assert_eq!(client.receive().unwrap(), Received::Message(Message::Binary(vec![0xff])));
    assert_eq!(peer.frame().first, 0x8a, "the ping in front of it was answered");
    assert_eq!(client.receive().unwrap(), Received::Message(Message::Text("cut".into())));
}

#[test]
fn a_server_that_chooses_none_of_the_offered_subprotocols_is_refused() {
    let (result, ()) =
        connect_to(offering(&["mqtt", "soap"]), patient(), |mut peer, request| peer.say(answer_to(request, "")));
    let error = result.unwrap_err();
    assert!(error.to_string().contains("none of the subprotocols mqtt, soap"), "{error}");
    let both = "Sec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Protocol: soap\r\n";
    let (result, ()) =
        connect_to(offering(&["mqtt", "soap"]), patient(), |mut peer, request| peer.say(answer_to(request, both)));
    assert!(result.unwrap_err().to_string().contains("2 Sec-WebSocket-Protocol headers"));
}

#[test]
fn what_the_client_must_not_send_is_refused_before_it_connects() {
    // Nobody listens at this port: an error that speaks of the header came before the connection.
    let header = |name: &str, value: &str| Offer { headers: vec![(name.into(), value.into())], ..Offer::default() };
    for (offer, what) in [
        (header("X", "a\r\nEvil: yes"), "holds a line end"),
        (header("X", "a\n"), "holds a line end"),
        (header("X\r\nEvil", "yes"), "not a header name"),
        (header("X:", "yes"), "not a header name"),
        (header("", "yes"), "not a header name"),
        (header("Sec-WebSocket-Key", KEY), "the handshake itself decides"),
        (header("sec-websocket-extensions", "permessage-deflate"), "the handshake itself decides"),
        (header("host", "elsewhere"), "the handshake itself decides"),
        (header("Transfer-Encoding", "chunked"), "the handshake itself decides"),
        (offering(&["a b"]), "not a subprotocol"),
        (offering(&["a,b"]), "not a subprotocol"),
        (offering(&["a\r\nEvil: yes"]), "not a subprotocol"),
        (offering(&[""]), "not a subprotocol"),
        (offering(&["mqtt", "mqtt"]), "offered twice"),
    ] {
        let error = WebSocket::connect_with("ws://127.0.0.1:1/", &offer, &patient()).unwrap_err();
        assert!(matches!(&error, Error::Header(HeaderError { .. })), "{offer:?}: {error:?}");
        assert!(error.to_string().contains(what), "{offer:?}: {error}");
    }
}

#[test]
fn a_url_that_cannot_be_used_says_how_to_write_it() {
    for (url, what) in [
        ("localhost:7000", "write ws://localhost:7000"),
        ("http://localhost/", "begins with ws://"),
        ("https://localhost/", "begins with wss://"),
        ("ftp://localhost/", "not ws or wss"),
        ("ws://", "not a host"),
        ("ws:///chat", "not a host"),
        ("ws://localhost:0/", "not a port"),
        ("ws://localhost:65536/", "not a port"),
        ("ws://localhost:http/", "not a port"),
        ("ws://fe80::1/", "needs brackets"),
        ("ws://[::1/", "not closed"),
        ("ws://[localhost]/", "not an IPv6 address"),
        ("ws://localhost/#top", "no fragment"),
        ("ws://me:secret@localhost/", "Authorization"),
        ("ws://localhost/a b", "write it as %xx"),
        ("ws://localhost/\r\nEvil: yes", "write it as %xx"),
        ("ws://localhost/gr\u{fc}n", "write it as %xx"),
        ("ws://loc_alhost:70 00/", "write it as %xx"),
    ] {
        let error = WebSocket::connect(url).unwrap_err();
        assert!(matches!(error, Error::Url(_)), "{url:?}: {error:?}");
        assert!(error.to_string().contains(what), "{url:?}: {error}");
    }
}

#[test]
fn nobody_there_is_said_in_the_words_of_the_socket() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = WebSocket::connect(&format!("ws://{free}/")).unwrap_err();
    assert!(matches!(error, Error::Socket(socklab::Error::Connect { .. })), "{error:?}");
    assert!(error.to_string().contains("is the server running"), "{error}");
    let error = WebSocket::connect("ws://no.such.host.invalid/").unwrap_err();
    let is_about_the_name = "the name in no.such.host.invalid:80 leads to no address";
    assert!(error.to_string().contains(is_about_the_name) || error.to_string().contains("resolving"), "{error}");
}

#[test]
fn subprotocol_and_headers_reach_the_other_side_both_ways() {
    let (seen, sees) = channel();
    let server = Server::start(&patient(), move |connection| {
        let opening = Opening::read(connection)?;
        let headers = &opening.head().headers;
        let offered: Vec<String> = headers.elements("Sec-WebSocket-Protocol").map(str::to_owned).collect();
        let cookie = headers.get("Cookie").map(str::to_owned);
        seen.send((opening.head().path().to_owned(), opening.head().query().map(str::to_owned), offered, cookie))?;
        let mut socket = opening.accept_with(Some("soap"), &[("Set-Cookie", "seen=1")])?;
        assert_eq!(socket.subprotocol(), Some("soap"));
        while let Received::Message(message) = socket.receive()? {
            socket.send(message.as_ref())?;
        }
        Ok(())
    });
    let offer = Offer { headers: vec![("Cookie".into(), "a=b".into())], ..offering(&["mqtt", "soap"]) };
    let mut client = WebSocket::connect_with(&server.url("/chat?room=1"), &offer, &patient()).unwrap();
    assert_eq!(client.subprotocol(), Some("soap"));
    let offered = vec!["mqtt".to_owned(), "soap".to_owned()];
    let expected = ("/chat".to_owned(), Some("room=1".to_owned()), offered, Some("a=b".to_owned()));
    assert_eq!(sees.recv_timeout(LONG).unwrap(), expected);
    client.send_text("Hello").unwrap();
    assert_eq!(client.receive().unwrap(), Received::Message(Message::Text("Hello".into())));
    client.close();
}
