//! What does a server do when somebody breaks the rules?
//!
//! The second client finds out. It runs on a thread of this same program and connects to this same server over a real
//! socket, as any stranger would; the server cannot tell, and does for it nothing that it does not do for all. It is made
//! of a plain [`Connection`] and the pure functions of `websocket::protocol`, for a [`WebSocket`] refuses to send what must
//! not be sent, and does not show a Pong.
//!
//! Both ends of its conversation are traced: the server's by `watch.rs`, its own here. A plain connection knows of bytes
//! only, so of the heads and frames in them this client tells itself.
//!
//! # In production
//!
//! Such a client is a test, and runs before the server meets real ones.
//!
//! [`Connection`]: socklab::Connection
//! [`WebSocket`]: socklab::websocket::WebSocket

use crate::Classroom;
use crate::experiments::{Expected, Experiment, Frame, Opening};
use crate::tells::Tells;
use crate::token::random;
use crate::verdict::Answers;
use serde_json::json;
use socklab::trace::{Action, Direction, Trace};
use socklab::websocket::SessionHandle;
use socklab::websocket::protocol::mask::mask;
use socklab::websocket::protocol::{ClientHandshake, FrameHeader, HeadReader, Incoming, Opcode, ResponseHead, Role};
use socklab::{Client, ClientTls, Connection, Received, Settings};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// An experiment as a whole. Everything happens inside this machine, in milliseconds.
const LIMIT: Duration = Duration::from_secs(5);

type Failure = Box<dyn std::error::Error>;

/// Runs an experiment at `target` and tells the page each step. Returns the outcome as the page wants it: exactly one,
/// whatever happens.
pub fn run(
    experiment: &Experiment,
    server: SocketAddr,
    tls: Option<ClientTls>,
    target: &str,
    page: &SessionHandle<Classroom>,
) -> String {
    let (text, ok) = match try_it(experiment, server, tls, target, page) {
        Ok(outcome) => outcome,
        Err(error) => (format!("The experiment came to no end: {error}"), false),
    };
    json!({"type": "outcome", "exhibit": "second", "experiment": experiment.name, "text": text, "ok": ok}).to_string()
}

/// What the server did, and whether it is what RFC 6455 asks for.
fn try_it(
    experiment: &Experiment,
    server: SocketAddr,
    tls: Option<ClientTls>,
    target: &str,
    page: &SessionHandle<Classroom>,
) -> Result<(String, bool), Failure> {
    let tells = Arc::new(Tells::new(page.clone()));
    let settings = Settings {
        trace: Trace::to(tells.clone()),
        connect_limit: LIMIT,
        receive_limit: LIMIT,
        send_limit: LIMIT,
        handshake_limit: LIMIT,
        max_message: 64 * 1024,
        // Below the bytes that it puts together by hand, TLS is the library's: what breaks a rule of frames is encrypted as
        // well as what keeps it.
        client_tls: tls,
        ..Settings::default()
    };
    let connection = Client::connect_with(&server.to_string(), &settings)?.into_connection();
    let mut client = SecondClient { connection, tells, deadline: Instant::now() + LIMIT };
    let outcome = client.converse(experiment, &server.to_string(), target);
    client.connection.close();
    outcome
}

struct SecondClient {
    connection: Connection,
    tells: Arc<Tells>,
    deadline: Instant,
}

impl SecondClient {
    fn converse(&mut self, experiment: &Experiment, host: &str, target: &str) -> Result<(String, bool), Failure> {
        let handshake = ClientHandshake::new(host, target, random()?, &[], &[])?;
        self.ask(handshake.request(), experiment.opening)?;
        let (head, rest) = self.read_head()?;
        if let Expected::Status(statuses) = experiment.expected {
            let text = self.read_body(rest)?;
            let version = head.headers.get("Sec-WebSocket-Version");
            let version = version.map(|known| format!(" and named the version it speaks, {known}")).unwrap_or_default();
            let said = format!("The server answered {} {}{version}: “{}”", head.status, head.reason, text.trim_end());
            return Ok((said, statuses.contains(&head.status)));
        }
        handshake.check(&head).map_err(|error| format!("{error:?}"))?;
        self.tells.tell(Action::State { from: "connecting", to: "open", why: "the accept key is right" });
        for frame in &experiment.frames {
            self.send(frame)?;
        }
        let mut incoming = Incoming::new(Role::Client, 64 * 1024);
        incoming.push(&rest);
        let mut answers = Answers::default();
        self.receive_until(&mut incoming, &mut answers, |answers| answers.judge(&experiment.expected).is_some())?;
        let outcome = answers.judge(&experiment.expected).unwrap_or_else(|| answers.surprise());
        if answers.close.is_none() && !answers.ended {
            // It was legal, so we say goodbye as one should.
            self.send(&Frame::new(FrameHeader::new(Opcode::CLOSE, 2), &1000_u16.to_be_bytes()))?;
            self.receive_until(&mut incoming, &mut answers, |answers| answers.close.is_some())?;
        }
        Ok(outcome)
    }

    /// Sends the request, as it is or made worse.
    fn ask(&mut self, request: &[u8], opening: Opening) -> Result<(), Failure> {
        let text = String::from_utf8_lossy(request);
        let request = match opening {
            Opening::AsItShould | Opening::InSingleBytes => text.into_owned(),
            Opening::WithoutUpgrade => text.replace("Upgrade: websocket\r\nConnection: Upgrade\r\n", ""),
            Opening::OfVersion12 => text.replace("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 12"),
        };
        self.tells.tell(Action::Head { direction: Direction::Out, bytes: request.as_bytes() });
        let piece = if opening == Opening::InSingleBytes { 1 } else { request.len() };
        for bytes in request.as_bytes().chunks(piece) {
            self.connection.send(bytes)?;
        }
        Ok(())
    }

    /// The head of the answer, and what came behind it.
    fn read_head(&mut self) -> Result<(ResponseHead, Vec<u8>), Failure> {
        let mut reader = HeadReader::new(8 * 1024);
        while let Some(mut bytes) = self.receive()? {
            if let Some(used) = reader.feed(&bytes)? {
                self.tells.tell(Action::Head { direction: Direction::In, bytes: reader.head() });
                return Ok((ResponseHead::parse(reader.head())?, bytes.split_off(used)));
            }
        }
        Err("the server ended the connection without an answer".into())
    }

    /// What stands below a head that says no: until the end, for such an answer ends the connection.
    fn read_body(&mut self, mut body: Vec<u8>) -> Result<String, Failure> {
        while let Some(bytes) = self.receive()? {
            body.extend(bytes);
        }
        Ok(String::from_utf8_lossy(&body).into_owned())
    }

    /// Sends one frame in one write.
    fn send(&mut self, frame: &Frame) -> Result<(), Failure> {
        let key: Option<[u8; 4]> = if frame.masked { Some(random()?) } else { None };
        self.tells.frame_out(frame, key);
        let mut payload = frame.payload.clone();
        mask(&mut payload, key.unwrap_or_default(), 0);
        let key = key.map(Vec::from).unwrap_or_default();
        Ok(self.connection.send([&frame.header[..], &key, &payload].concat())?)
    }

    /// Takes what comes until it is enough, or until nothing more will come.
    fn receive_until(
        &mut self,
        incoming: &mut Incoming,
        answers: &mut Answers,
        enough: impl Fn(&Answers) -> bool,
    ) -> Result<(), Failure> {
        loop {
            let tells = &self.tells;
            while let Some(event) = incoming.next(&mut |header, payload| tells.frame_in(header, payload))? {
                answers.take(event);
            }
            if enough(answers) || answers.ended {
                return Ok(());
            }
            match self.receive()? {
                Some(bytes) => incoming.push(&bytes),
                None => answers.ended = true,
            }
        }
    }

    /// One read. None: the server has ended.
    fn receive(&mut self) -> Result<Option<Vec<u8>>, Failure> {
        match self.connection.receive_within(self.deadline.saturating_duration_since(Instant::now()))? {
            Received::Message(bytes) => Ok(Some(bytes)),
            Received::Closed => Ok(None),
            Received::Nothing => Err(format!("the server said nothing more within {LIMIT:?}").into()),
        }
    }
}
