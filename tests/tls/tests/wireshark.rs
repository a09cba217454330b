//! Can Wireshark open what a class has recorded? With the keys, and only with them.
//!
//! A child of this test (the test itself, started again) talks over TLS with SSLKEYLOGFILE set; dumpcap records its port
//! on the loopback interface, for which it needs to be root; tshark reads the record twice.
//!
//! ```text
//! SOCKLAB_PEERS=$PWD/target/peers cargo test -p tls-tests --test wireshark -- --ignored
//! ```

#[path = "../../support/mod.rs"]
mod support;

use socklab::{Client, Received, SimpleServer};
use std::env;
use std::path::Path;
use std::process::Command;
use std::sync::Mutex;
use std::thread;
use std::time::{Duration, Instant};
use support::{Program, SOON, empty_folder, run_well, tool, with};
use tls_tests::World;
use tls_tests::raw::{self, VERSIONS};

/// Nobody but the two sides may read this.
const SECRET: &str = "the answer is 42";
const CHILD: &str = "SOCKLAB_TEST_CONVERSATION";

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// The child: a raw server of one version that sends the secret back, and our client, or the other way round. It waits for
/// a line before it connects, so that nothing crosses before it is recorded.
#[test]
#[ignore = "is started by the other test"]
fn conversation() {
    let Ok(which) = env::var(CHILD) else { return };
    let world = World::new();
    let version = VERSIONS.iter().find(|(name, _)| which.starts_with(name)).unwrap().1;
    let wait = || assert!(std::io::stdin().read_line(&mut String::new()).unwrap() > 0);
    if which.ends_with("client") {
        let (listener, address) = raw::listen();
        println!("\nlistening on {address}");
        wait();
        let config = raw::server_config(&world.server_files, &[version]);
        let peer = thread::spawn(move || {
            use std::io::{Read, Write};
            let mut peer = raw::accept(&listener, config);
            let mut secret = [0; SECRET.len()];
            peer.read_exact(&mut secret).unwrap();
            peer.write_all(&secret).unwrap();
            peer.conn.send_close_notify();
            let _ = peer.flush();
            let _ = peer.read_to_end(&mut Vec::new());
        });
        let mut client = Client::connect_with(&address, &world.trusting()).unwrap();
        client.send(SECRET).unwrap();
        assert_eq!(client.receive().unwrap(), Received::Message(SECRET.into()));
        client.close();
        peer.join().unwrap();
    } else {
        let mut server = SimpleServer::bind_with("127.0.0.1:0", &world.serving()).unwrap();
        let address = server.local_address();
        println!("\nlistening on {address}");
        wait();
        let config = raw::client_config(&world, &[version]);
        let peer = thread::spawn(move || {
            use std::io::{Read, Write};
            let mut peer = raw::connect(address, config);
            peer.write_all(SECRET.as_bytes()).unwrap();
            peer.read_exact(&mut [0; SECRET.len()]).unwrap();
            peer.conn.send_close_notify();
            let _ = peer.flush();
            let _ = peer.read_to_end(&mut Vec::new());
        });
        let mut connection = server.accept().unwrap();
        assert_eq!(connection.receive().unwrap(), Received::Message(SECRET.into()));
        connection.send(SECRET).unwrap();
        assert_eq!(connection.receive().unwrap(), Received::Closed);
        connection.close();
        drop(connection);
        peer.join().unwrap();
    }
    println!("\ndone");
}

/// What tshark makes of the record: each packet's fields, and the decrypted bytes as hex.
fn read(record: &Path, port: u16, keys: Option<&Path>) -> String {
    let command =
        with(tool("tshark", "tshark"), ["-2", "-n", "-V", "-x", "-d", &format!("tcp.port=={port},tls"), "-r"]);
    let mut command = with(command, [record]);
    if let Some(keys) = keys {
        command = with(command, ["-o", &format!("tls.keylog_file:{}", keys.display())]);
    }
    String::from_utf8_lossy(&run_well("tshark", command, b"", SOON)).into_owned()
}

fn tshark_opens(which: &str) {
    let _alone = ONE_AT_A_TIME.lock();
    let folder = empty_folder(&format!("wireshark {which}"));
    let (keys, record) = (folder.join("keys.log"), folder.join("record.pcapng"));
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", "conversation", "--ignored", "--nocapture"]).env(CHILD, which);
    let mut child = Program::start("the conversation", {
        child.env("SSLKEYLOGFILE", &keys);
        child
    });
    let line = child.find_line("its port", |line| line.starts_with("listening on "));
    let port: u16 = line.rsplit(':').next().unwrap().parse().unwrap();

    let command = with(tool("dumpcap", "tshark"), ["-q", "-i", "lo", "-f", &format!("tcp port {port}"), "-w"]);
    let dumpcap = Program::start("dumpcap", with(command, [&record]));
    wait_for("dumpcap to begin", || dumpcap.complaints().contains("File:"));
    child.say("go");
    child.find_line("its end", |line| line == "done");
    child.succeed(SOON);
    // The last packets: both sides have closed.
    wait_for("dumpcap to have written the goodbye", || read(&record, port, None).matches("Flags: 0x011").count() >= 2);
    run_well("kill", with(Command::new("kill"), ["-INT", &dumpcap.id().to_string()]), b"", SOON);
    dumpcap.succeed(SOON);

    let in_hex: Vec<String> = SECRET.bytes().map(|byte| format!("{byte:02x}")).collect();
    let shows = |text: &str| text.contains(&in_hex.join(" ")) || text.contains(&in_hex.concat());
    let without = read(&record, port, None);
    assert!(without.contains("Handshake Protocol: Client Hello"), "{without}");
    assert!(!shows(&without), "it crossed in the clear");
    let with_keys = read(&record, port, Some(&keys));
    assert!(shows(&with_keys), "tshark does not open it with the keys:\n{with_keys}");
}

/// Asks again and again: dumpcap has no other way to tell.
fn wait_for(what: &str, mut is_true: impl FnMut() -> bool) {
    let started = Instant::now();
    while !is_true() {
        assert!(started.elapsed() < SOON, "waited in vain for {what}");
        thread::park_timeout(Duration::from_millis(20));
    }
}

#[test]
#[ignore = "needs tshark, and root to record: .ci/run installs it"]
fn tshark_opens_what_our_client_said() {
    tshark_opens("TLS 1.2 client");
    tshark_opens("TLS 1.3 client");
}

#[test]
#[ignore = "needs tshark, and root to record: .ci/run installs it"]
fn tshark_opens_what_our_server_said() {
    tshark_opens("TLS 1.2 server");
    tshark_opens("TLS 1.3 server");
}
