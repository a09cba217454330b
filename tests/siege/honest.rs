//! Those for whom nothing may change while others attack: a few who stay and exchange numbered messages all the time, and
//! one who comes, says something, and leaves, again and again.

use crate::websocket::{BINARY, Peer, TEXT};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

const RESIDENTS: usize = 4;

/// Not so often that the honest clients load the machine themselves.
const PACE: Duration = Duration::from_millis(2);

#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Phase {
    Before,
    /// The attackers come, and have not begun.
    Coming,
    Attacked,
    After,
}

#[derive(Default)]
struct Shared {
    phase: AtomicUsize,
    over: AtomicBool,
    took: [Mutex<Vec<Duration>>; 4],
}

/// The residents. One that loses a message panics, and so does whoever asks them to leave.
pub(crate) struct Honest {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<usize>>,
}

impl Honest {
    pub(crate) fn come(address: SocketAddr) -> Honest {
        let shared = Arc::new(Shared::default());
        let stay = |me| {
            let (mut peer, shared) = (Peer::connect(address), shared.clone());
            thread::spawn(move || exchange(me, &mut peer, &shared))
        };
        Honest { threads: (0..RESIDENTS).map(stay).collect(), shared }
    }

    pub(crate) fn enter(&self, phase: Phase) {
        self.shared.phase.store(phase as usize, SeqCst);
    }

    /// The time that 99 of 100 exchanges of a phase did not need. None, if there were not so many that one can say.
    pub(crate) fn slowest_hundredth(&self, phase: Phase) -> Option<Duration> {
        let mut took = self.shared.took[phase as usize].lock().unwrap().clone();
        took.sort();
        (took.len() >= 100).then(|| took[took.len() * 99 / 100])
    }

    /// How many messages came back, and how long the slowest took.
    pub(crate) fn leave(self) -> (usize, Duration) {
        self.shared.over.store(true, SeqCst);
        let exchanged = self.threads.into_iter().map(|thread| thread.join().expect("an honest client lost something"));
        let exchanged = exchanged.sum();
        let took = self.shared.took.iter().flat_map(|took| took.lock().unwrap().clone());
        (exchanged, took.max().unwrap_or_default())
    }
}

/// One message at a time, each with its number, and now and then a large one.
fn exchange(me: usize, peer: &mut Peer, shared: &Shared) -> usize {
    let mut number = 0_usize;
    while !shared.over.load(SeqCst) {
        let begun = Instant::now();
        let phase = shared.phase.load(SeqCst);
        let text = format!("message {number} of {me}");
        peer.say(&text);
        peer.expect(TEXT, text.as_bytes());
        shared.took[phase].lock().unwrap().push(begun.elapsed());
        if number % 64 == me {
            let large: Vec<u8> = (0..20_000).map(|at| (at * 7 + number) as u8).collect();
            peer.send(BINARY, &large);
            peer.expect(BINARY, &large);
        }
        number += 1;
        thread::park_timeout(PACE);
    }
    peer.leave(1000);
    number
}

/// Who comes and goes.
pub(crate) struct Visitor {
    over: Arc<AtomicBool>,
    thread: JoinHandle<usize>,
}

impl Visitor {
    /// One visit: in, an echo, and a goodbye that is answered.
    pub(crate) fn once(address: SocketAddr) {
        let mut peer = Peer::connect(address);
        peer.say("a visit");
        peer.expect(TEXT, b"a visit");
        peer.leave(1000);
    }

    pub(crate) fn come(address: SocketAddr) -> Visitor {
        let over = Arc::new(AtomicBool::new(false));
        let ends = over.clone();
        let thread = thread::spawn(move || {
            let mut visits = 0;
            while !ends.load(SeqCst) || visits == 0 {
                Visitor::once(address);
                visits += 1;
                thread::park_timeout(10 * PACE);
            }
            visits
        });
        Visitor { over, thread }
    }

    pub(crate) fn leave(self) -> usize {
        self.over.store(true, SeqCst);
        self.thread.join().expect("somebody new was not served")
    }
}
