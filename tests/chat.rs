//! The chat, with people who come by different ways: two browsers, Python, Node and a client of our own, in one room; and
//! somebody in another room, who must hear nothing of it.

mod support;

use serde_json::json;
use socklab::websocket::{Message, Received, WebSocket};
use std::time::{Duration, Instant};
use support::webdriver::Browser;
use support::{Program, node, python, with};

const LONG: Duration = Duration::from_secs(20);

/// Reads until this line comes, and returns what came before it.
fn hear(socket: &mut WebSocket, line: &str) -> Vec<String> {
    let deadline = Instant::now() + LONG;
    let mut before = Vec::new();
    loop {
        assert!(Instant::now() < deadline, "{line:?} did not come, but {before:#?}");
        match socket.receive_within(LONG).unwrap() {
            Received::Message(Message::Text(heard)) if heard == line => return before,
            Received::Message(Message::Text(heard)) => before.push(heard),
            other => panic!("{other:?} instead of {line:?}, after {before:#?}"),
        }
    }
}

#[test]
fn a_room_hears_what_is_said_in_it_and_nothing_else() {
    let (mut server, address) = Program::server("chat", &["--interval", "0.2"]);
    let url = format!("ws://{address}/chat");
    let mut ada = WebSocket::connect(&url).unwrap();
    let mut bob = WebSocket::connect(&url).unwrap();
    ada.send_text("/nick ada").unwrap();
    ada.send_text("/room math").unwrap();
    hear(&mut ada, "* ada comes in");
    bob.send_text("/nick bob").unwrap();
    hear(&mut bob, "* guest2 is now bob");
    ada.send_text("one").unwrap();
    ada.send_text("two").unwrap();
    assert_eq!(hear(&mut ada, "ada: two").iter().filter(|line| line.starts_with("ada: ")).count(), 1);
    // Bob is in the lobby. What he says he hears; what was said in the other room before that he did not hear.
    bob.send_text("here").unwrap();
    assert!(!hear(&mut bob, "bob: here").iter().any(|line| line.contains("ada: ")));
    // Who comes later is told what was said.
    bob.send_text("/room math").unwrap();
    let before = hear(&mut bob, "* bob comes in");
    assert!(before.contains(&"ada: one".to_owned()) && before.contains(&"ada: two".to_owned()), "{before:#?}");
    hear(&mut ada, "* who is here: math: ada, bob");
    ada.close();
    hear(&mut bob, "* ada has left");
    assert!(server.is_running());
}

#[test]
fn what_is_not_understood_is_answered_and_harms_nobody() {
    let (_server, address) = Program::server("chat", &[]);
    let mut socket = WebSocket::connect(&format!("ws://{address}/chat")).unwrap();
    for (says, hears) in [
        ("/nick", "* /nick NAME: one word of up to 20 letters and digits"),
        ("/nick two words", "* /nick NAME: one word of up to 20 letters and digits"),
        ("/room <b>", "* /room NAME: one word of up to 20 letters and digits"),
        ("/leave", "* /nick NAME, /room NAME, or just talk"),
    ] {
        socket.send_text(says).unwrap();
        hear(&mut socket, hears);
    }
    socket.send_text(&"x".repeat(1001)).unwrap();
    hear(&mut socket, "* that is too long for a chat");
    socket.send_binary(b"\x00").unwrap();
    hear(&mut socket, "* only text is understood here");
    assert!(WebSocket::connect(&format!("ws://{address}/")).unwrap_err().to_string().contains("404"));
}

#[test]
#[ignore = "needs Chromium, Python's websockets and Node's ws: .ci/run installs them"]
fn two_browsers_python_and_node_in_one_room() {
    let (mut server, address) = Program::server("chat", &[]);
    let (url, page) = (format!("ws://{address}/chat"), format!("http://{address}/"));
    let lines = [
        "first: hello from a browser",
        "second: hello from a browser",
        "snake: hello from Python",
        "knot: hello from Node",
    ];

    let browsers = [Browser::open(), Browser::open()];
    for (browser, nick) in browsers.iter().zip(["first", "second"]) {
        browser.visit(&page);
        browser.wait_until("the chat is open", "document.getElementById('state').textContent === 'open'");
        for says in [&format!("/nick {nick}"), "/room lab"] {
            browser.type_into("#text", says);
            browser.click("#say button");
        }
        let comes_in =
            format!("[...document.querySelectorAll('#said li')].some(li => li.textContent === '* {nick} comes in')");
        browser.wait_until("it is in the room", &comes_in);
    }
    let arguments = |nick: &str, says: &str| {
        [&[&url, nick, "lab", says][..], &lines].concat().iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    let mut others = [
        Program::start("python", with(python("chat.py"), arguments("snake", "hello from Python"))),
        Program::start("node", with(node("chat.js"), arguments("knot", "hello from Node"))),
    ];
    for other in &mut others {
        other.expect_line("in");
    }
    // Everybody is in the room. Now everybody speaks, and everybody hears everybody.
    for browser in &browsers {
        browser.type_into("#text", "hello from a browser");
        browser.click("#say button");
    }
    for other in &mut others {
        other.say("speak");
    }
    for other in others {
        other.succeed(LONG);
    }
    for browser in &browsers {
        for line in lines {
            let heard = "[...document.querySelectorAll('#said li')].some(li => li.textContent === arguments[0])";
            let deadline = Instant::now() + LONG;
            while browser.run_with(&format!("return {heard}"), json!([line])) != json!(true) {
                assert!(Instant::now() < deadline, "a browser did not hear {line:?}: {}", browser.text("#said"));
            }
        }
        assert_eq!(browser.errors(), Vec::<String>::new());
    }
    assert!(server.is_running(), "{}", server.complaints());
}
