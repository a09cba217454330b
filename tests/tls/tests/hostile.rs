//! What a peer can do to us that it should not: each of these once hung, lost an alert or waited too long.

use socklab::{Client, Error, Framing, Received, Settings, SimpleServer, StandardServer, TlsError};
use std::io::{Read, Write};
use std::net::Shutdown;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};
use tls_tests::World;
use tls_tests::raw::{self, SOON, VERSIONS};

fn short(settings: Settings) -> Settings {
    Settings { handshake_limit: Duration::from_secs(1), close_limit: Duration::from_secs(3), ..settings }
}

/// Runs it on a thread of its own, and fails when it does not end: a test that hangs says nothing.
fn within<T: Send + 'static>(limit: Duration, what: &str, run: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, end) = channel();
    let running = thread::spawn(move || drop(done.send(run())));
    let result = end.recv_timeout(limit);
    if result.is_err() && running.is_finished() {
        running.join().unwrap();
    }
    result.unwrap_or_else(|_| panic!("{what} has not ended within {limit:?}"))
}

fn tls(error: Error) -> TlsError {
    match error {
        Error::Tls(error) => error,
        other => panic!("not an error of TLS: {other:?}"),
    }
}

#[test]
fn bytes_behind_the_goodbye_are_nobodys() {
    let world = World::new();
    for (name, version) in VERSIONS {
        let mut server = SimpleServer::bind_with("127.0.0.1:0", &world.serving()).unwrap();
        let address = server.local_address();
        let config = raw::client_config(&world, &[version]);
        let peer = thread::spawn(move || {
            let mut peer = raw::connect(address, config);
            peer.write_all(b"before").unwrap();
            peer.conn.send_close_notify();
            peer.conn.complete_io(&mut peer.sock).unwrap();
            // Not even encrypted: after its goodbye nothing counts.
            peer.sock.write_all(&[b'x'; 10_000]).unwrap();
            let _ = peer.sock.shutdown(Shutdown::Write);
            let _ = peer.sock.read_to_end(&mut Vec::new());
        });
        let received = within(SOON, name, move || {
            let mut connection = server.accept().unwrap();
            let first = connection.receive().unwrap();
            let end = connection.receive().unwrap();
            assert_eq!(connection.receive().unwrap(), Received::Closed, "once ended, always ended");
            assert!(!connection.is_open());
            connection.close();
            (first, end)
        });
        assert_eq!(received, (Received::Message(b"before".to_vec()), Received::Closed), "{name}");
        peer.join().unwrap();
    }
}

#[test]
fn asking_whether_it_is_open_takes_in_no_more_than_can_be_read() {
    let world = World::new();
    let mut server = SimpleServer::bind_with("127.0.0.1:0", &world.serving()).unwrap();
    let address = server.local_address();
    let config = raw::client_config(&world, &[&rustls::version::TLS13]);
    let peer = thread::spawn(move || {
        let mut peer = raw::connect(address, config);
        peer.sock.set_write_timeout(Some(Duration::from_millis(300))).unwrap();
        // It meets the system's buffers, some megabytes, and no more.
        let mut count = 0;
        while count < 64 * 1024 * 1024 {
            count += peer.conn.writer().write(&[1; 16 * 1024]).unwrap();
            while peer.conn.wants_write() {
                if peer.conn.write_tls(&mut peer.sock).is_err() {
                    return count;
                }
            }
        }
        count
    });
    let mut connection = server.accept().unwrap();
    connection.secure().unwrap();
    while !peer.is_finished() {
        assert!(connection.is_open());
    }
    let taken = peer.join().unwrap();
    assert!(taken < 32 * 1024 * 1024, "{taken} bytes were taken in for nobody");
    assert!(matches!(connection.receive().unwrap(), Received::Message(_)));
}

#[test]
fn what_is_open_finds_broken_the_peer_is_told_all_the_same() {
    let world = World::new();
    for close in [true, false] {
        let mut server = SimpleServer::bind_with("127.0.0.1:0", &world.serving()).unwrap();
        let address = server.local_address();
        let config = raw::client_config(&world, &[&rustls::version::TLS13]);
        let (go_on, shall_go_on) = channel();
        let peer = thread::spawn(move || {
            let mut peer = raw::connect(address, config);
            shall_go_on.recv_timeout(SOON).unwrap();
            // A record of application data whose protection is wrong.
            peer.sock.write_all(&[23, 3, 3, 0, 20]).unwrap();
            peer.sock.write_all(&[0; 20]).unwrap();
            // Some of what it sends nobody will ever read.
            peer.sock.write_all(&[23; 50_000]).unwrap();
            peer.read(&mut [0; 100]).unwrap_err().to_string()
        });
        let mut connection = server.accept().unwrap();
        connection.secure().unwrap();
        go_on.send(()).unwrap();
        let started = Instant::now();
        while connection.is_open() {
            assert!(started.elapsed() < SOON, "it never notices");
        }
        if close {
            connection.close();
        } else {
            let error = tls(connection.receive().unwrap_err());
            assert!(matches!(&error, TlsError::Broken { what } if what.contains("decrypt")), "{error}");
            let again = tls(connection.receive().unwrap_err());
            assert_eq!(error, again, "it stays broken");
            assert_eq!(tls(connection.send("x").unwrap_err()), error, "both ways");
        }
        drop(connection);
        let heard = peer.join().unwrap();
        assert!(heard.contains("BadRecordMac"), "{heard}");
    }
}

#[test]
fn a_silent_peer_gets_the_limit_and_no_more() {
    let world = World::new();
    let (listener, address) = raw::listen();
    let started = Instant::now();
    let error = Client::connect_with(&address, &short(world.trusting())).unwrap_err();
    let took = started.elapsed();
    assert_eq!(tls(error), TlsError::TooSlow { limit: Duration::from_secs(1) });
    // There is nothing to tell it, and so nothing to wait for after that.
    assert!((Duration::from_millis(990)..Duration::from_millis(2500)).contains(&took), "{took:?}");
    drop(listener);

    let mut server = SimpleServer::bind_with("127.0.0.1:0", &short(world.serving())).unwrap();
    let silent = raw::plain(server.local_address());
    let mut connection = server.accept().unwrap();
    let started = Instant::now();
    assert_eq!(tls(connection.receive().unwrap_err()), TlsError::TooSlow { limit: Duration::from_secs(1) });
    let took = started.elapsed();
    assert!((Duration::from_millis(990)..Duration::from_millis(2500)).contains(&took), "{took:?}");
    drop(silent);
}

#[test]
fn what_came_in_time_while_the_program_was_busy_is_in_time() {
    let world = World::new();
    let mut server = SimpleServer::bind_with("127.0.0.1:0", &short(world.serving())).unwrap();
    let address = server.local_address();
    let config = raw::client_config(&world, &[&rustls::version::TLS13]);
    let (ready, is_ready) = channel();
    let (go_on, shall_go_on) = channel::<()>();
    let peer = thread::spawn(move || {
        let mut tcp = raw::plain(address);
        let mut session = raw::client_session(config);
        session.write_tls(&mut tcp).unwrap();
        ready.send(()).unwrap();
        let mut peer = rustls::StreamOwned::new(session, tcp);
        shall_go_on.recv_timeout(SOON).unwrap();
        peer.write_all(b"in time").unwrap();
        ready.send(()).unwrap();
        let _ = shall_go_on.recv_timeout(SOON);
    });
    let mut connection = server.accept().unwrap();
    is_ready.recv_timeout(SOON).unwrap();
    // The server answers the ClientHello, and turns to something else for longer than the limit.
    let started = Instant::now();
    assert_eq!(connection.receive_within(Duration::ZERO).unwrap(), Received::Nothing);
    go_on.send(()).unwrap();
    is_ready.recv_timeout(SOON).unwrap();
    let (_never, nothing) = channel::<()>();
    let _ = nothing.recv_timeout(Duration::from_millis(1200).saturating_sub(started.elapsed()));
    assert_eq!(connection.receive().unwrap(), Received::Message(b"in time".to_vec()));
    drop(go_on);
    peer.join().unwrap();
}

#[test]
fn a_writer_learns_what_the_reader_found() {
    let world = World::new();
    let mut server = SimpleServer::bind_with("127.0.0.1:0", &world.serving()).unwrap();
    let address = server.local_address();
    let config = raw::client_config(&world, &[&rustls::version::TLS13]);
    let (go_on, shall_go_on) = channel::<()>();
    let peer = thread::spawn(move || {
        let mut peer = raw::connect(address, config);
        // It reads a little, so that the writer is well under way, then stops reading and breaks the rules.
        peer.read_exact(&mut [0; 100_000]).unwrap();
        peer.sock.write_all(&[23, 3, 3, 0, 20]).unwrap();
        peer.sock.write_all(&[0; 20]).unwrap();
        let _ = shall_go_on.recv_timeout(SOON);
    });
    let mut connection = server.accept().unwrap();
    connection.secure().unwrap();
    let sender = connection.sender();
    let writing = thread::spawn(move || {
        let started = Instant::now();
        let error = sender.send(vec![0; 15 * 1024 * 1024]).unwrap_err();
        (error, started.elapsed())
    });
    let error = tls(connection.receive().unwrap_err());
    assert!(matches!(error, TlsError::Broken { .. }), "{error:?}");
    let (writers, took) = writing.join().unwrap();
    assert_eq!(tls(writers), error);
    assert!(took < Duration::from_secs(10), "it went on writing to nobody for {took:?}");
    drop(go_on);
    peer.join().unwrap();
}

#[test]
fn a_server_that_stops_in_the_middle_of_a_handshake_says_nothing_of_the_client() {
    let world = World::new();
    let server = StandardServer::bind_with("127.0.0.1:0", &world.serving()).unwrap();
    let (address, stop) = (server.local_address(), server.stop_handle());
    let (begun, has_begun) = channel();
    let (result, results) = channel();
    let running = thread::spawn(move || {
        server.serve(move |mut connection| {
            begun.send(()).unwrap();
            result.send(connection.receive().map_err(|error| error.to_string())).unwrap();
            Ok(())
        })
    });
    let mut client = raw::plain(address);
    client.write_all(&[22, 3, 1]).unwrap();
    has_begun.recv_timeout(SOON).unwrap();
    stop.stop();
    running.join().unwrap().unwrap();
    assert_eq!(results.recv_timeout(SOON).unwrap(), Ok(Received::Closed));
}

#[test]
fn a_plain_server_notices_a_client_hello_at_once() {
    let world = World::new();
    for framing in [Framing::lines(), Framing::DecimalLength] {
        let settings = Settings { framing: framing.clone(), ..tls_tests::patient() };
        let mut server = SimpleServer::bind_with("127.0.0.1:0", &settings).unwrap();
        let address = server.local_address().to_string();
        let trusting = world.trusting();
        let client = thread::spawn(move || Client::connect_with(&address, &trusting).unwrap_err());
        let mut connection = server.accept().unwrap();
        let started = Instant::now();
        assert_eq!(tls(connection.receive().unwrap_err()), TlsError::Unexpected, "{framing:?}");
        assert!(started.elapsed() < Duration::from_secs(5), "{framing:?}: {:?}", started.elapsed());
        connection.close();
        drop(connection);
        assert_eq!(tls(client.join().unwrap()), TlsError::EndedInHandshake, "{framing:?}");
    }
}
