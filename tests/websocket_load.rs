//! Many clients at once, each test in a program of its own: order and exactly-once while everybody does everything, one
//! client that stops reading among a hundred, and the stop of a thousand.
#![cfg(target_os = "linux")]

mod websocket;

use socklab::Settings;
use socklab::websocket::protocol::{CloseCode, CloseReason};
use socklab::websocket::*;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use websocket::*;

/// Two descriptors for each client, for both ends are here.
const ROOM: &str = "ulimit -n 4096 2>/dev/null || ulimit -n $(ulimit -H -n)";
const BROADCASTERS: usize = 4;

// --- order and exactly-once -----------------------------------------------------------------------

/// Echoes numbered messages, and writes down whatever is not as it must be.
#[derive(Default)]
struct Load {
    connected: AtomicUsize,
    disconnected: AtomicUsize,
    /// The sessions that somebody disconnected.
    kicked: Mutex<HashMap<u64, usize>>,
    wrong: Mutex<Vec<String>>,
}

struct Guest {
    number: u64,
    /// The number of the client's next message.
    next: usize,
    /// For each of the broadcasters: how many procedures it has run here.
    executed: [usize; BROADCASTERS],
}

impl Load {
    fn check(&self, right: bool, what: impl FnOnce() -> String) {
        if !right {
            self.wrong.lock().unwrap().push(what());
        }
    }
}

impl Application for Arcs {
    type Session = Guest;
    type Service = ();

    fn connected(&self, request: &Request<'_>, session: &SessionHandle<Arcs>) -> Result<Guest, Refusal> {
        self.0.connected.fetch_add(1, SeqCst);
        // Who comes back says where it stopped.
        let next = request.head.query().unwrap().parse().unwrap();
        Ok(Guest { number: session.number(), next, executed: [0; BROADCASTERS] })
    }

    fn message(&self, guest: &mut Guest, message: MessageRef<'_>, session: &mut Session<'_, Arcs>) {
        let MessageRef::Text(text) = message else { panic!("only text is sent here") };
        self.0.check(text == format!("m {}", guest.next), || format!("{text} and not m {}", guest.next));
        guest.next += 1;
        session.text(text);
    }

    fn disconnected(&self, guest: Guest, ending: &Ending, _: &ServerHandle<Arcs>) {
        self.0.disconnected.fetch_add(1, SeqCst);
        let kicked = self.0.kicked.lock().unwrap().contains_key(&guest.number);
        let by_us = matches!(ending, Ending::WeClosed(reason) if reason.code.0 == 4000);
        let gone = matches!(ending, Ending::PeerClosed(_))
            || matches!(ending, Ending::WeClosed(reason) if reason.code.0 == 1001);
        self.0.check(by_us == kicked && (by_us || gone), || format!("{} kicked: {kicked}, {ending:?}", guest.number));
    }
}

struct Arcs(Arc<Load>);

/// The last number heard of each broadcaster.
#[derive(Default)]
struct Heard([Option<usize>; BROADCASTERS]);

impl Heard {
    fn hear(&mut self, load: &Load, text: &str) {
        let mut numbers = text.split(' ').skip(1).map(|number| number.parse::<usize>().unwrap());
        let (from, number) = (numbers.next().unwrap(), numbers.next().unwrap());
        let expected = self.0[from].map_or(number, |last| last + 1);
        load.check(number == expected, || format!("broadcast {number} of {from} and not {expected}"));
        self.0[from] = Some(number);
    }
}

/// One client: sends its messages at a steady pace, and comes back when it is thrown out. Returns how often it was.
fn client(load: &Load, address: std::net::SocketAddr, messages: usize, lasts: Duration) -> usize {
    let begun = Instant::now();
    let (mut next, mut returns) = (0, 0);
    loop {
        let mut peer = Peer::silent(address);
        peer.write(upgrade(&format!("/?{next}"), "").as_bytes());
        let (status, head) = peer.head();
        assert_eq!(status, 101, "{head}");
        let mut heard = Heard::default();
        let mut waits = false;
        // Until it is thrown out.
        loop {
            if !waits {
                if next == messages {
                    peer.leave(1000);
                    return returns;
                }
                let due = lasts * next as u32 / messages as u32;
                thread::park_timeout(due.saturating_sub(begun.elapsed())); // the pace, and nothing that is waited for
                waits = peer.try_send(TEXT, format!("m {next}").as_bytes());
            }
            let Some((opcode, payload)) = peer.next() else { break };
            let text = String::from_utf8_lossy(&payload).into_owned();
            match (opcode, &text.split(' ').collect::<Vec<_>>()[..]) {
                (CLOSE, _) => {
                    // What we sent and got no echo of was not taken: the server says so by its own goodbye.
                    peer.leave(4000);
                    break;
                }
                (TEXT, &["m", number]) => {
                    load.check(waits && number == next.to_string(), || format!("echo {number} and not {next}"));
                    (next, waits) = (next + 1, false);
                }
                (TEXT, ["b", ..]) => heard.hear(load, &text),
                _ => load.check(false, || format!("{opcode:x} {text}")),
            }
        }
        returns += 1;
    }
}

/// One of those who broadcast, execute and disconnect at random, until told to stop; the first session is never
/// disconnected. Returns how many of each it did, and how many procedures the first session has accepted from it.
fn meddle(me: usize, load: &Load, server: &ServerHandle<Arcs>, stop: &AtomicBool) -> ([usize; 3], usize) {
    let (mut done, mut accepted) = ([0; 3], HashMap::<u64, usize>::new());
    let first = server.sessions()[0].number();
    let mut random = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(me as u64 + 1);
    let mut draw = |below: usize| {
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random as usize % below
    };
    while !stop.load(SeqCst) {
        let what = [0, 0, 0, 0, 0, 1, 1, 1, 1, 2][draw(10)];
        if what == 0 {
            server.broadcast(MessageRef::Text(&format!("b {me} {}", done[0])));
        } else {
            let sessions = server.sessions();
            // Every other time the first, for there it is counted whether all of them ran.
            let session = &sessions[draw(2) * draw(sessions.len())];
            let number = session.number();
            if what == 1 {
                let expected = accepted.entry(number).or_default();
                let now = *expected;
                let run = move |guest: &mut Guest| {
                    assert!(guest.executed[me] == now && guest.number == number, "procedure {now} of {me}");
                    guest.executed[me] += 1;
                };
                *expected += usize::from(session.execute(run).is_ok());
            } else if number != first {
                // Its end may be told before we are back from here.
                *load.kicked.lock().unwrap().entry(number).or_default() += 1;
                if session.disconnect(&CloseReason::new(CloseCode(4000), "at random")).is_err() {
                    let mut kicked = load.kicked.lock().unwrap();
                    let count = kicked.get_mut(&number).unwrap();
                    *count -= 1;
                    if *count == 0 {
                        kicked.remove(&number);
                    }
                }
            }
        }
        done[what] += 1;
        thread::park_timeout(Duration::from_millis(8)); // the pace
    }
    (done, accepted.get(&first).copied().unwrap_or(0))
}

fn order_and_exactly_once(messages: usize, lasts: Duration) {
    let before = status("Threads");
    let load = Arc::new(Load::default());
    let reports = load.clone();
    let server = WebSocketServer::bind("127.0.0.1:0", Arcs(load.clone()), (), limits()).unwrap();
    let server = server.on_trouble(move |trouble| reports.check(false, || trouble.what));
    let (address, handle) = (server.local_address(), server.handle());
    let running = thread::spawn(move || server.run().unwrap());
    // One stays to the end, and only listens.
    let mut listener = Peer::silent(address);
    listener.write(upgrade("/?0", "").as_bytes());
    assert_eq!(listener.head().0, 101);
    eventually("it is listed", || handle.sessions().len() == 1);
    let first = handle.sessions().remove(0);
    let hears = load.clone();
    let listening = thread::spawn(move || {
        let mut heard = Heard::default();
        loop {
            match listener.next().expect("it is cut off") {
                (CLOSE, _) => break listener.leave(1001),
                (PING, _) => listener.send(PONG, b""),
                (_, text) => heard.hear(&hears, std::str::from_utf8(&text).unwrap()),
            }
        }
        heard
    });
    let stop = Arc::new(AtomicBool::new(false));
    let meddlers: Vec<_> = (0..BROADCASTERS)
        .map(|me| {
            let (load, handle, stop) = (load.clone(), handle.clone(), stop.clone());
            thread::spawn(move || meddle(me, &load, &handle, &stop))
        })
        .collect();
    let clients: Vec<_> = (0..200)
        .map(|_| {
            let load = load.clone();
            thread::spawn(move || client(&load, address, messages, lasts))
        })
        .collect();
    let returns: usize = clients.into_iter().map(|client| client.join().unwrap()).sum();
    stop.store(true, SeqCst);
    let (mut done, mut accepted, mut broadcasts) = ([0; 3], [0; BROADCASTERS], [None; BROADCASTERS]);
    for (me, meddler) in meddlers.into_iter().enumerate() {
        let (counts, procedures) = meddler.join().unwrap();
        (0..3).for_each(|what| done[what] += counts[what]);
        accepted[me] = procedures;
        broadcasts[me] = counts[0].checked_sub(1);
    }
    assert_eq!(first.execute_and_wait(SOON, |guest| guest.executed).unwrap(), accepted, "each ran once");
    handle.stop();
    assert_eq!(listening.join().unwrap().0, broadcasts, "the last of each has arrived");
    let report = running.join().unwrap();
    assert_eq!(*load.wrong.lock().unwrap(), Vec::<String>::new());
    assert_eq!((report.panicked, report.still_running.len()), (0, 0), "{report:?}");
    let (connected, disconnected) = (load.connected.load(SeqCst), load.disconnected.load(SeqCst));
    println!(
        "# 200 clients, {messages} messages each; {} broadcasts, {} procedures, {} disconnected, {returns} came back",
        done[0], done[1], done[2]
    );
    assert_eq!(connected, disconnected);
    assert_eq!(connected, 1 + 200 + returns);
    assert!(returns > 0 && done.iter().all(|count| *count > 0));
    eventually("all threads are gone", || status("Threads") == before);
}

#[test]
fn order_and_exactly_once_under_load() {
    if alone("order_and_exactly_once_under_load", ROOM) {
        order_and_exactly_once(100, Duration::from_secs(4));
    }
}

#[test]
#[ignore = "takes a minute"]
fn order_and_exactly_once_for_a_minute() {
    if alone("order_and_exactly_once_for_a_minute", ROOM) {
        order_and_exactly_once(1000, Duration::from_secs(60));
    }
}

// --- the one who stops reading --------------------------------------------------------------------

#[test]
fn one_that_stops_reading_holds_up_nobody() {
    const NAME: &str = "one_that_stops_reading_holds_up_nobody";
    // By itself glibc raises the size from which it gives memory back, whenever it has given a larger piece back. Then a queue
    // that grows by doubling leaves its smaller selves resident: a habit of the allocator's, and not what is measured here.
    if !alone(NAME, &format!("export MALLOC_MMAP_THRESHOLD_=131072; {ROOM}")) {
        return;
    }
    // Who waits for the stuck one does so every time. A lock may be held by a thread that a busy machine does not run, now and
    // then. The same holds for memory: what waits for the stuck one is there each time, what others' buffers need is not.
    let bound = limits().outbox as u64 >> 10;
    let mut tries = Vec::new();
    let mut fits = || {
        let (longest, grown) = with_one_stuck();
        tries.push(format!("the longest wait {longest:?}, memory grown by {grown} KiB"));
        longest < Duration::from_millis(50) && grown < bound
    };
    let fitted = (0..3).any(|_| fits());
    assert!(fitted, "a broadcast waits for the one that does not read, or memory grows by {bound} KiB: {tries:?}");
}

/// How long this thread has been on a processor, or ready and waiting for one (proc(5), schedstat). All other time it waits for
/// somebody: a lock, a peer, an alarm.
fn ran_or_was_ready() -> Duration {
    let counts = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    counts.split_whitespace().take(2).map(|nanoseconds| Duration::from_nanos(nanoseconds.parse().unwrap())).sum()
}

/// For how long the broadcast waited that did so longest, and by how many KiB the memory grew.
fn with_one_stuck() -> (Duration, u64) {
    const PIECE: usize = 16 * 1024;
    const READS: usize = 200;
    let bound = limits().outbox;
    let server = start(App::echo(), limits());
    let (mut stuck, stuck_handle) = (server.peer(), server.session());
    let readers: Vec<_> = (0..99)
        .map(|_| {
            let (mut peer, count) = (server.peer(), Arc::new(AtomicUsize::new(0)));
            let counts = count.clone();
            let reading = thread::spawn(move || {
                loop {
                    match peer.next().expect("one that reads is cut off") {
                        (BINARY, bytes) => {
                            let number = counts.fetch_add(1, SeqCst);
                            assert!(bytes.len() == PIECE && bytes[..8] == (number as u64).to_be_bytes());
                        }
                        (CLOSE, _) => return peer.leave(1001),
                        other => panic!("{:x}", other.0),
                    }
                }
            });
            (reading, count)
        })
        .collect();
    eventually("all are there", || server.handle.sessions().len() == 100);
    let (mut piece, mut took, mut after, mut queued) = (vec![0; PIECE], Vec::new(), 0, 0);
    let (mut before, mut most) = (0, 0);
    while after < 50 {
        // As long as all read, everybody's buffers grow to what they need, on both sides. Then one stops.
        if took.len() < READS {
            before = status("VmRSS");
        }
        let number = took.len();
        assert!(number < 6000, "it takes and takes, and is never cut off");
        piece[..8].copy_from_slice(&(number as u64).to_be_bytes());
        // Those who read shall not be cut off for being slow: nobody is more than this far behind.
        let last = || readers.iter().map(|(_, count)| count.load(SeqCst)).min().unwrap();
        while number > last() + 16 {
            thread::yield_now();
        }
        let (begun, busy) = (Instant::now(), ran_or_was_ready());
        let accepted = server.handle.broadcast(MessageRef::Binary(&piece));
        took.push(begun.elapsed().saturating_sub(ran_or_was_ready() - busy));
        if took.len() <= READS {
            assert_eq!((accepted, stuck.next().unwrap().1.len()), (100, PIECE));
        }
        assert!(accepted >= 99, "{accepted} of 100");
        after += usize::from(accepted == 99);
        queued += usize::from(accepted == 100 && number >= READS);
        most = most.max(status("VmRSS"));
    }
    let (sum, mut longest) = (took.iter().sum::<Duration>(), took.clone());
    longest.sort();
    let [.., second, first] = longest[..] else { panic!("so few") };
    println!(
        "# {} broadcasts of 16 KiB to 100, waited for others: mean {:?}, longest {first:?}, then {second:?}; cut off after {}",
        took.len(),
        sum / took.len() as u32,
        took.len() - 50
    );
    println!("# resident: {before} KiB while all read, then at most {most} KiB; the bound is {} KiB", bound >> 10);
    let ended = server.ending();
    assert!(ended.0[0] == stuck_handle.number().to_string(), "the wrong one was cut off: {ended:?}");
    assert!(matches!(ended.1, Ending::WeClosed(reason) if reason.code.0 == 1008));
    // What the system had taken comes, up to the end; the rest was in the outbox when it was given up.
    let came = std::iter::from_fn(|| stuck.next()).filter(|(opcode, _)| *opcode == BINARY).count();
    println!("# of {queued} for the one that does not read {came} lay with the system");
    assert!((queued - came) * PIECE <= bound + 2 * PIECE, "{} waited in the outbox", queued - came);
    eventually("all got all", || readers.iter().all(|(_, count)| count.load(SeqCst) == took.len()));
    assert!(server.stop().still_running.is_empty());
    readers.into_iter().for_each(|(reading, _)| reading.join().unwrap());
    (first, most - before)
}

// --- the stop -------------------------------------------------------------------------------------

#[test]
fn a_thousand_hear_of_the_stop_and_half_of_them_say_nothing() {
    const NAME: &str = "a_thousand_hear_of_the_stop_and_half_of_them_say_nothing";
    if !alone(NAME, ROOM) {
        return;
    }
    let before = status("Threads");
    let settings = Settings::default();
    let stop_limit = settings.stop_limit;
    let server = start(App::echo(), Limits { settings, ..limits() });
    let mut peers: Vec<_> = (0..1000).map(|_| server.peer()).collect();
    (0..1000).for_each(|_| drop(server.session()));
    eventually("all are listed", || server.handle.sessions().len() == 1000);
    let begun = Instant::now();
    server.handle.stop();
    for (number, peer) in peers.iter_mut().enumerate() {
        assert_eq!(peer.close_code(), 1001);
        if number % 2 == 0 {
            peer.send(CLOSE, &1001_u16.to_be_bytes());
        }
    }
    let report = server.finish();
    let took = begun.elapsed();
    println!("# 1000 clients, half of them silent: stopped in {took:?}");
    assert!(took < stop_limit + Duration::from_secs(1), "{took:?}");
    assert_eq!((report.served, report.panicked, report.still_running.len()), (1000, 0, 0), "{report:?}");
    let mut events = server.rest();
    assert!(matches!(events.pop(), Some(Event::Stopped(_))));
    let by_us = |event: &Event| matches!(event, Event::Disconnected(_, Ending::WeClosed(why)) if why.code.0 == 1001);
    assert_eq!(events.iter().filter(|event| by_us(event)).count(), 1000);
    eventually("all threads are gone", || status("Threads") == before);
    assert!(peers.iter_mut().all(|peer| peer.next().is_none()));
}
