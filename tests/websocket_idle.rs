//! How many system calls does a WebSocket server make? None while nothing happens, two for an echo, and two for each byte of
//! a handshake that drips. strace counts.
//!
//!     cargo test --test websocket_idle -- --ignored --nocapture
#![cfg(target_os = "linux")]

mod websocket;

use socklab::websocket::*;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};
use websocket::support::{Program, empty_folder, tool};
use websocket::*;

/// A server under strace, this very file once more.
struct Traced {
    program: Program,
    address: SocketAddr,
    record: PathBuf,
}

impl Traced {
    fn start(name: &str) -> Traced {
        let record = empty_folder(name).join("strace");
        let mut strace = tool("strace", "strace");
        strace.args(["-f", "-e", "signal=none", "-o"]).arg(&record).arg(std::env::current_exe().unwrap());
        strace.args(["--exact", "the_server_under_strace", "--ignored", "--nocapture", "--test-threads=1"]);
        strace.env("SOCKLAB_STRACED", "1");
        let mut program = Program::start_group(name, strace);
        let line = program.find_line("its address", |line| line.starts_with("listening on "));
        Traced { program, address: line.rsplit(' ').next().unwrap().parse().unwrap(), record }
    }

    fn lines(&self) -> usize {
        std::fs::read_to_string(&self.record).unwrap().lines().count()
    }

    /// Waits until nothing was done for half a second.
    fn settle(&self) -> usize {
        let deadline = Instant::now() + SOON;
        let (mut lines, mut since) = (self.lines(), Instant::now());
        while since.elapsed() < Duration::from_millis(500) {
            assert!(Instant::now() < deadline, "it does not come to rest");
            thread::park_timeout(Duration::from_millis(50));
            if self.lines() != lines {
                (lines, since) = (self.lines(), Instant::now());
            }
        }
        lines
    }

    fn last(&self, count: usize) -> String {
        let record = std::fs::read_to_string(&self.record).unwrap();
        let all: Vec<_> = record.lines().collect();
        all[all.len().saturating_sub(count)..].join("\n")
    }

    fn finish(self) {
        // Ends the program, not strace, which would let it go on alone.
        let children = format!("/proc/{0}/task/{0}/children", self.program.id());
        let traced = std::fs::read_to_string(children).unwrap();
        assert!(Command::new("kill").arg(traced.trim()).status().unwrap().success());
        self.program.finish(SOON);
    }
}

#[test]
#[ignore = "needs strace"]
fn a_server_with_a_hundred_idle_sessions_makes_no_system_call() {
    let server = Traced::start("websocket_idle");
    let mut peers: Vec<_> = (0..100).map(|_| Peer::connect(server.address)).collect();
    // Not only those that never said a word: half of them talked, and a procedure ran in each of these.
    for peer in peers.iter_mut().step_by(2) {
        peer.say("execute");
        peer.expect(TEXT, b"execute");
        peer.expect(TEXT, b"executed");
    }
    let before = server.settle();
    thread::sleep(Duration::from_secs(10)); // what is measured
    let after = server.lines();
    println!("# 100 idle sessions: {} system calls in ten seconds", after - before);
    assert_eq!(after, before, "while nothing happened, it did\n{}", server.last(after - before));
    for peer in &mut peers {
        peer.say("still here");
        peer.expect(TEXT, b"still here");
    }
    server.finish();
}

#[test]
#[ignore = "needs strace"]
fn an_echo_costs_two_system_calls() {
    const ECHOES: usize = 1000;
    let server = Traced::start("websocket_echo_calls");
    let mut peer = Peer::connect(server.address);
    let echo = |peer: &mut Peer| {
        peer.say("hello");
        peer.expect(TEXT, b"hello");
    };
    echo(&mut peer);
    let before = server.settle();
    (0..ECHOES).for_each(|_| echo(&mut peer));
    let calls = server.settle() - before;
    println!("# {calls} lines of strace for {ECHOES} echoes");
    // A read that waits may be told in two lines, where another thread is heard in between.
    assert!((2 * ECHOES..=2 * ECHOES + ECHOES / 20).contains(&calls), "{calls} for {ECHOES}\n{}", server.last(20));
    server.finish();
}

/// A byte at a time of a handshake that never ends: a read, and a time-out that is set anew, for the handshake's deadline has
/// come nearer. Each further call would be one more for every byte that an attacker drips.
#[test]
#[ignore = "needs strace"]
fn a_drop_of_a_half_open_handshake_costs_two_system_calls() {
    const DROPS: usize = 300;
    let server = Traced::start("websocket_drop_calls");
    let mut peer = Peer::silent(server.address);
    peer.write(b"GET / HTTP/1.1\r\nX-Drip: ");
    let before = server.settle();
    for _ in 0..DROPS {
        peer.write(b"x");
        thread::sleep(Duration::from_millis(5)); // the pace: two drops must not come in one read
    }
    let calls = server.settle() - before;
    println!("# {calls} lines of strace for {DROPS} drops");
    assert!((DROPS..=2 * DROPS + DROPS / 20).contains(&calls), "{calls} for {DROPS}\n{}", server.last(20));
    server.finish();
}

/// What the tests above start.
#[test]
#[ignore = "is run by the others"]
fn the_server_under_strace() {
    if std::env::var_os("SOCKLAB_STRACED").is_none() {
        return;
    }
    let minute = Duration::from_secs(60);
    let limits = Limits { interval: minute, ping_interval: minute, idle_limit: minute, ..limits() };
    let app = App::on_message(|_, text, session| {
        session.text(text);
        if text == "execute" {
            let handle = session.handle();
            session.flush();
            thread::spawn(move || {
                let own = handle.clone();
                handle.execute(move |_| own.text("executed").unwrap()).unwrap();
            });
        }
    });
    let server = start(app, limits);
    println!("\nlistening on {}", server.address);
    server.finish();
}
