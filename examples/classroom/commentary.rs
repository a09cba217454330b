//! How does a visitor's page learn what happens, and say what it wants?
//!
//! Over a WebSocket of its own. Its thread waits for requests; a second one, the voice, says what is in the outbox; and an
//! experiment runs on a third. All three belong to this visitor: whatever one visitor's browser does, or does not do, only
//! their own threads wait for it.
//!
//! A connection whose other end lost its network says nothing for ever, and TCP takes a quarter of an hour to notice.
//!
//! # In production
//!
//! The server pings the page every half minute, and lets go who does not answer.

use crate::outbox::problem;
use crate::request::Request;
use crate::visitor::Visitor;
use crate::{Classroom, experiments, second_client};
use serde_json::json;
use socklab::HandlerResult;
use socklab::websocket::protocol::{CloseCode, CloseReason};
use socklab::websocket::{Error, Message, MessageRef, Opening, Received, WebSocket, WebSocketSender};
use std::sync::Arc;
use std::thread::{self, Scope};

/// `GET /commentary`: a new visitor.
pub fn attend(classroom: &Classroom, opening: Opening) -> HandlerResult {
    let mut socket = opening.accept()?;
    let name = thread::current().name().unwrap_or("unnamed").to_owned();
    let visitor = match classroom.room.enter(socket.peer_address()?, &name) {
        Ok(visitor) => visitor,
        // A script is not told why a handshake was refused. So it is agreed to, and then the reason can be said.
        Err(why) => {
            socket.send_text(&problem(&why))?;
            return Ok(socket.close_with(&CloseReason::new(CloseCode::TRY_AGAIN_LATER, "the classroom is full"))?);
        }
    };
    let welcome = json!({"type": "welcome", "visitor": visitor.number, "token": visitor.token,
        "address": visitor.address.to_string(), "server": socket.local_address()?.to_string(), "thread": name,
        "join": classroom.join, "version": env!("CARGO_PKG_VERSION")});
    visitor.outbox.push(welcome.to_string());
    classroom.watch.beginning().into_iter().for_each(|step| visitor.outbox.push(step));

    let page = socket.sender();
    thread::scope(|scope| {
        // However this ends, by a panic too, the voice must learn of it: the scope waits for its threads.
        let _leaving = Leaving { classroom, visitor: &visitor };
        let voice = thread::Builder::new().name(format!("voice of visitor {}", visitor.number));
        voice.spawn_scoped(scope, || visitor.outbox.speak(&page, |reason| visitor.take_down(reason)))?;
        listen(classroom, &visitor, &mut socket, scope);
        Ok(())
    })
}

/// Obeys the page until it is gone.
fn listen<'scope>(
    classroom: &'scope Classroom,
    visitor: &'scope Arc<Visitor>,
    socket: &mut WebSocket,
    scope: &'scope Scope<'scope, '_>,
) {
    loop {
        let request = match socket.receive() {
            Ok(Received::Message(Message::Text(text))) => Request::parse(&text),
            Ok(Received::Message(Message::Binary(_))) => Err("a request is a text".to_owned()),
            Ok(Received::Nothing) => continue,
            Ok(Received::Closed(_)) | Err(_) => return,
        };
        if let Err(why) = request.and_then(|request| obey(classroom, visitor, request, scope)) {
            visitor.outbox.push(problem(&why));
        }
    }
}

/// The error is a sentence for the visitor.
fn obey<'scope>(
    classroom: &'scope Classroom,
    visitor: &'scope Arc<Visitor>,
    request: Request,
    scope: &'scope Scope<'scope, '_>,
) -> Result<(), String> {
    let to_exhibit = |send: &dyn Fn(&WebSocketSender) -> Result<(), Error>| {
        let exhibit = visitor.exhibit().ok_or("your exhibit is not connected, so nothing can be sent to it")?;
        send(&exhibit).map_err(|error| format!("your exhibit did not take it: {error}"))
    };
    match request {
        Request::Ping(text) => to_exhibit(&|exhibit| exhibit.ping(text.as_bytes())),
        Request::Fragments { count, text } => to_exhibit(&|exhibit| exhibit.in_pieces(MessageRef::Text(&text), count)),
        Request::Large(count) => to_exhibit(&|exhibit| exhibit.text(&"0123456789".repeat(count / 10 + 1)[..count])),
        Request::Experiment(name) => {
            let experiment = experiments::find(&name).ok_or(format!("there is no experiment {name:?}"))?;
            let running = visitor.begin_experiment();
            let running = running.ok_or("an experiment of yours is still running; its outcome comes first")?;
            let run = move || {
                second_client::run(&experiment, classroom.own_address, visitor);
                drop(running);
            };
            let thread = thread::Builder::new().name("second client".to_owned()).spawn_scoped(scope, run);
            thread.map(drop).map_err(|error| format!("the system has no thread left for the second client: {error}"))
        }
        Request::Disconnect { .. } => Err("only the lecturer's projector can disconnect somebody".to_owned()),
    }
}

struct Leaving<'a> {
    classroom: &'a Classroom,
    visitor: &'a Visitor,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.classroom.room.leave(self.visitor.number);
        self.visitor.outbox.gone();
        self.visitor.take_down(&CloseReason::new(CloseCode::GOING_AWAY, "the visitor has left"));
    }
}
