//! What the attackers do. Each function is one attack, of a size that the caller says, with an end; it says what came of it.

use crate::websocket::*;
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

/// Half-open handshakes that begin with 2 KiB of headers, for whoever looks at them again each time, and go on with one byte
/// each second. Who is thrown out comes again.
pub(crate) fn drip(server: SocketAddr, clients: usize, lasts: Duration, all_have_come: &dyn Fn()) -> String {
    let begins = format!("GET / HTTP/1.1\r\n{}X-Drip: ", format!("X-Filler: {}\r\n", "a".repeat(52)).repeat(32));
    let connect = || {
        let mut stream = TcpStream::connect(server).unwrap();
        stream.write_all(begins.as_bytes()).unwrap();
        stream.set_nonblocking(true).unwrap();
        stream
    };
    let come = |_| {
        // Faster, and the queue of those who wait to be accepted is full: the SYN is thrown away, and comes again in a second.
        thread::park_timeout(Duration::from_micros(200));
        connect()
    };
    let mut streams: Vec<_> = (0..clients).map(come).collect();
    all_have_come();
    let (begun, mut dripped, mut thrown_out) = (Instant::now(), 0, 0);
    // One after the other, so that the bytes are spread over each second.
    while begun.elapsed() < lasts {
        let due = (begun.elapsed().as_secs_f64() * clients as f64) as usize;
        while dripped < due {
            let stream = &mut streams[dripped % clients];
            let mut answer = [0; 12];
            match stream.read(&mut answer) {
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    // An end that is under way shows at the next drop.
                    let _ = stream.write(b"x");
                }
                Ok(12) => {
                    assert_eq!(&answer, b"HTTP/1.1 408");
                    thrown_out += 1;
                    *stream = connect();
                }
                other => panic!("no 408 but {other:?} {}", answer.escape_ascii()),
            }
            dripped += 1;
        }
        // The pace. Together they would come in a bunch, and whoever comes behind them waits for all of it.
        thread::park_timeout(Duration::from_millis(1).min(Duration::from_secs(1) / clients as u32));
    }
    format!("{clients} half-open, {dripped} drops, {thrown_out} got 408")
}

/// Clients that send and never read, until the server takes nothing more from them, and then stay for a while.
pub(crate) fn deaf(server: SocketAddr, clients: usize, stays: Duration, all_are_stuck: &dyn Fn()) -> String {
    // Linux holds some 9 MB between two programs before it holds one of them back.
    const MOST: usize = 64 << 20;
    let message = frame(BINARY, &[7; 16 * 1024]);
    let mut peers: Vec<_> = (0..clients).map(|_| (Peer::connect(server), 0)).collect();
    peers.iter().for_each(|(peer, _)| peer.stream.get_ref().set_nonblocking(true).unwrap());
    let deadline = Instant::now() + SOON;
    let mut last = Instant::now();
    // Whoever could send something in the last half second may be able to go on.
    while last.elapsed() < Duration::from_millis(500) && Instant::now() < deadline {
        for (peer, sent) in &mut peers {
            for _ in 0..4 {
                match peer.stream.get_mut().write(&message[*sent % message.len()..]) {
                    Ok(count) if *sent < MOST => {
                        *sent += count;
                        last = Instant::now();
                    }
                    Err(error) if error.kind() != ErrorKind::WouldBlock => panic!("{error}"),
                    _ => break,
                }
            }
        }
        thread::park_timeout(Duration::from_millis(1));
    }
    let stuck = peers.iter().filter(|(_, sent)| *sent < MOST).count();
    let sent: usize = peers.iter().map(|(_, sent)| *sent).sum();
    all_are_stuck();
    thread::park_timeout(stays); // how long they sit there
    assert!(stuck > clients * 9 / 10, "{stuck} of {clients} only were held back");
    format!("{clients} that never read sent {} MiB, {stuck} held back", sent >> 20)
}

/// Where a conversation is cut. What the system sends then is a reset, because the 101 lies unread.
pub(crate) const STATES: [(&str, &[u8]); 6] = [
    ("after the 101", b""),
    ("inside a frame's header", b"\x82\xfe\x01"),
    ("inside a payload", b"\x82\xfe\x01\x00\0\0\0\0abc"),
    ("inside a fragmented message", b"\x01\x83\0\0\0\0abc"),
    ("inside a close", b"\x88\x85\0\0\0\0\x03\xe8"),
    ("behind a close", b"\x88\x82\0\0\0\0\x03\xe8"),
];

/// Before the 101 there is nothing unread, and so these end without a reset: std cannot ask for one.
const OPENINGS: [&str; 3] = ["", "GET / HT", "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: web"];

pub(crate) fn resets(server: SocketAddr, each: usize) -> String {
    for _ in 0..each {
        for (_, begins) in STATES {
            let mut stream = TcpStream::connect(server).unwrap();
            stream.set_read_timeout(Some(SOON)).unwrap();
            stream.write_all(upgrade("/", "").as_bytes()).unwrap();
            assert_eq!(stream.peek(&mut [0]).unwrap(), 1);
            stream.write_all(begins).unwrap();
        }
        for begins in OPENINGS {
            TcpStream::connect(server).unwrap().write_all(begins.as_bytes()).unwrap();
        }
    }
    format!("{each} at each of {} states, and {each} ends in {} openings", STATES.len(), OPENINGS.len())
}

/// Where the queue of those who wait to be accepted is full, the SYN is thrown away, and comes again in a second: so many
/// flood at once.
pub(crate) fn connect_and_close(server: SocketAddr, floods: usize, each: usize) -> String {
    let (begun, slow) = (Instant::now(), Duration::from_millis(900));
    let flood = move || {
        let come = |_: &usize| {
            let begun = Instant::now();
            drop(TcpStream::connect(server).unwrap());
            begun.elapsed() > slow
        };
        (0..each).filter(come).count()
    };
    let repeats: usize = everybody((0..floods).map(|_| thread::spawn(flood)).collect()).into_iter().sum();
    let all = floods * each;
    let rate = all as f64 / begun.elapsed().as_secs_f64();
    format!("{all} connected and closed, {rate:.0}/s, {repeats} of them by a SYN's repeat")
}

/// Pings as fast as they are answered, 64 at a time.
pub(crate) fn pings(server: SocketAddr, clients: usize, batches: usize) -> String {
    let begun = Instant::now();
    let flood = move || {
        let mut peer = Peer::connect(server);
        let batch = frame(PING, &[7; 125]).repeat(64);
        for _ in 0..batches {
            peer.write(&batch);
            (0..64).for_each(|_| peer.expect(PONG, &[7; 125]));
        }
        peer.leave(1000);
    };
    everybody((0..clients).map(|_| thread::spawn(flood)).collect());
    let all = clients * batches * 64;
    format!("{all} pings by {clients}, each answered, {:.0}/s", all as f64 / begun.elapsed().as_secs_f64())
}

/// Messages that never end. With bytes in their fragments they meet the size limit, without any the time limit, if they
/// last so long.
pub(crate) fn fragments(server: SocketAddr, clients: usize, lasts: Duration) -> String {
    let filled = move || {
        let mut peer = Peer::connect(server);
        let piece = frame(0, &[b'a'; 16 * 1024]);
        peer.send(1, b"it begins");
        let sent = (0..2048).take_while(|_| peer.stream.get_mut().write_all(&piece).is_ok()).count();
        assert!(sent >= 1023, "cut off after {sent} fragments");
        assert_eq!(peer.close_code(), 1009);
        sent
    };
    let empty = move || {
        let mut peer = Peer::connect(server);
        peer.send(1, b"it begins");
        let (begun, mut sent) = (Instant::now(), 0);
        while begun.elapsed() < lasts && peer.stream.get_mut().write_all(&frame(0, b"").repeat(256)).is_ok() {
            sent += 256;
        }
        if lasts > Duration::from_secs(30) {
            assert_eq!(peer.close_code(), 1008);
        }
        sent
    };
    let filled: Vec<_> = (0..clients).map(|_| thread::spawn(filled)).collect();
    let empty: Vec<_> = (0..clients).map(|_| thread::spawn(empty)).collect();
    let (filled, empty): (Vec<usize>, Vec<usize>) = (everybody(filled), everybody(empty));
    let (filled, empty) = (filled.iter().sum::<usize>(), empty.iter().sum::<usize>());
    format!("{filled} fragments by {clients} up to 1009, {empty} empty ones by {clients}")
}

/// Frames that announce more than there is.
pub(crate) fn huge_lengths(server: SocketAddr, times: usize) -> String {
    for _ in 0..times {
        for (length, code) in [(1_u64 << 63, 1002), ((1 << 63) - 1, 1009), (1 << 32, 1009)] {
            let mut peer = Peer::connect(server);
            peer.write(&[&[BINARY, 0xff][..], &length.to_be_bytes(), &[0; 4], b"and some of it"].concat());
            assert_eq!(peer.close_code(), code, "{length:x}");
            // It answers the goodbye, or not.
            let _ = peer.stream.get_ref().shutdown(Shutdown::Both);
        }
    }
    format!("{times} each of 2^63 (1002), 2^63-1 and 2^32 (1009)")
}

/// Heads of 100,000 headers.
pub(crate) fn headers(server: SocketAddr, times: usize) -> String {
    let head = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(100_000));
    (0..times).for_each(|_| too_large(server, head.as_bytes(), head.len()));
    format!("{times} x 100,000 headers got 431")
}

/// Heads that are one line without an end.
pub(crate) fn endless_heads(server: SocketAddr, times: usize) -> String {
    let piece = [b'a'; 64 * 1024];
    (0..times).for_each(|_| too_large(server, &piece, 16 << 20));
    format!("{times} heads without an end, 16 MiB each at most, got 431")
}

/// Sends the piece again and again until so much has left, or nobody takes it any more; the answer is there all the same.
fn too_large(server: SocketAddr, piece: &[u8], most: usize) {
    let mut peer = Peer::silent(server);
    let mut left = most;
    while left > 0 && peer.stream.get_mut().write_all(&piece[..left.min(piece.len())]).is_ok() {
        left -= left.min(piece.len());
    }
    assert_eq!(peer.head().0, 431);
}

/// More connections than the server has descriptors: they all come, and stay for a while.
pub(crate) fn crowd(server: SocketAddr, clients: usize, stays: Duration) -> String {
    let mut crowd: Vec<_> = (0..clients).map(|_| Peer::silent(server)).collect();
    thread::park_timeout(stays); // how long they sit there
    crowd.iter().for_each(|peer| peer.stream.get_ref().set_nonblocking(true).unwrap());
    let mut waits = 0;
    for peer in &mut crowd {
        let end = peer.stream.read(&mut [0]);
        waits += usize::from(matches!(&end, Err(error) if error.kind() == ErrorKind::WouldBlock));
    }
    assert!(waits > 0 && waits < clients, "{waits} of {clients} wait");
    format!("{clients} came, {waits} have a place, the others are closed")
}

fn everybody<T>(threads: Vec<thread::JoinHandle<T>>) -> Vec<T> {
    threads.into_iter().map(|thread| thread.join().expect("an attack went otherwise")).collect()
}
