//! Two traces of TLS, as the command that merges ladders reads them.

#[path = "../../../examples/merge_ladders.rs"]
#[allow(dead_code)] // Its `main` is the command's.
mod command;

use socklab::Settings;
use socklab::trace::{JsonLines, Trace};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use tls_tests::{World, converse};

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
