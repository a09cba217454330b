//! How many system calls does an echo cost the server?
//!
//! Two: one brings the message and one takes it back. A time-out set anew for each message would be a third, a second write
//! for a header a fourth. strace counts all that the process makes, its start and its end included.
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
    count("echo_server", |_| {}, b"Hello, Hello, Hello, Hello, Hell", 32);
}

#[test]
#[ignore = "needs strace"]
fn a_websocket_echo_costs_two() {
    let upgrade = |stream: &mut TcpStream| {
        let request = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        stream.write_all(request.as_bytes()).unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
    };
    // A masked binary frame of 32 bytes; a key of zeros leaves the payload as it is.
    let frame = [&[0x82, 0x80 | 32, 0, 0, 0, 0][..], &[7; 32]].concat();
    count("ws_echo_server", upgrade, &frame, 2 + 32);
}

/// Sends `message` and reads `answer` bytes, one after the other, ten thousand times.
fn count(example: &str, begin: impl Fn(&mut TcpStream), message: &[u8], answer: usize) {
    let summary = empty_folder(&format!("system_calls_{example}")).join("summary");
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

    let summary = std::fs::read_to_string(summary).unwrap();
    let total = summary.lines().find(|line| line.ends_with("total")).unwrap_or_else(|| panic!("no total:\n{summary}"));
    let calls: f64 = total.split_whitespace().nth(3).unwrap().parse().unwrap();
    let each = calls / ECHOES as f64;
    println!("{example}: {calls} system calls for {ECHOES} echoes, {each:.3} for each");
    assert!((2.0..=2.1).contains(&each), "{each} system calls for each echo:\n{summary}");
}
