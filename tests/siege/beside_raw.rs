//! How much of what honest clients suffer from an attack is the server's doing? Beside ours, a server is attacked in the same
//! way that has a thread for each client and does nothing but read. Both take turns, each calm first and then attacked, with
//! the servers on one core and all clients on another; the medians of several rounds are compared.
//!
//! Asked is that the slowest hundredth of the honest exchanges takes at most twice as long as in the calm. Where the machine has
//! other things to do, that alone says nothing: a calm moment and a busy one differ by more than that. So whatever the raw
//! server's honest clients suffer is allowed to ours; and what a drop costs the server in processor time is looked at, too, for
//! that hardly depends on who else is there.

use super::attacks;
use super::besieged::Besieged;
use crate::websocket::support::Program;
use crate::websocket::{Peer, TEXT, frame};
use std::cell::Cell;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

/// Between two messages of an honest client.
const PACE: Duration = Duration::from_millis(2);

/// How long it is calm, and how long they drip: less than a handshake may take, so that nobody is thrown out meanwhile.
const LASTS: Duration = Duration::from_secs(2);

const ROUNDS: usize = 5;
const MOST_ROUNDS: usize = 9;

/// A thread for each client, with the stack that ours have. It echoes what begins like a frame, and only reads what
/// does not.
pub(crate) fn serve() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    println!("\nlistening on {}", listener.local_addr().unwrap());
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        stream.set_nodelay(true).unwrap();
        let echo = move || {
            let mut buffer = vec![0; 2048];
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                if buffer[0] == TEXT && stream.write_all(&buffer[..count]).is_err() {
                    break;
                }
            }
        };
        thread::Builder::new().stack_size(256 * 1024).spawn(echo).unwrap();
    }
}

fn raw_server() -> (Program, SocketAddr) {
    let mut command = Command::new("sh");
    command.args(["-c", "ulimit -n 16384 2>/dev/null || ulimit -n $(ulimit -H -n); exec \"$0\" \"$@\""]);
    command.arg(std::env::current_exe().unwrap());
    command.args(["--exact", "the_raw_server", "--ignored", "--nocapture", "--test-threads=1"]);
    let mut program = Program::start("the raw server", {
        command.env("SOCKLAB_RAW", "1");
        command
    });
    let line = program.find_line("its address", |line| line.starts_with("listening on "));
    let address = line.rsplit(' ').next().unwrap().parse().unwrap();
    (program, address)
}

/// Holds a server to the first core. With one core only there is no choice.
fn hold_to_core(process: u32) {
    let _ = Command::new("taskset").args(["-a", "-c", "-p", "0", &process.to_string()]).output();
}

/// Processor time that it has used, in milliseconds.
fn used(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap();
    let fields: Vec<_> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    // utime and stime, counted from behind the name, in hundredths of a second.
    10.0 * (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap())
}

/// What a round was like.
struct Seen {
    /// Calm, coming, attacked: the time that 99 of 100 honest exchanges did not need.
    p99: [Duration; 3],
    /// The same, of the half.
    median: [Duration; 3],
    /// Processor time of the server, for each drop, in microseconds; the honest clients' part is in it.
    each: f64,
}

impl Seen {
    fn slower(&self) -> f64 {
        self.p99[2].as_secs_f64() / self.p99[0].as_secs_f64()
    }
}

impl std::fmt::Display for Seen {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (median, p99) in self.median.iter().zip(&self.p99) {
            write!(out, "{}/{} ", median.as_micros(), p99.as_micros())?;
        }
        write!(out, "us, {:.1} us for each drop", self.each)
    }
}

/// What an honest client does: says a message and waits until it is back.
fn exchange(mut peer: Peer, reply: &[u8], phase: &AtomicUsize) -> [Vec<Duration>; 3] {
    let mut took: [Vec<Duration>; 3] = Default::default();
    let (request, mut back) = (frame(TEXT, &[b'h'; 32]), vec![0; reply.len()]);
    loop {
        let begun = Instant::now();
        let now = phase.load(SeqCst);
        if now == took.len() {
            return took;
        }
        peer.write(&request);
        peer.stream.read_exact(&mut back).unwrap();
        assert_eq!(back, reply);
        took[now].push(begun.elapsed());
        thread::park_timeout(PACE);
    }
}

/// One round.
fn round(server: SocketAddr, process: u32, is_raw: bool, attackers: usize) -> Seen {
    let phase = AtomicUsize::new(0);
    let request = frame(TEXT, &[b'h'; 32]);
    let reply = if is_raw { request } else { [&[TEXT, 32][..], &[b'h'; 32]].concat() };
    let mut all: [Vec<Duration>; 3] = Default::default();
    let mut each = 0.0;
    thread::scope(|scope| {
        let come = || if is_raw { Peer::silent(server) } else { Peer::connect(server) };
        let stay = |_| {
            let (peer, reply, phase) = (come(), &reply, &phase);
            scope.spawn(move || exchange(peer, reply, phase))
        };
        let honest: Vec<_> = (0..4).map(stay).collect();
        let begun = Instant::now();
        // How long it is calm. Again and again, for the scope before this one may have left a token to unpark us.
        while begun.elapsed() < LASTS {
            thread::park_timeout(LASTS);
        }
        phase.store(1, SeqCst);
        let before = Cell::new(0.0);
        attacks::drip(server, attackers, LASTS, &|| {
            before.set(used(process));
            phase.store(2, SeqCst);
        });
        each = (used(process) - before.get()) * 1000.0 / (attackers as f64 * LASTS.as_secs_f64());
        phase.store(3, SeqCst);
        for took in honest.into_iter().map(|thread| thread.join().expect("an honest client lost something")) {
            all.iter_mut().zip(took).for_each(|(all, took)| all.extend(took));
        }
    });
    all.iter_mut().for_each(|took| took.sort());
    let at = |hundredth: usize| all.each_ref().map(|took| took[took.len() * hundredth / 100]);
    Seen { p99: at(99), median: at(50), each }
}

/// What the rounds say together, each figure a median over them.
struct Verdict {
    /// Microseconds: the p99 in the calm and under attack, ours and raw.
    calm: [f64; 2],
    attacked: [f64; 2],
    /// How many times the calm p99 the one under attack is, ours and raw.
    slower: [f64; 2],
    /// Processor time for a drop, in microseconds, ours and raw, and how many times raw's ours is.
    each: [f64; 2],
    dearer: f64,
}

impl Verdict {
    fn of(rounds: &[[Seen; 2]]) -> Verdict {
        let median = |of: &dyn Fn(&[Seen; 2]) -> f64| {
            let mut all: Vec<f64> = rounds.iter().map(of).collect();
            all.sort_by(f64::total_cmp);
            all[all.len() / 2]
        };
        let both = |of: fn(&Seen) -> f64| [0, 1].map(|side: usize| median(&|round| of(&round[side])));
        Verdict {
            calm: both(|seen| seen.p99[0].as_secs_f64() * 1e6),
            attacked: both(|seen| seen.p99[2].as_secs_f64() * 1e6),
            slower: both(Seen::slower),
            each: both(|seen| seen.each),
            dearer: median(&|[ours, raw]| ours.each / raw.each),
        }
    }

    /// Both servers are built as the tests are, so mostly for debugging. Looking at the head from its start again, or working on
    /// each drop for as long as reading it takes, would double what a drop costs.
    fn holds(&self) -> bool {
        self.slower[0] <= 2.0 * self.slower[1].max(1.0) && self.dearer < 2.0
    }
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Verdict { calm, attacked, slower, each, dearer } = self;
        for (name, side) in [("honest", 0), ("beside raw", 1)] {
            let (calm, attacked, slower) = (calm[side], attacked[side], slower[side]);
            write!(out, "{name} p99 {calm:.0}, {attacked:.0} us, {slower:.2} times | ")?;
        }
        write!(out, "a drop costs the server {:.1} us, raw {:.1}, {dearer:.2} times", each[0], each[1])
    }
}

/// Lays the same siege to both, in turns. What the attack does is there in any five rounds. If five say that it is too much,
/// some more are asked, for their medians care less for what else the machine does.
pub(crate) fn compare(attackers: usize) {
    let (ours, (raw, raw_address)) = (Besieged::start(16_384), raw_server());
    hold_to_core(ours.program.id());
    hold_to_core(raw.id());
    let mut rounds = Vec::new();
    let verdict = loop {
        let seen = [(ours.address, ours.program.id(), false), (raw_address, raw.id(), true)]
            .map(|(server, process, is_raw)| round(server, process, is_raw, attackers));
        println!("# round {}, median/p99 calm, coming, attacked: ours {}; raw {}", rounds.len(), seen[0], seen[1]);
        rounds.push(seen);
        let verdict = Verdict::of(&rounds);
        if rounds.len() == MOST_ROUNDS || rounds.len() == ROUNDS && verdict.holds() {
            break verdict;
        }
    };
    println!("# {attackers} drips beside raw, {} rounds | {verdict}", rounds.len());
    assert!(verdict.holds(), "{verdict}");
}
