//! What does a server do when the system gives it nothing more? Out of descriptors, out of threads: newcomers are closed,
//! the accepting thread does not spin, the sessions notice nothing, and it recovers.
//!
//! The server is a program of its own, this very file once more, under a limit; its clients are here, under none.
#![cfg(target_os = "linux")]

mod websocket;

use socklab::Settings;
use socklab::websocket::*;
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};
use websocket::support::{Program, tool};
use websocket::*;

/// A server under a limit, and those who are connected to it.
struct Crowded {
    program: Program,
    address: SocketAddr,
    peers: Vec<Peer>,
}

/// Starts it and connects until it takes nobody more.
fn crowded(name: &str, limit: &str, change: impl FnOnce(&mut Command)) -> Crowded {
    let mut command = tool("bash", "bash"); // the limit -u is one that sh may not know
    command.args(["-c", &format!("{limit} && exec \"$0\" \"$@\"")]).arg(std::env::current_exe().unwrap());
    command.args(["--exact", "the_server_under_a_limit", "--ignored", "--nocapture", "--test-threads=1"]);
    command.env("SOCKLAB_CROWDED", "1");
    change(&mut command);
    let mut program = Program::start(name, command);
    let line = program.find_line("its address", |line| line.starts_with("listening on "));
    let address = line.rsplit(' ').next().unwrap().parse().unwrap();
    let mut peers = Vec::new();
    while let Some(peer) = come(address) {
        peers.push(peer);
        assert!(peers.len() < 200, "it takes and takes");
    }
    assert!(peers.len() > 5, "it took {} only: what else is short?\n{}", peers.len(), program.complaints());
    Crowded { program, address, peers }
}

/// Somebody who comes: in, or closed. Being left waiting is neither.
fn come(address: SocketAddr) -> Option<Peer> {
    let mut peer = Peer::silent(address);
    let _ = peer.stream.get_mut().write_all(upgrade("/", "").as_bytes());
    let mut first = [0];
    match peer.stream.read(&mut first) {
        Ok(1) => {
            assert!(peer.head().1.starts_with("TTP/1.1 101 "));
            Some(peer)
        }
        Ok(_) => None,
        Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => panic!("neither let in nor closed"),
        Err(_) => None,
    }
}

impl Crowded {
    /// Processor time of the server, in milliseconds.
    fn cpu(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.program.id())).unwrap();
        let fields: Vec<_> = stat.rsplit(") ").next().unwrap().split(' ').collect();
        // utime and stime, counted from behind the name, in hundredths of a second.
        10 * (fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap())
    }

    /// A second of newcomers, and a second of nothing, in which it is as full as before.
    fn under_pressure(&mut self) {
        for (name, newcomers) in [("newcomers", true), ("nobody new", false)] {
            let (begun, before, mut turned_away) = (Instant::now(), self.cpu(), 0);
            while begun.elapsed() < Duration::from_secs(1) {
                if newcomers {
                    assert!(come(self.address).is_none());
                    turned_away += 1;
                }
                thread::park_timeout(Duration::from_millis(20)); // the pace
            }
            let used = self.cpu() - before;
            println!(
                "# {} sessions, a second of {name} ({turned_away}): {used} ms of processor time",
                self.peers.len()
            );
            assert!(used < 300, "it spins: {used} ms of processor time in a second");
        }
        self.sessions_notice_nothing();
    }

    fn sessions_notice_nothing(&mut self) {
        for peer in &mut self.peers {
            peer.say("still here");
            peer.expect(TEXT, b"still here");
        }
    }

    /// Some leave, and as many may come in.
    fn recovers(mut self) {
        self.peers.truncate(self.peers.len() - 3);
        for _ in 0..2 {
            let address = self.address;
            let mut came = None;
            eventually("somebody comes in again", || {
                came = came.take().or_else(|| come(address));
                came.is_some()
            });
            self.peers.extend(came);
        }
        self.sessions_notice_nothing();
        self.program.say("stop");
        self.program.expect_line("stopped, and all threads are joined");
    }
}

#[test]
fn out_of_descriptors() {
    let mut crowded = crowded("a server with 60 descriptors", "ulimit -n 60", |_| {});
    crowded.under_pressure();
    crowded.recovers();
}

#[test]
fn out_of_threads() {
    // The limit counts all threads of a user, and root has none: so it is a user of its own, or else so many more than we
    // have now.
    let ours = std::fs::metadata("/proc/self").unwrap().uid();
    let threads = if ours == 0 { 30 } else { 30 + threads_of(ours) };
    let mut crowded = crowded("a server with 30 threads", &format!("ulimit -u {threads}"), |command| {
        if ours == 0 {
            command.uid(54_321);
        }
    });
    crowded.under_pressure();
    crowded.program.say("execute");
    crowded.program.expect_line("execute: Err(NoThread)");
    crowded.program.say("send");
    crowded.program.expect_line("send: Ok(())");
    crowded.peers[0].expect(TEXT, b"no thread is needed for this");
    // The goodbye has nobody to watch over it, and so it is a short one.
    crowded.program.say("disconnect");
    crowded.program.expect_line("disconnect: Ok(())");
    let mut last = crowded.peers.pop().unwrap();
    assert_eq!(last.close_code(), 4000);
    crowded.recovers();
}

fn threads_of(user: u32) -> usize {
    let processes = std::fs::read_dir("/proc").unwrap().flatten();
    let ours = processes.filter(|process| process.metadata().is_ok_and(|data| data.uid() == user));
    ours.filter_map(|process| Some(std::fs::read_dir(process.path().join("task")).ok()?.count())).sum()
}

/// The stack of a thread that has ended is kept for whoever joins it, and nobody new comes in whose arrival could be the
/// occasion.
#[test]
fn threads_that_ended_are_joined_though_nobody_comes() {
    if !alone("threads_that_ended_are_joined_though_nobody_comes", "ulimit -n 4096") {
        return;
    }
    const CLIENTS: u64 = 600;
    // What glibc keeps of joined threads for the next ones: 40 MiB of their stacks.
    const KEPT: u64 = 40 * 1024;
    let server = start(App::echo(), limits());
    let peers: Vec<_> = (0..CLIENTS).map(|_| Peer::connect(server.address)).collect();
    let crowded = status("VmSize");
    drop(peers);
    eventually("the threads have ended", || status("Threads") < CLIENTS / 10);
    let mut given_back = 0;
    let enough = CLIENTS * 256 - KEPT;
    eventually("their stacks are given back", || {
        given_back = crowded.saturating_sub(status("VmSize"));
        given_back > enough - enough / 10
    });
    println!("# {CLIENTS} sessions, of 256 KiB stack each, ended: {given_back} KiB of addresses were given back");
    assert_eq!(server.stop().still_running.len(), 0);
}

/// What the tests above start.
#[test]
#[ignore = "is run by the others"]
fn the_server_under_a_limit() {
    if std::env::var_os("SOCKLAB_CROWDED").is_none() {
        return;
    }
    let settings = Settings { handshake_limit: Duration::from_secs(2), ..quick() };
    let server = start(App::echo(), Limits { settings, ..limits() });
    println!("\nlistening on {}", server.address);
    for line in std::io::stdin().lines() {
        let sessions = server.handle.sessions();
        match line.unwrap().as_str() {
            "execute" => println!("execute: {:?}", sessions[0].execute(|_| ())),
            "send" => println!("send: {:?}", sessions[0].text("no thread is needed for this")),
            "disconnect" => {
                let reason = protocol::CloseReason::new(protocol::CloseCode(4000), "");
                println!("disconnect: {:?}", sessions.last().unwrap().disconnect(&reason));
            }
            _ => break,
        }
    }
    let report = server.stop();
    assert_eq!((report.panicked, report.still_running.len()), (0, 0), "{report:?}");
    println!("stopped, and all threads are joined");
}
