//! The TCP roles against programs that know nothing of socklab: `nc`, and Python's `socket`.
//!
//! ```text
//! tests/peers/install.sh target/peers
//! SOCKLAB_PEERS=$PWD/target/peers cargo test --test peers_tcp -- --ignored
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::net::SocketAddr;
use std::process::Command;
use support::{Program, SOON, python, run_well, tool, with};

// --- they are the client -------------------------------------------------------------------------

/// nc sends its stdin, says with -N that this was all, and prints what comes until the server says the same.
fn nc(server: SocketAddr, input: &[u8]) -> Vec<u8> {
    let (host, port) = (server.ip().to_string(), server.port().to_string());
    run_well("nc", with(netcat(), ["-N", &host, &port]), input, SOON)
}

fn netcat() -> Command {
    tool("nc", "netcat-openbsd")
}

#[test]
#[ignore = "needs nc: .ci/run installs it"]
fn nc_gets_its_bytes_back() {
    let (_server, address) = Program::server("echo_server", &[]);
    let bytes: Vec<u8> = (0..300_000_u32).flat_map(|number| number.to_le_bytes()).collect();
    assert!(nc(address, &bytes) == bytes, "1.2 MB came back changed");
    assert_eq!(nc(address, b""), b"");
}

#[test]
#[ignore = "needs nc: .ci/run installs it"]
fn nc_gets_its_lines_back() {
    for name in ["simple_server", "standard_server"] {
        let (_server, address) = Program::server(name, &[]);
        let lines = "one\n\ngrüße\nthe last\n";
        // Twice: a server that has served one client must serve the next.
        for turn in 1..=2 {
            assert_eq!(String::from_utf8_lossy(&nc(address, lines.as_bytes())), lines, "{name}, client {turn}");
        }
    }
}

fn python_is_content_with(server: &str, modes: &[&str]) {
    let (mut server, address) = Program::server(server, &[]);
    for mode in modes {
        let arguments =
            [mode, address.ip().to_string().as_str(), address.port().to_string().as_str()].map(String::from);
        run_well(&format!("tcp_client.py {mode}"), with(python("tcp_client.py"), arguments), b"", SOON);
    }
    assert!(server.is_running(), "the server ended: {}", server.complaints());
}

#[test]
#[ignore = "needs Python: tests/peers/install.sh"]
fn python_gets_its_bytes_back() {
    python_is_content_with("echo_server", &["bytes"]);
}

#[test]
#[ignore = "needs Python: tests/peers/install.sh"]
fn python_gets_its_lines_back_in_turn() {
    python_is_content_with("simple_server", &["lines", "turns", "lines"]);
}

#[test]
#[ignore = "needs Python: tests/peers/install.sh"]
fn python_gets_its_lines_back_in_a_crowd() {
    python_is_content_with("standard_server", &["lines", "crowd", "lines"]);
}

// --- they are the server -------------------------------------------------------------------------

#[test]
#[ignore = "needs nc: .ci/run installs it"]
fn our_client_talks_to_nc() {
    // -v makes it say at which port: "Listening on localhost 41234", on stderr.
    let command = with(Command::new("sh"), ["-c", "exec nc -v -N -l 127.0.0.1 0 2>&1"]);
    drop(netcat());
    let mut nc = Program::start("nc", command);
    let listening = nc.find_line("the line that names its port", |line| line.starts_with("Listening on"));
    let port = listening.rsplit(' ').next().unwrap_or_default();
    let mut client = Program::example("line_client", &[&format!("127.0.0.1:{port}")]);
    for (line, reply) in [("is anybody there?", "yes"), ("grüße", "ebenso")] {
        client.say(line);
        nc.expect_line(line);
        nc.say(reply);
        client.expect_line(reply);
    }
    client.close_stdin();
    client.succeed(SOON);
    nc.close_stdin();
    nc.succeed(SOON);
}

#[test]
#[ignore = "needs Python: tests/peers/install.sh"]
fn our_client_talks_to_python() {
    let mut server = Program::start("tcp_server.py", python("tcp_server.py"));
    let address = server.address();
    let mut client = Program::example("line_client", &[&address.to_string()]);
    let long = "long ".repeat(200);
    for line in ["hello", "grüße", long.as_str()] {
        client.say(line);
        server.expect_line(line);
        client.expect_line(&line.to_uppercase());
    }
    client.close_stdin();
    client.succeed(SOON);
    server.succeed(SOON);
}
