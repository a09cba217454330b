//! tungstenite, which nobody here wrote, at the other end: as the client of our server, and as the server of our
//! client.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod wire;

use socklab::websocket::protocol::{CloseCode, CloseReason};
use socklab::websocket::{Message as Ours, MessageRef, Offer, Opening, Received, WebSocket};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::channel;

use tungstenite::client::IntoClientRequest;
use tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tungstenite::http::HeaderValue;
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::protocol::frame::{Frame, coding};
use tungstenite::{Bytes, Message as Theirs, Utf8Bytes};
use wire::{Job, LONG, Server, patient, spawn};

type Their = tungstenite::WebSocket<TcpStream>;

/// Where the spelling of a length changes, and beyond the buffers of either side.
const SIZES: [usize; 11] = [0, 1, 7, 125, 126, 127, 65_535, 65_536, 65_537, 300_000, 1 << 20];

/// Bytes of which no two neighbours are alike, and which are no UTF-8.
fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|index| (index * 167 + index / 256 + 128) as u8).collect()
}

/// Text of so many bytes, with characters of every length.
fn text(size: usize) -> String {
    let mut text: String = "aß€😀".repeat(size / 10);
    text.push_str(&"x".repeat(size - text.len()));
    text
}

// --- their client, our server ----------------------------------------------------------------------

fn their_client(server: &Server, path: &str) -> Their {
    let stream = TcpStream::connect(server.address).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    stream.set_write_timeout(Some(LONG)).unwrap();
    tungstenite::client(server.url(path), stream).unwrap().0
}

#[test]
fn their_client_gets_every_message_back_from_our_server() {
    let server = Server::echo(&patient());
    let mut client = their_client(&server, "/");
    for size in SIZES {
        for message in [Theirs::text(text(size)), Theirs::binary(bytes(size))] {
            client.send(message.clone()).unwrap();
            assert!(client.read().unwrap() == message, "{size} bytes came back changed");
        }
    }
    // Many at once, before the first answer is read.
    for number in 0..500 {
        client.write(Theirs::text(format!("message {number}"))).unwrap();
    }
    client.flush().unwrap();
    for number in 0..500 {
        assert_eq!(client.read().unwrap().to_text().unwrap(), format!("message {number}"));
    }
    client.close(None).unwrap();
    assert!(matches!(client.read().unwrap(), Theirs::Close(None)));
    assert!(matches!(client.read().unwrap_err(), tungstenite::Error::ConnectionClosed));
}

/// A message in three fragments, with a ping between them.
fn fragments(kind: Data, payload: &[u8]) -> Vec<Theirs> {
    let third = payload.len() / 3;
    let frame = |opcode, piece: &[u8], last| Theirs::Frame(Frame::message(piece.to_vec(), OpCode::Data(opcode), last));
    vec![
        frame(kind, &payload[..third], false),
        Theirs::Ping(Bytes::from_static(b"between")),
        frame(Data::Continue, &payload[third..2 * third], false),
        frame(Data::Continue, &payload[2 * third..], true),
    ]
}

#[test]
fn their_fragments_and_pings_are_understood_by_our_server() {
    let server = Server::echo(&patient());
    let mut client = their_client(&server, "/");
    for size in SIZES {
        for (kind, whole) in [(Data::Text, Theirs::text(text(size))), (Data::Binary, Theirs::binary(bytes(size)))] {
            for frame in fragments(kind, &whole.clone().into_data()) {
                client.send(frame).unwrap();
            }
            assert_eq!(client.read().unwrap(), Theirs::Pong(Bytes::from_static(b"between")));
            assert!(client.read().unwrap() == whole, "{size} bytes came back changed");
        }
    }
    for payload in [vec![], vec![0xff; 125]] {
        client.send(Theirs::Ping(payload.clone().into())).unwrap();
        assert_eq!(client.read().unwrap(), Theirs::Pong(payload.into()));
    }
}

#[test]
fn their_client_closes_and_our_server_answers_with_the_code() {
    let (closed, closes) = channel();
    let server = Server::start(&patient(), move |connection| {
        closed.send(WebSocket::accept(connection)?.receive()?)?;
        Ok(())
    });
    for (code, reason) in [(1000, ""), (1001, "going"), (1011, "tschüß"), (3000, ""), (4999, "x")] {
        let mut client = their_client(&server, "/");
        client.close(Some(CloseFrame { code: code.into(), reason: reason.into() })).unwrap();
        let Theirs::Close(Some(answer)) = client.read().unwrap() else { panic!("{code}") };
        assert_eq!(u16::from(answer.code), code);
        // Our server ends TCP first: tungstenite waits for that.
        assert!(matches!(client.read().unwrap_err(), tungstenite::Error::ConnectionClosed), "{code}");
        drop(client);
        let heard = closes.recv_timeout(LONG).unwrap();
        assert_eq!(heard, Received::Closed(Some(CloseReason::new(CloseCode(code), reason))));
    }
}

#[test]
fn our_server_closes_and_their_client_hears_the_code() {
    let server = Server::start(&patient(), |connection| {
        let opening = Opening::read(connection)?;
        let code = opening.head().path()[1..].parse().unwrap();
        opening.accept()?.close_with(&CloseReason::new(CloseCode(code), format!("because of {code}")))?;
        Ok(())
    });
    for code in [1000_u16, 1001, 1008, 1011, 4000] {
        let mut client = their_client(&server, &format!("/{code}"));
        let expected = CloseFrame { code: code.into(), reason: format!("because of {code}").into() };
        assert_eq!(client.read().unwrap(), Theirs::Close(Some(expected)));
        assert!(matches!(client.read().unwrap_err(), tungstenite::Error::ConnectionClosed), "{code}");
    }
}

#[test]
fn their_client_and_our_server_agree_on_a_subprotocol() {
    let server = Server::start(&patient(), |connection| {
        let opening = Opening::read(connection)?;
        let chosen = opening.head().headers.elements("Sec-WebSocket-Protocol").find(|each| *each == "soap");
        let chosen = chosen.map(str::to_owned);
        opening.accept_with(chosen.as_deref(), &[("X-Room", "7")])?.close();
        Ok(())
    });
    let mut request = server.url("/").into_client_request().unwrap();
    request.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static("mqtt, soap"));
    let (_client, answer) = tungstenite::client(request, TcpStream::connect(server.address).unwrap()).unwrap();
    assert_eq!(answer.headers()["Sec-WebSocket-Protocol"], "soap");
    assert_eq!(answer.headers()["X-Room"], "7");
}

#[test]
fn their_client_is_told_the_status_of_a_refusal() {
    let server = Server::start(&patient(), |connection| Ok(Opening::read(connection)?.refuse(403, "members only")?));
    let error = tungstenite::client(server.url("/"), TcpStream::connect(server.address).unwrap()).unwrap_err();
    let tungstenite::HandshakeError::Failure(tungstenite::Error::Http(answer)) = error else { panic!("{error}") };
    assert_eq!(answer.status(), 403);
}

// --- our client, their server ----------------------------------------------------------------------

/// Their server, for one client: `script` has the conversation. Dropping the handle does not wait for it; joining does.
fn their_server(subprotocol: Option<&'static str>, script: impl FnOnce(Their) + Send + 'static) -> (String, Job<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let serving = spawn(move || {
        let stream = listener.accept().unwrap().0;
        stream.set_read_timeout(Some(LONG)).unwrap();
        stream.set_write_timeout(Some(LONG)).unwrap();
        #[allow(clippy::result_large_err)] // tungstenite's signature
        let choose = |request: &Request, mut response: Response| -> Result<Response, ErrorResponse> {
            if let Some(chosen) = subprotocol {
                assert_eq!(request.headers()["Sec-WebSocket-Protocol"], "mqtt, soap");
                response.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static(chosen));
            }
            Ok(response)
        };
        script(tungstenite::accept_hdr(stream, choose).unwrap());
    });
    (url, serving)
}

fn our_client(url: &str) -> WebSocket {
    WebSocket::connect_with(url, &Offer::default(), &patient()).unwrap()
}

/// Sends every message back until the end.
fn echo(mut socket: Their) {
    loop {
        match socket.read() {
            Ok(message @ (Theirs::Text(_) | Theirs::Binary(_))) => socket.send(message).unwrap(),
            Ok(_) => {} // It answers pings and closes by itself.
            Err(tungstenite::Error::ConnectionClosed) => return,
            Err(error) => panic!("{error}"),
        }
    }
}

#[test]
fn our_client_gets_every_message_back_from_their_server() {
    let (url, serving) = their_server(None, echo);
    let mut client = our_client(&url);
    for size in SIZES {
        for message in [Ours::Text(text(size)), Ours::Binary(bytes(size))] {
            client.send(message.as_ref()).unwrap();
            assert!(client.receive().unwrap() == Received::Message(message), "{size} bytes came back changed");
        }
    }
    client.close();
    serving.finish();
}

#[test]
fn our_fragments_and_pings_are_understood_by_their_server() {
    let (url, serving) = their_server(None, |mut socket| {
        for size in SIZES {
            assert_eq!(socket.read().unwrap(), Theirs::Ping(Bytes::from(vec![7; size.min(125)])));
            assert!(socket.read().unwrap() == Theirs::text(text(size)), "{size}");
            assert!(socket.read().unwrap() == Theirs::binary(bytes(size)), "{size}");
        }
        echo(socket);
    });
    let mut client = our_client(&url);
    let sender = client.sender();
    for size in SIZES {
        sender.ping(&vec![7; size.min(125)]).unwrap();
        // Pieces that cut characters.
        sender.in_fragments(MessageRef::Text(&text(size)), 1 + size / 5).unwrap();
        sender.in_fragments(MessageRef::Binary(&bytes(size)), 1 + size / 3).unwrap();
    }
    client.close();
    serving.finish();
}

#[test]
fn their_servers_fragments_and_pings_are_understood_by_our_client() {
    let (url, serving) = their_server(None, |mut socket| {
        for size in SIZES {
            let whole = text(size);
            for frame in fragments(Data::Text, whole.as_bytes()) {
                socket.send(frame).unwrap();
            }
            assert_eq!(socket.read().unwrap(), Theirs::Pong(Bytes::from_static(b"between")));
        }
        socket.close(None).unwrap();
        echo(socket);
    });
    let mut client = our_client(&url);
    for size in SIZES {
        assert!(client.receive().unwrap() == Received::Message(Ours::Text(text(size))), "{size}");
    }
    assert_eq!(client.receive().unwrap(), Received::Closed(None));
    serving.finish();
}

#[test]
fn close_codes_cross_between_our_client_and_their_server() {
    for code in [1000_u16, 1001, 1011, 3000, 4999] {
        let reason = format!("because of {code}");
        let theirs = CloseFrame { code: coding::CloseCode::from(code), reason: Utf8Bytes::from(reason.clone()) };
        // We begin.
        let expected = theirs.clone();
        let (url, serving) = their_server(None, move |mut socket| {
            assert_eq!(socket.read().unwrap(), Theirs::Close(Some(expected)));
            assert!(matches!(socket.read().unwrap_err(), tungstenite::Error::ConnectionClosed));
        });
        our_client(&url).close_with(&CloseReason::new(CloseCode(code), reason.clone())).unwrap();
        serving.finish();
        // They begin.
        let (url, serving) = their_server(None, move |mut socket| {
            socket.close(Some(theirs)).unwrap();
            let Theirs::Close(Some(answer)) = socket.read().unwrap() else { panic!("no code came back") };
            assert_eq!(u16::from(answer.code), code);
            assert!(matches!(socket.read().unwrap_err(), tungstenite::Error::ConnectionClosed));
        });
        let received = our_client(&url).receive().unwrap();
        assert_eq!(received, Received::Closed(Some(CloseReason::new(CloseCode(code), reason))));
        serving.finish();
    }
}

#[test]
fn our_client_and_their_server_agree_on_a_subprotocol() {
    let (url, serving) = their_server(Some("soap"), echo);
    let offer = Offer { subprotocols: vec!["mqtt".into(), "soap".into()], ..Offer::default() };
    let mut client = WebSocket::connect_with(&url, &offer, &patient()).unwrap();
    assert_eq!(client.subprotocol(), Some("soap"));
    client.close();
    serving.finish();
}
