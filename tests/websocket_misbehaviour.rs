//! What a peer must not do on an open WebSocket, and what becomes of it: above all what the Autobahn suite does not
//! look at. The peer is a bare stream, so the bytes that end a conversation are seen as they cross: first our Close
//! frame with its reason, then TCP's own end, and never a reset.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod wire;

use socklab::trace::{Action, Call, Observer, Outcome, Side, Step, Trace};
use socklab::websocket::protocol::{CloseCode, CloseError, CloseReason, SendError};
use socklab::websocket::{Error, Message, MessageRef, Received, WebSocket};
use socklab::{Connection, Settings};
use std::io::{ErrorKind, Read, Write};
use std::net::Shutdown;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use wire::{Job, LONG, Peer, Server, frame, frame_of, open_client, patient, spawn};

const SHORT: Duration = Duration::from_millis(300);

fn text(message: &str) -> Received {
    Received::Message(Message::Text(message.into()))
}

/// The payload of a Close frame.
fn closing(code: u16, reason: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes(), reason].concat()
}

/// The server runs `handler` for one client, which is a bare stream. What the handler returns comes back.
fn serve_one<T: Send + 'static>(
    settings: &Settings,
    handler: impl Fn(WebSocket) -> T + Send + Sync + 'static,
) -> (Server, Peer, Receiver<T>) {
    let (done, result) = channel();
    let server = Server::start(settings, move |connection: Connection| {
        // Nobody may be waiting any more for what the handler returns.
        let _ = done.send(handler(WebSocket::accept(connection)?));
        Ok(())
    });
    let peer = Peer::open(&server);
    (server, peer, result)
}

// --- rules that are broken -------------------------------------------------------------------------

/// One way to break a rule: its name, what is sent, the code that answers it, and a word of the reason. `masked` is
/// what the sender of these frames should do.
struct Foul {
    name: String,
    bytes: Vec<u8>,
    code: u16,
    what: &'static str,
}

/// Every foul that is the same in both directions. The receiver takes messages of at most 1000 bytes.
fn fouls(masked: bool) -> Vec<Foul> {
    let mut fouls = vec![];
    let mut add =
        |name: &str, bytes: Vec<u8>, code, what| fouls.push(Foul { name: name.to_owned(), bytes, code, what });
    let whole = |first, payload: &[u8]| frame(masked, first, payload);

    // Masks the wrong way round: Autobahn sends neither.
    add("the wrong mask", frame(!masked, 0x81, b"Hello"), 1002, "mask");
    add("the wrong mask, empty", frame(!masked, 0x81, b""), 1002, "mask");
    add("a ping with the wrong mask", frame(!masked, 0x89, b"Hello"), 1002, "mask");
    add("a close with the wrong mask", frame(!masked, 0x88, &closing(1000, b"")), 1002, "mask");

    // Lengths: the same number has one spelling.
    let spelt = |short, long: &[u8], count| frame_of(masked, 0x82, short, long, &vec![7; count]);
    add("5 in 16 bits", spelt(126, &[0, 5], 5), 1002, "more bytes than it needs");
    add("125 in 16 bits", spelt(126, &[0, 125], 125), 1002, "more bytes than it needs");
    add("0 in 64 bits", spelt(127, &[0; 8], 0), 1002, "more bytes than it needs");
    add("126 in 64 bits", spelt(127, &126_u64.to_be_bytes(), 126), 1002, "more bytes than it needs");
    add("65535 in 64 bits", spelt(127, &65535_u64.to_be_bytes(), 65535), 1002, "more bytes than it needs");
    add("the top bit of 64", spelt(127, &(1_u64 << 63 | 5).to_be_bytes(), 5), 1002, "bit");
    add("all 64 bits", spelt(127, &[0xff; 8], 5), 1002, "bit");

    for opcode in [3_u8, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        add(&format!("opcode {opcode}"), whole(0x80 | opcode, b"?"), 1002, "opcode");
    }
    for bit in [0x40, 0x20, 0x10, 0x70] {
        add(&format!("reserved {bit:#x}"), whole(0x81 | bit, b"?"), 1002, "reserved bit");
        add(&format!("reserved {bit:#x} in a ping"), whole(0x89 | bit, b"?"), 1002, "reserved bit");
    }
    for (opcode, name) in [(8, "close"), (9, "ping"), (10, "pong")] {
        let payload = [&[3, 232][..], &[b'x'; 124]].concat();
        add(&format!("a {name} of 126 bytes"), whole(0x80 | opcode, &payload), 1002, "125");
        add(&format!("a {name} in fragments"), whole(opcode, &payload[..2]), 1002, "fragment");
    }
    add("a continuation of nothing", whole(0x80, b"?"), 1002, "no message had begun");
    add("a text inside a message", [whole(0x01, b"a"), whole(0x81, b"b")].concat(), 1002, "had ended");
    add("a binary inside a message", [whole(0x02, b"a"), whole(0x02, b"b")].concat(), 1002, "had ended");

    // One byte is half a code. Autobahn does not send it to a client.
    add("a close of one byte", whole(0x88, &[3]), 1002, "one byte");
    for code in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535] {
        add(&format!("close code {code}"), whole(0x88, &closing(code, b"x")), 1002, "code");
    }
    add("a reason that is not UTF-8", whole(0x88, &closing(1000, b"\xce\xba\xff")), 1007, "UTF-8");
    add("a text that is not UTF-8", whole(0x81, b"caf\xe9"), 1007, "UTF-8");
    add("a text that is cut", whole(0x81, b"\xf0\x9f\x92"), 1007, "UTF-8");
    // Half a text is enough to see that it is none: its rest never comes.
    add("a fragment that is not UTF-8", whole(0x01, b"\xc0\x80"), 1007, "UTF-8");
    add(
        "a text wrong before its end",
        whole(0x81, &[b"\xff" as &[u8], &[b'x'; 500]].concat())[..20].to_vec(),
        1007,
        "UTF-8",
    );

    // Too much, by what is announced: not a byte of these payloads is sent.
    let announced = |first, short, long: &[u8]| frame_of(masked, first, short, long, b"");
    add("1001 bytes announced", announced(0x81, 126, &1001_u16.to_be_bytes()), 1009, "1000 is our limit");
    add("a terabyte announced", announced(0x82, 127, &(1_u64 << 40).to_be_bytes()), 1009, "1000 is our limit");
    add("2^63 - 1 bytes announced", announced(0x82, 127, &(u64::MAX >> 1).to_be_bytes()), 1009, "1000 is our limit");
    let sum = [whole(0x01, &[b'x'; 600]), whole(0x89, b""), announced(0x80, 126, &401_u16.to_be_bytes())].concat();
    add("1001 bytes in two fragments", sum, 1009, "1000 is our limit");
    fouls
}

fn small() -> Settings {
    Settings { max_message: 1000, ..patient() }
}

#[test]
fn a_server_answers_each_foul_with_a_close_frame_and_ends_in_order() {
    let server = Server::echo(&small());
    let (stop, healthy) = healthy_client(&server);
    for foul in fouls(true) {
        let mut peer = Peer::open(&server);
        peer.say(&foul.bytes);
        if foul.bytes.ends_with(&frame_of(true, 0x80, 126, &401_u16.to_be_bytes(), b"")) {
            assert_eq!(peer.frame().first, 0x8a, "the ping between the fragments");
        }
        let reason = peer.is_closed_with_for(foul.code, &foul.name);
        assert!(reason.contains(foul.what), "{}: {reason}", foul.name);
        drop(peer);
        let trouble = server.trouble();
        assert!(trouble.contains(foul.what) && trouble.contains(&foul.code.to_string()), "{}: {trouble}", foul.name);
    }
    stop.store(true, Ordering::SeqCst);
    assert!(healthy.finish() > 0, "the healthy client was served meanwhile");
}

#[test]
fn a_client_answers_each_foul_with_a_close_frame_and_ends_in_order() {
    for foul in fouls(false) {
        let (mut client, mut peer) = open_client(small());
        peer.say(&foul.bytes);
        let receiving = spawn(move || (client.receive(), client));
        if foul.bytes.ends_with(&frame_of(false, 0x80, 126, &401_u16.to_be_bytes(), b"")) {
            assert_eq!(peer.frame().first, 0x8a, "the ping between the fragments");
        }
        let reason = peer.is_closed_with_for(foul.code, &foul.name);
        assert!(reason.contains(foul.what), "{}: {reason}", foul.name);
        drop(peer);
        let (result, mut client) = receiving.finish();
        let Err(Error::Violation(violation)) = result else { panic!("{}: {result:?}", foul.name) };
        assert_eq!(violation.code, CloseCode(foul.code), "{}", foul.name);
        assert!(!violation.section.is_empty() && violation.what.contains(foul.what), "{violation}");
        // It is over, and stays so.
        assert!(!client.is_open());
        assert!(matches!(client.send_text("still there?"), Err(Error::Send(SendError::AfterClose))));
        assert!(matches!(client.receive(), Ok(Received::Closed(None))));
    }
}

/// A client of the same server that notices nothing: it echoes until it is told to stop, and returns how often.
fn healthy_client(server: &Server) -> (Arc<AtomicBool>, Job<usize>) {
    let mut client = WebSocket::connect_with(&server.url("/"), &Default::default(), &patient()).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = stop.clone();
    let echoing = spawn(move || {
        let mut count = 0;
        while !stopped.load(Ordering::SeqCst) {
            let message = format!("message {count}");
            client.send_text(&message).unwrap();
            assert_eq!(client.receive().unwrap(), text(&message));
            count += 1;
        }
        client.close();
        count
    });
    (stop, echoing)
}

#[test]
fn what_came_before_the_foul_is_answered_and_what_comes_after_it_is_not() {
    let server = Server::echo(&patient());
    let mut peer = Peer::open(&server);
    let (good, foul) = (frame(true, 0x81, b"good"), frame(true, 0x83, b"foul"));
    peer.say([&good[..], &good, &foul, &good, &frame(true, 0x89, b"?"), &foul].concat());
    for _ in 0..2 {
        assert_eq!(peer.frame().payload, b"good");
    }
    peer.is_closed_with(1002);
}

#[test]
fn a_peer_that_goes_on_sending_after_its_foul_still_reads_why() {
    // More than all buffers between us hold: without somebody who drains, this write would never end.
    let much = vec![0; 16 * 1024 * 1024];
    let server = Server::echo(&patient());
    let mut peer = Peer::open(&server);
    peer.say(frame(false, 0x81, b"not masked"));
    peer.say(&much);
    peer.is_closed_with(1002);

    let (mut client, mut peer) = open_client(patient());
    let receiving = spawn(move || client.receive().map(drop));
    peer.say(frame(true, 0x81, b"masked"));
    peer.say(&much);
    peer.is_closed_with(1002);
    drop(peer);
    assert!(matches!(receiving.finish(), Err(Error::Violation(_))));
}

#[test]
fn a_peer_that_never_stops_sending_is_cut_off_at_the_close_limit() {
    let (_server, mut peer, result) = serve_one(&Settings { close_limit: SHORT, ..patient() }, |mut socket| {
        let begun = Instant::now();
        (socket.receive(), begun.elapsed())
    });
    peer.say(frame(false, 0x81, b"not masked"));
    let mut talking = peer.0.try_clone().unwrap();
    let talk = spawn(move || while talking.write_all(&[0; 4096]).is_ok() {});
    let (received, took) = result.recv_timeout(LONG).unwrap();
    assert!(matches!(received, Err(Error::Violation(_))), "{received:?}");
    assert!(took >= SHORT && took < SHORT * 10, "{took:?}");
    talk.finish();
}

#[test]
fn what_we_send_keeps_the_rules_that_we_ask_for() {
    let server = Server::echo(&patient());
    let mut peer = Peer::open(&server);
    let (mut client, mut other) = open_client(patient());
    let mut first = vec![];
    for size in [0, 125, 126, 127, 65_535, 65_536, 70_000] {
        let payload = vec![b'x'; size];
        peer.say(frame(true, 0x82, &payload));
        let echo = peer.frame(); // looks at how the length is spelt
        assert!(!echo.masked && echo.first == 0x82 && echo.payload == payload, "{size}");
        client.send_binary(&payload).unwrap();
        let sent = other.frame();
        assert!(sent.masked && sent.first == 0x82 && sent.payload == payload, "{size}");
        first.push(sent.key);
    }
    first.sort_unstable();
    first.dedup();
    assert_eq!(first.len(), 7, "each frame has a key of its own: {first:?}");
}

// --- closing ---------------------------------------------------------------------------------------

#[test]
fn a_close_is_answered_once_with_its_code_and_nothing_follows_it() {
    let server = Server::echo(&patient());
    for code in [1000_u16, 1001, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999] {
        let mut peer = Peer::open(&server);
        let close = frame(true, 0x88, &closing(code, "tschüß".as_bytes()));
        // What stands behind a Close frame is not looked at: not a message, not a ping, not another Close.
        peer.say([close.clone(), frame(true, 0x81, b"one more"), frame(true, 0x89, b"?"), close].concat());
        assert_eq!(peer.frame().payload, closing(code, b""));
        peer.ends();
    }
    for payload in [&b""[..], &closing(1000, &[b'x'; 123])] {
        let mut peer = Peer::open(&server);
        peer.say(frame(true, 0x88, payload));
        assert_eq!(peer.frame().payload, &payload[..payload.len().min(2)], "no code is answered with none");
        peer.ends();
    }
    // Inside a message, too: a peer may give up what it had begun.
    let mut peer = Peer::open(&server);
    peer.say([frame(true, 0x01, b"half a"), frame(true, 0x88, &closing(1001, b""))].concat());
    peer.is_closed_with(1001);
}

#[test]
fn the_reason_of_a_close_reaches_the_program_at_both_ends() {
    let (_server, mut peer, result) = serve_one(&patient(), |mut socket| (socket.receive(), socket.receive()));
    peer.say(frame(true, 0x88, &closing(4321, b"enough")));
    assert_eq!(peer.frame().payload, closing(4321, b""));
    drop(peer);
    let (first, second) = result.recv_timeout(LONG).unwrap();
    let expected = Received::Closed(Some(CloseReason::new(CloseCode(4321), "enough")));
    assert_eq!((first.unwrap(), second.unwrap()), (expected.clone(), expected.clone()));

    let (mut client, mut peer) = open_client(patient());
    peer.say(frame(false, 0x88, &closing(4321, b"enough")));
    let receiving = spawn(move || (client.receive().unwrap(), client.is_open()));
    let answer = peer.frame();
    assert_eq!((answer.first, answer.masked, answer.payload), (0x88, true, closing(4321, b"")));
    drop(peer);
    assert_eq!(receiving.finish(), (expected, false));
}

#[test]
fn the_server_ends_tcp_first_whoever_began_to_close() {
    // The client began: it has our Close frame, and the end comes although it keeps its own direction open.
    let server = Server::echo(&patient());
    let mut peer = Peer::open(&server);
    peer.say(frame(true, 0x88, &closing(1000, b"")));
    peer.is_closed_with(1000);

    // The server began.
    let (_server, mut peer, result) = serve_one(&patient(), |mut socket| socket.close());
    assert_eq!(peer.frame().payload, closing(1000, b""));
    let is_silent = |peer: &mut Peer| {
        peer.0.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let error = peer.0.read(&mut [0]).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
        peer.0.set_read_timeout(Some(LONG)).unwrap();
    };
    is_silent(&mut peer); // It waits for our Close frame before it ends anything.
    peer.say(frame(true, 0x88, &closing(1000, b"")));
    peer.ends();
    drop(peer);
    result.recv_timeout(LONG).unwrap();

    // Our client, when both Close frames have crossed, leaves the end to the server.
    for client_begins in [false, true] {
        let (mut client, mut peer) = open_client(patient());
        let ending = if client_begins {
            spawn(move || client.close())
        } else {
            peer.say(frame(false, 0x88, &closing(1000, b"")));
            spawn(move || assert!(matches!(client.receive(), Ok(Received::Closed(_)))))
        };
        assert_eq!(peer.frame().payload, closing(1000, b""));
        if client_begins {
            peer.say(frame(false, 0x88, &closing(1000, b"")));
        }
        is_silent(&mut peer);
        peer.0.shutdown(Shutdown::Write).unwrap();
        assert_eq!(peer.rest(), b"");
        ending.finish();
    }
}

#[test]
fn a_server_that_never_ends_tcp_is_left_at_the_close_limit() {
    let (mut client, mut peer) = open_client(Settings { close_limit: SHORT, ..patient() });
    peer.say(frame(false, 0x88, &closing(1000, b"")));
    let begun = Instant::now();
    assert!(matches!(client.receive(), Ok(Received::Closed(_))));
    assert!(begun.elapsed() >= SHORT && begun.elapsed() < SHORT * 30, "{:?}", begun.elapsed());
    assert_eq!(peer.frame().first, 0x88);
    assert_eq!(peer.rest(), b"", "the client has ended its direction");
}

#[test]
fn close_ends_at_its_limit_with_a_peer_that_does_not_answer() {
    // Nothing; a drip inside a frame; message after message; ping after ping: none of them is the Close that is due.
    for says in [&[][..], &[0x82, 0x7e], &frame(false, 0x81, b"so, as I said")[..], &frame(false, 0x89, b"?")[..]] {
        let (mut client, mut peer) = open_client(Settings { close_limit: SHORT, ..patient() });
        let mut talking = peer.0.try_clone().unwrap();
        let says = says.to_vec();
        let talk = spawn(move || {
            while !says.is_empty() && talking.write_all(&says).is_ok() {
                if says.len() == 2 {
                    thread::park_timeout(Duration::from_millis(20)); // the drip
                }
            }
        });
        let begun = Instant::now();
        client.close();
        // Once for the Close frame, and once for TCP.
        assert!(begun.elapsed() >= SHORT && begun.elapsed() < SHORT * 30, "{:?}", begun.elapsed());
        assert!(!client.is_open());
        client.close();
        assert_eq!(peer.frame().payload, closing(1000, b""));
        assert_eq!(peer.rest(), b"", "nothing follows our Close frame: no pong, no second Close");
        drop((client, peer));
        talk.finish();
    }
}

#[test]
fn messages_and_pings_after_our_close_frame_are_not_answered() {
    let (_server, mut peer, result) = serve_one(&patient(), |mut socket| {
        let sender = socket.sender();
        sender.close(&CloseReason::new(CloseCode::GOING_AWAY, "")).unwrap();
        // Our direction has ended; the peer's has not, and what it still says is heard.
        let late = [sender.text("late"), sender.ping(b""), sender.close(&CloseReason::new(CloseCode::NORMAL, ""))];
        let refused = late.iter().all(|result| matches!(result, Err(Error::Send(SendError::AfterClose))));
        (refused, socket.receive().unwrap(), socket.receive().unwrap())
    });
    assert_eq!(peer.frame().payload, closing(1001, b""));
    peer.say([frame(true, 0x89, b"?"), frame(true, 0x81, b"last words"), frame(true, 0x88, b"")].concat());
    peer.ends();
    drop(peer);
    assert_eq!(result.recv_timeout(LONG).unwrap(), (true, text("last words"), Received::Closed(None)));
}

#[test]
fn both_may_close_at_once() {
    let (_server, mut peer, result) = serve_one(&patient(), |mut socket| socket.close());
    peer.say(frame(true, 0x88, &closing(4000, b"me too")));
    peer.is_closed_with(1000);
    drop(peer);
    result.recv_timeout(LONG).unwrap();
}

#[test]
fn what_must_not_be_sent_is_refused_and_the_conversation_goes_on() {
    let (mut client, mut peer) = open_client(patient());
    let sender = client.sender();
    let refused = |result: Result<(), Error>, expected: SendError| match result {
        Err(Error::Send(error)) => assert_eq!(error, expected),
        other => panic!("{other:?}"),
    };
    refused(sender.ping(&[0; 126]), SendError::ControlTooLong(126));
    for code in [CloseCode::NO_CODE, CloseCode::ABNORMAL, CloseCode::TLS_FAILED, CloseCode(1004), CloseCode(0)] {
        let expected = SendError::Close(CloseError::CodeMustNotBeSent(code));
        refused(client.close_with(&CloseReason::new(code, "")), expected.clone());
        refused(sender.close(&CloseReason::new(code, "")), expected);
    }
    let long = CloseReason::new(CloseCode::NORMAL, "x".repeat(124));
    refused(client.close_with(&long), SendError::Close(CloseError::ReasonTooLong(124)));
    refused(sender.close(&long), SendError::Close(CloseError::ReasonTooLong(124)));
    assert!(client.is_open());

    sender.ping(&[b'p'; 125]).unwrap();
    let ping = peer.frame();
    assert_eq!((ping.first, ping.masked, ping.payload.len()), (0x89, true, 125), "nothing was sent before it");
    let longest = CloseReason::new(CloseCode::NORMAL, "x".repeat(123));
    sender.close(&longest).unwrap();
    assert_eq!(peer.frame().payload, closing(1000, &[b'x'; 123]));
}

// --- control frames --------------------------------------------------------------------------------

#[test]
fn a_flood_of_pings_is_answered_ping_by_ping_and_in_order() {
    let server = Server::echo(&patient());
    let mut peer = Peer::open(&server);
    // Few enough to fit into the buffers between us while nobody reads the answers.
    let payload = |number: u16| number.to_be_bytes().repeat(1 + usize::from(number) % 60);
    let pings: Vec<u8> = (0..1000).flat_map(|number| frame(true, 0x89, &payload(number))).collect();
    peer.say(&pings);
    peer.say(frame(true, 0x81, b"and now?"));
    for number in 0..1000 {
        let pong = peer.frame();
        assert_eq!((pong.first, pong.masked, pong.payload), (0x8a, false, payload(number)));
    }
    assert_eq!(peer.frame().payload, b"and now?");
}

#[test]
fn a_flood_of_pings_does_not_extend_a_receive() {
    let (mut client, peer) = open_client(patient());
    let mut flooding = peer.0.try_clone().unwrap();
    let flood = spawn(move || {
        let pings = frame(false, 0x89, b"").repeat(1000);
        while flooding.write_all(&pings).is_ok() {}
    });
    let mut answers = peer.0.try_clone().unwrap();
    let drain = spawn(move || while matches!(answers.read(&mut [0; 65536]), Ok(1..)) {});
    let (ended, ends) = channel();
    let receiving = spawn(move || {
        let begun = Instant::now();
        let received = client.receive_within(SHORT);
        ended.send((received, begun.elapsed())).unwrap();
        client
    });
    let outcome = ends.recv_timeout(SHORT * 10);
    peer.0.shutdown(Shutdown::Both).unwrap();
    flood.finish();
    drain.finish();
    drop(receiving.finish());
    let (received, took) = outcome.expect("a receive should end at its limit whatever the peer sends");
    assert_eq!(received.unwrap(), Received::Nothing);
    assert!(took >= SHORT, "{took:?}");
}

#[test]
fn pongs_that_nobody_asked_for_are_taken_without_an_answer() {
    let server = Server::echo(&patient());
    let mut peer = Peer::open(&server);
    peer.say([frame(true, 0x8a, b"I live"), frame(true, 0x8a, b""), frame(true, 0x81, b"Hello")].concat());
    assert_eq!(peer.frame().payload, b"Hello");
}

#[test]
fn pings_between_fragments_are_answered_at_once_and_leave_the_message_whole() {
    let server = Server::echo(&patient());
    let mut peer = Peer::open(&server);
    let message = "gr\u{fc}\u{df}e aus f\u{fc}nf St\u{fc}cken \u{1f600}";
    let pieces: Vec<&[u8]> = message.as_bytes().chunks(3).collect(); // cut inside characters
    for (number, piece) in pieces.iter().enumerate() {
        let first = if number == 0 { 0x01 } else { 0x00 } | if number == pieces.len() - 1 { 0x80 } else { 0 };
        peer.say(frame(true, first, piece));
        if first < 0x80 {
            // Its answer comes while the message is not whole yet.
            peer.say(frame(true, 0x89, &[number as u8]));
            let pong = peer.frame();
            assert_eq!((pong.first, &pong.payload[..]), (0x8a, &[number as u8][..]));
        }
    }
    let echo = peer.frame();
    assert_eq!((echo.first, &echo.payload[..]), (0x81, message.as_bytes()));
}

// --- time ------------------------------------------------------------------------------------------

/// The peer says `begins` and then `drip` again and again, every 20 ms. The server's receive ends at the message's
/// limit.
fn is_timed_out_by_the_drip(begins: &[u8], drip: &[u8]) {
    let settings = Settings { message_limit: SHORT, ..patient() };
    let (_server, mut peer, result) = serve_one(&settings, |mut socket| {
        let begun = Instant::now();
        (socket.receive(), begun.elapsed())
    });
    peer.say(begins);
    let mut dripping = peer.0.try_clone().unwrap();
    let drip = drip.to_vec();
    // The drip is the attack, each byte well within the limit, until the server hangs up.
    let thread = spawn(move || {
        while !drip.is_empty() && dripping.write_all(&drip).is_ok() {
            thread::park_timeout(Duration::from_millis(20));
        }
    });
    let (received, took) = result.recv_timeout(LONG).unwrap();
    assert!(matches!(received, Err(Error::Socket(socklab::Error::TimedOut { .. }))), "{received:?}");
    assert!(took >= SHORT && took < SHORT * 10, "{took:?}");
    peer.0.shutdown(Shutdown::Both).unwrap();
    thread.finish();
}

#[test]
fn a_message_that_drips_ends_at_its_limit_and_pings_do_not_extend_it() {
    let header = frame_of(true, 0x82, 127, &100_000_u64.to_be_bytes(), b"");
    is_timed_out_by_the_drip(&header, b"x"); // inside a frame
    is_timed_out_by_the_drip(&header[..7], b""); // inside a header
    is_timed_out_by_the_drip(&frame(true, 0x02, b"begun"), &frame(true, 0x00, b"x")); // fragment after fragment
    is_timed_out_by_the_drip(&frame(true, 0x02, b"begun"), &frame(true, 0x89, b"x")); // and nothing but pings
    is_timed_out_by_the_drip(&frame(true, 0x02, b"begun"), b""); // and nothing at all
}

#[test]
fn a_quiet_peer_and_a_slow_one_within_the_limit_are_no_errors() {
    let (_server, mut peer, result) = serve_one(&Settings { message_limit: SHORT, ..patient() }, |mut socket| {
        let first = socket.receive().unwrap();
        // The message's time does not run while there is none, and a ping is not the beginning of one.
        let quiet = socket.receive_within(SHORT * 2).unwrap();
        socket.send_text("quiet").unwrap();
        (first, quiet, socket.receive().unwrap())
    });
    let slowly = |peer: &mut Peer, bytes: &[u8]| bytes.iter().for_each(|byte| peer.say([*byte]));
    slowly(&mut peer, &frame(true, 0x81, b"slow"));
    slowly(&mut peer, &frame(true, 0x89, b""));
    assert_eq!(peer.frame().first, 0x8a);
    assert_eq!(peer.frame().payload, b"quiet");
    slowly(&mut peer, &frame(true, 0x81, b"again"));
    assert_eq!(result.recv_timeout(LONG).unwrap(), (text("slow"), Received::Nothing, text("again")));
}

// --- peers that vanish -----------------------------------------------------------------------------

/// Makes the system send a reset: it does when a socket is closed that still holds unread bytes.
fn reset(peer: Peer) {
    // Whoever calls this has made sure that bytes for it are on the way.
    peer.0.peek(&mut [0]).unwrap();
    drop(peer);
}

#[test]
fn a_peer_that_vanishes_is_told_apart_from_one_that_says_goodbye() {
    let message = frame(true, 0x81, b"a message that is cut");
    for (begins, what) in [
        (vec![], "between two messages"),
        (message[..1].to_vec(), "inside a header"),
        (message[..10].to_vec(), "inside a frame"),
        (frame(true, 0x01, b"the first fragment"), "inside a message"),
    ] {
        let (_server, mut peer, result) = serve_one(&patient(), |mut socket| {
            let first = socket.receive();
            (first, socket.receive(), socket.is_open())
        });
        // An end without a Close frame, in order as far as TCP is concerned.
        peer.say(&begins);
        peer.0.shutdown(Shutdown::Write).unwrap();
        let (first, second, is_open) = result.recv_timeout(LONG).unwrap();
        for received in [first, second] {
            assert!(matches!(received, Err(Error::Vanished { source: None })), "{what}: {received:?}");
        }
        assert!(!is_open, "{what}");
    }
    for begins in [&b""[..], &message[..10], &frame(true, 0x01, b"the first fragment")] {
        let (_server, mut peer, result) = serve_one(&patient(), |mut socket| {
            socket.send_text("never read").unwrap();
            (socket.receive(), socket.is_open(), socket.send_text("are you there?"))
        });
        peer.say(begins);
        reset(peer);
        let (received, is_open, sent) = result.recv_timeout(LONG).unwrap();
        let Err(Error::Vanished { source: Some(source) }) = received else { panic!("{received:?}") };
        assert_eq!(source.kind(), ErrorKind::ConnectionReset);
        assert!(!is_open);
        assert!(matches!(sent, Err(Error::Socket(socklab::Error::Vanished { .. }))), "{sent:?}");
    }
}

#[test]
fn a_goodbye_is_a_goodbye_even_if_our_answer_cannot_be_sent() {
    let (_server, mut peer, result) = serve_one(&Settings { send_limit: SHORT, ..patient() }, |mut socket| {
        // The peer does not read: half of this is on the way when we give up, and nothing can follow it.
        let sent = socket.send_binary(&vec![7; 64 << 20]);
        (sent, socket.receive(), socket.is_open())
    });
    peer.say(frame(true, 0x88, &closing(1001, b"leaving")));
    peer.0.shutdown(Shutdown::Write).unwrap();
    let (sent, received, is_open) = result.recv_timeout(LONG).unwrap();
    assert!(matches!(sent, Err(Error::Socket(socklab::Error::TimedOut { .. }))), "{sent:?}");
    let reason = CloseReason::new(CloseCode::GOING_AWAY, "leaving");
    assert_eq!(received.unwrap(), Received::Closed(Some(reason)));
    assert!(!is_open);
}

#[test]
fn a_server_that_vanishes_is_an_error_at_the_client() {
    let (mut client, mut peer) = open_client(patient());
    peer.say(&frame(false, 0x81, b"a message that is cut")[..10]);
    peer.0.shutdown(Shutdown::Both).unwrap();
    assert!(matches!(client.receive(), Err(Error::Vanished { source: None })));

    let (mut client, mut peer) = open_client(patient());
    client.send_text("never read").unwrap();
    peer.say(&frame(false, 0x81, b"a message that is cut")[..10]);
    reset(peer);
    assert!(matches!(client.receive(), Err(Error::Vanished { source: Some(_) })));
    client.close(); // It is over, and ending it again takes no time and does no harm.
}

#[test]
fn clients_that_vanish_harm_no_other() {
    let server = Server::echo(&patient());
    let (stop, healthy) = healthy_client(&server);
    for number in 0..30 {
        let mut peer = Peer::open(&server);
        peer.say(&frame(true, 0x81, b"a message that is cut")[..number % 15]);
        if number % 2 == 0 {
            peer.say(frame(true, 0x89, b"?"));
            let _ = peer.0.shutdown(Shutdown::Write);
        }
        drop(peer);
        assert!(!server.trouble().is_empty());
    }
    stop.store(true, Ordering::SeqCst);
    assert!(healthy.finish() > 0);
}

#[test]
fn a_client_that_does_not_read_harms_no_other_and_is_given_up() {
    let server = Server::echo(&Settings { send_limit: SHORT, ..patient() });
    let (stop, healthy) = healthy_client(&server);
    let mut peer = Peer::open(&server);
    // Its echoes fill the buffers between us, until the server can write no more and gives up; then so can it.
    let much = frame(true, 0x82, &vec![7; 1 << 20]);
    while peer.0.write_all(&much).is_ok() {}
    let trouble = server.trouble();
    assert!(trouble.contains("sending to a peer that does not read") || trouble.contains("closed"), "{trouble}");
    assert!(peer.is_gone());
    stop.store(true, Ordering::SeqCst);
    assert!(healthy.finish() > 0);
}

// --- many at once ----------------------------------------------------------------------------------

/// Notes how much each read and write of the server brought.
#[derive(Default)]
struct Calls(Mutex<Vec<(Call, usize)>>);

impl Observer for Calls {
    fn observe(&self, step: &Step<'_>) {
        if let (Side::Server, Action::Call { call, outcome: Outcome::Bytes(bytes) }) = (step.side, &step.action) {
            self.0.lock().unwrap().push((*call, bytes.len()));
        }
    }
}

#[test]
fn the_answers_to_frames_that_came_in_one_segment_leave_in_one_write() {
    let calls = Arc::new(Calls::default());
    let server = Server::echo(&Settings { trace: Trace::to(calls.clone()), ..patient() });
    let mut peer = Peer::open(&server);
    let message = |number: u8| frame(true, if number % 3 == 0 { 0x89 } else { 0x82 }, &[number; 10]);
    peer.say((0..100).flat_map(message).collect::<Vec<u8>>());
    for number in 0..100 {
        assert_eq!(peer.frame().payload, [number; 10]);
    }
    peer.say(frame(true, 0x88, &closing(1000, b"")));
    peer.is_closed_with(1000); // The server is past its writes, and so is its observer.
    let expected = [(Call::Read, 100 * 16), (Call::Write, 100 * 12), (Call::Read, 8), (Call::Write, 4)];
    assert_eq!(calls.0.lock().unwrap()[2..6], expected, "behind the two of the handshake");
}

#[test]
fn messages_of_several_threads_are_never_mixed_while_another_receives() {
    const THREADS: u8 = 4;
    const EACH: u32 = 300;
    let server = Server::echo(&patient());
    let mut client = WebSocket::connect_with(&server.url("/"), &Default::default(), &patient()).unwrap();
    let message = |thread: u8, number: u32| {
        let mut bytes = vec![thread; 5 + (number as usize * 37) % 3000];
        bytes[1..5].copy_from_slice(&number.to_be_bytes());
        bytes
    };
    let senders: Vec<_> = (0..THREADS)
        .map(|thread| {
            let sender = client.sender();
            spawn(move || {
                for number in 0..EACH {
                    let bytes = message(thread, number);
                    match number % 3 {
                        0 => sender.binary(&bytes).unwrap(),
                        1 => sender.in_fragments(MessageRef::Binary(&bytes), 100).unwrap(),
                        _ => {
                            sender.ping(&bytes[..5]).unwrap();
                            sender.binary(&bytes).unwrap();
                        }
                    }
                }
            })
        })
        .collect();
    // Whole, and those of one thread in the order in which it sent them.
    let mut next = [0; THREADS as usize];
    for _ in 0..u32::from(THREADS) * EACH {
        let Received::Message(Message::Binary(bytes)) = client.receive().unwrap() else { panic!() };
        let thread = bytes[0];
        assert!(bytes == message(thread, next[usize::from(thread)]), "thread {thread}: {next:?}");
        next[usize::from(thread)] += 1;
    }
    for sender in senders {
        sender.finish();
    }
    client.close();
}

#[test]
fn a_server_sends_from_several_threads_into_one_stream_of_whole_frames() {
    let (_server, mut peer, _) = serve_one(&patient(), |mut socket| {
        let senders: Vec<_> = (0..4u8)
            .map(|thread| {
                let sender = socket.sender();
                spawn(move || {
                    for number in 0..200usize {
                        sender.in_fragments(MessageRef::Binary(&vec![thread; number]), 7).unwrap();
                    }
                })
            })
            .collect();
        for sender in senders {
            sender.finish();
        }
        socket.close();
    });
    let mut next = [0; 4];
    let mut message: Option<Vec<u8>> = None;
    loop {
        let frame = peer.frame();
        match (frame.first, &mut message) {
            (0x02 | 0x82, None) => message = Some(frame.payload),
            (0x00 | 0x80, Some(message)) => message.extend(frame.payload),
            (0x88, None) => break,
            (first, message) => panic!("{first:#x} inside {message:?}"),
        }
        if frame.first & 0x80 != 0 {
            let whole = message.take().unwrap();
            let Some(&thread) = whole.first() else { continue };
            assert!(whole.iter().all(|byte| *byte == thread), "torn apart: {whole:?}");
            next[usize::from(thread)] += 1;
            assert_eq!(whole.len(), next[usize::from(thread)]);
        }
    }
    assert_eq!(next, [199; 4]);
    peer.say(frame(true, 0x88, &closing(1000, b"")));
    peer.ends();
}
