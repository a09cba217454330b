//! Who may look at the whole room, and who may send somebody out?
//!
//! Everybody may look. Only who knows the lecturer's token may disconnect, and they say it with each request: that a page
//! hides its buttons keeps nobody from sending what the buttons would send.
//!
//! # In production
//!
//! A role that hangs on a login, and a record of who did what.

use crate::Classroom;
use crate::exhibit::parameter;
use crate::outbox::{Outbox, problem};
use crate::request::Request;
use serde_json::json;
use socklab::HandlerResult;
use socklab::websocket::protocol::{CloseCode, CloseReason};
use socklab::websocket::{Message, Opening, Received, WebSocket};
use std::thread;

/// `GET /commentary?projector=1&key=TOKEN`: somebody looks at the room.
pub fn attend(classroom: &Classroom, opening: Opening) -> HandlerResult {
    let key = opening.head().query().and_then(|query| parameter(query, "key"));
    let lecturer = key.is_some_and(|key| classroom.room.is_lecturer(key));
    let mut socket = opening.accept()?;
    let Some((number, outbox)) = classroom.room.set_up_projector() else {
        socket.send_text(&problem("There are projectors enough. Close one, then reconnect."))?;
        return Ok(socket.close_with(&CloseReason::new(CloseCode::TRY_AGAIN_LATER, "projectors enough"))?);
    };
    let welcome = json!({"type": "welcome", "lecturer": lecturer, "server": socket.local_address()?.to_string(),
        "join": classroom.join, "version": env!("CARGO_PKG_VERSION")});
    outbox.push(welcome.to_string());

    let page = socket.sender();
    thread::scope(|scope| {
        let _leaving = Leaving { classroom, number, outbox: &outbox };
        let voice = thread::Builder::new().name("voice of a projector".to_owned());
        voice.spawn_scoped(scope, || outbox.speak(&page, |_| {}))?;
        listen(classroom, &outbox, &mut socket);
        Ok(())
    })
}

fn listen(classroom: &Classroom, outbox: &Outbox, socket: &mut WebSocket) {
    loop {
        let request = match socket.receive() {
            Ok(Received::Message(Message::Text(text))) => Request::parse(&text),
            Ok(Received::Message(Message::Binary(_))) => Err("a request is a text".to_owned()),
            Ok(Received::Nothing) => continue,
            Ok(Received::Closed(_)) | Err(_) => return,
        };
        if let Err(why) = request.and_then(|request| obey(classroom, request)) {
            outbox.push(problem(&why));
        }
    }
}

fn obey(classroom: &Classroom, request: Request) -> Result<(), String> {
    match request {
        Request::Disconnect { key, .. } if !classroom.room.is_lecturer(&key) => {
            Err("Nobody was disconnected: this needs the lecturer's key, which the program printed when it began."
                .into())
        }
        Request::Disconnect { visitor, .. } if !classroom.room.dismiss(visitor) => {
            Err(format!("Visitor {visitor} is not here any more."))
        }
        Request::Disconnect { .. } => Ok(()),
        _ => Err("a projector has no exhibit".to_owned()),
    }
}

struct Leaving<'a> {
    classroom: &'a Classroom,
    number: u64,
    outbox: &'a Outbox,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.classroom.room.leave(self.number);
        self.outbox.gone();
    }
}
