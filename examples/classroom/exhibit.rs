//! What is on show?
//!
//! An ordinary WebSocket that sends every message back. What makes it an exhibit happens elsewhere: `watch.rs` passes each
//! of its steps on to its visitor. Here stand the rules of the place: a visitor shows their token, has one exhibit of each
//! kind at a time, and an exhibit that has told all it may is closed.
//!
//! # In production
//!
//! A WebSocket has a purpose, and a limit to how much a client may send in a minute.

use crate::Classroom;
use crate::door::{PATIENCE, parameter, send_out};
use crate::watch::{Audience, Kind};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::json;
use sha1::{Digest, Sha1};
use socklab::websocket::protocol::{CloseCode, CloseReason};
use socklab::websocket::{MessageRef, Refusal, Request, ServerHandle, Session, SessionHandle};

/// RFC 6455 section 1.3.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// For whoever asks for an exhibit that is not theirs.
pub const NOBODYS: &str = "an exhibit belongs to a visitor, and this is nobody's key; the page at / knows its own";

/// The context of an exhibit's session.
pub struct Exhibit {
    /// The number of the session.
    number: u64,
    connection: u64,
    /// The session of the visitor to whom it belongs.
    page: SessionHandle<Classroom>,
}

impl Exhibit {
    /// `GET /exhibit?visitor=7&key=TOKEN`, and `&second=1` if it is not the browser that asks. From now on the visitor is
    /// told its steps. None if it is nobody's.
    pub fn show(classroom: &Classroom, request: &Request<'_>, server: &ServerHandle<Classroom>) -> Option<()> {
        let query = request.head.query().unwrap_or_default();
        let word = |name| parameter(query, name).unwrap_or_default().to_owned();
        let kind = if word("second").is_empty() { Kind::Browser } else { Kind::SecondClient };
        let number: u64 = word("visitor").parse().ok()?;
        let page = server.execute_in_service_and_wait(PATIENCE, move |room| room.page(number)).ok()??;
        // Whether the key is theirs only they know.
        let key = word("key");
        let tally = page.execute_and_wait(PATIENCE, move |guest| guest.visitor()?.admit(&key, kind)).ok()??;
        let key = request.head.headers.get("Sec-WebSocket-Key").unwrap_or_default();
        classroom.watch.show(request.connection, Audience { page, tally, kind }, accept_key(kind, key));
        Some(())
    }

    /// The visitor learns of it before the client does, so whatever the page asks for next finds it in its place.
    pub fn put_up(
        classroom: &Classroom,
        request: &Request<'_>,
        session: &SessionHandle<Classroom>,
        thread: String,
    ) -> Result<Exhibit, Refusal> {
        let connection = request.connection;
        let audience = classroom.watch.audience(connection).ok_or_else(|| Refusal::new(403, NOBODYS))?;
        let (exhibit, kind) = (session.clone(), audience.kind);
        let placed =
            move |guest: &mut crate::Guest| guest.visitor().map(|visitor| visitor.put_up(kind, exhibit, thread));
        if audience.page.execute_and_wait(PATIENCE, placed).ok().flatten().is_none() {
            send_out(session, &CloseReason::new(CloseCode::GOING_AWAY, "the visitor has left"));
        }
        Ok(Exhibit { number: session.number(), connection, page: audience.page })
    }

    /// Every message goes back as it came.
    pub fn echo(&self, classroom: &Classroom, message: MessageRef<'_>, session: &mut Session<'_, Classroom>) {
        if classroom.watch.is_exhausted(self.connection) {
            let reason = "this exhibit has told all that one may; connect a new one";
            return session.close(&CloseReason::new(CloseCode::POLICY, reason)).unwrap_or_default();
        }
        session.send(message);
    }

    pub fn end(self) {
        let taken_down = move |guest: &mut crate::Guest| {
            if let Some(visitor) = guest.visitor() {
                visitor.take_down(self.number);
            }
        };
        self.page.execute(taken_down).unwrap_or_default();
    }
}

/// How the accept key came about, step by step (RFC 6455 section 4.2.2): the same as the library's `accept_key`, with its
/// steps in the open.
fn accept_key(kind: Kind, key: &str) -> String {
    let joined = format!("{key}{GUID}");
    let hash = Sha1::digest(&joined);
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({"type": "accept_key", "exhibit": kind.name(), "key": key, "joined": joined, "sha1": hex,
           "accept": BASE64.encode(hash)})
    .to_string()
}
