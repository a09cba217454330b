//! The classroom: its pages, its rules and its limits over plain sockets; and in `classroom/browser.rs` the whole of it in
//! a headless Chromium.
//!
//! ```text
//! cargo build --examples
//! cargo test --test classroom                     # without a browser
//! cargo test --test classroom -- --ignored        # with Chromium and its driver
//! ```
#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "classroom/browser.rs"]
mod browser;
#[path = "classroom/guest.rs"]
mod guest;
#[path = "classroom/screen.rs"]
mod screen;
mod support;

use guest::{Classroom, hex};
use serde_json::{Value, json};
use socklab::websocket::protocol::accept_key;
use socklab::websocket::{Error, Message, Received, WebSocket};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use support::{Program, SOON, example_path, with};

/// The names on the buttons of the page.
pub(crate) fn experiments() -> Vec<String> {
    let page = include_str!("../examples/classroom/page/index.html");
    let names = page.split("data-experiment=\"").skip(1).map(|rest| rest.split('"').next().unwrap().to_owned());
    names.collect()
}

fn text_of(received: Received) -> String {
    match received {
        Received::Message(Message::Text(text)) => text,
        other => panic!("no text: {other:?}"),
    }
}

/// The status that refused this WebSocket.
fn refused(result: Result<WebSocket, Error>) -> u16 {
    match result {
        Err(Error::Answer { error: socklab::websocket::protocol::AnswerError::Refused(head), .. }) => head.status,
        other => panic!("not refused: {other:?}"),
    }
}

// --- the door ------------------------------------------------------------------------------------

#[test]
fn each_page_and_all_that_it_names_is_served_under_a_strict_policy() {
    let classroom = Classroom::open(&[]);
    for page in ["/", "/projector"] {
        let (status, head, html) = classroom.get(page);
        assert_eq!(status, 200, "{page}");
        assert!(head.contains("Content-Type: text/html; charset=utf-8"), "{head}");
        assert!(head.contains("\r\nContent-Security-Policy: default-src 'none'; script-src 'self';"), "{head}");
        assert!(head.contains("\r\nX-Content-Type-Options: nosniff"), "{head}");
        let named = html.split(['"']).filter(|word| word.ends_with(".js") || word.ends_with(".css"));
        for file in named {
            let (status, head, body) = classroom.get(&format!("/{file}"));
            assert!(status == 200 && !body.is_empty(), "{file}: {head}");
            let expected = if file.ends_with(".js") { "text/javascript" } else { "text/css" };
            assert!(head.contains(&format!("Content-Type: {expected}; charset=utf-8")), "{head}");
        }
    }
    assert_eq!(classroom.get("/?any=query").0, 200);
}

#[test]
fn what_is_not_there_or_not_allowed_is_said_so() {
    let classroom = Classroom::open(&[]);
    for path in ["/favicon.ico", "/main.rs", "/../Cargo.toml", "/dissect.test.mjs", "//"] {
        assert_eq!(classroom.get(path).0, 404, "{path}");
    }
    for method in ["POST", "PUT", "DELETE", "HEAD"] {
        let (status, head, _) =
            classroom.ask(&format!("{method} / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"));
        assert!(status == 405 && head.contains("\r\nAllow: GET"), "{method}: {head}");
    }
    assert_eq!(classroom.ask("nonsense\r\n\r\n").0, 400);
    assert_eq!(classroom.get("/commentary").0, 426);
}

#[test]
fn a_page_from_elsewhere_opens_no_websocket() {
    let classroom = Classroom::open(&[]);
    let guest = classroom.enter();
    for origin in ["http://evil.example", "null", "", "http://127.0.0.1", "http://127.0.0.1:1", "file://"] {
        for target in ["/commentary", &guest.exhibit_target(), "/commentary?projector=1&key=x"] {
            assert_eq!(refused(classroom.connect(target, &[("Origin", origin)])), 403, "{origin} {target}");
        }
    }
    let ours = format!("http://{}", classroom.address);
    classroom.connect("/commentary", &[("Origin", &ours)]).unwrap().close();
    // One who sends a name in another case than in Host is still the same.
    classroom.connect("/commentary", &[("Origin", &ours.to_uppercase())]).unwrap().close();
}

#[test]
fn an_exhibit_needs_its_visitors_key() {
    let classroom = Classroom::open(&[]);
    let (one, other) = (classroom.enter(), classroom.enter());
    let (one, other) = (one.exhibit_target(), other.exhibit_target());
    let key_of_other = other.split("key=").nth(1).unwrap();
    let mixed = format!("{}key={key_of_other}", one.split("key=").next().unwrap());
    let absent = format!("/exhibit?visitor=999&key={key_of_other}");
    // Nobody is a second client who runs no experiment.
    let second = format!("{one}&second=1");
    for target in [mixed.as_str(), &absent, &second, "/exhibit", "/exhibit?visitor=1", "/exhibit?visitor=-1&key=&&=&%"]
    {
        assert_eq!(refused(classroom.connect(target, &[])), 403, "{target}");
    }
    classroom.connect(&one, &[]).unwrap().close();
}

#[test]
fn a_port_in_use_is_said_so() {
    let classroom = Classroom::open(&[]);
    let second = Program::example("classroom", &["--listen", &classroom.address.to_string()]).finish(SOON);
    assert!(!second.status.success());
    assert!(second.stderr.contains("the port is in use: is another server still running?"), "{}", second.stderr);
    assert!(second.lines.is_empty(), "{:?}", second.lines);
}

#[test]
fn on_every_address_it_says_which_one_to_give_to_the_room() {
    let mut program = Program::example("classroom", &["--listen", "0.0.0.0:0"]);
    let address = program.address();
    program.find_line("who can reach it", |line| line.contains("Everybody in this network can reach it"));
    let line = program.line();
    assert!(line.contains("http://") && line.contains(&format!(":{}/", address.port())), "{line}");
}

// --- the exhibit ---------------------------------------------------------------------------------

#[test]
fn the_story_of_an_exhibit_is_told_from_the_listener_to_the_close() {
    let classroom = Classroom::open(&[]);
    let mut guest = classroom.enter();
    assert_eq!(guest.welcome["join"], classroom.url().as_str());
    assert_eq!(guest.welcome["server"], classroom.address.to_string().as_str());
    assert_eq!(guest.welcome["tls"], Value::Null);
    let mut exhibit = classroom.exhibit(&guest);
    exhibit.send_text("Hello").unwrap();
    assert_eq!(text_of(exhibit.receive().unwrap()), "Hello");
    exhibit.close();
    guest.until_step("close", |step| step["call"] == "close");

    let story = guest.story("browser");
    let expected = [
        "socket, bind, listen ok",
        "wait accept",
        "accept ok",
        "wait read",
        "read ok",
        "head in",
        "head out",
        "wait write",
        "write ok",
        "connecting -> open",
        "wait read",
        "read ok",
        "frame in 1",
        "frame out 1",
        "wait write",
        "write ok",
        "wait read",
        "read ok",
        "frame in 8",
    ];
    assert_eq!(story[..expected.len()], expected, "{story:#?}");
    assert_eq!(story.last().unwrap(), "close ok");
    for step in ["frame out 8", "shutdown ok", "read end"] {
        assert!(story[expected.len()..].iter().any(|each| each == step), "{step}: {story:#?}");
    }
    // One connection, and the client's frames are masked.
    let step = |wanted: &str| {
        let place = guest.story("browser").iter().position(|each| each == wanted).unwrap();
        guest.heard.iter().filter(|message| message["type"] == "step").nth(place).unwrap()["step"].clone()
    };
    assert_eq!(step("frame in 1")["payload"], hex(b"Hello").as_str());
    assert_eq!(step("frame in 1")["key"].as_str().unwrap().len(), 8);
    assert_eq!(step("frame out 1")["key"], Value::Null);
    assert_eq!(step("accept ok")["accepted_peer"], step("read ok")["peer"]);

    let key = guest.heard.iter().find(|message| message["type"] == "accept_key").unwrap();
    let sent = key["key"].as_str().unwrap();
    assert_eq!(key["accept"], accept_key(sent).as_str());
    assert_eq!(key["joined"], format!("{sent}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
    assert!(step("head in")["text"].as_str().unwrap().contains(sent));
    assert!(step("head out")["text"].as_str().unwrap().contains(key["accept"].as_str().unwrap()));
}

#[test]
fn the_server_sends_pings_fragments_and_large_messages_on_request() {
    let classroom = Classroom::open(&[]);
    let mut guest = classroom.enter();
    guest.ask(json!({"do": "ping", "text": "too early"}));
    assert!(guest.until_problem().contains("not connected"));

    let mut exhibit = classroom.exhibit(&guest);
    guest.until_exhibit();
    for (count, text) in [(3, "one message, several frames"), (20, "häß"), (2, "")] {
        let before = guest.story("browser").len();
        guest.ask(json!({"do": "fragments", "count": count, "text": text}));
        assert_eq!(text_of(exhibit.receive().unwrap()), text);
        guest.until_step("last fragment", |step| step["opcode"] == 0 && step["fin"] == true);
        let story = guest.story("browser");
        let frames = story[before..].iter().filter(|step| step.starts_with("frame out")).count();
        assert_eq!(frames, count, "{story:#?}");
    }
    for length in [125, 126, 65_535, 65_536] {
        guest.ask(json!({"do": "large", "count": length}));
        assert_eq!(text_of(exhibit.receive().unwrap()).len(), length);
        let frame = guest.until_step("frame", |step| step["step"] == "frame" && step["length"] == length);
        assert!(frame["step"]["payload"].as_str().unwrap().len() <= 2048, "payloads are cut");
    }
    guest.ask(json!({"do": "ping", "text": "still there?"}));
    // The Pong goes out while this waits for the next message.
    guest.ask(json!({"do": "fragments", "count": 2, "text": "x"}));
    assert_eq!(text_of(exhibit.receive().unwrap()), "x");
    let pong = guest.until_step("pong", |step| step["opcode"] == 10);
    assert_eq!(pong["step"]["payload"], hex(b"still there?").as_str());
}

#[test]
fn a_newer_exhibit_takes_the_place_of_the_older() {
    let classroom = Classroom::open(&[]);
    let mut guest = classroom.enter();
    let mut older = classroom.exhibit(&guest);
    guest.until_exhibit();
    let newer = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| older.receive().unwrap());
        let newer = classroom.exhibit(&guest);
        let Received::Closed(Some(reason)) = waiting.join().unwrap() else { panic!("not closed") };
        assert_eq!((reason.code.0, reason.reason.as_str()), (1001, "a newer exhibit"));
        newer
    });
    assert!(newer.is_open());
}

#[test]
fn an_exhibit_that_talks_without_end_is_closed() {
    let classroom = Classroom::open(&[]);
    let mut guest = classroom.enter();
    let mut exhibit = classroom.exhibit(&guest);
    let code = loop {
        if let Err(error) = exhibit.send_text("and then") {
            panic!("cut off without a word: {error}");
        }
        match exhibit.receive().unwrap() {
            Received::Closed(reason) => break reason.unwrap().code.0,
            received => assert_eq!(text_of(received), "and then"),
        }
    };
    assert_eq!(code, 1008);
    guest.catch_up();
    assert!(guest.story("browser").len() <= 4_002, "the listener's two, and what an exhibit may tell");
    // The next one begins a new story.
    let mut exhibit = classroom.exhibit(&guest);
    exhibit.send_text("again").unwrap();
    assert_eq!(text_of(exhibit.receive().unwrap()), "again");
}

// --- the second client ---------------------------------------------------------------------------

#[test]
fn every_experiment_ends_as_rfc_6455_asks_and_both_sides_are_traced() {
    let classroom = Classroom::open(&[]);
    let mut guest = classroom.enter();
    let names = experiments();
    assert_eq!(names.len(), 12);
    for name in &names {
        guest.heard.clear();
        guest.ask(json!({"do": "experiment", "name": name}));
        let outcome = guest.until("outcome", |message| message["type"] == "outcome");
        assert_eq!((&outcome["experiment"], &outcome["ok"]), (&json!(name), &json!(true)), "{outcome}");
        let wanted = match name.as_str() {
            "fragmented" => "one message, three frames",
            "ping" => "Pong of the same payload",
            "single_bytes" => "“Hello”",
            "invalid_utf8" => "Close 1007",
            "no_upgrade" => "answered 426",
            "wrong_version" => "named the version it speaks, 13",
            _ => "Close 1002",
        };
        assert!(outcome["text"].as_str().unwrap().contains(wanted), "{outcome}");

        // The server's last step may come behind the outcome.
        let closes = |guest: &guest::Guest| guest.story("second").iter().filter(|step| *step == "close ok").count();
        while closes(&guest) < 2 {
            guest.until_step("close", |step| step["call"] == "close");
        }
        for role in ["client", "server"] {
            let of_second = guest.heard.iter().filter(|message| message["exhibit"] == "second");
            let steps = of_second.filter(|message| message["step"]["role"] == role);
            let words: Vec<&str> = steps.filter_map(|message| message["step"]["step"].as_str()).collect();
            for word in ["call", "head"] {
                assert!(words.contains(&word), "{name}, {role}: {words:?}");
            }
        }
        let sent = |role: &str, direction: &str| {
            let steps = guest.heard.iter().map(|message| &message["step"]).filter(|step| step["step"] == "frame");
            steps.filter(|step| step["role"] == role && step["direction"] == direction).count()
        };
        if !["no_upgrade", "wrong_version"].contains(&name.as_str()) {
            assert!(sent("client", "out") > 0, "{name}");
            assert_eq!(sent("server", "out"), sent("client", "in"), "{name}");
        }
    }
}

#[test]
fn experiments_run_one_at_a_time() {
    let classroom = Classroom::open(&[]);
    let mut guest = classroom.enter();
    for _ in 0..20 {
        guest.ask(json!({"do": "experiment", "name": "single_bytes"}));
    }
    let answer = |message: &Value| message["type"] == "outcome" || message["type"] == "problem";
    let answers: Vec<Value> = (0..20).map(|_| guest.until("answer", answer)).collect();
    assert!(answers.iter().any(|answer| answer["type"] == "outcome"), "{answers:?}");
    let refused = answers.iter().filter(|answer| answer["type"] == "problem");
    assert!(refused.clone().all(|answer| answer["text"].as_str().unwrap().contains("still running")), "{answers:?}");
    assert!(refused.count() > 0);
}

// --- the room ------------------------------------------------------------------------------------

#[test]
fn a_visitor_sees_the_bytes_of_their_own_exhibit_and_no_others() {
    let classroom = Classroom::open(&[]);
    let (mut one, mut other) = (classroom.enter(), classroom.enter());
    let mut exhibits = [classroom.exhibit(&one), classroom.exhibit(&other)];
    for (exhibit, secret) in exhibits.iter_mut().zip(["the first's secret", "the other's secret"]) {
        exhibit.send_text(secret).unwrap();
        assert_eq!(text_of(exhibit.receive().unwrap()), secret);
    }
    one.ask(json!({"do": "experiment", "name": "ping"}));
    one.until("outcome", |message| message["type"] == "outcome");
    for exhibit in &mut exhibits {
        exhibit.close();
    }
    for (guest, own, foreign) in [
        (&mut one, "the first's secret", "the other's secret"),
        (&mut other, "the other's secret", "the first's secret"),
    ] {
        guest.until_step("close", |step| step["call"] == "close" && step["role"] == "server");
        guest.until_room("two visitors", |lines| lines.len() == 2);
        guest.catch_up();
        let heard = guest.heard.iter().map(Value::to_string).collect::<String>();
        assert!(heard.contains(&hex(own.as_bytes())));
        assert!(!heard.contains(&hex(foreign.as_bytes())) && !heard.contains(foreign));
    }
    assert!(other.story("second").is_empty());
    // Of the other there is a line in the room, which says that they are here; no address, no key, no counts.
    let addresses: Vec<&Value> = [&one, &other].map(|guest| &guest.welcome["address"]).into();
    let rooms = other.heard.iter().filter(|message| message["type"] == "room");
    for line in rooms.flat_map(|message| message["clients"].as_array().unwrap()) {
        let is_own = line["visitor"] == other.number();
        assert_eq!(line["you"] == true, is_own);
        if !is_own {
            let names: Vec<&String> = line.as_object().unwrap().keys().collect();
            assert_eq!(names, ["exhibit_open", "thread", "visitor"]);
        }
        assert!(is_own || line["address"] != *addresses[0]);
    }
    let heard = other.heard.iter().map(Value::to_string).collect::<String>();
    assert!(!heard.contains(one.welcome["token"].as_str().unwrap()));
}

#[test]
fn a_visitor_over_the_cap_is_told_so_and_may_come_when_another_left() {
    let classroom = Classroom::open(&["--max-visitors", "1"]);
    let mut first = classroom.enter();
    let mut second = classroom.connect("/commentary", &[]).unwrap();
    let problem: Value = serde_json::from_str(&text_of(second.receive().unwrap())).unwrap();
    assert_eq!(problem["type"], "problem");
    assert!(problem["text"].as_str().unwrap().contains("full: 1 visitors"), "{problem}");
    let Received::Closed(Some(reason)) = second.receive().unwrap() else { panic!("not closed") };
    assert_eq!(reason.code.0, 1013);

    let mut projector = classroom.projector("");
    projector.until_room("the first", |lines| lines.len() == 1);
    first.socket.close();
    projector.until_room("nobody", <[Value]>::is_empty);
    assert!(classroom.enter().number() > first.number(), "a number is never given twice");
}

#[test]
fn a_whole_class_is_served() {
    let classroom = Classroom::open(&[]);
    let mut guests: Vec<guest::Guest> = (0..60).map(|_| classroom.enter()).collect();
    let mut exhibits: Vec<WebSocket> = guests.iter().map(|guest| classroom.exhibit(guest)).collect();
    for guest in &mut guests {
        guest.ask(json!({"do": "experiment", "name": "unmasked"}));
    }
    for (exhibit, guest) in exhibits.iter_mut().zip(&guests) {
        exhibit.send_text(&format!("I am {}", guest.number())).unwrap();
    }
    for (exhibit, guest) in exhibits.iter_mut().zip(&mut guests) {
        let text = format!("I am {}", guest.number());
        assert_eq!(text_of(exhibit.receive().unwrap()), text);
        guest.until_step("own frame", |step| step["payload"] == hex(text.as_bytes()).as_str());
        if !guest.heard.iter().any(|message| message["type"] == "outcome") {
            guest.until("outcome", |message| message["type"] == "outcome");
        }
        let outcome = guest.heard.iter().find(|message| message["type"] == "outcome").unwrap();
        assert_eq!(outcome["ok"], true, "{outcome}");
    }
    guests[0].until_room("sixty", |lines| lines.len() == 60);
}

#[test]
fn only_the_lecturer_disconnects() {
    let classroom = Classroom::open(&[]);
    let (mut one, mut other) = (classroom.enter(), classroom.enter());
    let mut exhibit = classroom.exhibit(&one);
    let number = one.number();

    // A visitor cannot, whatever they send.
    for key in [other.welcome["token"].clone(), json!(classroom.lecturer)] {
        other.ask(json!({"do": "disconnect", "visitor": number, "key": key}));
        assert!(other.until_problem().contains("only the lecturer's projector"));
    }
    // A projector without the key can look.
    let mut onlooker = classroom.projector("wrong");
    assert_eq!(onlooker.welcome["lecturer"], false);
    let lines = onlooker.until_room("two visitors", |lines| lines.len() == 2);
    assert_eq!(lines[0]["address"], one.welcome["address"]);
    for key in ["wrong", "", &classroom.lecturer[1..]] {
        onlooker.ask(json!({"do": "disconnect", "visitor": number, "key": key}));
        assert!(onlooker.until_problem().contains("needs the lecturer's key"));
    }
    let mut lecturer = classroom.projector(&classroom.lecturer);
    assert_eq!(lecturer.welcome["lecturer"], true);
    lecturer.ask(json!({"do": "disconnect", "visitor": 999, "key": classroom.lecturer}));
    assert!(lecturer.until_problem().contains("999 is not here"));
    lecturer.until_room("both", |lines| lines.len() == 2 && lines.iter().any(|line| line["exhibit_open"] == true));

    lecturer.ask(json!({"do": "disconnect", "visitor": number, "key": classroom.lecturer}));
    let Received::Closed(Some(reason)) = exhibit.receive().unwrap() else { panic!("the exhibit goes first") };
    assert_eq!((reason.code.0, reason.reason.as_str()), (1008, "the lecturer has disconnected you"));
    while one.next().is_some() {}
    assert_eq!(one.goodbye, Some(reason));
    lecturer.until_room("the other alone", |lines| lines.len() == 1 && lines[0]["visitor"] == other.number());
    other.until_room("alone", |lines| lines.len() == 1);
    other.catch_up();
}

// --- hostile pages -------------------------------------------------------------------------------

#[test]
fn hostile_requests_are_answered_with_a_sentence() {
    let classroom = Classroom::open(&[]);
    let (mut guest, mut projector) = (classroom.enter(), classroom.projector(""));
    let deep = "[".repeat(100_000);
    let long = format!("{{\"do\":\"ping\",\"text\":\"{}\"}}", "x".repeat(126));
    let huge = format!("{{\"do\":\"fragments\",\"count\":2,\"text\":\"{}\"}}", "x".repeat(200_000));
    let requests = [
        "",
        "null",
        "7",
        "\"do\"",
        "[]",
        "{}",
        "{",
        "{\"do\":7}",
        "{\"do\":\"dance\"}",
        "{\"do\":\"ping\"}",
        "{\"do\":\"ping\",\"text\":7}",
        "{\"do\":\"fragments\",\"count\":0,\"text\":\"\"}",
        "{\"do\":\"fragments\",\"count\":-1,\"text\":\"\"}",
        "{\"do\":\"fragments\",\"count\":1e99,\"text\":\"\"}",
        "{\"do\":\"fragments\",\"count\":18446744073709551615,\"text\":\"\"}",
        "{\"do\":\"large\",\"count\":100001}",
        "{\"do\":\"large\",\"count\":1.5}",
        "{\"do\":\"experiment\",\"name\":\"\\u0000\\ud800\"}",
        "{\"do\":\"experiment\",\"name\":\"../../etc/passwd\"}",
        "{\"do\":\"disconnect\",\"visitor\":18446744073709551615,\"key\":\"\"}",
        &deep,
        &long,
        &huge,
    ];
    for request in requests {
        for page in [&mut guest, &mut projector] {
            page.socket.send_text(request).unwrap();
            assert!(!page.until_problem().is_empty());
        }
    }
    guest.socket.send_binary(&[0xff; 100]).unwrap();
    assert!(guest.until_problem().contains("a request is a text"));
    guest.catch_up();
    // More than a message may have ends that commentary, with the code that says why.
    let big = "x".repeat(300_000);
    guest.socket.send_text(&big).unwrap();
    let ended =
        std::iter::repeat_with(|| guest.socket.receive()).find(|each| !matches!(each, Ok(Received::Message(_))));
    let Some(Ok(Received::Closed(Some(reason)))) = ended else { panic!("{ended:?}") };
    assert_eq!(reason.code.0, 1009);
    classroom.enter().catch_up();
}

#[test]
fn a_commentary_that_is_never_read_harms_nobody() {
    let classroom = Classroom::open(&[]);
    let mut healthy = classroom.enter();
    // A commentary by hand: its handshake and its welcome are read, and not a byte more.
    let mut deaf = TcpStream::connect(classroom.address).unwrap();
    deaf.set_read_timeout(Some(SOON)).unwrap();
    let request = format!(
        "GET /commentary HTTP/1.1\r\nHost: {}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        classroom.address
    );
    deaf.write_all(request.as_bytes()).unwrap();
    let mut read = Vec::new();
    let welcome = loop {
        let mut space = [0; 512];
        let count = deaf.read(&mut space).unwrap();
        read.extend_from_slice(&space[..count]);
        let text = String::from_utf8_lossy(&read);
        let begin = text.find("{\"address\"");
        if let Some((begin, end)) = begin.and_then(|begin| Some((begin, text[begin..].find('}')? + begin + 1))) {
            break serde_json::from_str::<Value>(&text[begin..end]).unwrap();
        }
    };
    let target = format!("/exhibit?visitor={}&key={}", welcome["visitor"], welcome["token"].as_str().unwrap());

    // Its exhibits talk, one after another, until it is sent away.
    let message = [b'x'; 1_000];
    let mut exhibits = 0;
    while let Ok(mut exhibit) = classroom.connect(&target, &[]) {
        exhibits += 1;
        assert!(exhibits < 100, "nobody ever noticed");
        while exhibit.send_binary(&message).is_ok() {
            if !matches!(exhibit.receive(), Ok(Received::Message(_))) {
                break;
            }
        }
        // Meanwhile another visitor is served as ever.
        healthy.ask(json!({"do": "experiment", "name": "unmasked"}));
        healthy.until("outcome", |message| message["type"] == "outcome");
    }
    healthy.until_room("alone", |lines| lines.len() == 1);
    #[cfg(target_os = "linux")]
    {
        let status = std::fs::read_to_string(format!("/proc/{}/status", classroom.program.id())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
        assert!(peak < 64 * 1024, "{peak} kB after {exhibits} exhibits");
    }
}

// --- as every example ----------------------------------------------------------------------------

#[test]
fn the_environment_can_trace_it_too() {
    for (kind, expected) in [("json", "\"call\":\"accept\""), ("ladder", "HTTP")] {
        let mut command = with(Command::new(example_path("classroom")), ["--listen", "127.0.0.1:0"]);
        command.env("SOCKLAB_TRACE", kind);
        let mut program = Program::start("classroom", command);
        let address = program.address();
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(SOON)).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();
        drop(stream);
        let deadline = std::time::Instant::now() + SOON;
        while !program.complaints().contains(expected) {
            assert!(std::time::Instant::now() < deadline, "{}", program.complaints());
            std::thread::yield_now();
        }
    }
}
