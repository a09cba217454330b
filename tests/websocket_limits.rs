//! The table of `Limits`, line by line: what happens at each limit is what it says there. Origin and path are tested with
//! the pages, in `websocket_server.rs`.

mod websocket;

use socklab::Settings;
use socklab::websocket::protocol::{CloseCode, CloseReason};
use socklab::websocket::*;
use std::sync::Mutex;
use std::sync::mpsc::channel;
use std::thread;
use std::time::{Duration, Instant};
use websocket::*;

fn ms(count: u64) -> Duration {
    Duration::from_millis(count)
}

fn quick_limits() -> Limits {
    Limits { settings: quick(), ..limits() }
}

fn code(ending: &Ending) -> u16 {
    match ending {
        Ending::WeClosed(reason) => reason.code.0,
        other => panic!("not closed by us: {other:?}"),
    }
}

#[test]
fn clients_over_the_cap_get_503_and_hold_up_nobody() {
    let server =
        start(App::echo(), Limits { settings: Settings { max_clients: 2, ..Settings::default() }, ..quick_limits() });
    let (mut first, second) = (server.client(), server.client());
    for _ in 0..3 {
        let (status, answer) = Peer::ask(server.address, &upgrade("/", ""));
        assert!(status == 503 && answer.contains("the server is full"), "{answer}");
    }
    // These never send a head, and each keeps one of the threads that would tell it so. Beyond 16 nobody is told.
    let begun = Instant::now();
    let mut silent = Vec::new();
    eventually("somebody is turned away unheard", || {
        let mut peer = Peer::silent(server.address);
        let is_turned_away = peer.ends_within(ms(20));
        silent.push(peer);
        is_turned_away && silent.len() > 16
    });
    first.send_text("I noticed nothing").unwrap();
    assert_eq!(text(&mut first), "I noticed nothing");
    drop(second);
    eventually("a place comes free", || WebSocket::connect(&server.url()).is_ok());
    assert!(begun.elapsed() < SOON / 3, "somebody waited for the silent: {:?}", begun.elapsed());
    drop(silent);
    assert!(server.stop().refused > 3 + 16);
}

#[test]
fn a_message_over_the_limit_ends_with_1009() {
    let server = start(App::echo(), Limits { settings: Settings { max_message: 1000, ..quick() }, ..quick_limits() });
    let mut peer = server.peer();
    peer.send(BINARY, &[7; 1000]);
    peer.expect(BINARY, &[7; 1000]);
    peer.send(BINARY, &[7; 1001]);
    assert_eq!(peer.close_code(), 1009);
    assert!(matches!(server.ending().1, Ending::RuleBroken(violation) if violation.code.0 == 1009));
    server.stop();
}

#[test]
fn a_head_over_the_limit_gets_431_and_one_that_drips_408() {
    let server = start(App::echo(), Limits { settings: Settings { max_head: 1000, ..quick() }, ..quick_limits() });
    let long = format!("X-Long: {}\r\n", "x".repeat(1000));
    assert_eq!(Peer::ask(server.address, &upgrade("/", &long)).0, 431);
    let begun = Instant::now();
    let mut peer = Peer::silent(server.address);
    let mut writer = peer.stream.get_ref().try_clone().unwrap();
    let dripping = thread::spawn(move || {
        // The drip itself is the attack.
        while std::io::Write::write_all(&mut writer, b"x").is_ok() && begun.elapsed() < SOON {
            thread::park_timeout(ms(20));
        }
    });
    assert_eq!(peer.head().0, 408);
    assert!(begun.elapsed() >= ms(290) && begun.elapsed() < SOON / 3, "{:?}", begun.elapsed());
    drop(peer);
    dripping.join().unwrap();
    server.stop();
}

#[test]
fn a_message_that_drips_ends_with_1008() {
    let server = start(App::echo(), quick_limits());
    let mut peer = server.peer();
    let begun = Instant::now();
    // Fragments that never end, and pings between them: neither gives it more time.
    peer.send(0x01, b"begin");
    let mut writer = peer.stream.get_ref().try_clone().unwrap();
    let dripping = thread::spawn(move || {
        let piece = [frame(0x00, b"x"), frame(PING, b"")].concat();
        while std::io::Write::write_all(&mut writer, &piece).is_ok() && begun.elapsed() < SOON {
            thread::park_timeout(ms(20));
        }
    });
    assert_eq!(peer.close_code(), 1008);
    assert!(begun.elapsed() >= ms(290) && begun.elapsed() < SOON / 3, "{:?}", begun.elapsed());
    assert_eq!(code(&server.ending().1), 1008);
    drop(peer);
    dripping.join().unwrap();
    server.stop();
}

#[test]
fn own_replies_to_a_peer_that_does_not_read_push_back_and_are_cut_off() {
    let app = App::on_message(|_, _, session| {
        for _ in 0..64 {
            session.binary(&[0; 1 << 20]);
        }
    });
    let server = start(app, quick_limits());
    let (mut other, mut peer) = (server.client(), server.peer());
    let begun = Instant::now();
    peer.say("more than you take");
    other.close();
    assert!(begun.elapsed() < SOON / 3, "the other one waited: {:?}", begun.elapsed());
    let endings = [server.ending().1, server.ending().1];
    assert!(begun.elapsed() >= ms(290), "{:?}", begun.elapsed());
    assert!(endings.iter().any(|ending| matches!(ending, Ending::WeClosed(_))), "{endings:?}");
    while peer.next().is_some() {}
    server.stop();
}

/// The limit is for a peer that does not read. One that reads as fast as it is sent to never has an empty queue.
#[test]
fn a_peer_that_reads_on_is_not_cut_off_however_much_there_is() {
    let limit = ms(500);
    let settings = Settings { send_limit: limit, ..quick() };
    let server = start(App::echo(), Limits { outbox: 128 << 20, settings, ..quick_limits() });
    let (mut peer, handle) = (server.peer(), server.session());
    let piece = vec![7; 1 << 20];
    let begun = Instant::now();
    // More than the system's own buffers hold is always on the way.
    let mut sent = more_than_the_system_takes();
    (0..sent).for_each(|_| handle.binary(&piece).unwrap());
    let (mut got, mut pongs, mut pings) = (0, 0, 0);
    while begun.elapsed() < 4 * limit {
        pings += 1;
        peer.send(PING, b"");
        match peer.next().expect("it is cut off, and has read all the time") {
            (PONG, _) => pongs += 1,
            (_, bytes) => {
                assert_eq!(bytes.len(), piece.len());
                (got, sent) = (got + 1, sent + 1);
                handle.binary(&piece).unwrap();
                thread::park_timeout(ms(30)); // its pace: the writer has to wait for it again and again
            }
        }
    }
    println!("# {got} MiB and {pongs} pongs for {pings} pings while it was sent to");
    while (got, pongs) != (sent, pings) {
        match peer.next().expect("it is cut off") {
            (PONG, _) => pongs += 1,
            _ => got += 1,
        }
        assert!(got <= sent && pongs <= pings, "{got} of {sent}, {pongs} of {pings}");
    }
    peer.leave(1000);
    assert!(matches!(server.ending().1, Ending::PeerClosed(_)));
    server.stop();
}

/// What others send may wait for a client, and its own callbacks go on meanwhile: only its own replies wait. The same holds
/// for what `connected` sends, before the connection is open.
#[test]
fn a_client_that_does_not_read_is_still_listened_to() {
    let much = |handle: &SessionHandle<App>| {
        (0..more_than_the_system_takes()).for_each(|_| handle.binary(&vec![0; 1 << 20]).unwrap());
    };
    for early in [true, false] {
        let (told, tells) = channel();
        let app = App {
            connected: Box::new(move |_, handle| {
                if early {
                    much(handle);
                }
                Ok(vec![])
            }),
            ..App::on_message(move |_, text, _| told.send(text.to_owned()).unwrap())
        };
        let settings = Settings { send_limit: SOON, ..quick() };
        let server = start(app, Limits { outbox: 128 << 20, settings, ..quick_limits() });
        let (mut peer, handle) = (server.peer(), server.session());
        if !early {
            much(&handle);
        }
        for word in ["I do not read", "but I", "talk"] {
            peer.say(word);
            assert_eq!(tells.recv_timeout(SOON / 3).expect("the session waits for what others sent"), word);
        }
        drop(peer);
        server.stop();
    }
}

/// An own reply waits for what stands before it, and not for what others send behind it.
#[test]
fn a_reply_waits_for_no_more_than_what_was_sent_before() {
    let (told, tells) = channel();
    let app = App::on_message(move |_, text, session| {
        told.send(text.to_owned()).unwrap();
        session.text(text);
    });
    let settings = Settings { send_limit: SOON, ..quick() };
    let server = start(app, Limits { outbox: 128 << 20, settings, ..quick_limits() });
    let (mut peer, handle) = (server.peer(), server.session());
    let pieces = |count| (0..count).for_each(|_| handle.binary(&[0; 1 << 20]).unwrap());
    pieces(more_than_the_system_takes());
    peer.say("one");
    assert_eq!(tells.recv_timeout(SOON).unwrap(), "one");
    pieces(more_than_the_system_takes());
    while peer.next().unwrap().0 != TEXT {}
    peer.say("two");
    assert_eq!(tells.recv_timeout(SOON / 3).expect("the session waits for what others sent"), "two");
    drop(peer);
    server.stop();
}

#[test]
fn a_goodbye_that_is_not_answered_is_cut_off() {
    let server = start(App::echo(), quick_limits());
    let (mut peer, handle) = (server.peer(), server.session());
    let begun = Instant::now();
    handle.disconnect(&CloseReason::new(CloseCode::NORMAL, "")).unwrap();
    assert_eq!(peer.close_code(), 1000);
    assert_eq!(code(&server.ending().1), 1000);
    assert!(begun.elapsed() >= ms(190) && begun.elapsed() < SOON / 3, "{:?}", begun.elapsed());
    assert!(peer.next().is_none());
    server.stop();
}

#[test]
fn who_is_in_code_of_its_own_at_the_stop_is_named() {
    let (go, waits) = channel::<()>();
    let waits = Mutex::new(waits);
    let stuck = move || assert!(waits.lock().unwrap().recv_timeout(SOON).is_err(), "nobody lets them go");
    let stuck = std::sync::Arc::new(stuck);
    let (in_message, in_tick, inside) = (stuck.clone(), stuck.clone(), channel());
    let told = (inside.0.clone(), inside.0.clone());
    let app = App {
        tick: Box::new(move |_, _| {
            told.0.send("tick").unwrap();
            in_tick();
        }),
        ..App::on_message(move |_, _, _| {
            told.1.send("message").unwrap();
            in_message();
        })
    };
    let settings = Settings { stop_limit: ms(300), ..quick() };
    let server = start(app, Limits { settings, interval: ms(1), ..quick_limits() });
    let (mut client, _) = (server.client(), server.session());
    let (_other, handle) = (server.client(), server.session());
    client.send_text("hang").unwrap();
    let told = inside.0.clone();
    handle
        .execute(move |_| {
            told.send("procedure").unwrap();
            stuck();
        })
        .unwrap();
    let mut all: Vec<_> = (0..3).map(|_| inside.1.recv_timeout(SOON).unwrap()).collect();
    all.sort();
    assert_eq!(all, ["message", "procedure", "tick"]);
    let begun = Instant::now();
    let report = server.stop();
    assert!(begun.elapsed() < SOON / 3, "{:?}", begun.elapsed());
    // The second client's thread waits for the procedure, which is still in its context.
    assert_eq!(report.still_running, ["client 1", "client 2", "service", "a procedure"]);
    drop(go);
}

#[test]
fn more_than_the_outbox_holds_is_refused_and_the_client_is_cut_off() {
    let settings = Settings { send_limit: SOON, ..quick() };
    let server = start(App::echo(), Limits { outbox: 1 << 20, settings, ..quick_limits() });
    let (mut peer, handle) = (server.peer(), server.session());
    let piece = vec![0; 16 << 10];
    let accepted = (0..).find(|_| handle.binary(&piece) == Err(NotDone::TooSlow)).unwrap() * piece.len();
    let kernel = kernel_buffers();
    println!("# {} KiB accepted; the bound is 1024, the system takes up to {}", accepted >> 10, kernel >> 10);
    // A sixteenth of the memory is for what holds the bytes.
    assert!(accepted >= 15 << 16 && accepted <= kernel + (1 << 20) + 2 * piece.len());
    let (_, ending) = server.ending();
    assert_eq!(code(&ending), 1008);
    assert!(matches!(handle.binary(&piece), Err(NotDone::TooSlow | NotDone::Gone)));
    eventually("it is gone", || !handle.is_connected());
    while peer.next().is_some() {}
    server.stop();
}

/// The bound is for what others send. A long reply of the session's own, on its way to a client that takes its time, leaves
/// them their share.
#[test]
fn a_long_reply_takes_no_room_in_the_outbox_from_others() {
    let app = App::on_message(|_, _, session| session.binary(&vec![0; more_than_the_system_takes() << 20]));
    let settings = Settings { send_limit: SOON, ..quick() };
    let server = start(app, Limits { outbox: 1 << 20, settings, ..quick_limits() });
    let (mut peer, handle) = (server.peer(), server.session());
    peer.say("much");
    let mut header = [0; 10];
    std::io::Read::read_exact(&mut peer.stream, &mut header).unwrap(); // so it is on its way
    assert_eq!(handle.text("and this from another"), Ok(()));
    let mut rest = vec![0; more_than_the_system_takes() << 20];
    std::io::Read::read_exact(&mut peer.stream, &mut rest).unwrap();
    peer.expect(TEXT, b"and this from another");
    drop(peer);
    server.stop();
}

/// When the client takes nothing for too long, we end that, whichever of our threads notices.
#[test]
fn a_client_that_takes_nothing_was_closed_by_us() {
    let server = start(App::echo(), Limits { outbox: 128 << 20, settings: quick(), ..quick_limits() });
    let (peer, handle) = (server.peer(), server.session());
    (0..more_than_the_system_takes()).for_each(|_| handle.binary(&vec![0; 1 << 20]).unwrap());
    assert_eq!(code(&server.ending().1), 1008);
    drop(peer);
    server.stop();
}

/// So many MiB that something has to wait for the client.
fn more_than_the_system_takes() -> usize {
    8 + (kernel_buffers() >> 20)
}

/// What the system itself takes of one connection, both ends of which are here, before a write waits.
fn kernel_buffers() -> usize {
    ["wmem", "rmem"]
        .iter()
        .map(|kind| std::fs::read_to_string(format!("/proc/sys/net/ipv4/tcp_{kind}")).unwrap())
        .map(|three| three.split_whitespace().nth(2).unwrap().parse::<usize>().unwrap())
        .sum()
}

#[test]
fn silence_is_asked_and_an_answer_is_enough() {
    let server = start(App::echo(), Limits { ping_interval: ms(50), pong_limit: SOON, ..quick_limits() });
    let mut peer = server.peer();
    for _ in 0..3 {
        peer.expect(PING, b"");
        peer.send(PONG, b"");
    }
    peer.expect(PING, b"");
    peer.say("a message is a sign of life too");
    peer.expect(TEXT, b"a message is a sign of life too");
    peer.expect(PING, b"");
    peer.leave(1000);
    assert!(matches!(server.ending().1, Ending::PeerClosed(_)));
    server.stop();
}

#[test]
fn silence_after_we_asked_is_a_peer_that_vanished() {
    let server = start(App::echo(), Limits { ping_interval: ms(50), pong_limit: ms(100), ..quick_limits() });
    let begun = Instant::now();
    let mut peer = server.peer();
    peer.expect(PING, b"");
    assert_eq!(server.ending().1, Ending::Vanished("the peer answered no ping".into()));
    assert!(begun.elapsed() >= ms(140) && begun.elapsed() < SOON / 3, "{:?}", begun.elapsed());
    assert!(peer.next().is_none(), "nothing more is said to the dead");
    server.stop();
}

#[test]
fn without_a_message_for_too_long_one_is_asked_to_leave() {
    let server = start(App::echo(), Limits { idle_limit: ms(1000), ping_interval: ms(30), ..quick_limits() });
    let (mut talks, mut idles) = (server.peer(), server.peer());
    // Both live and say so; only one has something to say.
    let listening = thread::spawn(move || {
        let begun = Instant::now();
        loop {
            match idles.next().expect("no goodbye") {
                (PING, _) => idles.send(PONG, b""),
                (CLOSE, reason) => {
                    assert_eq!(reason[..2], 1001_u16.to_be_bytes());
                    idles.leave(1001);
                    return begun.elapsed();
                }
                other => panic!("{other:?}"),
            }
        }
    });
    while !listening.is_finished() {
        talks.say("still here");
        while talks.next().expect("it talks, and is asked to leave") != (TEXT, b"still here".to_vec()) {}
        thread::park_timeout(ms(20));
    }
    let took = listening.join().unwrap();
    assert!(took >= ms(990) && took < Duration::from_secs(9), "{took:?}");
    assert_eq!(code(&server.ending().1), 1001);
    assert_eq!(server.handle.sessions().len(), 1);
    drop(talks);
    server.stop();
}

#[test]
fn a_flood_of_pings_is_no_message() {
    let server = start(App::echo(), Limits { idle_limit: ms(200), ..quick_limits() });
    let mut peer = server.peer();
    let mut writer = peer.stream.get_ref().try_clone().unwrap();
    let flooding = thread::spawn(move || {
        let begun = Instant::now();
        let pings = frame(PING, b"").repeat(10);
        while std::io::Write::write_all(&mut writer, &pings).is_ok() && begun.elapsed() < SOON / 3 {}
    });
    let begun = Instant::now();
    assert_eq!(peer.close_code(), 1001);
    while peer.next().is_some() {}
    assert_eq!(code(&server.ending().1), 1001);
    assert!(begun.elapsed() < SOON / 3, "pings keep an idle client in");
    // The server has closed its end with our pings unread: nobody would wake a write that waits for it to read on.
    let _ = peer.stream.get_ref().shutdown(std::net::Shutdown::Both);
    flooding.join().unwrap();
    server.stop();
}
