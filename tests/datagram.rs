//! Datagrams over real sockets: what is told apart, what is never cut, and who may not be heard.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use socklab::trace::{Action, Call, Observer, Outcome, Step, Trace};
use socklab::{Datagram, Error, ReceivedDatagram, Resolver, Settings};
use std::io::ErrorKind;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use support::{Program, SOON};

const SHORT: Duration = Duration::from_millis(50);
const LONG: Duration = Duration::from_secs(10);

fn datagram(bytes: impl AsRef<[u8]>, from: SocketAddr) -> ReceivedDatagram {
    ReceivedDatagram::Datagram { bytes: bytes.as_ref().to_vec(), from }
}

fn bound() -> Datagram {
    Datagram::bind_with("127.0.0.1:0", &settings()).unwrap()
}

fn settings() -> Settings {
    Settings { receive_limit: LONG, ..Settings::default() }
}

/// A port of this machine at which nobody receives. It is given back, so that another program could take it: on
/// Linux, where all of 127/8 is this machine, nobody else asks at this address.
fn closed() -> SocketAddr {
    let ip = if cfg!(target_os = "linux") { "127.0.9.1:0" } else { "127.0.0.1:0" };
    UdpSocket::bind(ip).unwrap().local_addr().unwrap()
}

#[test]
fn the_sender_is_known_after_a_receive() {
    for local in ["127.0.0.1:0", "[::1]:0"] {
        let mut one = match Datagram::bind_with(local, &settings()) {
            Ok(one) => one,
            Err(_) if local.starts_with('[') => continue, // a machine without IPv6
            Err(error) => panic!("{error}"),
        };
        let mut other = Datagram::connect_with(&one.local_address().to_string(), &settings()).unwrap();
        assert_eq!(other.peer_address(), Some(one.local_address()));
        assert_eq!(one.peer_address(), None);
        other.send("question").unwrap();
        let (ours, theirs) = (one.local_address(), other.local_address());
        assert_eq!(one.receive().unwrap(), datagram("question", theirs));
        one.send_to("answer", theirs).unwrap();
        assert_eq!(other.receive().unwrap(), datagram("answer", ours));
    }
}

#[test]
fn edges_stay_where_they_are_and_empty_is_not_nothing() {
    let mut one = bound();
    let other = Datagram::connect(&one.local_address().to_string()).unwrap();
    let begun = Instant::now();
    assert_eq!(one.receive_within(SHORT).unwrap(), ReceivedDatagram::Nothing);
    assert!(begun.elapsed() >= SHORT && begun.elapsed() < LONG, "{:?}", begun.elapsed());
    for bytes in ["one", "", "three"] {
        other.send(bytes).unwrap();
    }
    // After a short limit a long one holds again.
    for bytes in ["one", "", "three"] {
        assert_eq!(one.receive().unwrap(), datagram(bytes, other.local_address()));
    }
    assert_eq!(one.receive_within(Duration::ZERO).unwrap(), ReceivedDatagram::Nothing);
}

#[test]
fn a_short_limit_leaves_no_trace_on_a_later_long_one() {
    let mut one = bound();
    assert_eq!(one.receive_within(Duration::from_millis(5)).unwrap(), ReceivedDatagram::Nothing);
    let to = one.local_address();
    let late = thread::spawn(move || {
        thread::park_timeout(Duration::from_millis(100)); // later than the short limit, which is what is tested
        Datagram::connect(&to.to_string()).unwrap().send("late").unwrap();
    });
    assert!(matches!(one.receive().unwrap(), ReceivedDatagram::Datagram { bytes, .. } if bytes == b"late"));
    late.join().unwrap();
}

#[test]
fn the_largest_datagram_comes_whole_and_a_larger_one_is_not_sent() {
    for (local, most) in [("127.0.0.1:0", 65_507), ("[::1]:0", 65_527)] {
        let mut one = match Datagram::bind_with(local, &settings()) {
            Ok(one) => one,
            Err(_) if local.starts_with('[') => continue, // a machine without IPv6
            Err(error) => panic!("{error}"),
        };
        let other = Datagram::connect(&one.local_address().to_string()).unwrap();
        let largest: Vec<u8> = (0..most).map(|place| place as u8).collect();
        other.send(&largest).unwrap();
        assert_eq!(one.receive().unwrap(), datagram(&largest, other.local_address()));
        for over in [most + 1, 65_536, 1 << 20] {
            let error = other.send(vec![7; over]).unwrap_err();
            let said = error.to_string();
            assert!(matches!(error, Error::Unsendable { .. }), "{error:?}");
            assert!(said.contains(&over.to_string()) && said.contains(&most.to_string()), "{said}");
        }
        assert_eq!(one.receive_within(SHORT).unwrap(), ReceivedDatagram::Nothing);
    }
}

#[test]
fn one_over_the_limit_is_told_whole_and_the_next_one_comes() {
    let limited = Settings { max_message: 8, ..settings() };
    let mut one = Datagram::bind_with("127.0.0.1:0", &limited).unwrap();
    let other = Datagram::connect(&one.local_address().to_string()).unwrap();
    for bytes in ["12345678", "123456789", "next"] {
        other.send(bytes).unwrap();
    }
    assert_eq!(one.receive().unwrap(), datagram("12345678", other.local_address()));
    match one.receive().unwrap_err() {
        Error::DatagramTooLong { from, bytes, limit: 8 } => {
            assert_eq!((from, &bytes[..]), (other.local_address(), &b"123456789"[..]));
        }
        error => panic!("{error:?}"),
    }
    assert_eq!(one.receive().unwrap(), datagram("next", other.local_address()));
    // What we send is held to the same limit.
    one.send_to("12345678", other.local_address()).unwrap();
    let error = one.send_to("123456789", other.local_address()).unwrap_err();
    assert!(matches!(error, Error::TooLong { length: 9, limit: 8 }), "{error:?}");
}

#[test]
fn a_port_that_is_closed_is_told_to_a_socket_with_a_fixed_peer() {
    let nobody = closed();
    let mut asking = Datagram::connect_with(&nobody.to_string(), &settings()).unwrap();
    asking.send("is anybody there?").expect("the first send cannot know");
    let error = asking.receive().unwrap_err();
    assert!(matches!(&error, Error::Unreachable { peer, .. } if *peer == nobody), "{error:?}");
    assert!(error.to_string().starts_with(&format!("nobody receives datagrams at {nobody}")), "{error}");

    // It is told once, and to a send as well; that one was not sent. Then there is somebody.
    asking.send("still nobody").unwrap();
    let mut late = Datagram::bind_with(&nobody.to_string(), &settings()).unwrap();
    let error = asking.send("this one bears the answer to the one before").unwrap_err();
    assert!(matches!(error, Error::Unreachable { .. }), "{error:?}");
    asking.send("now").unwrap();
    assert_eq!(late.receive().unwrap(), datagram("now", asking.local_address()));
}

#[test]
fn a_socket_for_everybody_hears_of_no_closed_port() {
    let mut one = bound();
    one.send_to("is anybody there?", closed()).unwrap();
    assert_eq!(one.receive_within(SHORT).unwrap(), ReceivedDatagram::Nothing);
    one.send_to("is anybody there?", closed()).unwrap();
}

#[test]
fn a_fixed_peer_is_the_only_one_that_is_heard() {
    let [peer, stranger] = [bound(), bound()];
    let mut one = Datagram::connect_with(&peer.local_address().to_string(), &settings()).unwrap();
    stranger.send_to("psst", one.local_address()).unwrap();
    peer.send_to("hello", one.local_address()).unwrap();
    assert_eq!(one.receive().unwrap(), datagram("hello", peer.local_address()));
    assert_eq!(one.receive_within(SHORT).unwrap(), ReceivedDatagram::Nothing);
    let error = one.send_to("psst", stranger.local_address()).unwrap_err();
    assert!(error.to_string().contains("peer is fixed"), "{error}");
    let error = peer.send("to whom?").unwrap_err();
    assert!(error.to_string().contains("no fixed peer"), "{error}");
}

#[test]
fn two_that_know_each_others_ports_need_no_first_word() {
    let (ours, theirs) = (closed(), closed());
    let mut one = Datagram::connect_from(&ours.to_string(), &theirs.to_string(), &settings()).unwrap();
    let mut other = Datagram::connect_from(&theirs.to_string(), &ours.to_string(), &settings()).unwrap();
    assert_eq!((one.local_address(), other.local_address()), (ours, theirs));
    one.send("from one").unwrap();
    other.send("from the other").unwrap();
    assert_eq!(one.receive().unwrap(), datagram("from the other", theirs));
    assert_eq!(other.receive().unwrap(), datagram("from one", ours));
    let error = Datagram::connect_from("[::1]:0", &ours.to_string(), &settings()).unwrap_err();
    assert!(error.to_string().contains("of the other family"), "{error}");
}

#[test]
fn one_thread_sends_while_another_receives() {
    let mut one = bound();
    let (sender, own) = (one.sender(), one.local_address());
    let mut other = Datagram::connect_with(&own.to_string(), &settings()).unwrap();
    let to = other.local_address();
    let receiving = thread::spawn(move || one.receive().unwrap());
    sender.send_to("first", to).unwrap();
    assert_eq!(other.receive().unwrap(), datagram("first", own));
    other.send("second").unwrap();
    assert_eq!(receiving.join().unwrap(), datagram("second", to));
    // The receiver is gone, and the handle keeps the socket.
    sender.send_to("third", to).unwrap();
    assert_eq!(other.receive().unwrap(), datagram("third", own));
    drop(sender);
    Datagram::bind(&own.to_string()).expect("the port is free again");
}

#[test]
fn a_port_in_use_is_said_to_be() {
    let one = bound();
    let error = Datagram::bind(&one.local_address().to_string()).unwrap_err();
    assert!(matches!(&error, Error::Listen { source, .. } if source.kind() == ErrorKind::AddrInUse), "{error:?}");
    assert!(error.to_string().contains("the port is in use"), "{error}");
}

#[test]
fn names_are_resolved_and_the_first_address_with_a_way_is_taken() {
    let mut one = bound();
    let address = one.local_address();
    // No way leads to all of a network at once unless one asks for it, so the system refuses, and sends nothing.
    let everybody: SocketAddr = "255.255.255.255:9".parse().unwrap();
    let with = |addresses: Vec<SocketAddr>| Settings {
        resolver: Resolver::new(move |_, _| Ok(addresses.clone())),
        ..settings()
    };
    let other = Datagram::connect_with("blackboard:7000", &with(vec![everybody, address])).unwrap();
    other.send("hello").unwrap();
    assert_eq!(one.receive().unwrap(), datagram("hello", other.local_address()));
    let error = Datagram::connect_with("blackboard:7000", &with(vec![everybody])).unwrap_err();
    assert!(matches!(&error, Error::Connect { attempts, .. } if attempts.len() == 1), "{error:?}");

    let named = Datagram::bind_with("blackboard:7000", &with(vec!["127.0.0.1:0".parse().unwrap()])).unwrap();
    assert!(named.local_address().ip().is_loopback());
}

#[test]
fn a_resolver_that_blocks_meets_the_deadline() {
    let (let_go, gate) = std::sync::mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let resolver = Resolver::new(move |_, _| {
        let _ = gate.lock().unwrap().recv_timeout(LONG * 6);
        Ok(Vec::new())
    });
    let settings = Settings { resolver, connect_limit: SHORT * 4, ..settings() };
    let begun = Instant::now();
    let error = Datagram::connect_with("blackboard:7000", &settings).unwrap_err();
    assert!(error.to_string().contains("not resolved in time"), "{error}");
    let error = Datagram::bind_with("blackboard:7000", &settings).unwrap_err();
    assert!(error.to_string().contains("not resolved in time"), "{error}");
    assert!(begun.elapsed() >= SHORT * 8 && begun.elapsed() < LONG, "{:?}", begun.elapsed());
    drop(let_go);
}

/// A call, its peer, and the count of its bytes.
type Told = (Call, Option<SocketAddr>, Option<usize>);

#[derive(Clone, Default)]
struct Calls(Arc<Mutex<Vec<Told>>>);

impl Observer for Calls {
    fn observe(&self, step: &Step<'_>) {
        if let Action::Call { call, outcome } = &step.action {
            let bytes = if let Outcome::Bytes(bytes) = outcome { Some(bytes.len()) } else { None };
            self.0.lock().unwrap().push((*call, step.peer, bytes));
        }
    }
}

#[test]
fn each_step_is_told_with_the_peer_that_it_had() {
    let calls = Calls::default();
    let traced = Settings { trace: Trace::to(calls.clone()), ..settings() };
    let mut one = Datagram::bind_with("127.0.0.1:0", &traced).unwrap();
    let other = Datagram::connect_with(&one.local_address().to_string(), &traced).unwrap();
    let (ours, theirs) = (Some(one.local_address()), Some(other.local_address()));
    other.send("hello").unwrap();
    one.receive().unwrap();
    one.receive_within(Duration::from_millis(5)).unwrap();
    one.send_to("", theirs.unwrap()).unwrap();
    drop(other);
    drop(one);
    let expected = [
        (Call::Bind, None, None),
        (Call::Bind, None, None),
        (Call::ConnectDatagram, ours, None),
        (Call::Send, ours, Some(5)),
        (Call::ReceiveFrom, theirs, Some(5)),
        (Call::ReceiveFrom, None, None),
        (Call::SendTo, theirs, Some(0)),
        (Call::CloseDatagram, ours, None),
        (Call::CloseDatagram, None, None),
    ];
    assert_eq!(*calls.0.lock().unwrap(), expected);
}

/// What the example prints.
fn example(arguments: &[&str]) -> Vec<String> {
    Program::example("datagram", arguments).succeed(SOON).lines
}

fn received(lines: &[String]) -> Vec<u64> {
    let numbers = lines.iter().filter_map(|line| line.strip_prefix("received"));
    numbers.map(|rest| rest.split_whitespace().next().unwrap().parse().unwrap()).collect()
}

fn find<'a>(lines: &'a [String], start: &str) -> &'a str {
    lines
        .iter()
        .find_map(|line| line.strip_prefix(start))
        .unwrap_or_else(|| panic!("no {start:?} in {lines:#?}"))
        .trim()
}

#[test]
fn the_example_has_the_same_losses_for_the_same_seed() {
    let [first, again, other] = ["3", "3", "4"].map(|seed| example(&["--seed", seed, "--count", "60"]));
    assert_eq!(first, again);
    assert_ne!(received(&first), received(&other));

    // What the receiver saw is what the relay did.
    let (numbers, did) = (received(&first), find(&first, "what the relay did"));
    let fates = |word: &str| -> Vec<u64> {
        let all = did.split(", ").filter_map(|fate| fate.strip_prefix(word));
        all.map(|number| number.trim().parse().unwrap()).collect()
    };
    let (lost, doubled, delayed) = (fates("lost"), fates("doubled"), fates("delayed"));
    assert!(!lost.is_empty() && !doubled.is_empty() && !delayed.is_empty(), "{did}");
    for number in 1..=60 {
        let times = numbers.iter().filter(|seen| **seen == number).count();
        let expected = if lost.contains(&number) { 0 } else { 1 + usize::from(doubled.contains(&number)) };
        assert_eq!(times, expected, "{number} of {first:#?}");
    }
    let highest = *numbers.iter().max().unwrap();
    let missed: Vec<String> = lost.iter().filter(|lost| **lost < highest).map(u64::to_string).collect();
    assert_eq!(find(&first, "the receiver misses"), missed.join(", "));
    let said = |what: &str| first.iter().filter(|line| line.contains(what)).count();
    assert_eq!(said("a second time"), doubled.len());
    assert!(said("late: others overtook it") > 0, "{first:#?}");
}

#[test]
fn the_example_without_mishaps_has_all_in_order() {
    let lines = example(&["--lose", "0", "--double", "0", "--delay", "0"]);
    assert_eq!(received(&lines), (1..=20).collect::<Vec<_>>());
    assert_eq!(find(&lines, "the receiver misses"), "none");
    assert_eq!(find(&lines, "what the relay did"), "nothing");
    let lines = example(&["--lose", "100"]);
    assert!(received(&lines).is_empty(), "{lines:#?}");
}
