//! Who is refused, and what each side is told: both must hear something that they can act on.
//!
//! `cargo test -p tls-tests --test refused -- --nocapture` prints every text, to be read as a student would.

use socklab::websocket::{self, WebSocket};
use socklab::{
    Client, ClientTls, Error, Framing, Identity, Received, Roots, ServerTls, Settings, SimpleServer, TlsError,
};
use std::io::{Read, Write};
use std::thread;
use tls_tests::raw::{self, VERSIONS};
use tls_tests::{Authority, Purpose, World, identity, patient};

/// What the server's and the client's side are told. The client connects to this host, and then receives.
fn meet(server: Settings, host: &str, client: Settings) -> (Result<Received, Error>, Result<Received, Error>) {
    let mut listening = SimpleServer::bind_with("127.0.0.1:0", &server).unwrap();
    let target = format!("{host}:{}", listening.local_address().port());
    let serving = thread::spawn(move || {
        let mut connection = listening.accept().unwrap();
        let result = connection.receive();
        connection.close();
        result
    });
    let result = Client::connect_with(&target, &client).and_then(|mut client| client.receive());
    (serving.join().unwrap(), result)
}

fn tls(side: &str, result: Result<Received, Error>) -> TlsError {
    match result {
        Err(Error::Tls(error)) => {
            println!("{side}: {error}\n");
            error
        }
        other => panic!("{side}: not an error of TLS: {other:?}"),
    }
}

/// We are refused with this alert, and the text holds these words.
fn refused(side: &str, result: Result<Received, Error>, expected: &str, words: &str) {
    let error = tls(side, result);
    assert!(matches!(&error, TlsError::Refused { alert, .. } if alert == expected), "{error:?}");
    assert!(error.to_string().contains(words), "{error}");
}

/// We refuse the peer's certificate, and the text holds these words.
fn distrusts(side: &str, result: Result<Received, Error>, words: &[&str]) {
    let error = tls(side, result);
    assert!(matches!(&error, TlsError::Certificate { .. }), "{error:?}");
    for word in words {
        assert!(error.to_string().contains(word), "{word:?} is not in: {error}");
    }
}

fn serving(identity: &Identity) -> Settings {
    Settings { server_tls: Some(ServerTls::new(identity)), ..patient() }
}

// --- the server's certificate ---------------------------------------------------------------------

#[test]
fn a_wrong_name() {
    let world = World::new();
    let other = identity(&world.authority.sign(Purpose::Server, &["www.example.org"], 30).unwrap());
    let (server, client) = meet(serving(&other), "localhost", world.trusting());
    distrusts("wrong name, client", client, &["not for localhost", "www.example.org"]);
    refused("wrong name, server", server, "bad_certificate", "certificate");

    // The name of somebody else is what the client may ask for explicitly.
    let settings = Settings {
        client_tls: Some(ClientTls::trusting(&world.roots).expecting("www.example.org")),
        receive_limit: std::time::Duration::from_millis(10),
        ..patient()
    };
    let (_, client) = meet(serving(&other), "localhost", settings);
    assert_eq!(client.unwrap(), Received::Nothing);
}

#[test]
fn an_expired_certificate() {
    let world = World::new();
    let expired = identity(&world.authority.sign(Purpose::Server, &["localhost"], -1).unwrap());
    let (server, client) = meet(serving(&expired), "localhost", world.trusting());
    distrusts("expired, client", client, &["has expired", "clock"]);
    refused("expired, server", server, "certificate_expired", "our certificate has expired");
}

#[test]
fn an_unknown_authority() {
    let (world, foreign) = (World::new(), World::of("another root"));
    let (server, client) = meet(foreign.serving(), "localhost", world.trusting());
    distrusts("unknown authority, client", client, &["signed", "root"]);
    refused("unknown authority, server", server, "unknown_ca", "does not trust the authority");

    let public = Settings { client_tls: Some(ClientTls::new()), ..patient() };
    let (server, client) = meet(world.serving(), "localhost", public);
    distrusts("the class's authority at a client with public roots, client", client, &["signed", "root"]);
    refused("the class's authority at a client with public roots, server", server, "unknown_ca", "authority");
}

#[test]
fn a_certificate_that_signed_itself() {
    let world = World::new();
    let lonely = identity(&Authority::self_signed(&["localhost"]).unwrap());
    let (server, client) = meet(serving(&lonely), "localhost", world.trusting());
    distrusts("self-signed, client", client, &["signed itself", "root"]);
    refused("self-signed, server", server, "unknown_ca", "authority");
}

#[test]
fn a_clients_certificate_shown_by_a_server() {
    let world = World::new();
    let wrong = identity(&world.authority.sign(Purpose::Client, &["localhost"], 30).unwrap());
    let (server, client) = meet(serving(&wrong), "localhost", world.trusting());
    distrusts("a client's certificate at the server, client", client, &["another purpose"]);
    assert!(matches!(tls("a client's certificate at the server, server", server), TlsError::Refused { .. }));
}

#[test]
fn nobody_is_refused_without_verification() {
    let (world, foreign) = (World::new(), World::new());
    let expired = identity(&foreign.authority.sign(Purpose::Server, &["elsewhere"], -1).unwrap());
    let mut server = SimpleServer::bind_with("127.0.0.1:0", &serving(&expired)).unwrap();
    let address = server.local_address().to_string();
    let believing = Settings { client_tls: Some(ClientTls::dangerously_without_verification()), ..patient() };
    let client = thread::spawn(move || {
        let mut client = Client::connect_with(&address, &believing).unwrap();
        client.send("to whom it may concern").unwrap();
        client.tls().unwrap().verified
    });
    let mut connection = server.accept().unwrap();
    assert_eq!(connection.receive().unwrap(), Received::Message(b"to whom it may concern".to_vec()));
    assert!(!client.join().unwrap(), "it must not say that it verified");
    drop(world);
}

// --- the client's certificate ---------------------------------------------------------------------

#[test]
fn a_client_without_the_certificate_that_is_required() {
    let world = World::new();
    let required = ServerTls::new(&world.server).require_client_certificates(&world.roots);
    let settings = Settings { server_tls: Some(required), ..patient() };
    let (server, client) = meet(settings.clone(), "localhost", world.trusting());
    distrusts("no client certificate, server", server, &["shown none", "asks its clients"]);
    // Under 1.3 the client's own handshake is done before the server has looked: connect succeeds, receive tells.
    refused("no client certificate, client (1.3)", client, "certificate_required", "give ClientTls an identity");

    // It may also be that it sends first, and only then listens.
    let mut listening = SimpleServer::bind_with("127.0.0.1:0", &settings).unwrap();
    let target = format!("localhost:{}", listening.local_address().port());
    let serving = thread::spawn(move || listening.accept().unwrap().receive().map(drop).unwrap_err().to_string());
    let mut client = Client::connect_with(&target, &world.trusting()).expect("connect cannot know yet");
    let _ = client.send(vec![b'x'; 100_000]);
    refused("the same, after a send", client.receive(), "certificate_required", "identity");
    serving.join().unwrap();
}

#[test]
fn a_client_without_the_certificate_that_is_required_under_1_2() {
    let world = World::new();
    let (listener, address) = raw::listen();
    let config = raw::demanding(&world, &[&rustls::version::TLS12]);
    let peer = thread::spawn(move || {
        let mut stream = raw::take(&listener);
        let mut session = rustls::ServerConnection::new(config.into()).unwrap();
        let error = loop {
            if let Err(error) = session.complete_io(&mut stream) {
                break error.to_string();
            }
        };
        let _ = stream.read_to_end(&mut Vec::new());
        error
    });
    let error = Client::connect_with(&address, &world.trusting()).map(|_| Received::Nothing);
    let error = tls("no client certificate, client (1.2)", error);
    assert!(matches!(&error, TlsError::Refused { .. }), "{error:?}");
    assert!(error.to_string().contains("certificate"), "{error}");
    assert!(peer.join().unwrap().contains("peer sent no certificates"));
}

#[test]
fn a_client_of_another_authority() {
    let (world, foreign) = (World::new(), World::of("another root"));
    let required = ServerTls::new(&world.server).require_client_certificates(&world.roots);
    let settings = Settings { server_tls: Some(required), ..patient() };
    let shown = ClientTls::trusting(&world.roots).identity(&foreign.client);
    let (server, client) = meet(settings, "localhost", Settings { client_tls: Some(shown), ..patient() });
    distrusts("a foreign client, server", server, &["signed"]);
    refused("a foreign client, client", client, "unknown_ca", "authority that signed our certificate");
}

// --- versions -------------------------------------------------------------------------------------

/// A ClientHello that offers 1.1 and no more, as it was written before 2008, or with the extension that came with 1.2.
fn client_hello_1_1(extensions: &[u8]) -> Vec<u8> {
    let mut body = vec![3, 2];
    body.extend([7; 32]);
    body.extend([0, 0, 2, 0xc0, 0x13, 1, 0]);
    body.extend([0, extensions.len() as u8]);
    body.extend(extensions);
    let mut hello = vec![22, 3, 1, 0, body.len() as u8 + 4, 1, 0, 0, body.len() as u8];
    hello.extend(body);
    hello
}

#[test]
fn a_client_that_knows_only_1_1() {
    let world = World::new();
    // signature_algorithms: ecdsa_secp256r1_sha256. Without it rustls says handshake_failure, and no more.
    for (extensions, alert) in [(&[][..], 40), (&[0, 13, 0, 4, 0, 2, 4, 3][..], 70)] {
        let mut server = SimpleServer::bind_with("127.0.0.1:0", &world.serving()).unwrap();
        let mut peer = raw::plain(server.local_address());
        peer.write_all(&client_hello_1_1(extensions)).unwrap();
        let peer = thread::spawn(move || {
            let mut answer = Vec::new();
            peer.read_to_end(&mut answer).unwrap();
            answer
        });
        let error = tls("a TLS 1.1 client, server", server.accept().unwrap().receive());
        assert!(matches!(error, TlsError::Incompatible { .. }), "{error:?}");
        assert!(error.to_string().contains("neither TLS 1.2 nor 1.3"), "{error}");
        let answer = peer.join().unwrap();
        assert_eq!((answer[0], &answer[5..]), (21, &[2, alert][..]), "a fatal alert");
    }
}

#[test]
fn a_server_that_knows_only_1_1() {
    let world = World::new();
    // It may choose 1.1, which we did not offer, or say no.
    let mut hello = vec![3, 2];
    hello.extend([7; 32]);
    hello.extend([0, 0xc0, 0x13, 0]);
    let mut chosen = vec![22, 3, 2, 0, hello.len() as u8 + 4, 2, 0, 0, hello.len() as u8];
    chosen.extend(hello);
    for (name, answer) in [("chooses", chosen), ("alert", vec![21, 3, 2, 0, 2, 2, 70])] {
        let (listener, address) = raw::listen();
        let peer = thread::spawn(move || {
            let mut stream = raw::take(&listener);
            let _ = stream.read(&mut [0; 4096]);
            stream.write_all(&answer).unwrap();
            let mut heard = Vec::new();
            let _ = stream.read_to_end(&mut heard);
            heard
        });
        let error = tls(&format!("a TLS 1.1 server ({name}), client"), connect(&address, world.trusting()));
        assert!(error.to_string().contains("1.2"), "{error}");
        match name {
            "alert" => assert!(matches!(&error, TlsError::Refused { alert, .. } if alert == "protocol_version")),
            _ => assert!(matches!(&error, TlsError::Incompatible { .. }), "{error:?}"),
        }
        let heard = peer.join().unwrap();
        if name == "chooses" {
            assert_eq!(heard[heard.len() - 2..], [2, 70], "it hears why: fatal, protocol_version");
        }
    }
}

fn connect(address: &str, settings: Settings) -> Result<Received, Error> {
    Client::connect_with(address, &settings).map(|_| Received::Nothing)
}

// --- one speaks TLS, the other does not -----------------------------------------------------------

#[test]
fn a_tls_client_at_a_plain_server_that_speaks_first() {
    let world = World::new();
    for greeting in ["220 mail.example.org ESMTP\r\n", "HTTP/1.1 400 Bad Request\r\n\r\n"] {
        let (listener, address) = raw::listen();
        let peer = thread::spawn(move || {
            let mut stream = raw::take(&listener);
            stream.write_all(greeting.as_bytes()).unwrap();
            let _ = stream.read_to_end(&mut Vec::new());
        });
        let error = tls("a plain server, client", connect(&address, world.trusting()));
        assert!(matches!(&error, TlsError::NotTls { began } if greeting.as_bytes().starts_with(began)), "{error:?}");
        assert!(error.to_string().contains(&greeting[..12]) && error.to_string().contains("port for TLS"), "{error}");
        peer.join().unwrap();
    }
}

#[test]
fn a_tls_client_at_our_plain_servers() {
    let world = World::new();
    // Lines: the server hears it at once, and the client that nobody answers in its language.
    let lines = Settings { framing: Framing::lines(), ..patient() };
    let (server, client) = meet(lines, "localhost", world.trusting());
    assert_eq!(tls("a plain server of lines, server", server), TlsError::Unexpected);
    assert_eq!(tls("a plain server of lines, client", client), TlsError::EndedInHandshake);

    // Raw bytes are what they are; an echo of our own ClientHello is told as what it is.
    let (listener, address) = raw::listen();
    let peer = thread::spawn(move || {
        let mut stream = raw::take(&listener);
        let mut bytes = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut bytes) {
            if stream.write_all(&bytes[..count]).is_err() {
                break;
            }
        }
    });
    let error = tls("a plain echo, client", connect(&address, world.trusting()));
    assert!(matches!(error, TlsError::NotTls { .. }), "{error:?}");
    assert!(error.to_string().contains("sent our own first message back"), "{error}");
    peer.join().unwrap();

    // WebSocket: an HTTP answer that the client cannot understand, and cites.
    let mut listening = SimpleServer::bind_with("127.0.0.1:0", &patient()).unwrap();
    let address = listening.local_address().to_string();
    let serving = thread::spawn(move || WebSocket::accept(listening.accept().unwrap()).unwrap_err());
    let url = format!("wss://{address}/");
    let error = WebSocket::connect_with(&url, &Default::default(), &world.trusting()).unwrap_err();
    println!("wss:// at a ws:// server, client: {error}\n");
    assert!(matches!(&error, websocket::Error::Socket(Error::Tls(TlsError::NotTls { .. }))), "{error:?}");
    assert!(error.to_string().contains("HTTP/1.1 400"), "{error}");
    let error = serving.join().unwrap();
    println!("wss:// at a ws:// server, server: {error}\n");
    assert!(error.to_string().contains("the peer speaks TLS"), "{error}");
}

#[test]
fn a_plain_client_at_our_tls_server() {
    let world = World::new();
    let plain = Settings { framing: Framing::lines(), ..patient() };
    let mut listening =
        SimpleServer::bind_with("127.0.0.1:0", &Settings { framing: Framing::lines(), ..world.serving() }).unwrap();
    let address = listening.local_address().to_string();
    let serving = thread::spawn(move || {
        let lines = listening.accept().unwrap().receive();
        let upgrade = WebSocket::accept(listening.accept().unwrap());
        (lines, upgrade)
    });
    let mut client = Client::connect_with(&address, &plain).unwrap();
    client.send("Is anybody there?").unwrap();
    // What comes is an alert, which in this framing is no message.
    assert_eq!(tls("a plain client of lines, client", client.receive()), TlsError::Unexpected);

    let error = WebSocket::connect_with(&format!("ws://{address}/"), &Default::default(), &plain).unwrap_err();
    println!("ws:// at a wss:// server, client: {error}\n");
    assert!(matches!(&error, websocket::Error::Socket(Error::Tls(TlsError::Unexpected))), "{error:?}");

    let (lines, upgrade) = serving.join().unwrap();
    let error = tls("a plain client of lines, server", lines);
    assert!(matches!(&error, TlsError::NotTls { began } if began.starts_with(b"Is anybody")), "{error:?}");
    let error = upgrade.unwrap_err();
    println!("ws:// at a wss:// server, server: {error}\n");
    assert!(error.to_string().contains("GET / HTTP/1.1"), "{error}");
}

// --- files ----------------------------------------------------------------------------------------

fn file_error<T: std::fmt::Debug>(what: &str, result: Result<T, TlsError>, words: &[&str]) -> TlsError {
    let error = result.unwrap_err();
    println!("{what}: {error}\n");
    for word in words {
        assert!(error.to_string().contains(word), "{what}: {word:?} is not in: {error}");
    }
    error
}

#[test]
fn files_that_are_not_what_they_should_be() {
    let world = World::new();
    let (server, client) = (&world.server_files, &world.client_files);
    let error = file_error(
        "a key that does not fit",
        Identity::from_pem(&server.certificate, &client.key),
        &["does not belong to the certificate"],
    );
    assert_eq!(error, TlsError::WrongKey);
    let pem = |what: &str, result, words: &[&str]| {
        assert!(matches!(file_error(what, result, words), TlsError::Pem { .. }));
    };
    pem("an empty chain", Identity::from_pem("", &server.key), &["the chain", "no certificate", "empty"]);
    pem("an empty key", Identity::from_pem(&server.certificate, ""), &["the private key", "no private key", "empty"]);
    pem(
        "a key where the chain should be",
        Identity::from_pem(&server.key, &server.key),
        &["the chain", "no certificate", "but a private key"],
    );
    pem(
        "a certificate where the key should be",
        Identity::from_pem(&server.certificate, &server.certificate),
        &["the private key", "no private key", "but a certificate"],
    );
    let cut = &server.certificate[..server.certificate.len() / 2];
    pem(
        "half a certificate",
        Identity::from_pem(cut, &server.key),
        &["the chain", "cut off", "-----END CERTIFICATE-----"],
    );
    let changed = server.certificate.replacen("MII", "M*I", 1);
    pem("a typing error in a certificate", Identity::from_pem(changed, &server.key), &["the chain", "Base64"]);
    let nonsense = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    pem("nonsense in PEM", Identity::from_pem(nonsense, &server.key), &["the chain"]);
    let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
    pem("nonsense for a key", Identity::from_pem(&server.certificate, key), &["the private key"]);

    let roots = |what, result, words| assert!(matches!(file_error(what, result, words), TlsError::Pem { .. }));
    roots("empty roots", Roots::from_pem(""), &["the roots", "no certificate"]);
    roots("a key for a root", Roots::from_pem(&server.key), &["the roots", "but a private key"]);
    roots("nonsense for a root", Roots::from_pem(nonsense), &["the roots"]);
    roots("no such roots", Roots::from_file("/nowhere/root.pem"), &["/nowhere/root.pem", "cannot be read"]);
    let missing = Identity::from_files("/nowhere/server.pem", "/nowhere/server-key.pem");
    pem("no such file", missing, &["/nowhere/server.pem", "cannot be read", "No such file"]);
}

// --- the end --------------------------------------------------------------------------------------

#[test]
fn a_stream_that_is_cut_is_no_end() {
    let world = World::new();
    for (name, version) in VERSIONS {
        // Our server, and a client that goes without a word.
        for goodbye in [true, false] {
            let mut server = SimpleServer::bind_with("127.0.0.1:0", &world.serving()).unwrap();
            let address = server.local_address();
            let config = raw::client_config(&world, &[version]);
            let peer = thread::spawn(move || {
                let mut peer = raw::connect(address, config);
                peer.write_all(b"the last word").unwrap();
                if goodbye {
                    peer.conn.send_close_notify();
                }
                let _ = peer.flush();
                peer.sock.shutdown(std::net::Shutdown::Write).unwrap();
                let _ = peer.sock.read_to_end(&mut Vec::new());
            });
            let mut connection = server.accept().unwrap();
            assert_eq!(connection.receive().unwrap(), Received::Message(b"the last word".to_vec()));
            let end = connection.receive();
            if goodbye {
                assert_eq!(end.unwrap(), Received::Closed, "{name}");
            } else {
                assert_eq!(tls("cut, server", end), TlsError::Truncated, "{name}");
                assert_eq!(tls("cut, server, again", connection.receive()), TlsError::Truncated, "{name}");
                assert!(!connection.is_open());
            }
            drop(connection);
            peer.join().unwrap();

            // Our client, and a server.
            let (listener, address) = raw::listen();
            let config = raw::server_config(&world.server_files, &[version]);
            let peer = thread::spawn(move || {
                let mut peer = raw::accept(&listener, config);
                peer.write_all(b"the last word").unwrap();
                if goodbye {
                    peer.conn.send_close_notify();
                }
                let _ = peer.flush();
                peer.sock.shutdown(std::net::Shutdown::Write).unwrap();
                let _ = peer.sock.read_to_end(&mut Vec::new());
            });
            let mut client = Client::connect_with(&address, &world.trusting()).unwrap();
            assert_eq!(client.receive().unwrap(), Received::Message(b"the last word".to_vec()));
            let end = client.receive();
            if goodbye {
                assert_eq!(end.unwrap(), Received::Closed, "{name}");
            } else {
                assert_eq!(tls("cut, client", end), TlsError::Truncated, "{name}");
            }
            drop(client);
            peer.join().unwrap();
        }
    }
}

#[test]
fn our_own_end_is_one_that_others_believe() {
    let world = World::new();
    for (name, version) in VERSIONS {
        let mut server = SimpleServer::bind_with("127.0.0.1:0", &world.serving()).unwrap();
        let address = server.local_address();
        let config = raw::client_config(&world, &[version]);
        let peer = thread::spawn(move || {
            let mut all = Vec::new();
            let mut peer = raw::connect(address, config);
            peer.read_to_end(&mut all).expect("rustls takes an end without close_notify for an error");
            all
        });
        let mut connection = server.accept().unwrap();
        connection.send("all of it").unwrap();
        connection.close();
        assert_eq!(peer.join().unwrap(), b"all of it", "{name}");

        let (listener, address) = raw::listen();
        let config = raw::server_config(&world.server_files, &[version]);
        let peer = thread::spawn(move || {
            let mut all = Vec::new();
            raw::accept(&listener, config).read_to_end(&mut all).unwrap();
            all
        });
        let mut client = Client::connect_with(&address, &world.trusting()).unwrap();
        client.send("all of it").unwrap();
        client.close();
        assert_eq!(peer.join().unwrap(), b"all of it", "{name}");
    }
}
