//! Who knocks, and what becomes of them?
//!
//! Pages and all WebSockets share one port, so what a connection asks for decides what it is: a page, which is answered
//! and gone; or a session, and then it is one of those in [`Guest`], with data that nobody else reaches.
//!
//! One question is asked of every WebSocket: which page opened it? A browser lets any page of the world open a WebSocket to
//! any address, this machine's own included, and only tells the server whose script it was, in `Origin`. A server that does
//! not look gives a stranger's page what it would give its own: *cross-site WebSocket hijacking* (RFC 6455 section 10.2).
//!
//! # In production
//!
//! The `Host` is compared with a list of one's own names, too: a stranger whose name leads to our address (DNS rebinding)
//! sends an `Origin` and a `Host` that agree. With such a list `Limits::origins` would ask our question for us.

use crate::exhibit::{Exhibit, NOBODYS};
use crate::request::problem;
use crate::room::Room;
use crate::visitor::Visitor;
use crate::{Classroom, projector};
use socklab::websocket::protocol::http::Response;
use socklab::websocket::protocol::{CloseCode, CloseReason};
use socklab::websocket::{Application, Ending, MessageRef, Refusal, Request, ServerHandle, Session, SessionHandle};
use std::thread;
use std::time::Duration;

/// How long one context waits for another. It takes a millisecond, unless the machine has other things to do.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// What a connection is. Each is the context of its own session.
pub enum Guest {
    Visitor(Visitor),
    Projector,
    Exhibit(Exhibit),
    /// There was no room for them, and they are about to leave.
    TurnedAway,
}

impl Guest {
    /// For procedures from elsewhere: they know a session, and not what it is.
    pub fn visitor(&mut self) -> Option<&mut Visitor> {
        if let Guest::Visitor(visitor) = self { Some(visitor) } else { None }
    }
}

impl Application for Classroom {
    type Session = Guest;
    type Service = Room;

    fn asked(&self, request: &Request<'_>, server: &ServerHandle<Classroom>) -> Option<Response> {
        let path = request.head.path();
        if !["/exhibit", "/commentary"].contains(&path) {
            return None;
        }
        // Before anything else: a handshake that fails is shown to its visitor as well.
        let is_nobodys = || path == "/exhibit" && Exhibit::show(self, request, server).is_none();
        let why = stranger(request).or_else(|| is_nobodys().then(|| NOBODYS.to_owned()))?;
        Some(Response::text(403, why + "\n"))
    }

    fn connected(&self, request: &Request<'_>, session: &SessionHandle<Classroom>) -> Result<Guest, Refusal> {
        let thread = thread::current().name().unwrap_or("unnamed").to_owned();
        if request.head.path() == "/exhibit" {
            return Exhibit::put_up(self, request, session, thread).map(Guest::Exhibit);
        }
        self.watch.discard(request.connection);
        let query = request.head.query().unwrap_or_default();
        let guest = match parameter(query, "projector") {
            Some(_) => projector::set_up(self, request, session).map(|()| Guest::Projector),
            None => Visitor::enter(self, request, session, thread).map(Guest::Visitor),
        };
        // A script is not told why a handshake was refused. So it is agreed to, and then the reason can be said.
        Ok(guest.unwrap_or_else(|why| {
            tell(session, &problem(&why));
            send_out(session, &CloseReason::new(CloseCode::TRY_AGAIN_LATER, "the classroom is full"));
            Guest::TurnedAway
        }))
    }

    fn message(&self, guest: &mut Guest, message: MessageRef<'_>, session: &mut Session<'_, Classroom>) {
        let obeyed = match guest {
            Guest::Exhibit(exhibit) => return exhibit.echo(self, message, session),
            Guest::Visitor(visitor) => visitor.obey(self, message, session.server()),
            Guest::Projector => projector::obey(self, message, session),
            Guest::TurnedAway => Ok(()),
        };
        if let Err(why) = obeyed {
            session.text(&problem(&why));
        }
    }

    fn disconnected(&self, guest: Guest, _ending: &Ending, _server: &ServerHandle<Classroom>) {
        match guest {
            Guest::Visitor(visitor) => visitor.leave(),
            Guest::Exhibit(exhibit) => exhibit.end(),
            Guest::Projector | Guest::TurnedAway => {}
        }
    }

    fn tick(&self, room: &mut Room, _server: &ServerHandle<Classroom>) {
        room.announce();
    }
}

/// Says it to a page. One that has left, or that does not read, is not told; the server sees to the rest.
pub fn tell(page: &SessionHandle<Classroom>, message: &str) {
    page.text(message).unwrap_or_default();
}

/// Has somebody go, who may have gone already.
pub fn send_out(session: &SessionHandle<Classroom>, reason: &CloseReason) {
    session.disconnect(reason).unwrap_or_default();
}

/// The value of this name in `a=1&b=2`. Nothing that we put into an address needs an escape, so none is undone.
pub fn parameter<'a>(query: &'a str, name: &str) -> Option<&'a str> {
    query.split('&').filter_map(|pair| pair.split_once('=')).find(|(each, _)| *each == name).map(|(_, value)| value)
}

/// Why this request comes from a page that is not ours. A program that is no browser sends no `Origin`, and could send any.
///
/// With TLS the page must have come over it, too: a page of http://, though of our name, can be anybody's who sits between.
fn stranger(request: &Request<'_>) -> Option<String> {
    let origin = request.head.headers.get("Origin")?;
    let host = request.head.headers.get("Host").unwrap_or_default();
    let (scheme, of_origin) = origin.split_once("://").unwrap_or_default();
    let is_secure = request.tls.is_none() || scheme.eq_ignore_ascii_case("https");
    let is_ours = is_secure && !host.is_empty() && of_origin.eq_ignore_ascii_case(host);
    (!is_ours).then(|| format!("a page of {origin} may not open a WebSocket to {host} (RFC 6455 section 10.2)"))
}
