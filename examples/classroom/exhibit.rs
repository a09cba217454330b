//! What is on show?
//!
//! An ordinary WebSocket that sends every message back. What makes it an exhibit happens elsewhere: `watch.rs` passes each
//! of its steps on to its visitor. Here stand the rules of the place: a visitor shows their token, has one exhibit of their
//! browser at a time, and an exhibit that has told all it may is closed.
//!
//! # In production
//!
//! A WebSocket has a purpose, and a limit to how much a client may send in a minute.

use crate::Classroom;
use crate::watch::Kind;
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::json;
use sha1::{Digest, Sha1};
use socklab::HandlerResult;
use socklab::websocket::protocol::{CloseCode, CloseReason};
use socklab::websocket::{Error, Opening, Received, WebSocket};
use std::thread;
use std::time::Duration;

/// A browser's exhibit may stand through a lecture. The second client has something to say, or nothing at all.
const BROWSER_PATIENCE: Duration = Duration::from_secs(2 * 60 * 60);
const SECOND_CLIENT_PATIENCE: Duration = Duration::from_secs(10);

/// RFC 6455 section 1.3.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// `GET /exhibit?visitor=7&key=TOKEN`, and `&second=1` if it is not the browser that asks.
pub fn show(classroom: &Classroom, connection: u64, opening: Opening) -> HandlerResult {
    let query = opening.head().query().unwrap_or_default();
    let word = |name| parameter(query, name).unwrap_or_default();
    let kind = if word("second").is_empty() { Kind::Browser } else { Kind::SecondClient };
    let visitor = classroom.room.visitor(word("visitor"), word("key"));
    // Whose commentary ends shows nothing more; and without an experiment there is no second client, whatever the
    // address says.
    let visitor = visitor.filter(|visitor| visitor.outbox.is_open());
    let visitor = visitor.filter(|visitor| kind == Kind::Browser || visitor.is_experimenting());
    let Some(visitor) = visitor else {
        classroom.watch.discard(connection);
        let why = "an exhibit belongs to a visitor, and this is nobody's key; the page at / knows its own";
        return Ok(opening.refuse(403, why)?);
    };
    classroom.watch.show(connection, &visitor, kind);
    visitor.count_exhibit();

    let key = opening.head().headers.get("Sec-WebSocket-Key").unwrap_or_default().to_owned();
    let mut socket = opening.accept()?;
    visitor.outbox.push(accept_key(kind, &key));

    if kind == Kind::SecondClient {
        return Ok(echo(classroom, connection, &mut socket, SECOND_CLIENT_PATIENCE)?);
    }
    let name = thread::current().name().unwrap_or("unnamed").to_owned();
    let Some(_standing) = visitor.put_up(connection, &name, socket.sender()) else {
        return Ok(socket.close_with(&CloseReason::new(CloseCode::GOING_AWAY, "the visitor has left"))?);
    };
    Ok(echo(classroom, connection, &mut socket, BROWSER_PATIENCE)?)
}

/// Every message goes back as it came.
fn echo(classroom: &Classroom, connection: u64, socket: &mut WebSocket, patience: Duration) -> Result<(), Error> {
    while let Received::Message(message) = socket.receive_within(patience)? {
        if classroom.watch.is_exhausted(connection) {
            let reason = "this exhibit has told all that one may; connect a new one";
            return socket.close_with(&CloseReason::new(CloseCode::POLICY, reason));
        }
        socket.send(message.as_ref())?;
    }
    // It said goodbye, and this does nothing; or it was silent for too long, and now we say it.
    socket.close();
    Ok(())
}

/// How the accept key came about, step by step (RFC 6455 section 4.2.2): the same as the library's `accept_key`, with its
/// steps in the open.
fn accept_key(kind: Kind, key: &str) -> String {
    let joined = format!("{key}{GUID}");
    let hash = Sha1::digest(&joined);
    let exhibit = if kind == Kind::Browser { "browser" } else { "second" };
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    json!({"type": "accept_key", "exhibit": exhibit, "key": key, "joined": joined, "sha1": hex,
           "accept": BASE64.encode(hash)})
    .to_string()
}

/// The value of this name in `a=1&b=2`. Nothing that we put into an address needs an escape, so none is undone.
pub fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').filter_map(|pair| pair.split_once('=')).find(|(each, _)| *each == name).map(|(_, value)| value)
}
