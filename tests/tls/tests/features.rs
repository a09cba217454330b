//! What both sides agree on: a protocol above, a session taken up again, who the client is; and an independent peer that
//! uses what TLS allows.

use rustls::SupportedProtocolVersion;
use socklab::trace::{Action, Call, Observer, Outcome, Step, Trace};
use socklab::{Client, ClientTls, Connection, Error, Received, Secured, ServerTls, Settings, SimpleServer, TlsError};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};
use tls_tests::raw::{self, VERSIONS};
use tls_tests::{World, patient};

fn client(tls: ClientTls) -> Settings {
    Settings { client_tls: Some(tls), ..patient() }
}

fn server(tls: ServerTls) -> Settings {
    Settings { server_tls: Some(tls), ..patient() }
}

/// One message each way. What each side knows of the other; or why the client was refused.
fn meet(serving: &Settings, connecting: &Settings) -> (Option<Secured>, Result<Secured, Error>) {
    let mut server = SimpleServer::bind_with("127.0.0.1:0", serving).unwrap();
    let target = format!("localhost:{}", server.local_address().port());
    let accepting = thread::spawn(move || {
        let mut connection = server.accept().unwrap();
        if let Ok(Received::Message(bytes)) = connection.receive() {
            connection.send(bytes).unwrap();
        }
        connection.close();
        connection.tls().cloned()
    });
    let connected = Client::connect_with(&target, connecting).and_then(|mut client| {
        client.send("x")?;
        assert_eq!(client.receive()?, Received::Message(b"x".to_vec()));
        let secured = client.tls().unwrap().clone();
        client.close();
        Ok(secured)
    });
    (accepting.join().unwrap(), connected)
}

// --- ALPN -----------------------------------------------------------------------------------------

#[test]
fn the_servers_wish_decides_which_protocol_is_spoken() {
    let world = World::new();
    let serving = server(ServerTls::new(&world.server).protocols(&["http/1.1", "nntp"]));
    let trusting = ClientTls::trusting(&world.roots);
    for (offered, agreed) in
        [(&["nntp", "http/1.1"][..], Some("http/1.1")), (&["imap", "nntp"], Some("nntp")), (&[], None)]
    {
        let (server, client) = meet(&serving, &client(trusting.clone().protocols(offered)));
        assert_eq!(client.unwrap().protocol.as_deref(), agreed, "{offered:?}");
        assert_eq!(server.unwrap().protocol.as_deref(), agreed, "{offered:?}");
    }
    let (server, refused) = meet(&serving, &client(trusting.protocols(&["imap"])));
    let error = refused.unwrap_err();
    println!("{error}");
    assert!(
        matches!(&error, Error::Tls(TlsError::Refused { alert, .. }) if alert == "no_application_protocol"),
        "{error:?}"
    );
    assert!(error.to_string().contains("none of the protocols that we offer"), "{error}");
    assert_eq!(server, None);
}

// --- resumption -----------------------------------------------------------------------------------

#[test]
fn the_second_connection_takes_up_the_session_of_the_first() {
    let world = World::new();
    let (serving, trusting) = (world.serving(), world.trusting());
    for (turn, expected) in [false, true, true].into_iter().enumerate() {
        let (server, client) = meet(&serving, &trusting);
        let (server, client) = (server.unwrap(), client.unwrap());
        assert_eq!((server.resumed, client.resumed), (expected, expected), "connection {turn}");
        assert!(client.verified);
        assert_eq!(client.chain.len(), 1, "who it is was settled the first time");
    }
    // Settings of one's own remember nobody.
    assert!(!meet(&serving, &world.trusting()).1.unwrap().resumed);
    // And at a server that remembers nobody the handshake is made in full.
    assert!(!meet(&world.serving(), &trusting).1.unwrap().resumed);
}

#[test]
fn sessions_are_taken_up_again_under_either_version() {
    let world = World::new();
    for (name, version) in VERSIONS {
        // Our client at a raw server.
        let config = Arc::new(raw::server_config(&world.server_files, &[version]));
        let (listener, address) = raw::listen();
        let peer = thread::spawn(move || {
            for _ in 0..2 {
                let mut peer = raw::accept(&listener, (*config).clone());
                peer.write_all(b"hello").unwrap();
                let _ = peer.read_to_end(&mut Vec::new());
            }
        });
        let trusting = world.trusting();
        for expected in [false, true] {
            let mut client = Client::connect_with(&address, &trusting).unwrap();
            assert_eq!(client.receive().unwrap(), Received::Message(b"hello".to_vec()));
            let secured = client.tls().unwrap();
            assert_eq!((secured.version, secured.resumed), (name, expected), "our client");
            client.close();
        }
        peer.join().unwrap();

        // A raw client at our server.
        let mut server = SimpleServer::bind_with("127.0.0.1:0", &world.serving()).unwrap();
        let address = server.local_address();
        let config = raw::client_config(&world, &[version]);
        let peer = thread::spawn(move || {
            for _ in 0..2 {
                let mut peer = raw::connect(address, config.clone());
                peer.read_exact(&mut [0; 5]).unwrap();
                peer.conn.send_close_notify();
                let _ = peer.flush();
                let _ = peer.read_to_end(&mut Vec::new());
            }
        });
        for expected in [false, true] {
            let mut connection = server.accept().unwrap();
            connection.send("hello").unwrap();
            assert_eq!(connection.receive().unwrap(), Received::Closed);
            let secured = connection.tls().unwrap();
            assert_eq!((secured.version, secured.resumed), (name, expected), "our server");
            connection.close();
        }
        peer.join().unwrap();
    }
}

// --- client certificates --------------------------------------------------------------------------

#[test]
fn a_server_that_asks_knows_who_calls() {
    let world = World::new();
    let known = ClientTls::trusting(&world.roots).identity(&world.client);
    let unknown = ClientTls::trusting(&world.roots);
    let asks = ServerTls::new(&world.server).request_client_certificates(&world.roots);
    let demands = ServerTls::new(&world.server).require_client_certificates(&world.roots);
    let shown = raw::certificates(&world.client_files.certificate)[0].to_vec();
    for (serving, connecting, expected) in [
        (&asks, &known, Some(vec![shown.clone()])),
        (&asks, &unknown, Some(vec![])),
        (&demands, &known, Some(vec![shown.clone()])),
        (&demands, &unknown, None),
    ] {
        // Twice: in a session that was taken up again the server must know it as well.
        for turn in 0..2 {
            let (secured, connected) = meet(&server(serving.clone()), &client(connecting.clone()));
            let chain = secured.as_ref().map(|secured| secured.chain.clone());
            assert_eq!(chain, expected, "{serving:?}, connection {turn}");
            assert_eq!(connected.is_ok(), expected.is_some());
            if let Some(secured) = secured {
                assert_eq!(secured.verified, !secured.chain.is_empty());
                assert_eq!(secured.resumed, turn == 1);
                assert_eq!(secured.name.as_deref(), Some("localhost"));
            }
        }
    }
    // The subject stands in the certificate in clear letters.
    assert!(shown.windows(9).any(|window| window == b"a student"));
}

#[test]
fn a_client_shows_its_certificate_to_a_raw_server_under_either_version() {
    let world = World::new();
    for (name, version) in VERSIONS {
        let (listener, address) = raw::listen();
        let config = raw::demanding(&world, &[version]);
        let peer = thread::spawn(move || {
            let mut peer = raw::accept(&listener, config);
            peer.write_all(b"welcome").unwrap();
            peer.conn.peer_certificates().unwrap().len()
        });
        let tls = ClientTls::trusting(&world.roots).identity(&world.client);
        let mut connected = Client::connect_with(&address, &client(tls)).unwrap();
        assert_eq!(connected.receive().unwrap(), Received::Message(b"welcome".to_vec()));
        assert_eq!(connected.tls().unwrap().version, name);
        assert_eq!(peer.join().unwrap(), 1);
    }
}

// --- an independent peer --------------------------------------------------------------------------

/// Reads so many bytes of the pattern from our side, and sends them back.
fn echo(connection: &mut Connection, all: usize) {
    let mut count = 0;
    while count < all {
        match connection.receive().unwrap() {
            Received::Message(bytes) => {
                assert!(bytes.iter().enumerate().all(|(at, &byte)| byte == ((count + at) % 251) as u8));
                count += bytes.len();
                connection.send(bytes).unwrap();
            }
            other => panic!("{other:?} after {count} bytes"),
        }
    }
    assert_eq!(count, all);
}

/// The other half of it. `refresh` is called now and then: a key update.
fn ask<S: Read + Write>(stream: &mut S, all: usize, piece: usize, mut refresh: impl FnMut(&mut S)) {
    let bytes: Vec<u8> = (0..all).map(|place| (place % 251) as u8).collect();
    for (number, piece) in bytes.chunks(piece).enumerate() {
        stream.write_all(piece).unwrap();
        stream.flush().unwrap();
        let mut back = vec![0; piece.len()];
        stream.read_exact(&mut back).unwrap();
        assert!(back == piece, "piece {number} came back changed");
        refresh(stream);
    }
}

fn with_raw_peers(version: &'static SupportedProtocolVersion, all: usize, piece: usize, refresh: bool) {
    let world = World::new();
    let mut server = SimpleServer::bind_with("127.0.0.1:0", &world.serving()).unwrap();
    let address = server.local_address();
    let config = raw::client_config(&world, &[version]);
    let peer = thread::spawn(move || {
        let mut peer = raw::connect(address, config);
        ask(&mut peer, all, piece, |peer| {
            if refresh {
                peer.conn.refresh_traffic_keys().unwrap();
            }
        });
    });
    let mut connection = server.accept().unwrap();
    echo(&mut connection, all);
    peer.join().unwrap();

    let (listener, address) = raw::listen();
    let config = raw::server_config(&world.server_files, &[version]);
    let peer = thread::spawn(move || {
        let mut peer = raw::accept(&listener, config);
        ask(&mut peer, all, piece, |peer| {
            if refresh {
                peer.conn.refresh_traffic_keys().unwrap();
            }
        });
    });
    let mut client = Client::connect_with(&address, &world.trusting()).unwrap();
    echo(&mut client, all);
    peer.join().unwrap();
}

#[test]
fn records_of_one_byte_and_of_as_much_as_fits() {
    for (_, version) in VERSIONS {
        with_raw_peers(version, 300, 1, false);
        with_raw_peers(version, 65_537, 16_384, false);
        with_raw_peers(version, 1_000_000, 250_000, false);
    }
}

#[test]
fn a_peer_that_changes_its_keys_as_it_goes() {
    with_raw_peers(&rustls::version::TLS13, 100_000, 1000, true);
}

#[test]
fn a_key_update_is_answered_with_the_next_write_and_reads_go_on_without() {
    let world = World::new();
    let mut server = SimpleServer::bind_with("127.0.0.1:0", &world.serving()).unwrap();
    let address = server.local_address();
    let config = raw::client_config(&world, &[&rustls::version::TLS13]);
    let peer = thread::spawn(move || {
        let mut peer = raw::connect(address, config);
        for _ in 0..50 {
            peer.conn.refresh_traffic_keys().unwrap();
            peer.write_all(b"news").unwrap();
        }
        let mut answer = [0; 5];
        peer.read_exact(&mut answer).unwrap();
        assert_eq!(&answer, b"heard");
    });
    let mut connection = server.accept().unwrap();
    let mut count = 0;
    while count < 200 {
        let Received::Message(bytes) = connection.receive().unwrap() else { panic!("after {count} bytes") };
        count += bytes.len();
    }
    connection.send("heard").unwrap();
    peer.join().unwrap();
}

// --- cut at every byte ----------------------------------------------------------------------------

/// Counts the reads that brought something.
#[derive(Clone, Default)]
struct Reads(Arc<AtomicUsize>);

impl Observer for Reads {
    fn observe(&self, step: &Step<'_>) {
        if matches!(step.action, Action::Call { call: Call::Read, outcome: Outcome::Bytes(_) }) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Passes on byte for byte, each by itself: a read meets every place at which a record can be cut.
fn relay(server: SocketAddr) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let client = raw::take(&listener);
        let server = raw::plain(server);
        let (back_from, back_to) = (server.try_clone().unwrap(), client.try_clone().unwrap());
        let back = thread::spawn(move || pass_on(back_from, back_to));
        pass_on(client, server);
        back.join().unwrap();
    });
    address
}

fn pass_on(mut from: TcpStream, mut to: TcpStream) {
    let mut space = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut space) {
        for byte in &space[..count] {
            if to.write_all(&[*byte]).is_err() {
                return;
            }
            // Written without a pause some would be read together.
            let written = Instant::now();
            while written.elapsed() < Duration::from_micros(40) {
                thread::yield_now();
            }
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Write);
}

#[test]
fn records_may_be_cut_anywhere() {
    let world = World::new();
    for (name, version) in VERSIONS {
        for we_serve in [true, false] {
            let reads = Reads::default();
            let trace = Trace::to(reads.clone());
            if we_serve {
                let settings = Settings { trace, ..world.serving() };
                let mut server = SimpleServer::bind_with("127.0.0.1:0", &settings).unwrap();
                let address = relay(server.local_address());
                let config = raw::client_config(&world, &[version]);
                let peer = thread::spawn(move || {
                    let mut peer = raw::connect(address, config);
                    ask(&mut peer, 600, 100, |_| ());
                    peer.conn.send_close_notify();
                    let _ = peer.flush();
                    let _ = peer.read_to_end(&mut Vec::new());
                });
                let mut connection = server.accept().unwrap();
                echo(&mut connection, 600);
                assert_eq!(connection.receive().unwrap(), Received::Closed, "{name}");
                connection.close();
                drop(connection);
                peer.join().unwrap();
            } else {
                let (listener, address) = raw::listen();
                let address = relay(address.parse().unwrap());
                let config = raw::server_config(&world.server_files, &[version]);
                let peer = thread::spawn(move || {
                    let mut peer = raw::accept(&listener, config);
                    ask(&mut peer, 600, 100, |_| ());
                    peer.conn.send_close_notify();
                    let _ = peer.flush();
                    let _ = peer.read_to_end(&mut Vec::new());
                });
                let settings = Settings { trace, ..world.trusting() };
                let mut client = Client::connect_with(&address.to_string(), &settings).unwrap();
                echo(&mut client, 600);
                assert_eq!(client.receive().unwrap(), Received::Closed, "{name}");
                client.close();
                drop(client);
                peer.join().unwrap();
            }
            let count = reads.0.load(Ordering::Relaxed);
            println!("{name}, we are the {}: {count} reads", if we_serve { "server" } else { "client" });
            assert!(count > 300, "the relay cut too little: {count} reads");
        }
    }
}
