//! Every wait for a peer ends in time: one that is silent, and one that drips so that each read brings something.

use socklab::websocket::WebSocket;
use socklab::{Client, Error, Received, Settings, SimpleServer, TlsError};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};
use tls_tests::raw::{self, SOON};
use tls_tests::{World, patient};

const LIMIT: Duration = Duration::from_secs(1);
/// A byte each time so much has passed. Slower than that, and it would be silent within the limit.
const DRIP: Duration = Duration::from_millis(100);

fn short(settings: Settings) -> Settings {
    Settings { handshake_limit: LIMIT, ..settings }
}

fn in_time(what: &str, started: Instant) {
    let took = started.elapsed();
    println!("{what}: {took:.2?}");
    assert!((LIMIT - Duration::from_millis(10)..LIMIT * 2).contains(&took), "{what}: {took:?}");
}

fn too_slow(error: Error) {
    assert!(matches!(error, Error::Tls(TlsError::TooSlow { limit: LIMIT })), "{error:?}");
    assert!(error.to_string().contains("within 1s"), "{error}");
}

/// Sends these bytes one by one until it is told to stop, or cannot.
fn drip(mut stream: TcpStream, bytes: &[u8], stop: &Receiver<()>) {
    for byte in bytes {
        if stream.write_all(&[*byte]).is_err() || stop.recv_timeout(DRIP).is_ok() {
            return;
        }
    }
    let _ = stop.recv_timeout(SOON);
}

/// The first bytes of a long record: each of them is what should come.
fn beginning(kind: u8) -> Vec<u8> {
    let mut bytes = vec![22, 3, 3, 0x20, 0, kind, 0, 0x1f, 0xfc, 3, 3];
    bytes.extend([5; 500]);
    bytes
}

fn stopper() -> (Sender<()>, Receiver<()>) {
    channel()
}

#[test]
fn a_server_that_drips_its_handshake() {
    let world = World::new();
    let (listener, address) = raw::listen();
    let (stop, stopped) = stopper();
    let peer = thread::spawn(move || {
        let mut stream = raw::take(&listener);
        let _ = stream.read(&mut [0; 4096]);
        drip(stream, &beginning(2), &stopped);
    });
    let started = Instant::now();
    too_slow(Client::connect_with(&address, &short(world.trusting())).unwrap_err());
    in_time("a server drips", started);
    let _ = stop.send(());
    peer.join().unwrap();
}

#[test]
fn a_client_that_drips_its_handshake() {
    let world = World::new();
    let mut server = SimpleServer::bind_with("127.0.0.1:0", &short(world.serving())).unwrap();
    let stream = raw::plain(server.local_address());
    let (stop, stopped) = stopper();
    let peer = thread::spawn(move || drip(stream, &beginning(1), &stopped));
    let mut connection = server.accept().unwrap();
    let started = Instant::now();
    too_slow(connection.receive().unwrap_err());
    in_time("a client drips", started);
    // Over however many receives: the limit has passed, and stays so.
    let again = Instant::now();
    too_slow(connection.receive().unwrap_err());
    assert!(again.elapsed() < LIMIT / 2, "{:?}", again.elapsed());
    let _ = stop.send(());
    peer.join().unwrap();
}

#[test]
fn a_client_that_drips_gets_no_more_time_by_many_short_receives() {
    let world = World::new();
    let mut server = SimpleServer::bind_with("127.0.0.1:0", &short(world.serving())).unwrap();
    let stream = raw::plain(server.local_address());
    let (stop, stopped) = stopper();
    let peer = thread::spawn(move || drip(stream, &beginning(1), &stopped));
    let mut connection = server.accept().unwrap();
    let started = Instant::now();
    let error = loop {
        match connection.receive_within(Duration::from_millis(50)) {
            Ok(received) => assert_eq!(received, Received::Nothing),
            Err(error) => break error,
        }
    };
    too_slow(error);
    in_time("a client drips, many receives", started);
    let _ = stop.send(());
    peer.join().unwrap();
}

#[test]
fn a_silent_client_of_a_websocket_server_and_one_that_drips_its_head_inside_tls() {
    let world = World::new();
    let mut server = SimpleServer::bind_with("127.0.0.1:0", &short(world.serving())).unwrap();
    let address = server.local_address();
    let silent = raw::plain(address);
    let connection = server.accept().unwrap();
    let started = Instant::now();
    let error = WebSocket::accept(connection).unwrap_err();
    in_time("a silent client of a WebSocket server", started);
    assert!(error.to_string().contains("within 1s"), "{error}");
    drop(silent);

    let config = raw::client_config(&world, &[&rustls::version::TLS13]);
    let (stop, stopped) = stopper();
    let peer = thread::spawn(move || {
        let mut peer = raw::connect(address, config);
        for byte in b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " {
            if peer.write_all(&[*byte]).and_then(|()| peer.flush()).is_err() || stopped.recv_timeout(DRIP).is_ok() {
                break;
            }
        }
        let mut answer = Vec::new();
        let _ = peer.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    });
    let connection = server.accept().unwrap();
    let started = Instant::now();
    let error = WebSocket::accept(connection).unwrap_err();
    let took = started.elapsed();
    // TLS and HTTP have it together; and then the client may read its answer, for as long as a close may take.
    assert!((LIMIT..LIMIT * 4).contains(&took), "{took:?}");
    assert!(error.to_string().contains("408"), "{error}");
    let _ = stop.send(());
    let answer = peer.join().unwrap();
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[test]
fn a_server_that_drips_its_http_head_inside_tls() {
    let world = World::new();
    let (listener, address) = raw::listen();
    let config = raw::server_config(&world.server_files, &[&rustls::version::TLS13]);
    let (stop, stopped) = stopper();
    let peer = thread::spawn(move || {
        let mut peer = raw::accept(&listener, config);
        for byte in b"HTTP/1.1 101 Switching Protocols\r\nX: " {
            if peer.write_all(&[*byte]).and_then(|()| peer.flush()).is_err() || stopped.recv_timeout(DRIP).is_ok() {
                break;
            }
        }
    });
    let url = format!("wss://{address}/");
    let started = Instant::now();
    let error = WebSocket::connect_with(&url, &Default::default(), &short(world.trusting())).unwrap_err();
    in_time("a server drips its head", started);
    assert!(error.to_string().contains("within 1s"), "{error}");
    let _ = stop.send(());
    peer.join().unwrap();
}

#[test]
fn a_handshake_that_is_half_done_goes_on_with_the_next_receive() {
    let world = World::new();
    for (name, version) in raw::VERSIONS {
        let mut server = SimpleServer::bind_with("127.0.0.1:0", &world.serving()).unwrap();
        let address = server.local_address();
        let config = raw::client_config(&world, &[version]);
        let (go_on, shall_go_on) = channel();
        let peer = thread::spawn(move || {
            let mut tcp = raw::plain(address);
            let mut session = raw::client_session(config);
            let mut hello = Vec::new();
            session.write_tls(&mut hello).unwrap();
            // Cut in the middle of the header, then of the body.
            for piece in [&hello[..3], &hello[3..100], &hello[100..]] {
                tcp.write_all(piece).unwrap();
                shall_go_on.recv_timeout(SOON).unwrap();
            }
            let mut peer = rustls::StreamOwned::new(session, tcp);
            peer.write_all(b"at last").unwrap();
            let mut answer = [0; 6];
            peer.read_exact(&mut answer).unwrap();
            assert_eq!(&answer, b"indeed");
        });
        let mut connection = server.accept().unwrap();
        for _ in 0..3 {
            assert_eq!(connection.receive_within(Duration::from_millis(20)).unwrap(), Received::Nothing, "{name}");
            assert!(connection.is_open() && connection.tls().is_none());
            go_on.send(()).unwrap();
        }
        assert_eq!(connection.receive().unwrap(), Received::Message(b"at last".to_vec()), "{name}");
        connection.send("indeed").unwrap();
        peer.join().unwrap();
    }
}

#[test]
fn a_message_that_drips_inside_tls_meets_its_limit() {
    let world = World::new();
    let settings = Settings { message_limit: LIMIT, framing: socklab::Framing::lines(), ..world.serving() };
    let mut server = SimpleServer::bind_with("127.0.0.1:0", &settings).unwrap();
    let address = server.local_address();
    let config = raw::client_config(&world, &[&rustls::version::TLS13]);
    let (stop, stopped) = stopper();
    let peer = thread::spawn(move || {
        let mut peer = raw::connect(address, config);
        while peer.write_all(b"x").and_then(|()| peer.flush()).is_ok() && stopped.recv_timeout(DRIP).is_err() {}
    });
    let mut connection = server.accept().unwrap();
    connection.secure().unwrap();
    let started = Instant::now();
    let error = connection.receive().unwrap_err();
    assert!(matches!(error, Error::TimedOut { limit: LIMIT, .. }), "{error:?}");
    in_time("a message drips", started);
    let _ = stop.send(());
    peer.join().unwrap();
}

#[test]
fn a_reader_that_stops_meets_the_limit_of_a_send() {
    let world = World::new();
    let settings = Settings { send_limit: LIMIT, ..world.serving() };
    let mut server = SimpleServer::bind_with("127.0.0.1:0", &settings).unwrap();
    let address = server.local_address();
    let config = raw::client_config(&world, &[&rustls::version::TLS13]);
    let (stop, stopped) = stopper();
    let peer = thread::spawn(move || {
        let mut peer = raw::connect(address, config);
        // A little now and then: each write succeeds in part, and the whole never does.
        let mut space = [0; 1000];
        while stopped.recv_timeout(DRIP).is_err() {
            let _ = peer.sock.read(&mut space);
        }
    });
    let mut connection = server.accept().unwrap();
    connection.secure().unwrap();
    let started = Instant::now();
    let error = connection.send(vec![0; 15 * 1024 * 1024]).unwrap_err();
    assert!(matches!(error, Error::TimedOut { limit: LIMIT, .. }), "{error:?}");
    in_time("a peer that hardly reads", started);
    let _ = stop.send(());
    peer.join().unwrap();
    let _ = patient();
}
