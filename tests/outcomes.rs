//! The four outcomes of a receive, the limits, and the endings, against a peer that is a bare `std::net::TcpStream`:
//! what such a peer does to us is decided here byte by byte.

use socklab::{ByteOrder, Client, Connection, Error, Framing, LengthWidth, Received, Settings, SimpleServer};
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_secs(10);

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

#[test]
fn message_empty_message_nothing_and_end_are_four_different_things() {
    let (mut connection, mut peer) = pair(&lines());
    assert_eq!(connection.receive_within(Duration::from_millis(10)).unwrap(), Received::Nothing);
    peer.write_all(b"\nHello\n").unwrap();
    assert_eq!(connection.receive().unwrap(), Received::Message(vec![]));
    assert_eq!(connection.receive().unwrap(), Received::Message(b"Hello".to_vec()));
    peer.shutdown(Shutdown::Write).unwrap();
    assert_eq!(connection.receive().unwrap(), Received::Closed);
    assert_eq!(connection.receive().unwrap(), Received::Closed, "the end stays the end");
    connection.send("you ended, I have not").unwrap();
    let mut answer = [0; 22];
    peer.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"you ended, I have not\n");
}

#[test]
fn part_of_a_message_is_kept_over_a_time_out() {
    let (mut connection, mut peer) = pair(&lines());
    peer.write_all(b"Hel").unwrap();
    assert_eq!(connection.receive_within(Duration::from_millis(20)).unwrap(), Received::Nothing);
    peer.write_all(b"lo\n").unwrap();
    assert_eq!(connection.receive().unwrap(), Received::Message(b"Hello".to_vec()));
}

#[test]
fn a_peer_that_drips_extends_neither_the_wait_nor_the_message() {
    let settings = Settings { message_limit: Duration::from_secs(1), ..lines() };
    let (mut connection, mut peer) = pair(&settings);
    // The drip itself is the attack: a byte every 20 ms, and never a line's end, until the other side hangs up.
    let dripping = thread::spawn(move || {
        while peer.write_all(b"x").is_ok() {
            thread::park_timeout(Duration::from_millis(20));
        }
    });
    let begun = Instant::now();
    assert_eq!(connection.receive_within(Duration::from_millis(100)).unwrap(), Received::Nothing);
    assert!(begun.elapsed() < LONG, "the wait took {:?}", begun.elapsed());
    let error = connection.receive().unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    assert!(begun.elapsed() >= Duration::from_secs(1) && begun.elapsed() < LONG);
    drop(connection);
    dripping.join().unwrap();
}

#[test]
fn a_short_limit_leaves_no_trace_on_a_later_long_one() {
    let (mut connection, mut peer) = pair(&lines());
    assert_eq!(connection.receive_within(Duration::from_millis(5)).unwrap(), Received::Nothing);
    let (asked, asks) = std::sync::mpsc::channel();
    let late = thread::spawn(move || {
        asks.recv_timeout(LONG).unwrap();
        thread::park_timeout(Duration::from_millis(100)); // later than the short limit, which is what is tested
        peer.write_all(b"late\n").unwrap();
        peer
    });
    asked.send(()).unwrap();
    assert_eq!(connection.receive().unwrap(), Received::Message(b"late".to_vec()));
    late.join().unwrap();
}

#[test]
fn an_end_in_the_middle_of_a_message_is_an_error_that_loses_nothing() {
    let (mut connection, mut peer) = pair(&Settings { framing: Framing::DecimalLength, ..lines() });
    peer.write_all(b"11\r\nHello").unwrap();
    peer.shutdown(Shutdown::Write).unwrap();
    match connection.receive() {
        Err(Error::CutOff { partial }) => assert_eq!(partial, b"11\r\nHello"),
        other => panic!("{other:?}"),
    }
}

/// A message may look like anything. Bytes like the beginning of TLS mean that the peer speaks it only where they come first.
#[test]
fn half_a_message_that_looks_like_tls_is_lost_no_more_than_another() {
    let framing = Framing::BinaryLength { width: LengthWidth::One, order: ByteOrder::BigEndian };
    let (mut connection, mut peer) = pair(&Settings { framing, ..lines() });
    peer.write_all(b"\x02hi\x16\x03\x01\x00\x05\x01").unwrap();
    peer.shutdown(Shutdown::Write).unwrap();
    assert_eq!(connection.receive().unwrap(), Received::Message(b"hi".to_vec()));
    match connection.receive() {
        Err(Error::CutOff { partial }) => assert_eq!(partial, b"\x16\x03\x01\x00\x05\x01"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_reset_is_a_peer_that_vanished_and_not_an_end() {
    let (mut connection, mut peer) = pair(&lines());
    connection.send("you will never read this").unwrap();
    // Closing with unread bytes in the buffer makes the system send a reset instead of an end.
    peer.peek(&mut [0; 1]).unwrap();
    peer.write_all(b"cut").unwrap();
    drop(peer);
    let error = loop {
        match connection.receive() {
            Err(error) => break error,
            Ok(Received::Message(_)) => {}
            Ok(other) => panic!("{other:?}"),
        }
    };
    assert!(matches!(error, Error::Vanished { .. }), "{error:?}");
}

#[test]
fn a_peer_that_does_not_read_cannot_hold_a_send_for_ever() {
    let settings = Settings { send_limit: Duration::from_millis(200), max_message: 1 << 30, ..Settings::default() };
    let (mut connection, _peer) = pair(&settings);
    let begun = Instant::now();
    let error = connection.send(vec![0; 64 << 20]).unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
    // The peer has half a message. Whatever we sent now would be taken for the other half.
    assert!(matches!(connection.send("more").unwrap_err(), Error::Closed));
}

#[test]
fn a_refused_message_leaves_the_conversation_as_it_was() {
    let (mut connection, mut peer) = pair(&Settings { max_message: 10, ..lines() });
    assert!(matches!(connection.send("two\nlines"), Err(Error::Unsendable { .. })));
    assert!(matches!(connection.send("eleven byte"), Err(Error::TooLong { .. })));
    connection.send("fine").unwrap();
    let mut answer = [0; 5];
    peer.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"fine\n");
}

#[test]
fn is_open_notices_the_peers_end_and_our_own() {
    let (connection, mut peer) = pair(&lines());
    assert!(connection.is_open());
    peer.write_all(b"unread").unwrap();
    assert!(connection.is_open(), "there is something to read");
    drop(peer);
    assert!(connection.is_open(), "the end lies behind unread bytes, and nobody can see it");

    let (mut connection, peer) = pair(&lines());
    peer.shutdown(Shutdown::Write).unwrap();
    let deadline = Instant::now() + LONG;
    while connection.is_open() {
        assert!(Instant::now() < deadline, "the peer has ended, and is_open does not notice");
    }
    assert_eq!(connection.receive().unwrap(), Received::Closed);

    let (mut connection, _peer) = pair(&Settings { close_limit: Duration::ZERO, ..lines() });
    connection.close();
    assert!(!connection.is_open());
    assert!(matches!(connection.send("x"), Err(Error::Closed)));
    assert!(matches!(connection.receive(), Err(Error::Closed)), "we closed it ourselves");
}

#[test]
fn is_open_leaves_the_next_receive_its_time() {
    let (mut connection, mut peer) = pair(&lines());
    assert!(connection.is_open());
    let writer = thread::spawn(move || {
        thread::park_timeout(Duration::from_millis(50)); // later than the millisecond that is_open set
        peer.write_all(b"still here\n").unwrap();
        peer
    });
    assert_eq!(connection.receive().unwrap(), Received::Message(b"still here".to_vec()));
    writer.join().unwrap();
}

#[test]
fn an_orderly_close_never_loses_our_last_message() {
    for _ in 0..50 {
        let (mut connection, mut peer) = pair(&lines());
        // Unread bytes lie in our buffer: a plain close would send a reset and could destroy what we said last.
        peer.write_all(b"a question that nobody reads\n").unwrap();
        connection.send("the last word").unwrap();
        let closing = thread::spawn(move || connection.close());
        let mut heard = String::new();
        peer.read_to_string(&mut heard).unwrap();
        assert_eq!(heard, "the last word\n");
        drop(peer);
        closing.join().unwrap();
    }
}

#[test]
fn a_close_waits_no_longer_than_its_limit_for_a_peer_that_talks_on() {
    let settings = Settings { close_limit: Duration::from_millis(100), ..lines() };
    let (mut connection, mut peer) = pair(&settings);
    let talking = thread::spawn(move || while peer.write_all(&[b'x'; 1000]).is_ok() {});
    let begun = Instant::now();
    connection.close();
    assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
    drop(connection);
    talking.join().unwrap();
}

#[test]
fn both_ways_at_once_from_two_threads() {
    let settings = Settings { framing: Framing::length_prefix(), ..Settings::default() };
    let mut server = SimpleServer::bind_with("127.0.0.1:0", &settings).unwrap();
    let address = server.local_address().to_string();
    // Each side first sends everything and then reads: with one thread a side, both would wait for ever.
    let both = |mut connection: Connection| {
        let sender = connection.sender();
        let sending = thread::spawn(move || (0..32u8).for_each(|number| sender.send(vec![number; 1 << 20]).unwrap()));
        for number in 0..32u8 {
            let Received::Message(message) = connection.receive().unwrap() else { panic!("no message {number}") };
            assert!(message.len() == 1 << 20 && message.iter().all(|&byte| byte == number));
        }
        sending.join().unwrap();
    };
    let client = thread::spawn(move || both(Client::connect_with(&address, &settings).unwrap().into_connection()));
    both(server.accept().unwrap());
    client.join().unwrap();
}

#[test]
fn both_sides_waiting_ends_at_the_limit_on_both() {
    let settings = Settings { receive_limit: Duration::from_millis(50), ..lines() };
    let mut server = SimpleServer::bind_with("127.0.0.1:0", &settings).unwrap();
    let mut client = Client::connect_with(&server.local_address().to_string(), &settings).unwrap();
    let mut connection = server.accept().unwrap();
    assert_eq!(client.receive().unwrap(), Received::Nothing);
    assert_eq!(connection.receive().unwrap(), Received::Nothing);
}

#[test]
fn connecting_says_which_address_failed_and_why() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = Client::connect(&free.to_string()).unwrap_err();
    assert!(matches!(&error, Error::Connect { attempts, .. } if attempts.len() == 1), "{error:?}");
    assert!(error.to_string().contains(&format!("{free}: ")) && error.to_string().contains("is the server running"));

    let error = Client::connect("no.such.host.invalid:80").unwrap_err();
    assert!(matches!(error, Error::Resolve { .. } | Error::TimedOut { .. }), "{error:?}");
    for nonsense in ["localhost", "", ":80", "localhost:", "localhost:http", "127.0.0.1:65536"] {
        assert!(matches!(Client::connect(nonsense), Err(Error::Address { .. })), "{nonsense:?}");
    }
}

#[test]
fn connecting_to_a_full_queue_ends_at_the_limit() {
    // A queue of one that nobody empties: further SYNs are not answered, as by a machine that is not there.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(100)) {
        waiting.push(stream);
        assert!(waiting.len() < 5000, "this system's queue has no end");
    }
    let begun = Instant::now();
    let settings = Settings { connect_limit: Duration::from_millis(200), ..Settings::default() };
    let error = Client::connect_with(&address.to_string(), &settings).unwrap_err();
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
}

#[test]
fn every_address_of_a_name_is_tried_until_one_answers() {
    // "localhost" is ::1 and 127.0.0.1 on most machines, and this server is on one of them only.
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let Ok(server) = SimpleServer::bind(address) else {
            assert!(address.starts_with('['), "there is no IPv4 here");
            continue; // a machine without IPv6
        };
        let port = server.local_address().port();
        match Client::connect(&format!("localhost:{port}")) {
            Ok(client) => assert_eq!(client.peer_address().unwrap(), server.local_address()),
            // Where localhost is only one of the two, the error names what was tried.
            Err(Error::Connect { attempts, .. }) => assert!(!attempts.is_empty()),
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn a_peer_that_reads_slowly_does_not_extend_a_send() {
    let settings = Settings { send_limit: Duration::from_millis(300), max_message: 1 << 30, ..Settings::default() };
    let (mut connection, mut peer) = pair(&settings);
    // It takes a little every few milliseconds, so that each write finds some room: each, and never the whole, which
    // would take it half a minute.
    let reading = thread::spawn(move || {
        let mut some = vec![0; 16 * 1024];
        while matches!(peer.read(&mut some), Ok(1..)) {
            thread::park_timeout(Duration::from_millis(4));
        }
    });
    let begun = Instant::now();
    let error = connection.send(vec![0; 128 << 20]).unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    assert!(begun.elapsed() < LONG, "{:?}", begun.elapsed());
    drop(connection);
    reading.join().unwrap();
}
