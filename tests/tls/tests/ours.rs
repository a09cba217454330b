//! Our client and our server over TLS: every role, both directions at once, and every end.

use socklab::websocket::{Message, WebSocket};
use socklab::{Client, Framing, Received, Settings, SimpleServer, StandardServer};
use std::thread;
use tls_tests::World;

fn lines(settings: Settings) -> Settings {
    Settings { framing: Framing::lines(), ..settings }
}

#[test]
fn a_message_crosses_in_each_direction_and_the_end_is_an_end() {
    let world = World::new();
    let mut server = SimpleServer::bind_with("127.0.0.1:0", &lines(world.serving())).unwrap();
    let address = server.local_address().to_string();
    let serving = thread::spawn(move || {
        let mut connection = server.accept().unwrap();
        assert_eq!(connection.tls(), None, "nobody has asked anything yet");
        assert_eq!(connection.receive().unwrap(), Received::Message(b"Hello".to_vec()));
        connection.send("World").unwrap();
        assert_eq!(connection.receive().unwrap(), Received::Closed);
        connection.close();
        connection.tls().cloned()
    });
    let mut client = Client::connect_with(&address, &lines(world.trusting())).unwrap();
    let secured = client.tls().unwrap();
    assert_eq!((secured.version, secured.verified, secured.chain.len()), ("TLS 1.3", true, 1));
    assert_eq!(secured.name.as_deref(), Some("127.0.0.1"));
    assert!(client.is_open());
    client.send("Hello").unwrap();
    assert_eq!(client.receive().unwrap(), Received::Message(b"World".to_vec()));
    assert!(client.is_open());
    client.finish_sending();
    assert_eq!(client.receive().unwrap(), Received::Closed);
    assert!(!client.is_open());
    client.close();
    let secured = serving.join().unwrap().unwrap();
    assert_eq!((secured.version, secured.verified, secured.chain.len()), ("TLS 1.3", false, 0));
}

#[test]
fn a_websocket_over_tls() {
    let world = World::new();
    let server = StandardServer::bind_with("127.0.0.1:0", &world.serving()).unwrap();
    let url = format!("wss://localhost:{}/", server.local_address().port());
    let stop = server.stop_handle();
    let running = thread::spawn(move || {
        server.serve(|connection| {
            WebSocket::accept(connection)?.for_each_message(|message, replies| replies.send(message))?;
            Ok(())
        })
    });
    let mut socket = WebSocket::connect_with(&url, &Default::default(), &world.trusting()).unwrap();
    for length in [0, 1, 125, 126, 4096, 16_384, 65_536, 1_000_000] {
        let bytes: Vec<u8> = (0..length).map(|number: u32| number as u8).collect();
        socket.send_binary(&bytes).unwrap();
        assert_eq!(socket.receive().unwrap(), socklab::websocket::Received::Message(Message::Binary(bytes)));
    }
    socket.close();
    stop.stop();
    running.join().unwrap().unwrap();
}

#[test]
fn thirty_two_mebibytes_both_ways_at_once() {
    const ALL: usize = 32 * 1024 * 1024;
    let world = World::new();
    let mut server = SimpleServer::bind_with("127.0.0.1:0", &world.serving()).unwrap();
    let address = server.local_address().to_string();
    let exchange = |mut connection: socklab::Connection| {
        let sender = connection.sender();
        let sending = thread::spawn(move || {
            for _ in 0..ALL / (1024 * 1024) {
                sender.send(vec![7; 1024 * 1024]).unwrap();
            }
            sender.finish_sending();
        });
        let mut count = 0;
        while let Received::Message(bytes) = connection.receive().unwrap() {
            assert!(bytes.iter().all(|byte| *byte == 7));
            count += bytes.len();
        }
        sending.join().unwrap();
        connection.close();
        assert_eq!(count, ALL);
    };
    let started = std::time::Instant::now();
    let serving = thread::spawn(move || exchange(server.accept().unwrap()));
    exchange(Client::connect_with(&address, &world.trusting()).unwrap().into_connection());
    serving.join().unwrap();
    println!("{ALL} bytes each way in {:?}", started.elapsed());
}
