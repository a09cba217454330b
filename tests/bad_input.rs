//! What goes wrong in a lab, with the examples as a student runs them: garbage where a message should be, a message
//! without end, a peer that is killed, a port that is taken, a server that is not there. Each is a clear sentence on
//! that side, and the next client notices nothing.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::time::Instant;
use support::{Program, SOON};

/// A student's client, or something worse: a bare stream.
fn connect(server: SocketAddr) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(server).unwrap();
    stream.set_nodelay(true).unwrap();
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream.set_write_timeout(Some(SOON)).unwrap();
    BufReader::new(stream)
}

fn echoes(client: &mut BufReader<TcpStream>, line: &str) {
    writeln!(client.get_mut(), "{line}").unwrap();
    let mut answer = String::new();
    client.read_line(&mut answer).unwrap();
    assert_eq!(answer, format!("{line}\n"));
}

/// Never an end of a line, until the server hangs up: at its limit, or when it has drained for long enough.
fn says_a_line_without_end(server: SocketAddr) {
    let mut client = connect(server);
    let part = vec![b'x'; 1 << 20];
    let (mut said, deadline) = (0, Instant::now() + SOON);
    while client.get_mut().write_all(&part).is_ok() {
        said += 1;
        assert!(Instant::now() < deadline, "the server took {said} MiB, and takes more");
    }
    assert!(said >= 16, "the limit is 16 MiB; the server took {said}");
}

/// Closing with bytes unread sends a reset: the peer is killed, not done.
fn is_killed_in_the_middle_of_a_line(server: SocketAddr) {
    let mut client = connect(server);
    writeln!(client.get_mut(), "its answer is never read").unwrap();
    client.get_ref().peek(&mut [0]).unwrap();
    client.get_mut().write_all(b"half a li").unwrap();
}

/// An orderly end, in the wrong place.
fn stops_in_the_middle_of_a_line(server: SocketAddr) {
    let mut client = connect(server);
    client.get_mut().write_all(b"half a li").unwrap();
    client.get_mut().shutdown(Shutdown::Write).unwrap();
    assert_eq!(client.read_to_end(&mut vec![]).unwrap_or(0), 0);
}

type Misdeed = fn(SocketAddr);

/// What each of the three does, and the sentence that says so.
const MISDEEDS: [(Misdeed, &str); 3] = [
    (says_a_line_without_end, "is over the limit of 16777216"),
    (is_killed_in_the_middle_of_a_line, "the peer vanished while we were"),
    (stops_in_the_middle_of_a_line, "the peer closed in the middle of a message, after 9 bytes of it"),
];

#[test]
fn the_standard_server_says_what_a_client_did_and_harms_no_other() {
    let (mut server, address) = Program::server("standard_server", &[]);
    let mut healthy = connect(address);
    for (misdeed, sentence) in MISDEEDS {
        echoes(&mut healthy, "before");
        misdeed(address);
        echoes(&mut healthy, "after");
        complains(&server, sentence);
    }
    assert!(server.is_running(), "{}", server.complaints());
}

#[test]
fn the_simple_server_says_what_a_client_did_and_serves_the_next() {
    let (mut server, address) = Program::server("simple_server", &[]);
    for (misdeed, sentence) in MISDEEDS {
        misdeed(address);
        server.find_line(sentence, |line| line.contains(sentence));
        echoes(&mut connect(address), "and now me");
        server.find_line("said goodbye", |line| line.contains("said goodbye"));
    }
}

/// Waits until the program's stderr holds this sentence.
fn complains(program: &Program, sentence: &str) {
    let deadline = Instant::now() + SOON;
    while !program.complaints().contains(sentence) {
        assert!(Instant::now() < deadline, "{sentence:?} is missing: {}", program.complaints());
        std::thread::yield_now();
    }
}

#[test]
fn the_echo_server_outlives_a_client_that_is_killed() {
    let (mut server, address) = Program::server("echo_server", &[]);
    let mut healthy = connect(address);
    echoes(&mut healthy, "before");
    is_killed_in_the_middle_of_a_line(address);
    complains(&server, "the peer vanished while we were");
    echoes(&mut healthy, "after");
    assert!(server.is_running());
}

#[test]
fn the_websocket_server_outlives_what_is_no_websocket() {
    let (mut server, address) = Program::server("ws_echo_server", &[]);
    for (says, answer, complaint) in [
        ("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 426 ", "426"),
        ("what is this?\n", "HTTP/1.1 400 ", "LF alone"),
        ("\x16\x03\x01\x02", "HTTP/1.1 400 ", "speaks TLS"),
    ] {
        let mut client = connect(address);
        client.get_mut().write_all(says.as_bytes()).unwrap();
        let mut heard = String::new();
        client.read_to_string(&mut heard).unwrap();
        assert!(heard.starts_with(answer), "{heard}");
        drop(client);
        complains(&server, complaint);
    }
    assert!(server.is_running());
}

/// The program ends with a failure, and says only this.
fn fails_with(mut program: Program, sentences: &[&str]) {
    program.close_stdin();
    let finished = program.finish(SOON);
    assert_eq!(finished.status.code(), Some(1), "{}", finished.stderr);
    for sentence in sentences {
        assert!(finished.stderr.contains(sentence), "{sentence:?} is missing: {}", finished.stderr);
    }
    assert_eq!(finished.stderr.lines().count(), 1, "one sentence, and not the fields of a struct: {}", finished.stderr);
}

#[test]
fn a_port_in_use_ends_every_server_with_a_sentence() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for name in ["simple_server", "standard_server", "echo_server", "ws_echo_server"] {
        let program = Program::example(name, &["--listen", &address]);
        fails_with(program, &[&address, "the port is in use: is another server still running?"]);
    }
    for (listen, sentence) in [
        ("127.0.0.1:99999", "is no address"),
        ("localhost", "is no address"),
        ("192.0.2.1:0", "this machine does not have that address"),
    ] {
        fails_with(Program::example("standard_server", &["--listen", listen]), &[sentence]);
    }
}

#[test]
fn a_server_that_is_not_there_ends_every_client_with_a_sentence() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (target, url) = (free.to_string(), format!("ws://{free}/"));
    let refused = [target.as_str(), "nobody listens there: is the server running, and is the port right?"];
    fails_with(Program::example("line_client", &[&target]), &refused);
    fails_with(Program::example("ws_client", &[&url]), &refused);
    // A machine without a name server may need the whole limit to find out; most know at once.
    let nowhere = ["no.such.host.invalid:7000"];
    fails_with(Program::example("line_client", &["no.such.host.invalid:7000"]), &nowhere);
    fails_with(Program::example("ws_client", &["ws://no.such.host.invalid:7000/"]), &nowhere);
    fails_with(Program::example("line_client", &["127.0.0.1"]), &["is no address: write HOST:PORT"]);
    fails_with(Program::example("ws_client", &["http://127.0.0.1/"]), &["begins with ws://"]);
}

#[test]
fn a_server_that_misbehaves_ends_the_line_client_with_a_sentence() {
    type Script = fn(TcpStream);
    let scripts: [(Script, &str); 3] = [
        (|mut stream| stream.write_all(b"half a li").unwrap(), "the peer closed in the middle of a message"),
        (
            |mut stream| {
                let part = vec![b'x'; 1 << 20];
                while stream.write_all(&part).is_ok() {}
            },
            "is over the limit of 16777216",
        ),
        (
            |mut stream| {
                // What the client says is never read: dropping the stream sends a reset.
                stream.peek(&mut [0]).unwrap();
                stream.write_all(b"half a li").unwrap();
            },
            "the peer vanished while we were receiving",
        ),
    ];
    for (script, sentence) in scripts {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let mut client = Program::example("line_client", &[&address]);
        client.say("Hello");
        let serving = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_write_timeout(Some(SOON)).unwrap();
            if !sentence.contains("vanished") {
                stream.read_exact(&mut [0; 6]).unwrap();
            }
            script(stream);
        });
        let finished = client.finish(SOON);
        assert!(finished.stderr.contains(sentence), "{sentence:?}: {}", finished.stderr);
        assert_eq!(finished.status.code(), Some(1));
        serving.join().unwrap();
    }
}
