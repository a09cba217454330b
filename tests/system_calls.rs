//! How many system calls does an echo cost the server?
//!
//! Two: one brings the message and one takes it back. A time-out set anew for each message would be a third, a second write
//! for a header a fourth. A large message comes in as many reads as its bytes need on their way, and leaves in one write all
//! the same. strace counts all that the process makes, its start and its end included.
//!
//!     cargo test --test system_calls -- --ignored --nocapture
#![cfg(target_os = "linux")]

mod support;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;
use support::{Program, empty_folder, example_path, tool};

const ECHOES: usize = 10_000;
const LONG: Duration = Duration::from_secs(60);

#[test]
#[ignore = "needs strace"]
fn a_tcp_echo_costs_two() {
    count("echo_server", "tcp", |_| {}, b"Hello, Hello, Hello, Hello, Hell", 32).is_two_for_each("TCP");
}

#[test]
#[ignore = "needs strace"]
fn a_websocket_echo_costs_two() {
    // A masked binary frame of 32 bytes; a key of zeros leaves the payload as it is.
    let frame = [&[0x82, 0x80 | 32, 0, 0, 0, 0][..], &[7; 32]].concat();
    count("ws_echo_server", "small", upgrade, &frame, 2 + 32).is_two_for_each("WebSocket");
}

/// Its header and its payload lie in two places, and the call is the one that takes a list of places.
#[test]
#[ignore = "needs strace"]
fn a_large_websocket_echo_leaves_in_one_call() {
    let frame = [&[0x82, 0x80 | 127, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0][..], &[7; 65_536]].concat();
    let summary = count("ws_echo_server", "large", upgrade, &frame, 10 + 65_536);
    assert_eq!(summary.calls("writev"), ECHOES, "{}", summary.0);
    // Start and end, and the handshake.
    let others = summary.calls("total") - summary.calls("writev") - summary.calls("recvfrom");
    assert!(others < ECHOES / 10 && summary.calls("sendto") < 10, "{}", summary.0);
}

fn upgrade(stream: &mut TcpStream) {
    let request = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.push(byte[0]);
    }
}

/// strace's table: a line for each kind of call, and the total.
struct Summary(String);

impl Summary {
    fn calls(&self, name: &str) -> usize {
        let line = self.0.lines().find(|line| line.ends_with(&format!(" {name}")));
        line.map_or(0, |line| line.split_whitespace().nth(3).unwrap().parse().unwrap())
    }

    fn is_two_for_each(&self, what: &str) {
        let each = self.calls("total") as f64 / ECHOES as f64;
        println!("{what}: {each:.3} system calls for each echo");
        assert!((2.0..=2.1).contains(&each), "{each} system calls for each echo:\n{}", self.0);
    }
}

/// Sends `message` and reads `answer` bytes, one after the other, ten thousand times.
fn count(example: &str, what: &str, begin: impl Fn(&mut TcpStream), message: &[u8], answer: usize) -> Summary {
    let summary = empty_folder(&format!("system_calls_{what}")).join("summary");
    let mut strace = tool("strace", "strace");
    strace.args(["-f", "-c", "-o"]).arg(&summary).arg(example_path(example)).args(["--listen", "127.0.0.1:0"]);
    let mut server = Program::start_group(example, strace);
    let address: SocketAddr = server.address();

    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(LONG)).unwrap();
    begin(&mut stream);
    let mut echo = vec![0; answer];
    for _ in 0..ECHOES {
        stream.write_all(message).unwrap();
        stream.read_exact(&mut echo).unwrap();
    }
    drop(stream);

    // strace writes its summary when the program under it ends, and that one only ends when it is told to.
    let children = format!("/proc/{0}/task/{0}/children", server.id());
    let traced = std::fs::read_to_string(children).unwrap();
    assert!(Command::new("kill").arg(traced.trim()).status().unwrap().success());
    server.finish(LONG);

    Summary(std::fs::read_to_string(summary).unwrap())
}
