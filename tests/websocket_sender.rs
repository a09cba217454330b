//! What several threads do with one WebSocket, and what an observer makes of a connection's number.

use socklab::trace::{Action, Observer, Step, Trace};
use socklab::websocket::protocol::{CloseCode, CloseReason, RequestHead, Response, Upgrade};
use socklab::websocket::{Error, Message, MessageRef, Offer, Opening, Received, WebSocket};
use socklab::{Client, Connection, HandlerResult, Settings, StandardServer, StopHandle};
use std::io::Read;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(10);

/// A server that runs until it is dropped.
struct Running(String, StopHandle, Option<thread::JoinHandle<()>>);

fn serve(settings: &Settings, handler: impl Fn(Connection) -> HandlerResult + Send + Sync + 'static) -> Running {
    let server = StandardServer::bind_with("127.0.0.1:0", settings).unwrap().on_trouble(|_| {});
    let (address, stop) = (server.local_address().to_string(), server.stop_handle());
    Running(address, stop, Some(thread::spawn(move || drop(server.serve(handler)))))
}

impl Drop for Running {
    fn drop(&mut self) {
        self.1.stop();
        self.2.take().map(thread::JoinHandle::join);
    }
}

/// What happened, in the words that a test wants, under the number of its connection.
#[derive(Default)]
struct Seen(Mutex<Vec<(u64, String)>>);

impl Observer for Seen {
    fn observe(&self, step: &Step<'_>) {
        let words = match &step.action {
            Action::Frame { frame, .. } => format!("frame {} {} {}", frame.opcode, frame.fin, frame.payload.len()),
            Action::Note(text) => (*text).to_owned(),
            _ => return,
        };
        self.0.lock().unwrap().push((step.connection, words));
    }
}

fn seen(seen: &Arc<Seen>) -> Settings {
    Settings { trace: Trace::to(seen.clone()), receive_limit: LONG, ..Settings::default() }
}

#[test]
fn a_message_is_cut_into_exactly_so_many_pieces() {
    let server = serve(&Settings::default(), |connection| {
        let mut socket = WebSocket::accept(connection)?;
        socket.for_each_message(|message, replies| replies.send(message))?;
        Ok(())
    });
    let told = Arc::new(Seen::default());
    let mut socket = WebSocket::connect_with(&format!("ws://{}/", server.0), &Offer::default(), &seen(&told)).unwrap();
    for (text, count, expected) in [
        ("0123456789", 3, "frame 1 false 3, frame 0 false 3, frame 0 true 4"),
        ("é", 3, "frame 1 false 0, frame 0 false 1, frame 0 true 1"),
        ("", 2, "frame 1 false 0, frame 0 true 0"),
        ("whole", 1, "frame 1 true 5"),
        ("whole", 0, "frame 1 true 5"),
    ] {
        told.0.lock().unwrap().clear();
        socket.sender().in_pieces(MessageRef::Text(text), count).unwrap();
        assert_eq!(socket.receive().unwrap(), Received::Message(Message::Text(text.to_owned())));
        let frames: Vec<String> = told.0.lock().unwrap().iter().map(|(_, words)| words.clone()).collect();
        assert_eq!(frames[..frames.len() - 1].join(", "), expected);
    }
    socket.close();
}

#[test]
fn an_abort_wakes_the_thread_that_receives() {
    // This server agrees and then neither speaks nor listens.
    let server = serve(&Settings::default(), |connection| {
        let socket = WebSocket::accept(connection)?;
        let deadline = Instant::now() + LONG;
        while socket.is_open() && Instant::now() < deadline {}
        Ok(())
    });
    let mut socket = WebSocket::connect(&format!("ws://{}/", server.0)).unwrap();
    let sender = socket.sender();
    let begun = Instant::now();
    let result = thread::scope(|scope| {
        let receiving = scope.spawn(|| socket.receive_within(LONG));
        sender.abort();
        receiving.join().unwrap()
    });
    // It was not the peer.
    assert!(matches!(result, Err(Error::Socket(socklab::Error::Closed))), "{result:?}");
    assert!(begun.elapsed() < LONG / 2);
    assert!(sender.text("too late").is_err());
    sender.abort();
}

#[test]
fn an_answer_may_have_headers_of_its_own() {
    let server = serve(&Settings::default(), |connection| {
        let page = Response::text(200, "a page").header("Content-Security-Policy", "default-src 'none'")?;
        Ok(Opening::read(connection)?.answer(&page)?)
    });
    let mut client = Client::connect(&server.0).unwrap();
    client.send("GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    while let socklab::Received::Message(bytes) = client.receive().unwrap() {
        answer.extend(bytes);
    }
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.contains("\r\nContent-Security-Policy: default-src 'none'\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\na page"), "{answer}");
}

#[test]
fn a_connection_knows_its_number_in_the_trace_and_a_trace_passes_on() {
    let told = Arc::new(Seen::default());
    let passed_on = Trace::to(Trace::to(told.clone()));
    let settings = Settings { trace: passed_on, max_clients: 0, ..Settings::default() };
    let mut server = StandardServer::bind_with("127.0.0.1:0", &settings).unwrap();
    let client = Client::connect(&server.local_address().to_string()).unwrap();
    let socklab::Arrival::Client(newcomer) = server.wait(LONG).unwrap() else { panic!("nobody came") };
    let number = newcomer.accept().number();
    assert!(number > 0 && number != client.number());

    drop(client);
    let _client = Client::connect(&server.local_address().to_string()).unwrap();
    let socklab::Arrival::Client(newcomer) = server.wait(LONG).unwrap() else { panic!("nobody came") };
    newcomer.refuse();
    let notes = told.0.lock().unwrap().clone();
    assert!(matches!(&notes[..], [(refused, words)] if words.contains("refused") && *refused > number), "{notes:?}");
}

/// A peer of bytes: it agrees, and from then on reads as much as it is asked to. Returns the client of that peer.
fn with_a_lazy_peer(settings: &Settings) -> (WebSocket, std::net::TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let connecting = {
        let settings = settings.clone();
        thread::spawn(move || WebSocket::connect_with(&url, &Offer::default(), &settings).unwrap())
    };
    let (mut peer, _) = listener.accept().unwrap();
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        peer.read_exact(&mut byte).unwrap();
        request.extend(byte);
    }
    let request = RequestHead::parse(&request).unwrap();
    let answer = Upgrade::check(&request).unwrap().accept(None, &[]).unwrap();
    std::io::Write::write_all(&mut peer, &answer).unwrap();
    (connecting.join().unwrap(), peer)
}

/// More than the buffers of the system hold.
const MUCH: usize = 64 << 20;

#[test]
fn who_has_sent_is_not_held_by_those_who_send_behind() {
    let queued = Arc::new(Seen::default());
    let settings = Settings { send_limit: 3 * LONG, max_message: MUCH, ..seen(&queued) };
    let (socket, mut peer) = with_a_lazy_peer(&settings);
    let (one, other) = (socket.sender(), socket.sender());
    let (told, tells) = mpsc::channel();
    let sends_one = thread::spawn(move || told.send(one.binary(&vec![0; MUCH])).unwrap());
    let mut header = [0; 14];
    peer.read_exact(&mut header).unwrap(); // its writer is at work: what the other one sends stands behind
    let sends_other = thread::spawn(move || other.binary(&vec![0; MUCH]));
    let deadline = Instant::now() + LONG;
    while queued.0.lock().unwrap().len() < 2 {
        assert!(Instant::now() < deadline, "the other message is not queued");
        thread::yield_now();
    }
    peer.read_exact(&mut vec![0; MUCH]).unwrap();
    tells.recv_timeout(LONG).expect("it has left, and its sender still waits").unwrap();
    peer.read_exact(&mut vec![0; 14 + MUCH]).unwrap();
    sends_other.join().unwrap().unwrap();
    sends_one.join().unwrap();
}

#[test]
fn a_close_that_is_not_taken_has_the_limit_of_a_close() {
    let close_limit = Duration::from_millis(100);
    let settings = Settings { send_limit: 3 * LONG, close_limit, max_message: MUCH, ..Settings::default() };
    let (mut socket, mut peer) = with_a_lazy_peer(&settings);
    let sender = socket.sender();
    let sending = thread::spawn(move || sender.binary(&vec![0; MUCH]));
    peer.read_exact(&mut [0; 14]).unwrap(); // its writer is at work
    let begun = Instant::now();
    let reason = CloseReason::new(CloseCode::NORMAL, "");
    let result = socket.close_with(&reason);
    assert!(matches!(result, Err(Error::Socket(socklab::Error::TimedOut { limit, .. })) if limit == close_limit));
    assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
    assert!(sending.join().unwrap().is_err());
    assert!(!socket.is_open());
}
