//! How does a program read the trace?
//!
//! As one JSON object a line: a line is complete when its newline is there, so a reader may follow the file while it
//! grows, and a program that is killed loses at most the line it was writing. There is no JSON crate here: writing JSON
//! needs one function that is easy to get wrong, [`text`], and that one is tested against a crate that reads it.
//!
//! Every line begins with who and when:
//!
//! ```json
//! {"at":1700000000.123456,"took_us":35,"role":"client","thread":"main","connection":1,"descriptor":3,
//!  "local":"127.0.0.1:50000","peer":"127.0.0.1:7000", ...
//! ```
//!
//! and goes on with what was done:
//!
//! | `"step"` | and |
//! |---|---|
//! | `"wait"` | `call`, `bytes` when it is known how many |
//! | `"call"` | `call`, `std`, `system`, `result`, and what came of it |
//! | `"record"` | `direction`, `header` (its five bytes), `type`, `length`, `handshake` if its first message crosses in the clear: of TLS |
//! | `"secured"` | `version`, `cipher`, `name`, `verified`, `chain`, `protocol`, `resumed`: the TLS handshake is done |
//! | `"plaintext"` | `direction`, `bytes`, `hex`: what records held |
//! | `"head"` | `direction`, `text` |
//! | `"frame"` | `direction`, `fin`, `rsv`, `opcode`, `key`, `length`, `header`, `payload` |
//! | `"state"` | `from`, `to`, `why` |
//! | `"note"` | `text` |
//!
//! A `result` is `"ok"`, `"end"`, `"own end"`, `"nothing"` or `"error"`. With it come `bytes` and `hex` of a read or a write,
//! `accepted` (the new descriptor) and `accepted_peer` of an accept, `error` and `kind` of a failure.
//!
//! Bytes are in hex, because JSON has no bytes: a text field would have to guess at an encoding. Only the first 1,024
//! are kept, `bytes` and `length` count them all.
//!
//! # In production
//!
//! `serde_json` writes and reads this from types, and a schema says what may be in it. A tracing service takes OTLP, the
//! protocol of OpenTelemetry, instead of lines.

use super::{Action, Direction, FrameStep, Observer, Outcome, Side, Step, TlsStep};
use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

/// Bytes of a read, a write or a payload that are kept: enough to see every head and most messages, while a copy of a
/// download does not fill the disk twice.
const KEPT: usize = 1024;

/// An observer that writes each step as one line of JSON and flushes it.
///
/// What cannot be written is lost without a word: the program that is watched must not fail because its watcher's disk
/// is full.
///
/// ```
/// use socklab::trace::{JsonLines, Trace};
/// let trace = Trace::to(JsonLines::new(std::io::stderr()));
/// ```
pub struct JsonLines {
    output: Mutex<Box<dyn Write + Send>>,
}

impl JsonLines {
    /// Writes to `output`: a file, standard error, or a `Vec<u8>` behind a lock.
    pub fn new(output: impl Write + Send + 'static) -> JsonLines {
        JsonLines { output: Mutex::new(Box::new(output)) }
    }
}

impl Observer for JsonLines {
    fn observe(&self, step: &Step<'_>) {
        let mut line = json(step);
        line.push('\n');
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        // One write for the whole line: two processes that append to one file then do not cut each other's lines.
        let _ = output.write_all(line.as_bytes()).and_then(|()| output.flush());
    }
}

/// One step as a JSON object, without a newline: what [`JsonLines`] writes, for whoever sends it elsewhere.
pub fn json(step: &Step<'_>) -> String {
    let since = step.at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let role = match step.side {
        Side::Client => "client",
        Side::Server => "server",
    };
    let mut object = Object::new();
    // Seconds and microseconds as decimal digits, not through an f64: its 53 bits would just do, until they do not.
    object.raw("at", &format!("{}.{:06}", since.as_secs(), since.subsec_micros()));
    object.number("took_us", step.took.as_micros());
    object.text("role", role);
    object.text("thread", step.thread);
    object.number("connection", step.connection);
    object.optional("descriptor", step.descriptor);
    object.address("local", step.local);
    object.address("peer", step.peer);
    action(&mut object, &step.action);
    object.end()
}

fn action(object: &mut Object, action: &Action<'_>) {
    match action {
        Action::Wait { call, bytes } => {
            object.text("step", "wait");
            object.text("call", call.name());
            if let Some(bytes) = bytes {
                object.number("bytes", bytes);
            }
        }
        Action::Call { call, outcome: came } => {
            object.text("step", "call");
            object.text("call", call.name());
            object.text("std", call.standard_library());
            let system: Vec<String> = call.system_calls().iter().map(|name| text(name)).collect();
            object.raw("system", &format!("[{}]", system.join(",")));
            outcome(object, came);
        }
        Action::Tls(step) => tls(object, step),
        Action::Head { direction: way, bytes } => {
            object.text("step", "head");
            object.text("direction", direction(*way));
            object.text("text", &String::from_utf8_lossy(bytes));
        }
        Action::Frame { direction: way, frame: parts } => {
            object.text("step", "frame");
            object.text("direction", direction(*way));
            frame(object, parts);
        }
        Action::State { from, to, why } => {
            object.text("step", "state");
            object.text("from", from);
            object.text("to", to);
            object.text("why", why);
        }
        Action::Note(words) => {
            object.text("step", "note");
            object.text("text", words);
        }
    }
}

fn outcome(object: &mut Object, outcome: &Outcome<'_>) {
    match outcome {
        Outcome::Done => object.text("result", "ok"),
        Outcome::Accepted { descriptor, peer } => {
            object.text("result", "ok");
            object.optional("accepted", *descriptor);
            object.address("accepted_peer", Some(*peer));
        }
        Outcome::Bytes(bytes) => {
            object.text("result", "ok");
            object.number("bytes", bytes.len());
            object.text("hex", &hex(bytes));
        }
        Outcome::End => object.text("result", "end"),
        Outcome::OwnEnd => object.text("result", "own end"),
        Outcome::Nothing => object.text("result", "nothing"),
        Outcome::Failed(error) => {
            object.text("result", "error");
            object.text("error", &error.to_string());
            object.text("kind", &format!("{:?}", error.kind()));
        }
    }
}

fn tls(object: &mut Object, step: &TlsStep<'_>) {
    match step {
        TlsStep::Record { direction: way, record } => {
            object.text("step", "record");
            object.text("direction", direction(*way));
            object.text("header", &hex(&record.header()));
            object.number("type", record.content_type);
            object.number("length", record.length);
            object.optional("handshake", record.handshake.map(i32::from));
        }
        TlsStep::Secured(secured) => {
            object.text("step", "secured");
            object.text("version", secured.version);
            object.text("cipher", secured.cipher);
            object.raw("name", &secured.name.map_or("null".to_owned(), text));
            object.raw("verified", if secured.verified { "true" } else { "false" });
            object.number("chain", secured.chain);
            object.raw("protocol", &secured.protocol.map_or("null".to_owned(), text));
            object.raw("resumed", if secured.resumed { "true" } else { "false" });
        }
        TlsStep::Plaintext { direction: way, bytes } => {
            object.text("step", "plaintext");
            object.text("direction", direction(*way));
            object.number("bytes", bytes.len());
            object.text("hex", &hex(bytes));
        }
    }
}

fn frame(object: &mut Object, frame: &FrameStep<'_>) {
    object.raw("fin", if frame.fin { "true" } else { "false" });
    object.number("rsv", frame.rsv);
    object.number("opcode", frame.opcode);
    match frame.key {
        Some(key) => object.text("key", &hex(&key)),
        None => object.raw("key", "null"),
    }
    object.number("length", frame.length);
    object.text("header", &hex(frame.header));
    object.text("payload", &hex(frame.payload));
}

fn direction(direction: Direction) -> &'static str {
    match direction {
        Direction::In => "in",
        Direction::Out => "out",
    }
}

/// The first [`KEPT`] bytes, two digits each.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().take(KEPT).map(|byte| format!("{byte:02x}")).collect()
}

/// A JSON string with its quotes (RFC 8259 section 7): the quote, the backslash and every control character must be
/// escaped. A raw newline would not only be wrong JSON, it would end our line in the middle.
fn text(words: &str) -> String {
    let mut quoted = String::with_capacity(words.len() + 2);
    quoted.push('"');
    for character in words.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            // DEL and U+0080 to U+009F may stand raw in JSON, but a terminal that shows the file would obey them.
            control if control.is_control() => quoted.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => quoted.push(other),
        }
    }
    quoted.push('"');
    quoted
}

/// An object that is being written: a brace, and fields with commas between them.
struct Object(String);

impl Object {
    fn new() -> Object {
        Object(String::from("{"))
    }

    /// A field whose value is JSON already.
    fn raw(&mut self, name: &str, value: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push_str(&format!("\"{name}\":{value}"));
    }

    fn number(&mut self, name: &str, value: impl ToString) {
        self.raw(name, &value.to_string());
    }

    fn optional(&mut self, name: &str, value: Option<i32>) {
        self.raw(name, &value.map_or_else(|| "null".to_string(), |number| number.to_string()));
    }

    fn text(&mut self, name: &str, value: &str) {
        self.raw(name, &text(value));
    }

    fn address(&mut self, name: &str, value: Option<SocketAddr>) {
        self.raw(name, &value.map_or_else(|| "null".to_string(), |address| text(&address.to_string())));
    }

    fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Call, RecordStep, SecuredStep, Trace};
    use serde_json::Value;
    use std::io;
    use std::sync::Arc;
    use std::time::Duration;

    fn step(action: Action<'_>) -> Step<'_> {
        Step {
            at: SystemTime::UNIX_EPOCH + Duration::from_micros(1_700_000_000_023_456),
            took: Duration::from_micros(35),
            side: Side::Server,
            connection: 3,
            descriptor: Some(5),
            local: Some("127.0.0.1:7000".parse().unwrap()),
            peer: Some("[::1]:5000".parse().unwrap()),
            thread: "client \"3\"",
            action,
        }
    }

    fn parsed(action: Action<'_>) -> Value {
        let line = json(&step(action));
        assert!(!line.contains('\n'), "{line}");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"))
    }

    #[test]
    fn every_step_says_who_and_when() {
        assert_eq!(
            json(&step(Action::Note("hi"))),
            "{\"at\":1700000000.023456,\"took_us\":35,\"role\":\"server\",\"thread\":\"client \\\"3\\\"\",\
             \"connection\":3,\"descriptor\":5,\"local\":\"127.0.0.1:7000\",\"peer\":\"[::1]:5000\",\
             \"step\":\"note\",\"text\":\"hi\"}"
        );
        let mut unknown = step(Action::Note(""));
        (unknown.descriptor, unknown.local, unknown.peer) = (None, None, None);
        let value: Value = serde_json::from_str(&json(&unknown)).unwrap();
        assert_eq!((&value["descriptor"], &value["local"], &value["peer"]), (&Value::Null, &Value::Null, &Value::Null));
    }

    #[test]
    fn every_character_survives() {
        let all: String = (0..0x2_0000).filter_map(char::from_u32).collect();
        let line = json(&step(Action::Note(&all)));
        assert!(!line.chars().any(char::is_control), "no control character may stand raw in a line");
        assert_eq!(parsed(Action::Note(&all))["text"], all.as_str());
    }

    #[test]
    fn a_wait_says_how_much_it_wants_to_write() {
        let value = parsed(Action::Wait { call: Call::Write, bytes: Some(70_000) });
        assert_eq!(
            (&value["step"], &value["call"], &value["bytes"]),
            (&"wait".into(), &"write".into(), &70_000.into())
        );
        assert!(parsed(Action::Wait { call: Call::Read, bytes: None }).get("bytes").is_none());
    }

    #[test]
    fn each_outcome_has_its_own_shape() {
        let call = |call, outcome| parsed(Action::Call { call, outcome });

        let value = call(Call::Listen, Outcome::Done);
        assert_eq!(value["call"], "socket, bind, listen");
        assert_eq!(value["std"], "TcpListener::bind");
        assert_eq!(value["system"], serde_json::json!(["socket", "setsockopt", "bind", "listen"]));
        assert_eq!(value["result"], "ok");

        let peer = "10.0.0.9:4000".parse().unwrap();
        let value = call(Call::Accept, Outcome::Accepted { descriptor: Some(6), peer });
        assert_eq!((&value["accepted"], &value["accepted_peer"]), (&6.into(), &"10.0.0.9:4000".into()));
        assert_eq!(value["peer"], "[::1]:5000");

        let value = call(Call::Read, Outcome::Bytes(b"Hello\0\xff"));
        assert_eq!((&value["bytes"], &value["hex"]), (&7.into(), &"48656c6c6f00ff".into()));

        assert_eq!(call(Call::Read, Outcome::End)["result"], "end");
        assert_eq!(call(Call::Read, Outcome::OwnEnd)["result"], "own end");
        assert_eq!(call(Call::Read, Outcome::Nothing)["result"], "nothing");

        let error = io::Error::new(io::ErrorKind::ConnectionReset, "the \"peer\" went");
        let value = call(Call::Read, Outcome::Failed(&error));
        assert_eq!((&value["result"], &value["error"]), (&"error".into(), &"the \"peer\" went".into()));
        assert_eq!(value["kind"], "ConnectionReset");
    }

    #[test]
    fn the_steps_of_tls_have_their_own_shapes() {
        let record = RecordStep { content_type: 22, version: 0x0301, length: 517, handshake: Some(1) };
        let value = parsed(Action::Tls(TlsStep::Record { direction: Direction::In, record }));
        assert_eq!((&value["step"], &value["direction"]), (&"record".into(), &"in".into()));
        assert_eq!((&value["header"], &value["type"]), (&"1603010205".into(), &22.into()));
        assert_eq!((&value["length"], &value["handshake"]), (&517.into(), &1.into()));

        let (version, cipher, name) = ("TLS 1.3", "TLS13_AES_128_GCM_SHA256", Some("lab \"7\""));
        let secured = SecuredStep { version, cipher, name, verified: true, chain: 2, protocol: None, resumed: false };
        let value = parsed(Action::Tls(TlsStep::Secured(secured)));
        assert_eq!((&value["step"], &value["version"]), (&"secured".into(), &version.into()));
        assert_eq!((&value["cipher"], &value["name"]), (&cipher.into(), &"lab \"7\"".into()));
        assert_eq!((&value["verified"], &value["chain"]), (&true.into(), &2.into()));
        assert_eq!((&value["protocol"], &value["resumed"]), (&Value::Null, &false.into()));

        let value = parsed(Action::Tls(TlsStep::Plaintext { direction: Direction::Out, bytes: b"Hi" }));
        assert_eq!((&value["step"], &value["direction"]), (&"plaintext".into(), &"out".into()));
        assert_eq!((&value["bytes"], &value["hex"]), (&2.into(), &"4869".into()));
    }

    #[test]
    fn long_bytes_are_counted_whole_and_kept_short() {
        let long = vec![0xab; KEPT + 500];
        let value = parsed(Action::Call { call: Call::Read, outcome: Outcome::Bytes(&long) });
        assert_eq!(value["bytes"], KEPT + 500);
        assert_eq!(value["hex"], "ab".repeat(KEPT));
    }

    #[test]
    fn a_head_may_hold_bytes_that_are_no_text() {
        let value = parsed(Action::Head { direction: Direction::In, bytes: b"GET /\xff HTTP/1.1\r\n\r\n" });
        assert_eq!((&value["direction"], &value["text"]), (&"in".into(), &"GET /\u{fffd} HTTP/1.1\r\n\r\n".into()));
    }

    #[test]
    fn a_frame_is_taken_apart() {
        let frame = FrameStep {
            fin: true,
            rsv: 0,
            opcode: 1,
            key: Some([0x37, 0xfa, 0x21, 0x3d]),
            length: 5,
            header: &[0x81, 0x85],
            payload: b"Hello",
        };
        let line = json(&step(Action::Frame { direction: Direction::Out, frame }));
        let end = "\"step\":\"frame\",\"direction\":\"out\",\"fin\":true,\"rsv\":0,\"opcode\":1,\"key\":\"37fa213d\",\
                   \"length\":5,\"header\":\"8185\",\"payload\":\"48656c6c6f\"}";
        assert!(line.ends_with(end), "{line}");
        let value = parsed(Action::Frame { direction: Direction::In, frame: FrameStep { key: None, ..frame } });
        assert_eq!(value["key"], Value::Null);
    }

    #[test]
    fn a_state_says_why() {
        let value = parsed(Action::State { from: "open", to: "closing", why: "the peer sent Close" });
        assert_eq!((&value["from"], &value["to"]), (&"open".into(), &"closing".into()));
        assert_eq!(value["why"], "the peer sent Close");
    }

    /// A sink that a test can look into.
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

    #[test]
    fn each_step_is_one_line() {
        let sink = Sink::default();
        let observer = JsonLines::new(sink.clone());
        observer.observe(&step(Action::Note("one\ntwo")));
        observer.observe(&step(Action::Note("three")));
        let written = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
        assert_eq!(written.lines().count(), 2);
        assert!(written.ends_with('\n'));
        let _ = Trace::to(observer);
    }
}
