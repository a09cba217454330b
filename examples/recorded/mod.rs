//! A step read back from the line of JSON that `socklab::trace::JsonLines` wrote.

use serde_json::Value;
use socklab::trace::{Action, Call, Direction, FrameStep, Outcome, RecordStep, SecuredStep, Side, Step, TlsStep};
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

/// A step that owns what it says.
#[derive(Debug)]
pub struct Recorded {
    pub at: SystemTime,
    pub took: Duration,
    pub side: Side,
    pub connection: u64,
    pub descriptor: Option<i32>,
    pub local: Option<SocketAddr>,
    pub peer: Option<SocketAddr>,
    pub thread: String,
    pub what: What,
}

/// The owned twin of `socklab::trace::Action`.
#[derive(Debug)]
pub enum What {
    Wait { call: Call, bytes: Option<usize> },
    Call { call: Call, came: Came },
    Tls(Tls),
    Head { direction: Direction, text: String },
    Frame { direction: Direction, parts: Parts },
    State { from: String, to: String, why: String },
    Note(String),
}

/// The owned twin of `socklab::trace::Outcome`.
#[derive(Debug)]
pub enum Came {
    Done,
    Accepted { descriptor: Option<i32>, peer: SocketAddr },
    Bytes(Vec<u8>),
    End,
    OwnEnd,
    Nothing,
    Failed(io::Error),
}

/// The owned twin of `socklab::trace::TlsStep`.
#[derive(Debug)]
pub enum Tls {
    Record { direction: Direction, record: RecordStep },
    Secured(Secured),
    Plaintext { direction: Direction, bytes: Vec<u8> },
}

/// The owned twin of `socklab::trace::SecuredStep`.
#[derive(Debug)]
pub struct Secured {
    version: String,
    cipher: String,
    name: Option<String>,
    verified: bool,
    chain: usize,
    protocol: Option<String>,
    resumed: bool,
}

/// The owned twin of `socklab::trace::FrameStep`.
#[derive(Debug)]
pub struct Parts {
    fin: bool,
    rsv: u8,
    opcode: u8,
    key: Option<[u8; 4]>,
    length: u64,
    header: Vec<u8>,
    payload: Vec<u8>,
}

/// All steps of a file, and a remark where the last line was cut off. Lines that do not begin with a brace are somebody
/// else's, cargo's for instance, and are passed over.
pub fn read_all(file: &str, text: &str) -> Result<(Vec<Recorded>, Option<String>), String> {
    let mut steps = Vec::new();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| line.starts_with('{')) {
        let place = format!("{file}, line {}", index + 1);
        let value: Value = match serde_json::from_str(line) {
            Ok(value) => value,
            // A program that is killed may leave half a line, always the last.
            Err(error) if error.is_eof() && !text.ends_with('\n') && index + 1 == text.lines().count() => {
                return Ok((steps, Some(format!("{place} is cut off and left out: the program was killed there"))));
            }
            Err(error) => return Err(format!("{place}: not JSON: {error}")),
        };
        steps.push(Recorded::from_json(&value).map_err(|problem| format!("{place}: {problem}"))?);
    }
    Ok((steps, None))
}

impl Recorded {
    fn from_json(value: &Value) -> Result<Recorded, String> {
        Ok(Recorded {
            at: moment(value)?,
            took: Duration::from_micros(number(value, "took_us")?),
            side: match text(value, "role")? {
                "client" => Side::Client,
                "server" => Side::Server,
                other => return Err(unknown("role", other)),
            },
            connection: number(value, "connection")?,
            descriptor: optional_number(value, "descriptor")?,
            local: address(value, "local")?,
            peer: address(value, "peer")?,
            thread: text(value, "thread")?.to_string(),
            what: what(value)?,
        })
    }

    /// As the library tells it to an observer.
    pub fn step(&self) -> Step<'_> {
        let action = match &self.what {
            What::Wait { call, bytes } => Action::Wait { call: *call, bytes: *bytes },
            What::Call { call, came } => Action::Call { call: *call, outcome: came.outcome() },
            What::Tls(tls) => Action::Tls(tls.step()),
            What::Head { direction, text } => Action::Head { direction: *direction, bytes: text.as_bytes() },
            What::Frame { direction, parts } => Action::Frame { direction: *direction, frame: parts.frame() },
            What::State { from, to, why } => Action::State { from, to, why },
            What::Note(text) => Action::Note(text),
        };
        Step {
            at: self.at,
            took: self.took,
            side: self.side,
            connection: self.connection,
            descriptor: self.descriptor,
            local: self.local,
            peer: self.peer,
            thread: &self.thread,
            action,
        }
    }
}

impl Came {
    fn outcome(&self) -> Outcome<'_> {
        match self {
            Came::Done => Outcome::Done,
            Came::Accepted { descriptor, peer } => Outcome::Accepted { descriptor: *descriptor, peer: *peer },
            Came::Bytes(bytes) => Outcome::Bytes(bytes),
            Came::End => Outcome::End,
            Came::OwnEnd => Outcome::OwnEnd,
            Came::Nothing => Outcome::Nothing,
            Came::Failed(error) => Outcome::Failed(error),
        }
    }
}

impl Tls {
    fn step(&self) -> TlsStep<'_> {
        match self {
            Tls::Record { direction, record } => TlsStep::Record { direction: *direction, record: *record },
            Tls::Plaintext { direction, bytes } => TlsStep::Plaintext { direction: *direction, bytes },
            Tls::Secured(secured) => TlsStep::Secured(SecuredStep {
                version: &secured.version,
                cipher: &secured.cipher,
                name: secured.name.as_deref(),
                verified: secured.verified,
                chain: secured.chain,
                protocol: secured.protocol.as_deref(),
                resumed: secured.resumed,
            }),
        }
    }
}

impl Parts {
    fn frame(&self) -> FrameStep<'_> {
        FrameStep {
            fin: self.fin,
            rsv: self.rsv,
            opcode: self.opcode,
            key: self.key,
            length: self.length,
            header: &self.header,
            payload: &self.payload,
        }
    }
}

fn what(value: &Value) -> Result<What, String> {
    Ok(match text(value, "step")? {
        "wait" => What::Wait { call: call(value)?, bytes: optional_number(value, "bytes")? },
        "call" => What::Call { call: call(value)?, came: came(value)? },
        "record" => What::Tls(Tls::Record {
            direction: direction(value)?,
            record: RecordStep {
                content_type: number(value, "type")?,
                version: version(value)?,
                length: number(value, "length")?,
                handshake: optional_number(value, "handshake")?,
            },
        }),
        "secured" => What::Tls(Tls::Secured(secured(value)?)),
        "plaintext" => What::Tls(Tls::Plaintext { direction: direction(value)?, bytes: counted_bytes(value)? }),
        "head" => What::Head { direction: direction(value)?, text: text(value, "text")?.to_string() },
        "frame" => What::Frame { direction: direction(value)?, parts: parts(value)? },
        "state" => What::State {
            from: text(value, "from")?.to_string(),
            to: text(value, "to")?.to_string(),
            why: text(value, "why")?.to_string(),
        },
        "note" => What::Note(text(value, "text")?.to_string()),
        other => return Err(unknown("step", other)),
    })
}

fn came(value: &Value) -> Result<Came, String> {
    Ok(match text(value, "result")? {
        "ok" if value.get("accepted_peer").is_some() => Came::Accepted {
            descriptor: optional_number(value, "accepted")?,
            peer: address(value, "accepted_peer")?.ok_or("\"accepted_peer\" is missing")?,
        },
        "ok" if value.get("bytes").is_some() => Came::Bytes(counted_bytes(value)?),
        "ok" => Came::Done,
        "end" => Came::End,
        "own end" => Came::OwnEnd,
        "nothing" => Came::Nothing,
        "error" => Came::Failed(io::Error::other(text(value, "error")?.to_string())),
        other => return Err(unknown("result", other)),
    })
}

/// The trace keeps the beginning of a long message and the count of all of it. A ladder shows less than that, so what stands
/// in for the rest is never seen.
fn counted_bytes(value: &Value) -> Result<Vec<u8>, String> {
    let (mut bytes, all): (Vec<u8>, usize) = (hex(value, "hex")?, number(value, "bytes")?);
    if bytes.len() > all || all > 1 << 30 {
        return Err(format!("\"bytes\" says {all}, and \"hex\" has {}", bytes.len()));
    }
    bytes.resize(all, 0);
    Ok(bytes)
}

/// The second and third of a record's first five bytes.
fn version(value: &Value) -> Result<u16, String> {
    match hex(value, "header")?[..] {
        [_, major, minor, _, _] => Ok(u16::from_be_bytes([major, minor])),
        _ => Err("\"header\" is not five bytes".to_string()),
    }
}

fn secured(value: &Value) -> Result<Secured, String> {
    Ok(Secured {
        version: text(value, "version")?.to_string(),
        cipher: text(value, "cipher")?.to_string(),
        name: optional_text(value, "name")?,
        verified: truth(value, "verified")?,
        chain: number(value, "chain")?,
        protocol: optional_text(value, "protocol")?,
        resumed: truth(value, "resumed")?,
    })
}

fn parts(value: &Value) -> Result<Parts, String> {
    let key = match value.get("key") {
        None | Some(Value::Null) => None,
        Some(_) => Some(hex(value, "key")?.try_into().map_err(|_| "\"key\" is not four bytes")?),
    };
    Ok(Parts {
        fin: truth(value, "fin")?,
        rsv: number(value, "rsv")?,
        opcode: number(value, "opcode")?,
        key,
        length: number(value, "length")?,
        header: hex(value, "header")?,
        payload: hex(value, "payload")?,
    })
}

/// Whole microseconds: as an f64 the seconds since 1970 are only just exact enough.
fn moment(value: &Value) -> Result<SystemTime, String> {
    let seconds = value.get("at").and_then(Value::as_f64).filter(|at| (0.0..1e11).contains(at));
    let seconds = seconds.ok_or("\"at\" is missing or no time in seconds since 1970")?;
    Ok(SystemTime::UNIX_EPOCH + Duration::from_micros((seconds * 1e6).round() as u64))
}

fn text<'a>(value: &'a Value, field: &str) -> Result<&'a str, String> {
    value
        .get(field)
        .and_then(Value::as_str)
        .ok_or(format!("\"{field}\" is missing or no text: is this a trace of socklab?"))
}

fn optional_text(value: &Value, field: &str) -> Result<Option<String>, String> {
    match value.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(_) => text(value, field).map(|text| Some(text.to_string())),
    }
}

fn truth(value: &Value, field: &str) -> Result<bool, String> {
    value.get(field).and_then(Value::as_bool).ok_or(format!("\"{field}\" is missing or not true or false"))
}

fn number<T: TryFrom<i64>>(value: &Value, field: &str) -> Result<T, String> {
    let number = value.get(field).and_then(Value::as_i64).and_then(|number| T::try_from(number).ok());
    number.ok_or(format!("\"{field}\" is missing or no fitting number"))
}

fn optional_number<T: TryFrom<i64>>(value: &Value, field: &str) -> Result<Option<T>, String> {
    match value.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(_) => number(value, field).map(Some),
    }
}

fn address(value: &Value, field: &str) -> Result<Option<SocketAddr>, String> {
    match value.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(_) => {
            let written = text(value, field)?;
            written.parse().map(Some).map_err(|_| format!("\"{field}\": {written} is no ADDRESS:PORT"))
        }
    }
}

fn call(value: &Value) -> Result<Call, String> {
    let name = text(value, "call")?;
    Call::ALL.into_iter().find(|call| call.name() == name).ok_or_else(|| unknown("call", name))
}

fn direction(value: &Value) -> Result<Direction, String> {
    match text(value, "direction")? {
        "in" => Ok(Direction::In),
        "out" => Ok(Direction::Out),
        other => Err(unknown("direction", other)),
    }
}

fn hex(value: &Value, field: &str) -> Result<Vec<u8>, String> {
    let digits = text(value, field)?;
    let pairs = digits.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2 && !pair.starts_with('+'))?;
        u8::from_str_radix(pair, 16).ok()
    });
    pairs.collect::<Option<_>>().ok_or_else(|| format!("\"{field}\" is not hex: {digits}"))
}

fn unknown(field: &str, value: &str) -> String {
    format!("\"{field}\" is \"{value}\", which no socklab writes: is the trace from another version?")
}
