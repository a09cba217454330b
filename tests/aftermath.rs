//! What stays true after something went wrong: the loss of a peer is not forgotten, a place is not lost, a second close
//! is nothing. The peer is a bare `std::net::TcpStream` wherever its misdeed must be exact.

use socklab::trace::{Action, Call, Drawing, Observer, Outcome, Step, Trace};
use socklab::websocket::protocol::{CloseCode, CloseReason};
use socklab::websocket::{self, WebSocket};
use socklab::{Client, Connection, Error, Framing, Received, Settings, SimpleServer, StandardServer, StopHandle};
use std::env;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(10);

/// An opening handshake's request.
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/// A connection of ours and the bare stream at its other end.
fn pair(settings: &Settings) -> (Connection, TcpStream) {
    let mut server = SimpleServer::bind_with("127.0.0.1:0", settings).unwrap();
    let peer = TcpStream::connect(server.local_address()).unwrap();
    peer.set_nodelay(true).unwrap();
    peer.set_read_timeout(Some(LONG)).unwrap();
    (server.accept().unwrap(), peer)
}

fn lines() -> Settings {
    Settings { framing: Framing::lines(), receive_limit: LONG, ..Settings::default() }
}

/// A connection whose peer has just reset it: closing with unread bytes in its buffer makes the system send a reset.
fn reset_by_its_peer() -> Connection {
    let (mut connection, peer) = pair(&lines());
    connection.send("you will never read this").unwrap();
    peer.peek(&mut [0; 1]).unwrap();
    drop(peer);
    connection
}

#[test]
fn a_peer_that_vanished_has_not_said_goodbye_a_moment_later() {
    let mut connection = reset_by_its_peer();
    for _ in 0..3 {
        let received = connection.receive();
        assert!(matches!(received, Err(Error::Vanished { .. })), "{received:?}");
    }
}

#[test]
fn a_receive_hears_of_the_reset_that_a_send_met() {
    let mut connection = reset_by_its_peer();
    let deadline = Instant::now() + LONG;
    // The reset is on its way, and until it is here the system takes what we send.
    let error = loop {
        match connection.send("anybody?") {
            Ok(()) => assert!(Instant::now() < deadline, "the reset never came"),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, Error::Vanished { .. }), "{error:?}");
    let received = connection.receive();
    assert!(matches!(received, Err(Error::Vanished { .. })), "{received:?}");
}

#[test]
fn a_receive_hears_of_the_reset_that_is_open_met() {
    let mut connection = reset_by_its_peer();
    let deadline = Instant::now() + LONG;
    while connection.is_open() {
        assert!(Instant::now() < deadline, "the reset never came");
    }
    let received = connection.receive();
    assert!(matches!(received, Err(Error::Vanished { .. })), "{received:?}");
}

#[test]
fn a_second_close_waits_for_nobody() {
    let limit = Duration::from_secs(1);
    let (mut connection, _peer) = pair(&Settings { close_limit: limit, ..lines() });
    connection.close();
    let begun = Instant::now();
    connection.close();
    assert!(begun.elapsed() < limit / 2, "{:?}", begun.elapsed());
}

#[test]
fn a_name_that_no_thread_can_have_is_an_error() {
    let error = Client::connect("no\0name:80").unwrap_err();
    assert!(matches!(error, Error::Resolve { .. }), "{error}");
}

#[test]
fn a_report_that_panics_costs_no_place() {
    let settings = Settings { max_clients: 1, ..lines() };
    let server = StandardServer::bind_with("127.0.0.1:0", &settings).unwrap().on_trouble(|_| panic!("on request"));
    let (address, stop) = (server.local_address(), server.stop_handle());
    let running = thread::spawn(move || {
        server.serve(|mut connection| match connection.receive()? {
            Received::Message(line) if line == b"fail" => Err("on request".into()),
            Received::Message(line) => Ok(connection.send(line)?),
            other => Err(format!("{other:?}").into()),
        })
    });
    let connect = || Client::connect_with(&address.to_string(), &lines()).unwrap();
    let mut unlucky = connect();
    unlucky.send("fail").unwrap();
    assert_eq!(unlucky.receive().unwrap(), Received::Closed);
    let deadline = Instant::now() + LONG;
    loop {
        let mut next = connect();
        if next.send("here").is_ok() && matches!(next.receive(), Ok(Received::Message(_))) {
            break;
        }
        assert!(Instant::now() < deadline, "the place never came free");
    }
    stop.stop();
    let report = running.join().unwrap().unwrap();
    assert_eq!((report.served, report.panicked, report.still_running.len()), (2, 0, 0));
}

#[test]
fn a_panic_of_admit_if_turns_away_its_own_client_only() {
    let first = OnceLock::new();
    let server = StandardServer::bind_with("127.0.0.1:0", &lines())
        .unwrap()
        .on_trouble(|_| {})
        .admit_if(move |peer| *first.get_or_init(|| peer) != peer || panic!("on request"));
    let (address, stop) = (server.local_address(), server.stop_handle());
    let running = thread::spawn(move || server.serve(|mut connection| Ok(connection.send("in")?)));
    let connect = |address: SocketAddr| Client::connect_with(&address.to_string(), &lines()).unwrap();
    assert_eq!(connect(address).receive().unwrap(), Received::Closed);
    assert_eq!(connect(address).receive().unwrap(), Received::Message(b"in".to_vec()));
    stop.stop();
    let report = running.join().unwrap().unwrap();
    assert_eq!((report.served, report.refused), (1, 1));
}

#[test]
fn after_a_send_that_came_to_nothing_the_peer_still_meets_our_end() {
    let settings = Settings { send_limit: Duration::from_millis(200), max_message: 1 << 30, ..Settings::default() };
    let (mut connection, mut peer) = pair(&settings);
    assert!(matches!(connection.send(vec![0; 64 << 20]), Err(Error::TimedOut { .. })));
    connection.finish_sending();
    let mut some = vec![0; 1 << 20];
    while peer.read(&mut some).expect("our end, and not silence") > 0 {}
}

#[test]
fn a_send_that_our_own_end_stopped_is_no_peer_that_vanished() {
    let settings = Settings { max_message: 1 << 30, ..Settings::default() };
    let (connection, mut peer) = pair(&settings);
    let sender = connection.sender();
    let sending = thread::spawn(move || sender.send(vec![0; 64 << 20]));
    // The first byte has come, so the send is under way; nobody reads the rest, so it cannot end by itself.
    peer.read_exact(&mut [0]).unwrap();
    connection.sender().finish_sending();
    let sent = sending.join().unwrap();
    assert!(matches!(sent, Err(Error::Closed)), "{sent:?}");
}

#[test]
fn a_message_that_came_in_time_is_not_late_because_we_were() {
    let settings = Settings { message_limit: Duration::from_millis(100), ..lines() };
    let (mut connection, mut peer) = pair(&settings);
    peer.write_all(b"Hel").unwrap();
    assert_eq!(connection.receive_within(Duration::from_millis(1)).unwrap(), Received::Nothing);
    peer.write_all(b"lo\n").unwrap();
    // What is tested is a program that is busy with something else for longer than the limit.
    thread::park_timeout(Duration::from_millis(150));
    assert_eq!(connection.receive().unwrap(), Received::Message(b"Hello".to_vec()));
}

/// Stops the listener that it watches as soon as that has accepted somebody.
#[derive(Default)]
struct StopAtAccept {
    stop: OnceLock<StopHandle>,
    accepted: Mutex<Vec<Option<i32>>>,
    closed: Mutex<Vec<Option<i32>>>,
}

impl Observer for StopAtAccept {
    fn observe(&self, step: &Step<'_>) {
        match &step.action {
            Action::Call { outcome: Outcome::Accepted { descriptor, .. }, .. } => {
                self.accepted.lock().unwrap().push(*descriptor);
                self.stop.get().unwrap().stop();
            }
            Action::Call { call: Call::Close, .. } => self.closed.lock().unwrap().push(step.descriptor),
            _ => {}
        }
    }
}

#[test]
fn the_trace_tells_the_close_of_a_client_who_came_at_the_stop() {
    let watcher = Arc::new(StopAtAccept::default());
    let settings = Settings { trace: Trace::to(watcher.clone()), ..lines() };
    let mut server = SimpleServer::bind_with("127.0.0.1:0", &settings).unwrap();
    watcher.stop.set(server.stop_handle()).unwrap();
    let _peer = TcpStream::connect(server.local_address()).unwrap();
    assert!(matches!(server.accept(), Err(Error::Closed)));
    let (accepted, closed) = (watcher.accepted.lock().unwrap().clone(), watcher.closed.lock().unwrap().clone());
    assert_eq!((accepted.len(), closed), (1, accepted));
}

/// Draws as `Ladder` does, where a test can read it.
#[derive(Default)]
struct Drawn(Mutex<(Drawing, String)>);

impl Observer for Drawn {
    fn observe(&self, step: &Step<'_>) {
        let (drawing, text) = &mut *self.0.lock().unwrap();
        text.push_str(&drawing.draw(step));
    }
}

#[test]
fn the_ladder_of_a_stop_claims_nothing_about_the_peer() {
    let drawn = Arc::new(Drawn::default());
    let settings = Settings { trace: Trace::to(drawn.clone()), ..lines() };
    let server = StandardServer::bind_with("127.0.0.1:0", &settings).unwrap();
    let (address, stop) = (server.local_address(), server.stop_handle());
    let running = thread::spawn(move || {
        server.serve(|mut connection| {
            while let Received::Message(line) = connection.receive()? {
                connection.send(line)?;
            }
            Ok(())
        })
    });
    let mut peer = TcpStream::connect(address).unwrap();
    peer.write_all(b"x\n").unwrap();
    peer.read_exact(&mut [0; 2]).unwrap();
    let text = || drawn.0.lock().unwrap().1.clone();
    // Between the write and the next read there is no read that the stop could end.
    let reads_again = |text: String| text.split_once("write 2 bytes").is_some_and(|(_, then)| then.contains("read …"));
    let deadline = Instant::now() + LONG;
    while !reads_again(text()) {
        assert!(Instant::now() < deadline, "it does not read again:\n{}", text());
        thread::park_timeout(Duration::from_millis(2));
    }
    stop.stop();
    assert_eq!(peer.read(&mut [0]).unwrap(), 0);
    running.join().unwrap().unwrap();
    let text = text();
    assert!(!text.contains("sends no more"), "the peer has ended nothing:\n{text}");
    let last_word = text.find("write 2 bytes").unwrap();
    let read = text.find("read: end, by our own shutdown").expect(&text);
    let told = text.find("can read what is left, then end").expect(&text);
    assert!(last_word < read && read < told, "our end crosses behind our last word:\n{text}");
}

#[test]
#[cfg(target_os = "linux")]
fn a_program_that_is_stopped_and_continued_keeps_its_deadlines() {
    const ADDRESS: &str = "SOCKLAB_TEST_ADDRESS";
    if let Ok(address) = env::var(ADDRESS) {
        // This is the child. Linux interrupts its read at each SIGCONT, handler or not (signal(7)).
        let mut client = Client::connect(&address).unwrap();
        assert_eq!(client.receive_within(Duration::from_millis(500)).unwrap(), Received::Nothing);
        return;
    }
    let mut server = SimpleServer::bind("127.0.0.1:0").unwrap();
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "a_program_that_is_stopped_and_continued_keeps_its_deadlines"])
        .env(ADDRESS, server.local_address().to_string())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let _connection = server.accept().unwrap();
    let begun = Instant::now();
    let status = loop {
        let stop_and_continue = format!("kill -STOP {0} && kill -CONT {0}", child.id());
        Command::new("sh").args(["-c", &stop_and_continue]).stderr(Stdio::null()).status().unwrap();
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        if begun.elapsed() > LONG / 2 {
            child.kill().unwrap();
            child.wait().unwrap();
            panic!("half a second was not over after {:?}", begun.elapsed());
        }
    };
    assert!(status.success(), "{status}");
}

#[test]
fn a_message_is_not_lost_because_nobody_hears_our_pong() {
    let (connection, mut peer) = pair(&lines());
    peer.write_all(REQUEST).unwrap();
    let mut socket = WebSocket::accept(connection).unwrap();
    // A Ping and a text, each masked with a key of zeros. Then the peer dies with our 101 unread: a reset.
    peer.peek(&mut [0]).unwrap();
    peer.write_all(b"\x89\x80\0\0\0\0\x81\x82\0\0\0\0Hi").unwrap();
    drop(peer);
    let received = socket.receive();
    assert!(matches!(&received, Ok(websocket::Received::Message(_))), "{received:?}");
    let received = socket.receive();
    assert!(matches!(received, Err(websocket::Error::Vanished { .. })), "{received:?}");
}

#[test]
fn a_websocket_message_that_came_in_time_is_not_late_because_we_were() {
    let settings = Settings { message_limit: Duration::from_millis(100), ..lines() };
    let (connection, mut peer) = pair(&settings);
    peer.write_all(REQUEST).unwrap();
    let mut socket = WebSocket::accept(connection).unwrap();
    peer.write_all(b"\x81\x82\0\0\0\0H").unwrap();
    assert_eq!(socket.receive_within(Duration::from_millis(1)).unwrap(), websocket::Received::Nothing);
    peer.write_all(b"i").unwrap();
    thread::park_timeout(Duration::from_millis(150)); // busy with something else, as above
    let received = socket.receive();
    assert!(matches!(&received, Ok(websocket::Received::Message(_))), "{received:?}");
}

#[test]
fn a_server_that_stops_says_goodbye_to_its_websockets() {
    let troubles = Arc::new(Mutex::new(Vec::new()));
    let told = troubles.clone();
    let server = StandardServer::bind_with("127.0.0.1:0", &lines())
        .unwrap()
        .on_trouble(move |trouble| told.lock().unwrap().push(trouble));
    let (address, stop) = (server.local_address(), server.stop_handle());
    let running = thread::spawn(move || {
        server.serve(|connection| {
            let mut socket = WebSocket::accept(connection)?;
            socket.for_each_message(|message, replies| replies.send(message))?;
            socket.close();
            Ok(())
        })
    });
    let mut client = WebSocket::connect(&format!("ws://{address}/")).unwrap();
    client.send_text("still there?").unwrap();
    assert!(matches!(client.receive().unwrap(), websocket::Received::Message(_)));
    stop.stop();
    let websocket::Received::Closed(Some(reason)) = client.receive().unwrap() else { panic!("no goodbye") };
    assert_eq!(reason.code.0, 1001);
    running.join().unwrap().unwrap();
    assert_eq!(*troubles.lock().unwrap(), []);
}

#[test]
fn a_close_that_cannot_be_written_ends_the_conversation_all_the_same() {
    let limit = Duration::from_millis(300);
    let settings = Settings { send_limit: limit, close_limit: limit, ..lines() };
    let (connection, mut peer) = pair(&settings);
    peer.write_all(REQUEST).unwrap();
    let mut socket = WebSocket::accept(connection).unwrap();
    assert!(socket.send_binary(&vec![0; 64 << 20]).is_err(), "nobody reads");
    let closed = socket.close_with(&CloseReason::new(CloseCode::NORMAL, ""));
    assert!(matches!(closed, Err(websocket::Error::Socket(Error::Closed))), "{closed:?}");
    let begun = Instant::now();
    socket.close();
    assert_eq!(socket.receive().unwrap(), websocket::Received::Closed(None));
    assert!(begun.elapsed() < limit / 2, "{:?}", begun.elapsed());
}
