//! The client that tells by events, and the trait that both kinds of conversation share.

use socklab::websocket::protocol::{CloseCode, CloseReason, RequestHead, Upgrade};
use socklab::websocket::{ClientEvent, Message, MessageRef, Offer, Opening, WebSocket, WebSocketClient};
use socklab::{Client, Conversation, Framing, Received, Settings, StandardServer, StopHandle};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(10);

struct Server {
    address: SocketAddr,
    stop: StopHandle,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.stop();
        self.thread.take().unwrap().join().unwrap();
    }
}

/// Echoes; closes with 4001 at "leave", breaks off at "vanish", is silent from "silence" on, and never lets /no in.
fn server() -> Server {
    let server = StandardServer::bind("127.0.0.1:0").unwrap().on_trouble(|_| ());
    let (address, stop) = (server.local_address(), server.stop_handle());
    let serve = move |connection| {
        let opening = Opening::read(connection)?;
        if opening.head().path() == "/no" {
            return Ok(opening.refuse(403, "not you")?);
        }
        let mut socket = opening.accept()?;
        let sender = socket.sender();
        socket.for_each_message(|message, replies| match message {
            MessageRef::Text("leave") => sender.close(&CloseReason::new(CloseCode(4001), "as you wish")),
            MessageRef::Text("vanish") => {
                sender.abort();
                Ok(())
            }
            MessageRef::Text("silence") => {
                thread::park_timeout(Duration::from_secs(3));
                Ok(())
            }
            message => replies.send(message),
        })?;
        Ok(())
    };
    let thread = Some(thread::spawn(move || drop(server.serve(serve).unwrap())));
    Server { address, stop, thread }
}

/// What happened, in a word each, and the thread it happened on.
fn told(url: &str, says: &'static [&'static str]) -> (WebSocketClient, Receiver<(String, String)>) {
    let (tell, events) = mpsc::channel();
    let callback = move |event| {
        let word = match event {
            ClientEvent::Opening { sender, .. } => {
                says.iter().for_each(|text| sender.text(text).unwrap());
                "opening".to_owned()
            }
            ClientEvent::Message(Message::Text(text)) => format!("text {text}"),
            ClientEvent::Message(Message::Binary(bytes)) => format!("binary {bytes:?}"),
            ClientEvent::Closing(reason) => {
                format!("closing {}", reason.map_or_else(String::new, |reason| reason.to_string()))
            }
            ClientEvent::Error(error) => format!("error {error}"),
        };
        let thread = thread::current().name().unwrap_or_default().to_owned();
        tell.send((word, thread)).unwrap_or_default();
    };
    (WebSocketClient::spawn(url, Offer::default(), Settings::default(), callback).unwrap(), events)
}

/// All words until the thread has ended and nothing more can happen.
fn words(events: &Receiver<(String, String)>) -> Vec<String> {
    let deadline = Instant::now() + LONG;
    let mut words = Vec::new();
    loop {
        match events.recv_timeout(deadline - Instant::now()) {
            Ok((word, thread)) => {
                assert_eq!(thread, "websocket client", "it runs on a thread of its own");
                words.push(word);
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => return words,
            Err(mpsc::RecvTimeoutError::Timeout) => panic!("it goes on after {words:#?}"),
        }
    }
}

#[test]
fn each_event_comes_and_an_end_is_the_last() {
    let server = server();
    let url = format!("ws://{}/", server.address);
    let (_client, events) = told(&url, &["one", "two", "leave"]);
    assert_eq!(words(&events), ["opening", "text one", "text two", "closing 4001: \"as you wish\""]);
    let (_client, events) = told(&url, &["vanish"]);
    let heard = words(&events);
    assert_eq!(heard[0], "opening");
    assert!(heard.len() == 2 && heard[1].starts_with("error "), "{heard:#?}");
}

#[test]
fn what_cannot_be_opened_is_one_error() {
    let server = server();
    let (_client, events) = told(&format!("ws://{}/no", server.address), &[]);
    assert_eq!(words(&events), ["error the server answered 403 Forbidden instead of 101: not you"]);
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (_client, events) = told(&format!("ws://{nobody}/"), &[]);
    let heard = words(&events);
    assert!(heard.len() == 1 && heard[0].contains("is the server running"), "{heard:#?}");
}

#[test]
fn pumped_events_run_on_the_callers_thread_and_wait_for_it() {
    let server = server();
    let url = format!("ws://{}/", server.address);
    let mut client = WebSocketClient::queued(&url, Offer::default(), Settings::default()).unwrap();
    let (mine, mut heard, deadline) = (thread::current().id(), Vec::new(), Instant::now() + LONG);
    while heard.len() < 102 {
        assert!(Instant::now() < deadline, "{heard:?}");
        client.pump(Duration::from_millis(50), |event| {
            assert_eq!(thread::current().id(), mine);
            match event {
                // More than the queue holds: the thread waits for us and loses nothing.
                ClientEvent::Opening { sender, .. } => {
                    heard.push(1000);
                    for number in 0..100 {
                        sender.text(&number.to_string()).unwrap();
                    }
                    sender.text("leave").unwrap();
                }
                ClientEvent::Message(Message::Text(text)) => heard.push(text.parse().unwrap()),
                ClientEvent::Closing(Some(reason)) => heard.push(u32::from(reason.code.0)),
                other => panic!("{other:?}"),
            }
        });
    }
    let expected: Vec<u32> = [1000].into_iter().chain(0..100).chain([4001]).collect();
    assert_eq!(heard, expected);
    assert_eq!(client.pump(Duration::ZERO, |event| panic!("{event:?} after the end")), 0);
}

#[test]
fn dropping_it_ends_the_conversation_within_the_limit() {
    let server = server();
    let url = format!("ws://{}/", server.address);
    let settings = Settings { close_limit: Duration::from_millis(100), ..Settings::default() };
    for says in ["hello", "silence"] {
        let (tell, opened) = mpsc::channel();
        let callback = move |event| {
            if let ClientEvent::Opening { sender, .. } = event {
                sender.text(says).unwrap();
                tell.send(()).unwrap();
            }
        };
        let client = WebSocketClient::spawn(&url, Offer::default(), settings.clone(), callback).unwrap();
        opened.recv_timeout(LONG).unwrap();
        let begun = Instant::now();
        drop(client);
        assert!(begun.elapsed() < Duration::from_secs(2), "{says}: {:?}", begun.elapsed());
    }
    // One that nobody pumps, with more events than its queue holds.
    let mut client = WebSocketClient::queued(&url, Offer::default(), settings).unwrap();
    client.pump(LONG, |event| match event {
        ClientEvent::Opening { sender, .. } => (0..200).for_each(|_| sender.text("more").unwrap()),
        ClientEvent::Message(_) => {}
        other => panic!("{other:?}"),
    });
    let begun = Instant::now();
    drop(client);
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
}

/// Dropped by its own callback, it cannot wait for its own thread, and need not: the goodbye is said behind the callback.
#[test]
fn dropping_it_inside_its_callback_waits_for_nobody() {
    let server = server();
    let settings = Settings { close_limit: LONG, ..Settings::default() };
    let client: Arc<Mutex<Option<WebSocketClient>>> = Arc::default();
    let (mine, (tell, tells)) = (client.clone(), mpsc::channel());
    let callback = move |event| match event {
        ClientEvent::Opening { sender, .. } => (0..9).for_each(|_| sender.text("hello").unwrap()),
        _ => {
            let begun = Instant::now();
            let client = mine.lock().unwrap().take();
            tell.send((client.is_some(), {
                drop(client);
                begun.elapsed()
            }))
            .unwrap();
        }
    };
    let mut place = client.lock().unwrap();
    let url = format!("ws://{}/", server.address);
    *place = Some(WebSocketClient::spawn(&url, Offer::default(), settings, callback).unwrap());
    drop(place);
    let (was_there, took) = tells.recv_timeout(LONG).unwrap();
    assert!(was_there && took < LONG / 2, "{took:?}");
    // The callback is gone with the thread, and nothing came behind the drop.
    assert!(matches!(tells.recv_timeout(LONG), Err(mpsc::RecvTimeoutError::Disconnected)));
}

/// A server whose message never becomes whole is told that this was the end, though the program keeps its client.
#[test]
fn after_an_error_the_server_is_not_left_waiting() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let settings = Settings { message_limit: Duration::from_millis(50), ..Settings::default() };
    let mut client = WebSocketClient::queued(&url, Offer::default(), settings).unwrap();
    let (mut peer, _) = listener.accept().unwrap();
    peer.set_read_timeout(Some(LONG)).unwrap();
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        peer.read_exact(&mut byte).unwrap();
        request.extend(byte);
    }
    let upgrade = Upgrade::check(&RequestHead::parse(&request).unwrap()).unwrap();
    peer.write_all(&upgrade.accept(None, &[]).unwrap()).unwrap();
    peer.write_all(b"\x01\x05begin").unwrap();
    let mut close = [0; 1];
    peer.read_exact(&mut close).expect("the client neither speaks nor leaves");
    assert_eq!(close, [0x88]);
    drop(peer);
    let mut events = Vec::new();
    let deadline = Instant::now() + LONG;
    while events.len() < 2 && Instant::now() < deadline {
        client.pump(LONG, |event| events.push(event));
    }
    assert!(matches!(&events[..], [ClientEvent::Opening { .. }, ClientEvent::Error(_)]), "{events:?}");
}

#[test]
fn it_can_say_goodbye_itself_once_it_is_open() {
    let server = server();
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", silent.local_addr().unwrap());
    let client = WebSocketClient::queued(&url, Offer::default(), Settings::default()).unwrap();
    assert!(client.close(&CloseReason::new(CloseCode::NORMAL, "")).is_err(), "not open yet");
    drop(client); // It is still connecting, and nobody waits for that.
    let (client, events) = told(&format!("ws://{}/", server.address), &["hello"]);
    assert_eq!(events.recv_timeout(LONG).unwrap().0, "opening");
    client.close(&CloseReason::new(CloseCode::NORMAL, "enough")).unwrap();
    assert_eq!(words(&events).last().unwrap(), "closing 1000 (normal closure)");
}

/// The same program for both kinds of conversation: each line is answered in capitals.
fn ask<C: Conversation>(mut conversation: C) {
    assert!(conversation.is_conversation_open());
    conversation.send_message(b"hello").unwrap();
    assert_eq!(conversation.receive_message(LONG).unwrap(), Received::Message(b"hello".to_vec()));
    assert_eq!(conversation.receive_message(Duration::from_millis(5)).unwrap(), Received::Nothing);
    conversation.send_message(&[0xff, 0]).unwrap();
    assert_eq!(conversation.receive_message(LONG).unwrap(), Received::Message(vec![0xff, 0]));
    conversation.close_conversation();
    assert!(!conversation.is_conversation_open());
}

#[test]
fn a_websocket_behaves_like_any_socket() {
    let server = server();
    ask(WebSocket::connect(&format!("ws://{}/", server.address)).unwrap());
    let settings = Settings { framing: Framing::DecimalLength, ..Settings::default() };
    let tcp = StandardServer::bind_with("127.0.0.1:0", &settings).unwrap();
    let (address, stop) = (tcp.local_address().to_string(), tcp.stop_handle());
    let running = thread::spawn(move || {
        tcp.serve(|mut connection| {
            while let Received::Message(message) = connection.receive()? {
                connection.send(message)?;
            }
            Ok(())
        })
    });
    ask(Client::connect_with(&address, &settings).unwrap());
    ask(Client::connect_with(&address, &settings).unwrap().into_connection());
    stop.stop();
    running.join().unwrap().unwrap();
}
