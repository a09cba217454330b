//! What is written down about TLS: two traces become one ladder, and the system calls are those that the system saw.

#[path = "../../../examples/merge_ladders.rs"]
#[allow(dead_code)] // Its `main` is the command's.
mod command;
#[path = "../../../examples/recorded/mod.rs"]
#[allow(dead_code)]
mod recorded;
#[path = "../../strace/mod.rs"]
mod strace;
#[path = "../../support/mod.rs"]
mod support;

use socklab::trace::{JsonLines, Trace};
use socklab::{Client, Received, Settings, SimpleServer};
use std::env;
use std::io::{self, Write};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;
use support::{Program, SOON, empty_folder, tool, with};
use tls_tests::World;

#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Sink {
    fn watching(&self, settings: Settings) -> Settings {
        Settings { trace: Trace::to(JsonLines::new(self.clone())), ..settings }
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

/// A message each way, and the end; twice, so that the second takes the session up again.
fn converse(serving: &Settings, connecting: &Settings) {
    let mut server = SimpleServer::bind_with("127.0.0.1:0", serving).unwrap();
    let address = server.local_address().to_string();
    for _ in 0..2 {
        let connecting = connecting.clone();
        let address = address.clone();
        let client = thread::spawn(move || {
            let mut client = Client::connect_with(&address, &connecting).unwrap();
            client.send("Is anybody there?").unwrap();
            assert_eq!(client.receive().unwrap(), Received::Message(b"Yes.".to_vec()));
            client.close();
        });
        let mut connection = server.accept().unwrap();
        assert_eq!(connection.receive().unwrap(), Received::Message(b"Is anybody there?".to_vec()));
        connection.send("Yes.").unwrap();
        assert_eq!(connection.receive().unwrap(), Received::Closed);
        connection.close();
        drop(connection);
        client.join().unwrap();
    }
}

#[test]
fn two_traces_of_tls_become_one_ladder() {
    let world = World::new();
    let (client, server) = (Sink::default(), Sink::default());
    converse(&server.watching(world.serving()), &client.watching(world.trusting()));
    let ladder = command::merge([("client.jsonl", &client.text()), ("server.jsonl", &server.text())]).unwrap();
    println!("{ladder}");
    assert!(ladder.starts_with("2 conversations") && !ladder.contains("clocks differ"), "{ladder}");
    let mut rest = ladder.as_str();
    for words in [
        "TLS record: handshake: ClientHello",
        "TLS record: handshake: ServerHello",
        "TLS 1.3 with TLS13_AES_256_GCM_SHA384",
        "verified: it is 127.0.0.1",
        "TLS holds: 17 bytes",
        "TLS record: application_data",
        "TLS holds: 4 bytes",
        "a session taken up again",
    ] {
        let place = rest.find(words).unwrap_or_else(|| panic!("{words:?} is not, or not in its order, in\n{ladder}"));
        rest = &rest[place + words.len()..];
    }
    assert!(ladder.contains("the client asked for no name"), "the server's own words: {ladder}");
    // A step that is changed in the file is noticed.
    let broken = client.text().replacen("\"verified\":true", "\"verified\":\"yes\"", 1);
    let problem = command::merge([("client.jsonl", &broken), ("server.jsonl", &server.text())]).unwrap_err();
    assert!(problem.contains("\"verified\" is missing or not true or false"), "{problem}");
}

const CHILD: &str = "SOCKLAB_TEST_STRACED_TLS";

/// What the next test runs under strace.
#[test]
#[ignore = "is started by the other test"]
fn the_program_under_strace() {
    if env::var_os(CHILD).is_some() {
        let world = World::new();
        converse(&world.serving(), &world.trusting());
    }
}

#[test]
#[ignore = "needs strace: .ci/run installs it"]
fn a_program_with_tls_does_what_its_trace_says() {
    let folder = empty_folder("strace_tls");
    let (seen, trace) = (folder.join("strace"), folder.join("trace.jsonl"));
    let calls = "trace=%network,read,readv,write,writev,sendfile,splice,close,dup,dup2,dup3,fcntl";
    let command = with(tool("strace", "strace"), ["-f", "-s", "0", "-e", calls, "-e", "signal=none", "-o"]);
    let command = with(with(command, [&seen]), [env::current_exe().unwrap()]);
    let mut command: Command = with(command, ["--exact", "the_program_under_strace", "--ignored", "--nocapture"]);
    command.env(CHILD, "1").env("SOCKLAB_TRACE", "json").env("SOCKLAB_TRACE_FILE", &trace);
    Program::start("strace", command).succeed(SOON);
    let (seen, trace) = (std::fs::read_to_string(seen).unwrap(), std::fs::read_to_string(trace).unwrap());
    let (mut steps, _) = recorded::read_all("the trace", &trace).unwrap();
    if let Err(differences) = strace::compare(&steps, &seen) {
        panic!("{differences}\n\nstrace:\n{seen}\ntrace:\n{trace}");
    }
    // Each read and each write is one that would be missed.
    let mut calls = 0;
    for place in 0..steps.len() {
        if !matches!(steps[place].what, recorded::What::Call { came: recorded::Came::Bytes(_), .. }) {
            continue;
        }
        let lost = steps.remove(place);
        assert!(strace::compare(&steps, &seen).is_err(), "nobody misses this step: {lost:?}");
        steps.insert(place, lost);
        calls += 1;
    }
    assert!(calls > 10, "{calls} reads and writes");
}
