//! The server under siege: a program of its own, so that what the kernel counts of it is its own, and the row of figures
//! that each attack leaves.

use super::honest::{Honest, Phase, Visitor};
use crate::websocket::support::{self, Program};
use crate::websocket::{SOON, eventually};
use std::fmt;
use std::net::SocketAddr;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

/// What ended attackers may leave resident, in KiB, and a quarter of what they made it grow by. It is the allocator's habit
/// and no leak: glibc keeps the stacks of ended threads for the next ones, up to 40 MiB of addresses (160 stacks of 256 KiB,
/// of which some 16 KiB each were touched), and of its heaps it gives back only what lies above the last block in use: after
/// 5,000 clients some 6 KiB of each stay, however often they come. So a leak is told from a habit by the second wave: the
/// habit is there already, a leak comes once more.
const HABIT: u64 = 12 * 1024;

/// And what may stay for each thread that there was at once, in KiB.
const FOR_EACH: u64 = 8;

/// What a later wave may leave on top of the first, in KiB, and a sixteenth of what it grew by.
const AGAIN: u64 = 4 * 1024;

/// What the kernel counts of a process.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Held {
    /// KiB.
    pub(crate) resident: u64,
    pub(crate) threads: u64,
    pub(crate) descriptors: u64,
}

impl Held {
    fn of(process: u32) -> Held {
        let status = std::fs::read_to_string(format!("/proc/{process}/status")).expect("the server runs");
        let count = |key: &str| {
            let line = status.lines().find(|line| line.starts_with(key)).expect("Linux counts it");
            line.split_whitespace().nth(1).unwrap().parse().unwrap()
        };
        let descriptors = std::fs::read_dir(format!("/proc/{process}/fd")).expect("the server runs").count() as u64;
        Held { resident: count("VmRSS:"), threads: count("Threads:"), descriptors }
    }

    fn most(self, other: Held) -> Held {
        Held {
            resident: self.resident.max(other.resident),
            threads: self.threads.max(other.threads),
            descriptors: self.descriptors.max(other.descriptors),
        }
    }
}

impl fmt::Display for Held {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{:>6} KiB {:>5} thr {:>5} fd", self.resident, self.threads, self.descriptors)
    }
}

/// How one siege is laid, and what is asked of it.
pub(crate) struct Siege {
    pub(crate) name: &'static str,
    /// Descriptors that the server may have.
    pub(crate) descriptors: usize,
    /// How often the same attack comes.
    pub(crate) waves: usize,
    /// What it may grow by while it is attacked, in KiB.
    pub(crate) grows: u64,
    /// Honest clients come and go during the attack, too.
    pub(crate) visitors: bool,
    /// The attack says when all have come: until then, it is another phase.
    pub(crate) arrives: bool,
    /// How much longer than before the slowest hundredth of the honest exchanges may take, and what is too short to be
    /// compared on a machine that does other things as well. None: printed, and not asked for.
    pub(crate) slower: Option<(u32, Duration)>,
}

impl Siege {
    pub(crate) fn new(name: &'static str) -> Siege {
        Siege { name, descriptors: 16_384, waves: 2, grows: 32 * 1024, visitors: true, arrives: false, slower: None }
    }

    /// As [`lay`](Siege::lay), up to three times: an attack slows the honest down every time, and a machine that is busy with
    /// something else now and then.
    pub(crate) fn lay_again_if_slow(&self, attack: impl Fn(SocketAddr, usize, &dyn Fn()) -> String) {
        assert!((0..3).any(|_| self.lay(&attack)), "{}: the honest were slowed down each time", self.name);
    }

    /// Lays the siege: calm, attack, calm again, and so on; `attack` says when all attackers have come, if that takes a
    /// while, and at the end what it did. Everything that is promised is asked for here, but whether the honest were as quick
    /// as [`Siege::slower`] asks, which is returned.
    pub(crate) fn lay(&self, attack: impl Fn(SocketAddr, usize, &dyn Fn()) -> String) -> bool {
        let server = Besieged::start(self.descriptors);
        let honest = Honest::come(server.address);
        // What a first visitor touches, every later one finds; and what visitors cost is no attacker's doing.
        let visitor = Visitor::come(server.address);
        // How long it is calm: there is something to compare with.
        thread::park_timeout(Duration::from_secs(if self.slower.is_some() { 3 } else { 1 }));
        visitor.leave();
        let start = server.settled(None);
        let mut rested = Vec::new();
        let (mut peak, mut said) = (start, String::new());
        for wave in 0..self.waves {
            honest.enter(if self.arrives { Phase::Coming } else { Phase::Attacked });
            let visitor = self.visitors.then(|| Visitor::come(server.address));
            let watch = Watch::begin(server.program.id());
            said = attack(server.address, wave, &|| honest.enter(Phase::Attacked));
            peak = peak.most(watch.end());
            let visits = visitor.map_or(0, Visitor::leave);
            assert!(!self.visitors || visits > 0, "{}: nobody new came in", self.name);
            honest.enter(Phase::After);
            rested.push(server.settled(Some(start)));
            // And whoever comes now is let in.
            Visitor::once(server.address);
        }
        let [before, coming, during] =
            [Phase::Before, Phase::Coming, Phase::Attacked].map(|phase| honest.slowest_hundredth(phase));
        let (exchanged, longest) = honest.leave();
        let after = rested[rested.len() - 1];
        let left = |rest: &Held| rest.resident.saturating_sub(start.resident);
        let there = peak.threads - start.threads;
        let after_each_wave: Vec<_> = rested.iter().map(left).collect();
        let shown = |p99: Option<Duration>| p99.map_or("-".to_owned(), |p99| p99.as_micros().to_string());
        println!(
            "# {:<22} | start {start} | peak {peak} | after {after} | waves leave {after_each_wave:?} KiB, {:.1} each | \
             p99 calm {}, coming {}, attacked {} us, longest {} ms, {exchanged} echoed | {said}",
            self.name,
            left(&after) as f64 / there.max(1) as f64,
            shown(before),
            shown(coming),
            shown(during),
            longest.as_millis(),
        );
        assert!(peak.resident < start.resident + self.grows, "{}: the memory grows to {peak}", self.name);
        let grew = peak.resident - start.resident;
        for (wave, rest) in rested.iter().enumerate() {
            let (rests, first) = (rest.resident, rested[0].resident);
            assert!(rests < start.resident + HABIT + grew / 4, "{}: {start} became {rest} in wave {wave}", self.name);
            assert!(left(rest) < HABIT + FOR_EACH * there, "{}: {rest} with {there} at once", self.name);
            assert!(rests < first + AGAIN + grew / 16, "{}: each wave leaves more: {rested:?}", self.name);
        }
        self.slower.is_none_or(|(times, floor)| {
            let (before, during) = (before.expect("it was calm for seconds"), during.expect("it took seconds"));
            during <= (before * times).max(floor)
        })
    }
}

/// The server.
pub(crate) struct Besieged {
    pub(crate) program: Program,
    pub(crate) address: SocketAddr,
}

impl Besieged {
    pub(crate) fn start(descriptors: usize) -> Besieged {
        let mut command = Command::new("sh");
        // Where that many are not allowed, as many as are.
        let raise = format!("ulimit -n {descriptors} 2>/dev/null || ulimit -n $(ulimit -H -n)");
        command.args(["-c", &format!("{raise}; exec \"$0\" \"$@\"")]).arg(support::example_path("ws_echo_server"));
        command.args(["--listen", "127.0.0.1:0", "--clients", "8192"]);
        // Else, once a block of 16 MiB was freed, glibc takes blocks of that size for usual ones and keeps them: up to 64 MiB
        // in each of its arenas, which would hide a leak. Whoever watches a server's memory sets this, too.
        command.env("MALLOC_TRIM_THRESHOLD_", "131072");
        let mut program = Program::start("ws_echo_server", command);
        let address = program.address();
        Besieged { program, address }
    }

    pub(crate) fn held(&self) -> Held {
        Held::of(self.program.id())
    }

    /// Waits until the threads and descriptors are those of the honest clients again. Nobody has to come for it: the threads
    /// that end join each other.
    pub(crate) fn settled(&self, start: Option<Held>) -> Held {
        let begun = Instant::now();
        let mut last = self.held();
        eventually("the threads and descriptors of the attackers are given back", || {
            thread::park_timeout(Duration::from_millis(30));
            let now = self.held();
            let rests = match start {
                Some(start) => (now.threads, now.descriptors) == (start.threads, start.descriptors),
                None => (now.threads, now.descriptors) == (last.threads, last.descriptors),
            };
            if !rests && begun.elapsed() > SOON - Duration::from_secs(2) {
                panic!("{now}, and it was {start:?}\n{}", self.program.complaints());
            }
            last = now;
            rests
        });
        self.held()
    }
}

/// Looks again and again how much the server holds.
struct Watch {
    over: Arc<AtomicBool>,
    thread: thread::JoinHandle<Held>,
}

impl Watch {
    fn begin(process: u32) -> Watch {
        let over = Arc::new(AtomicBool::new(false));
        let ends = over.clone();
        let thread = thread::spawn(move || {
            let mut most = Held::of(process);
            while !ends.load(SeqCst) {
                // The pace: to count thousands of descriptors is work as well.
                thread::park_timeout(Duration::from_millis(200));
                most = most.most(Held::of(process));
            }
            most
        });
        Watch { over, thread }
    }

    fn end(self) -> Held {
        self.over.store(true, SeqCst);
        self.thread.thread().unpark();
        self.thread.join().expect("the server ended under the attack")
    }
}
