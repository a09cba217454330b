//! Who knocks, and where do they go?
//!
//! Pages and both WebSockets share one port, so the first thing to do with a connection is to read what it asks for. All of
//! it happens on the client's own thread.
//!
//! One question is asked of every WebSocket: which page opened it? A browser lets any page of the world open a WebSocket to
//! any address, this machine's own included, and only tells the server whose script it was, in `Origin`. A server that does
//! not look gives a stranger's page what it would give its own: *cross-site WebSocket hijacking* (RFC 6455 section 10.2).
//!
//! # In production
//!
//! The `Host` is compared with a list of one's own names, too: a stranger whose name leads to our address (DNS rebinding)
//! sends an `Origin` and a `Host` that agree.

use crate::{Classroom, commentary, exhibit, pages, projector};
use socklab::websocket::protocol::http::RequestHead;
use socklab::websocket::{Error, Opening};
use socklab::{Connection, HandlerResult};

/// Answers one connection, to its end.
pub fn answer(classroom: &Classroom, connection: Connection) -> HandlerResult {
    match lead(classroom, connection) {
        // What a client does wrong is everyday life here, and shown to the one whom it concerns.
        Err(error) if error.downcast_ref::<Error>().is_some_and(is_the_clients_affair) => Ok(()),
        result => result,
    }
}

fn lead(classroom: &Classroom, connection: Connection) -> HandlerResult {
    let number = connection.number();
    let opening = Opening::read(connection)?;
    let head = opening.head();
    let is_projector = head.query().and_then(|query| exhibit::parameter(query, "projector")).is_some();
    let socket = match head.path() {
        "/exhibit" => exhibit::show,
        "/commentary" if is_projector => |classroom: &Classroom, _, opening| projector::attend(classroom, opening),
        "/commentary" => |classroom: &Classroom, _, opening| commentary::attend(classroom, opening),
        _ => {
            classroom.watch.discard(number);
            let page = pages::answer(head)?;
            return Ok(opening.answer(&page)?);
        }
    };
    if let Some(why) = stranger(head) {
        classroom.watch.discard(number);
        return Ok(opening.refuse(403, &why)?);
    }
    if head.path() != "/exhibit" {
        classroom.watch.discard(number);
    }
    socket(classroom, number, opening)
}

/// Why this request comes from a page that is not ours. A program that is no browser sends no `Origin`, and could send any.
fn stranger(head: &RequestHead) -> Option<String> {
    let origin = head.headers.get("Origin")?;
    let host = head.headers.get("Host").unwrap_or_default();
    let of_origin = origin.split_once("://").map_or("", |(_, host)| host);
    let is_ours = !host.is_empty() && of_origin.eq_ignore_ascii_case(host);
    (!is_ours).then(|| format!("a page of {origin} may not open a WebSocket to {host} (RFC 6455 section 10.2)"))
}

fn is_the_clients_affair(error: &Error) -> bool {
    matches!(
        error,
        Error::NothingAsked | Error::Refused(_) | Error::Violation(_) | Error::Vanished { .. } | Error::Socket(_)
    )
}
