//! From a name to a connection: the resolver and its deadline, and every address in its turn.
//!
//! No name server is asked: the resolvers are the test's own. The blackhole is a listener whose queue is full: Linux
//! then drops whoever knocks, without a word.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use socklab::{Client, Error, Resolver, Settings, SimpleServer, StandardServer, local_addresses};
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

const SHORT: Duration = Duration::from_millis(300);
const LONG: Duration = Duration::from_secs(10);

/// A gate that resolvers stand at until the test lets them go. They would be left behind otherwise.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn wait(&self) {
        let (open, opened) = &*self.0;
        drop(opened.wait_timeout_while(open.lock().unwrap(), LONG * 6, |open| !*open).unwrap());
    }

    fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }
}

fn settings(
    limit: Duration,
    ask: impl Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
) -> Settings {
    Settings { resolver: Resolver::new(ask), connect_limit: limit, ..Settings::default() }
}

fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < LONG, "not within {LONG:?}: {what}");
        std::thread::yield_now();
    }
}

/// An address at which connections are neither accepted nor refused, for as long as the streams are kept.
#[cfg(target_os = "linux")]
fn blackhole(address: &str) -> (SocketAddr, TcpListener, Vec<TcpStream>) {
    let listener = TcpListener::bind(address).unwrap();
    let address = listener.local_addr().unwrap();
    let mut waiting = Vec::new();
    // std asks for a queue of 128; the limit is for a std that asks for more.
    while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(200)) {
        waiting.push(stream);
        assert!(waiting.len() < 900, "the queue of {address} is never full");
    }
    (address, listener, waiting)
}

#[test]
fn a_resolver_that_blocks_meets_the_deadline() {
    let gate = Gate::default();
    let behind = gate.clone();
    let settings = settings(SHORT, move |_, _| {
        behind.wait();
        Ok(Vec::new())
    });
    let begun = Instant::now();
    let error = Client::connect_with("blackboard:7000", &settings).unwrap_err();
    let took = begun.elapsed();
    gate.open();
    assert!(took >= SHORT && took < SHORT * 3, "{took:?}");
    let Error::Resolve { target, source } = &error else { panic!("{error:?}") };
    assert_eq!((target.as_str(), source.kind()), ("blackboard:7000", ErrorKind::TimedOut));
    assert!(error.to_string().contains("not resolved in time (no answer within 300ms)"), "{error}");
}

#[test]
fn a_resolver_is_asked_for_the_host_and_the_port() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let kept = asked.clone();
    let settings = settings(LONG, move |host, port| {
        kept.lock().unwrap().push((host.to_owned(), port));
        Ok(vec![address])
    });
    Client::connect_with("blackboard:7000", &settings).unwrap();
    Client::connect_with("[fe80::1%chalk]:80", &settings).unwrap();
    let expected = [("blackboard".to_owned(), 7000), ("fe80::1%chalk".to_owned(), 80)];
    assert_eq!(*asked.lock().unwrap(), expected);
}

#[test]
fn a_server_asks_the_same_resolver() {
    let named = settings(LONG, |host, port| {
        assert_eq!((host, port), ("blackboard", 7000));
        Ok(vec!["127.0.0.1:0".parse().unwrap()])
    });
    assert!(StandardServer::bind_with("blackboard:7000", &named).unwrap().local_address().ip().is_loopback());
    assert!(SimpleServer::bind_with("blackboard:7000", &named).unwrap().local_address().ip().is_loopback());

    let gate = Gate::default();
    let behind = gate.clone();
    let hangs = settings(SHORT, move |_, _| {
        behind.wait();
        Ok(Vec::new())
    });
    let begun = Instant::now();
    let error = StandardServer::bind_with("blackboard:7000", &hangs).err().unwrap();
    let took = begun.elapsed();
    gate.open();
    assert!(error.to_string().contains("not resolved in time"), "{error}");
    assert!(took >= SHORT && took < SHORT * 3, "{took:?}");
}

#[test]
fn an_address_in_digits_asks_nobody() {
    let settings = settings(LONG, |host, _| panic!("{host} was asked for"));
    for local in ["127.0.0.1:0", "[::1]:0"] {
        let Ok(listener) = TcpListener::bind(local) else {
            // A machine without IPv6. (One without IPv4 fails here.)
            assert!(local.starts_with('['), "{local}");
            continue;
        };
        let address = listener.local_addr().unwrap();
        assert_eq!(Client::connect_with(&address.to_string(), &settings).unwrap().peer_address().unwrap(), address);
    }
}

#[test]
fn what_is_no_address_asks_nobody_either() {
    let settings = settings(LONG, |host, _| panic!("{host} was asked for"));
    for wrong in ["blackboard", "blackboard:", ":7000", "blackboard:70000", "::1:7000", "[blackboard]:7000"] {
        let error = Client::connect_with(wrong, &settings).unwrap_err();
        assert!(matches!(error, Error::Address { .. }), "{wrong}: {error:?}");
    }
}

#[test]
fn no_address_and_a_panic_are_errors_that_say_so() {
    let none = settings(LONG, |_, _| Ok(Vec::new()));
    let error = Client::connect_with("nobody:7000", &none).unwrap_err();
    assert!(error.to_string().starts_with("the name in nobody:7000 leads to no address (no address)"), "{error}");
    let panics = settings(LONG, |_, _| panic!("on purpose"));
    let begun = Instant::now();
    let error = Client::connect_with("nobody:7000", &panics).unwrap_err();
    assert!(error.to_string().contains("the resolver panicked"), "{error}");
    assert!(begun.elapsed() < LONG / 2, "nobody waits for an answer that cannot come");
}

#[test]
fn a_resolver_that_hangs_is_not_asked_for_ever() {
    let gate = Gate::default();
    let (behind, asked) = (gate.clone(), Arc::new(AtomicUsize::new(0)));
    let count = asked.clone();
    let settings = settings(Duration::from_millis(1), move |_, _| {
        count.fetch_add(1, Ordering::SeqCst);
        behind.wait();
        Err(io::Error::other("was let go"))
    });
    for _ in 0..64 {
        let error = Client::connect_with("blackboard:7000", &settings).unwrap_err();
        assert!(error.to_string().contains("not resolved in time"), "{error}");
    }
    wait_until("64 threads that ask", || asked.load(Ordering::SeqCst) == 64);
    let error = Client::connect_with("blackboard:7000", &settings).unwrap_err();
    assert!(error.to_string().contains("64 names before it are still without an answer"), "{error}");
    assert_eq!(asked.load(Ordering::SeqCst), 64);
    // Another resolver has its own count, and this one is asked again once its threads have come back.
    assert!(Resolver::new(|_, _| Ok(vec!["127.0.0.1:1".parse().unwrap()])).resolve("other:1", LONG).is_ok());
    gate.open();
    wait_until("the answer of the resolver", || {
        let error = settings.resolver.resolve("blackboard:7000", LONG).unwrap_err();
        error.to_string().contains("was let go")
    });
    let settled = asked.load(Ordering::SeqCst);
    wait_until("64 more, none of them abandoned", || {
        let error = settings.resolver.resolve("blackboard:7000", LONG).unwrap_err();
        assert!(error.to_string().contains("was let go"), "{error}");
        asked.load(Ordering::SeqCst) > settled + 64
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_blackhole_takes_its_share_of_the_time_and_no_more() {
    let (hole, _listener, _waiting) = blackhole("127.0.0.1:0");
    let good = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = good.local_addr().unwrap();
    let settings = settings(Duration::from_secs(3), move |_, _| Ok(vec![hole, address]));
    let begun = Instant::now();
    let client = Client::connect_with("blackboard:7000", &settings).unwrap();
    let took = begun.elapsed();
    assert_eq!(client.peer_address().unwrap(), address);
    assert!(
        took >= Duration::from_millis(1490) && took < Duration::from_millis(2900),
        "half of the time, not {took:?}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn what_the_name_took_is_no_longer_there_for_the_addresses() {
    let (hole, _listener, _waiting) = blackhole("127.0.0.1:0");
    let settings = settings(Duration::from_millis(900), move |_, _| {
        std::thread::sleep(Duration::from_millis(500)); // the resolver is slow: that is what is tested
        Ok(vec![hole, hole])
    });
    let begun = Instant::now();
    let error = Client::connect_with("blackboard:7000", &settings).unwrap_err();
    let took = begun.elapsed();
    assert!(took >= Duration::from_millis(880) && took < Duration::from_millis(1390), "{took:?}");
    let Error::Connect { attempts, .. } = &error else { panic!("{error:?}") };
    assert_eq!(attempts.len(), 2, "{error}");
    assert!(attempts.iter().all(|(at, error)| *at == hole && error.kind() == ErrorKind::TimedOut), "{error}");
}

#[cfg(target_os = "linux")]
#[test]
fn the_error_lists_each_attempt_in_the_order_of_the_families() {
    let (hole, _listener, _waiting) = blackhole("127.0.0.1:0");
    let closed = |local: &str| TcpListener::bind(local).and_then(|listener| listener.local_addr());
    // All of 127/8 is this machine. Where it has no IPv6, the attempt there fails as well, in other words.
    let [second, third] = ["127.0.0.2:0", "127.0.0.3:0"].map(|local| closed(local).unwrap());
    let sixth = closed("[::1]:0").unwrap_or("[::1]:9".parse().unwrap());
    let settings = settings(Duration::from_millis(800), move |_, _| Ok(vec![hole, second, third, sixth]));
    let error = Client::connect_with("blackboard:7000", &settings).unwrap_err();
    let Error::Connect { target, attempts } = &error else { panic!("{error:?}") };
    assert_eq!(target, "blackboard:7000");
    assert_eq!(attempts.iter().map(|(address, _)| *address).collect::<Vec<_>>(), [hole, sixth, second, third]);
    let kinds = [0, 2, 3].map(|place: usize| attempts[place].1.kind());
    assert_eq!(kinds, [ErrorKind::TimedOut, ErrorKind::ConnectionRefused, ErrorKind::ConnectionRefused]);
    let said = error.to_string();
    for words in ["no answer at all", "nobody listens there", &second.to_string(), &sixth.to_string()] {
        assert!(said.contains(words), "{words} is missing in: {said}");
    }
}

#[test]
fn a_local_address_leads_to_this_machine() {
    let addresses = local_addresses();
    let mut seen = Vec::new();
    for ip in &addresses {
        assert!(!ip.is_loopback() && !ip.is_unspecified() && !ip.is_multicast(), "{ip} is of no use to a client");
        assert!(!seen.contains(ip), "{ip} is there twice: {addresses:?}");
        seen.push(*ip);
        // Only an address of this machine can be bound to.
        TcpListener::bind((*ip, 0)).unwrap_or_else(|error| panic!("{ip} is not ours: {error}"));
    }
    // What the routing table says about the way out is the best, and it is asked here once more.
    let way_out = UdpSocket::bind("0.0.0.0:0").unwrap();
    if way_out.connect("198.51.100.1:9").is_ok() {
        assert_eq!(addresses.first(), Some(&way_out.local_addr().unwrap().ip()), "{addresses:?}");
    }
}
