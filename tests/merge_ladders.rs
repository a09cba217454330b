//! Does the command that merges two traces draw what happened, and say what is wrong with its input?

#[path = "../examples/merge_ladders.rs"]
#[allow(dead_code)] // Its `main` is the command's.
mod command;

use command::merge;
use socklab::trace::{JsonLines, Trace};
use socklab::{Client, Received, Settings, SimpleServer};
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

const CLIENT: &str = "127.0.0.1:50000";
const SERVER: &str = "127.0.0.1:7000";

/// A line of a trace: `at` and `took` in microseconds.
fn line(role: &str, connection: u64, at: u64, took: u64, rest: &str) -> String {
    let (local, peer) = if role == "client" { (CLIENT, SERVER) } else { (SERVER, CLIENT) };
    format!(
        "{{\"at\":1700000000.{at:06},\"took_us\":{took},\"role\":\"{role}\",\"thread\":\"main\",\"connection\":{connection},\
         \"descriptor\":3,\"local\":\"{local}\",\"peer\":\"{peer}\",{rest}}}\n"
    )
}

fn bytes(call: &str, hex: &str) -> String {
    let count = hex.len() / 2;
    format!("\"step\":\"call\",\"call\":\"{call}\",\"result\":\"ok\",\"bytes\":{count},\"hex\":\"{hex}\"")
}

const END: &str = "\"step\":\"call\",\"call\":\"read\",\"result\":\"end\"";
const CLOSE: &str = "\"step\":\"call\",\"call\":\"close\",\"result\":\"ok\"";

/// The client says Hello at 1.0 ms and hears Hi at 5.0 ms.
fn client() -> String {
    [
        line("client", 1, 1_000, 30, &bytes("write", "48656c6c6f")),
        line("client", 1, 1_050, 3_950, &bytes("read", "4869")),
        line("client", 1, 5_100, 10, CLOSE),
    ]
    .concat()
}

/// The server hears Hello at 1.2 ms and says Hi at 4.9 ms, by a clock that is wrong by so many microseconds.
fn server(wrong: i64) -> String {
    let at = |right: i64| u64::try_from(right + wrong).unwrap();
    [
        line("server", 7, at(700), 500, &bytes("read", "48656c6c6f")),
        line("server", 7, at(4_900), 20, &bytes("write", "4869")),
        line("server", 7, at(4_950), 600, END),
    ]
    .concat()
}

fn merged(client: &str, server: &str) -> String {
    merge([("client.jsonl", client), ("server.jsonl", server)]).unwrap_or_else(|problem| panic!("{problem}"))
}

/// What each step did, in the order drawn, `>` for the server's column.
fn order(ladder: &str) -> Vec<String> {
    let words = ladder.lines().filter(|line| line.contains(" #1 ") && line.contains('│')).map(|line| {
        let (left, right) = line.split_once("│").unwrap();
        let left = left.split("#1").nth(1).unwrap().trim().to_string();
        if left.is_empty() { format!("> {}", right.split_once('│').unwrap().1.trim()) } else { left }
    });
    words.collect()
}

const IN_ORDER: [&str; 6] = [
    "write 5 bytes",
    "> read 5 bytes, after 0.50 ms",
    "> write 2 bytes",
    "read 2 bytes, after 3.95 ms",
    "close descriptor 3",
    "> read: end, after 0.60 ms",
];

#[test]
fn both_columns_in_the_order_of_time() {
    for ladder in [merged(&client(), &server(0)), merge([("s", &server(0)), ("c", &client())]).unwrap()] {
        assert_eq!(order(&ladder), IN_ORDER, "{ladder}");
        assert!(!ladder.contains("clocks differ") && !ladder.contains("inferred"), "{ladder}");
    }
    assert!(merged(&client(), &server(0)).starts_with("one conversation: the client as client.jsonl tells it"));
}

#[test]
fn a_clock_that_is_wrong_is_moved_by_the_least_that_will_do() {
    // Hello is read 0.2 ms after it was written, so a server's clock that is 0.5 ms slow shows 0.3 ms before.
    let slow = merged(&client(), &server(-500));
    assert!(slow.contains("the server's times are drawn 0.301 ms later"), "{slow}");
    assert_eq!(order(&slow), IN_ORDER, "{slow}");
    // Hi is read 0.1 ms after it was written.
    let fast = merged(&client(), &server(700));
    assert!(fast.contains("the server's times are drawn 0.601 ms earlier"), "{fast}");
    assert_eq!(order(&fast)[2..5], IN_ORDER[2..5], "{fast}");
    // Within what the bytes allow, nobody can know.
    assert!(!merged(&client(), &server(-190)).contains("clocks differ"));
    assert!(!merged(&client(), &server(90)).contains("clocks differ"));
}

#[test]
fn a_clock_that_was_set_meanwhile_cannot_be_mended() {
    let torn = [
        line("server", 7, 100, 10, &bytes("read", "48656c6c6f")),
        line("server", 7, 9_000, 20, &bytes("write", "4869")),
    ];
    assert!(merged(&client(), &torn.concat()).contains("no one shift"));
}

#[test]
fn lines_of_other_programs_are_passed_over() {
    let noisy = format!("   Compiling socklab\nlistening on {SERVER}\n{}\nbye\n", server(0));
    assert_eq!(order(&merged(&client(), &noisy)), IN_ORDER);
}

#[test]
fn a_line_that_is_cut_off_costs_itself_only() {
    let whole = server(0);
    let cut = merged(&client(), &whole[..whole.len() - 20]);
    assert!(cut.contains("server.jsonl, line 3 is cut off"), "{cut}");
    assert_eq!(order(&cut), IN_ORDER[..5], "{cut}");
}

#[test]
fn what_is_wrong_is_said_with_file_and_line() {
    let problem = |client: &str, server: &str| merge([("c.jsonl", client), ("s.jsonl", server)]).unwrap_err();
    let all = client();
    let broken = |from, to| problem(&format!("noise\n{}", all.replacen(from, to, 1)), &server(0));

    assert!(problem(&all, "").starts_with("s.jsonl holds no step"));
    assert!(broken("\"at\"", "at").starts_with("c.jsonl, line 2: not JSON"));
    assert!(broken("\"at\"", "\"when\"").contains("c.jsonl, line 2: \"at\" is missing"));
    assert!(broken("\"role\":\"client\"", "\"role\":\"klient\"").contains("line 2: \"role\" is \"klient\""));
    assert!(broken("\"call\":\"write\"", "\"call\":\"wrote\"").contains("line 2: \"call\" is \"wrote\""));
    assert!(broken("48656c6c6f", "48656c6c6").contains("line 2: \"hex\" is not hex"));
    assert!(broken("\"bytes\":5", "\"bytes\":4").contains("line 2: \"bytes\" says 4"));
    assert!(broken("127.0.0.1:7000", "localhost").contains("line 2: \"peer\": localhost is no ADDRESS:PORT"));
    assert!(problem(&all, "{\"reason\":\"build-finished\"}\n").contains("s.jsonl, line 1:"));
}

#[test]
fn without_a_match_both_lists_are_shown() {
    let other = server(0).replace("50000", "50001");
    let problem = merge([("c.jsonl", &client()), ("s.jsonl", &other)]).unwrap_err();
    assert!(problem.contains("c.jsonl:\n  client 127.0.0.1:50000 to server 127.0.0.1:7000"), "{problem}");
    assert!(problem.contains("s.jsonl:\n  server 127.0.0.1:7000 with client 127.0.0.1:50001"), "{problem}");
}

#[test]
fn an_address_in_ipv6_clothes_is_the_same_address() {
    let mapped = server(0).replace("127.0.0.1", "[::ffff:127.0.0.1]");
    assert_eq!(order(&merged(&client(), &mapped)), IN_ORDER);
}

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
    fn settings(&self) -> Settings {
        Settings { trace: Trace::to(JsonLines::new(self.clone())), ..Settings::default() }
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

#[test]
fn a_real_conversation_is_drawn_from_the_first_call_to_the_last() {
    let (client_sink, server_sink) = (Sink::default(), Sink::default());
    let mut server = SimpleServer::bind_with("127.0.0.1:0", &server_sink.settings()).unwrap();
    let address = server.local_address().to_string();
    for greeting in ["Hello", "Hello again"] {
        let mut client = Client::connect_with(&address, &client_sink.settings()).unwrap();
        let mut connection = server.accept().unwrap();
        client.send(greeting).unwrap();
        let Received::Message(message) = connection.receive().unwrap() else { panic!("no message") };
        connection.send(message).unwrap();
        client.receive().unwrap();
        client.finish_sending();
        assert_eq!(connection.receive().unwrap(), Received::Closed);
        connection.close();
        client.close();
    }
    let ladder = merged(&client_sink.text(), &server_sink.text());
    assert!(ladder.starts_with("2 conversations"), "{ladder}");
    assert!(!ladder.contains("clocks differ"), "{ladder}");
    let mut rest = ladder.as_str();
    for word in [
        "socket, bind, listen",
        "connect to 127.0.0.1",
        "socket, connect: connected",
        "write 5 bytes",
        "read 5 bytes",
        "shutdown",
        "read: end",
        " #2 ",
        "write 11 bytes",
        "read 11 bytes",
    ] {
        rest = rest.split_once(word).unwrap_or_else(|| panic!("{word:?} is missing or too early in\n{ladder}")).1;
    }
    assert_eq!(ladder.matches("accept 127.0.0.1").count(), 2, "{ladder}");
}
