//! How much of what honest clients suffer from an attack is the server's doing? Beside ours, a server is attacked in the same
//! way that has a thread for each client and does nothing but read. Both take turns, each calm first and then attacked, with
//! the servers on one core and all clients on another; the medians of several rounds are compared.
//!
//! The slowest hundredth says more about who else is on the machine than about a server, so it is printed, for a machine that
//! has nothing else to do. What is asked for holds on a busy one as well: the processor time that a drop costs the server,
//! and the median of the honest exchanges.

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
const LASTS: Duration = Duration::from_secs(3);

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
    /// Calm, coming, attacked: the time that half of the exchanges needed, and that 99 of 100 did not.
    took: [(Duration, Duration); 3],
    /// Processor time of the server, for each drop, in microseconds; the honest clients' part is in it.
    each: f64,
}

impl Seen {
    fn slower(&self) -> f64 {
        self.took[2].0.as_secs_f64() / self.took[0].0.as_secs_f64()
    }

    fn slowest_slower(&self) -> f64 {
        self.took[2].1.as_secs_f64() / self.took[0].1.as_secs_f64()
    }
}

impl std::fmt::Display for Seen {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (half, most) in self.took {
            write!(out, "{:>4}/{:<5} ", half.as_micros(), most.as_micros())?;
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
    let took = all.each_mut().map(|took| {
        took.sort();
        (took[took.len() / 2], took[took.len() * 99 / 100])
    });
    Seen { took, each }
}

fn median(ratios: impl Iterator<Item = f64>) -> f64 {
    let mut ratios: Vec<f64> = ratios.collect();
    ratios.sort_by(f64::total_cmp);
    ratios[ratios.len() / 2]
}

/// Lays the same siege to both, in turns.
pub(crate) fn compare(attackers: usize, rounds: usize) {
    let (ours, (raw, raw_address)) = (Besieged::start(16_384), raw_server());
    hold_to_core(ours.program.id());
    hold_to_core(raw.id());
    let mut seen = Vec::new();
    for number in 0..rounds {
        let us = round(ours.address, ours.program.id(), false, attackers);
        let them = round(raw_address, raw.id(), true, attackers);
        println!("# round {number}, median/p99 calm, coming, attacked: ours {us}; raw {them}");
        seen.push((us, them));
    }
    let both = |of: fn(&Seen) -> f64| {
        (median(seen.iter().map(|(us, _)| of(us))), median(seen.iter().map(|(_, them)| of(them))))
    };
    let each = median(seen.iter().map(|(us, them)| us.each / them.each));
    let ((slower, raw_slower), (slowest, raw_slowest)) = (both(Seen::slower), both(Seen::slowest_slower));
    println!(
        "# {attackers} drips: honest p99 {slowest:.2} times the calm one (raw {raw_slowest:.2}), median {slower:.2} (raw \
         {raw_slower:.2}); a drop costs the server {each:.2} times what it costs a raw one"
    );
    // Both are built for debugging here. Another read, or looking at the head from its start again, would double it.
    assert!(each < 2.0, "a drop costs {each:.2} times what it costs a raw server");
    assert!(slower <= 2.0 * raw_slower.max(1.0), "the honest median: {slower:.2} times, raw {raw_slower:.2}");
}
