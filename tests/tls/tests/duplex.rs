//! Both directions at once: nobody may wait for the other inside a lock.

use socklab::trace::Trace;
use socklab::websocket::{Message, Received as FromWebSocket, WebSocket};
use socklab::{Client, Connection, Received, Settings, SimpleServer};
use std::io::Read;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};
use tls_tests::raw::{self, SOON};
use tls_tests::{World, patient};

const ALL: usize = 32 * 1024 * 1024;
const MESSAGE: usize = 1024 * 1024;
const LIMIT: Duration = Duration::from_secs(10);

/// What comes at this place of the stream: a byte that is lost, or there twice, changes all behind it.
fn pattern() -> Vec<u8> {
    (0..MESSAGE).map(|place| (place % 251) as u8).collect()
}

fn exchange(mut connection: Connection) {
    let sender = connection.sender();
    let sending = thread::spawn(move || {
        let message = pattern();
        for _ in 0..ALL / MESSAGE {
            sender.send(&message).unwrap();
        }
        sender.finish_sending();
    });
    let expected = pattern();
    let mut count = 0;
    while let Received::Message(bytes) = connection.receive().unwrap() {
        let place = count % MESSAGE;
        let first = bytes.len().min(MESSAGE - place);
        assert!(bytes[..first] == expected[place..place + first] && bytes[first..] == expected[..bytes.len() - first]);
        count += bytes.len();
    }
    sending.join().unwrap();
    connection.close();
    assert_eq!(count, ALL);
}

fn both_ways(name: &str, serving: &Settings, connecting: &Settings) {
    let mut server = SimpleServer::bind_with("127.0.0.1:0", serving).unwrap();
    let address = server.local_address().to_string();
    let started = Instant::now();
    let accepting = thread::spawn(move || exchange(server.accept().unwrap()));
    exchange(Client::connect_with(&address, connecting).unwrap().into_connection());
    accepting.join().unwrap();
    let took = started.elapsed();
    println!("{name}: 32 MiB each way at once in {took:.2?}");
    assert!(took < LIMIT, "{name}: {took:?}");
}

#[test]
fn plain() {
    both_ways("plain", &patient(), &patient());
}

#[test]
fn over_tls() {
    let world = World::new();
    both_ways("TLS", &world.serving(), &world.trusting());
}

#[test]
fn over_tls_with_nobody_watching_whatever_the_environment_says() {
    let world = World::new();
    let off = |settings: Settings| Settings { trace: Trace::off(), ..settings };
    both_ways("TLS, no observer", &off(world.serving()), &off(world.trusting()));
}

fn exchange_messages(mut socket: WebSocket) {
    let sender = socket.sender();
    let sending = thread::spawn(move || {
        let message = pattern();
        for _ in 0..ALL / MESSAGE {
            sender.binary(&message).unwrap();
        }
    });
    let expected = pattern();
    for _ in 0..ALL / MESSAGE {
        match socket.receive().unwrap() {
            FromWebSocket::Message(Message::Binary(bytes)) => assert!(bytes == expected),
            other => panic!("{other:?}"),
        }
    }
    sending.join().unwrap();
    socket.close();
}

fn websocket_both_ways(scheme: &str, serving: &Settings, connecting: &Settings) {
    let mut server = SimpleServer::bind_with("127.0.0.1:0", serving).unwrap();
    let url = format!("{scheme}://localhost:{}/", server.local_address().port());
    let started = Instant::now();
    let accepting = thread::spawn(move || exchange_messages(WebSocket::accept(server.accept().unwrap()).unwrap()));
    exchange_messages(WebSocket::connect_with(&url, &Default::default(), connecting).unwrap());
    accepting.join().unwrap();
    let took = started.elapsed();
    println!("{scheme}: 32 MiB each way at once in {took:.2?}");
    assert!(took < LIMIT, "{scheme}: {took:?}");
}

#[test]
fn over_ws() {
    websocket_both_ways("ws", &patient(), &patient());
}

#[test]
fn over_wss() {
    let world = World::new();
    websocket_both_ways("wss", &world.serving(), &world.trusting());
}

#[test]
fn a_writer_whose_peer_does_not_read_stops_no_reader() {
    let world = World::new();
    let mut server = SimpleServer::bind_with("127.0.0.1:0", &world.serving()).unwrap();
    let address = server.local_address();
    let config = raw::client_config(&world, &[&rustls::version::TLS13]);
    let (go_on, shall_go_on) = channel::<()>();
    let peer = thread::spawn(move || {
        use std::io::Write;
        let mut peer = raw::connect(address, config);
        shall_go_on.recv_timeout(SOON).unwrap();
        // The server's writer is stuck by now. What we say must reach its reader all the same.
        for number in 0..100_u8 {
            peer.write_all(&[number; 1000]).unwrap();
        }
        shall_go_on.recv_timeout(SOON).unwrap();
        // And now everything is taken after all, in order.
        let mut count = 0;
        let mut space = vec![0; 1 << 16];
        while count < 15 * MESSAGE {
            let more = peer.read(&mut space).unwrap();
            assert!(space[..more].iter().enumerate().all(|(at, &byte)| byte == ((count + at) % MESSAGE % 251) as u8));
            count += more;
        }
    });
    let mut connection = server.accept().unwrap();
    connection.secure().unwrap();
    let sender = connection.sender();
    let (progress, progresses) = channel();
    let writing = thread::spawn(move || {
        for number in 0..15 {
            progress.send(number).unwrap();
            sender.send(pattern()).unwrap();
        }
    });
    // It makes no more progress: the buffers are full.
    while progresses.recv_timeout(Duration::from_millis(300)).is_ok() {}
    assert!(!writing.is_finished(), "15 MiB fitted into the buffers, and nothing was tried");
    go_on.send(()).unwrap();
    let mut came = 0;
    while came < 100_000 {
        let Received::Message(bytes) = connection.receive_within(SOON).unwrap() else { panic!("after {came} bytes") };
        assert!(bytes.iter().enumerate().all(|(at, &byte)| usize::from(byte) == (came + at) / 1000));
        came += bytes.len();
    }
    assert!(!writing.is_finished(), "it was to be stuck meanwhile");
    go_on.send(()).unwrap();
    writing.join().unwrap();
    peer.join().unwrap();
}
