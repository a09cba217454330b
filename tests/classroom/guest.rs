//! A visitor without a browser: the same two WebSockets, and everything that the commentary ever said.

use crate::support::{Program, SOON, remaining};
use serde_json::{Value, json};
use socklab::trace::Trace;
use socklab::websocket::protocol::CloseReason;
use socklab::websocket::{Error, Message, Offer, Received, WebSocket};
use socklab::{Client, ClientTls, Settings};
use std::net::SocketAddr;
use std::time::Instant;

/// A running classroom.
pub(crate) struct Classroom {
    pub(crate) program: Program,
    pub(crate) address: SocketAddr,
    pub(crate) lecturer: String,
    /// With TLS: whom its visitors believe.
    tls: Option<ClientTls>,
}

impl Classroom {
    pub(crate) fn open(arguments: &[&str]) -> Classroom {
        let (mut program, address) = Program::server("classroom", arguments);
        let line = program.find_line("the projector's address", |line| line.contains("/projector?key="));
        let lecturer = line.rsplit('=').next().unwrap().to_owned();
        Classroom { program, address, lecturer, tls: None }
    }

    /// Over TLS, for visitors who believe `tls`.
    #[allow(dead_code)] // The tests without TLS do not need it.
    pub(crate) fn open_over_tls(arguments: &[&str], tls: ClientTls) -> Classroom {
        Classroom { tls: Some(tls), ..Classroom::open(arguments) }
    }

    pub(crate) fn url(&self) -> String {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        format!("{scheme}://{}/", self.address)
    }

    /// A whole answer to a raw request: status, head, body.
    pub(crate) fn ask(&self, request: &str) -> (u16, String, String) {
        let mut client = Client::connect_with(&self.address.to_string(), &self.settings()).unwrap();
        client.send(request).unwrap();
        let mut answer = Vec::new();
        while let socklab::Received::Message(bytes) = client.receive().unwrap() {
            answer.extend(bytes);
        }
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no head: {answer:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        (status, head.to_owned(), body.to_owned())
    }

    pub(crate) fn get(&self, path: &str) -> (u16, String, String) {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: {}\r\n\r\n", self.address))
    }

    pub(crate) fn connect(&self, target: &str, headers: &[(&str, &str)]) -> Result<WebSocket, Error> {
        let headers = headers.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        let offer = Offer { headers, ..Offer::default() };
        let scheme = if self.tls.is_some() { "wss" } else { "ws" };
        WebSocket::connect_with(&format!("{scheme}://{}{target}", self.address), &offer, &self.settings())
    }

    fn settings(&self) -> Settings {
        let client_tls = self.tls.clone();
        Settings { trace: Trace::off(), receive_limit: SOON, client_tls, ..Settings::default() }
    }

    /// A visitor comes in.
    pub(crate) fn enter(&self) -> Guest {
        self.listen("/commentary")
    }

    pub(crate) fn projector(&self, key: &str) -> Guest {
        self.listen(&format!("/commentary?projector=1&key={key}"))
    }

    fn listen(&self, target: &str) -> Guest {
        let socket = self.connect(target, &[]).unwrap();
        let mut guest = Guest { socket, welcome: Value::Null, heard: Vec::new(), goodbye: None };
        guest.welcome = guest.next().expect("a commentary begins with a message");
        assert_eq!(guest.welcome["type"], "welcome", "{}", guest.welcome);
        guest
    }

    /// The visitor's exhibit.
    pub(crate) fn exhibit(&self, guest: &Guest) -> WebSocket {
        self.connect(&guest.exhibit_target(), &[]).unwrap()
    }
}

/// Whoever listens to a commentary.
pub(crate) struct Guest {
    pub(crate) socket: WebSocket,
    pub(crate) welcome: Value,
    /// Everything, in order, as it came.
    pub(crate) heard: Vec<Value>,
    /// The server's goodbye, once it has said it.
    pub(crate) goodbye: Option<CloseReason>,
}

impl Guest {
    pub(crate) fn number(&self) -> u64 {
        self.welcome["visitor"].as_u64().unwrap()
    }

    pub(crate) fn exhibit_target(&self) -> String {
        format!("/exhibit?visitor={}&key={}", self.number(), self.welcome["token"].as_str().unwrap())
    }

    /// The next message. None: the commentary has ended.
    pub(crate) fn next(&mut self) -> Option<Value> {
        match self.socket.receive() {
            Ok(Received::Message(Message::Text(text))) => {
                let message: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
                self.heard.push(message.clone());
                Some(message)
            }
            Ok(Received::Closed(reason)) => {
                self.goodbye = reason;
                None
            }
            other => panic!("the commentary: {other:?}"),
        }
    }

    /// Waits for such a message, passing over others.
    pub(crate) fn until(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + SOON;
        while let Some(message) = self.next() {
            if is_it(&message) {
                return message;
            }
            assert!(!remaining(deadline).is_zero(), "no {what}; heard {:#?}", self.heard);
        }
        panic!("the commentary ended without {what}; heard {:#?}", self.heard)
    }

    pub(crate) fn until_step(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        self.until(what, |message| message["type"] == "step" && is_it(&message["step"]))
    }

    pub(crate) fn until_problem(&mut self) -> String {
        self.until("problem", |message| message["type"] == "problem")["text"].as_str().unwrap().to_owned()
    }

    /// Waits until the room is like this; gives its lines.
    pub(crate) fn until_room(&mut self, what: &str, is_it: impl Fn(&[Value]) -> bool) -> Vec<Value> {
        let lines = |message: &Value| message["clients"].as_array().cloned().unwrap_or_default();
        let is_room = |message: &Value| message["type"] == "room";
        // The room is told when it changes: what is waited for may have been told while something else was waited for.
        match self.heard.iter().rfind(|message| is_room(message)).map(lines) {
            Some(now) if is_it(&now) => now,
            _ => lines(&self.until(what, |message| is_room(message) && is_it(&lines(message)))),
        }
    }

    /// Waits until the exhibit is put up: the answer to its handshake may be here before that.
    pub(crate) fn until_exhibit(&mut self) {
        self.until_room("exhibit", |lines| {
            lines.iter().any(|line| line["you"] == true && line["exhibit_open"] == true)
        });
    }

    pub(crate) fn ask(&mut self, request: Value) {
        self.socket.send_text(&request.to_string()).unwrap();
    }

    /// Asks for something that is always answered, and waits for that: whatever was sent before has been heard by now.
    pub(crate) fn catch_up(&mut self) {
        self.ask(json!({"do": "experiment", "name": "catch up"}));
        self.until("an answer", |message| message["text"].as_str().is_some_and(|text| text.contains("catch up")));
    }

    /// The steps of one of the exhibits, each as a few words: `accept`, `read ok`, `frame in 1`.
    pub(crate) fn story(&self, exhibit: &str) -> Vec<String> {
        let steps = self.heard.iter().filter(|message| message["type"] == "step" && message["exhibit"] == exhibit);
        let word = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let told = |step: &Value| match step["step"].as_str().unwrap() {
            "call" => format!("{} {}", word(&step["call"]), word(&step["result"])),
            "wait" => format!("wait {}", word(&step["call"])),
            "head" => format!("head {}", word(&step["direction"])),
            "frame" => format!("frame {} {}", word(&step["direction"]), word(&step["opcode"])),
            "state" => format!("{} -> {}", word(&step["from"]), word(&step["to"])),
            other => other.to_owned(),
        };
        steps.map(|message| told(&message["step"])).collect()
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
