//! Who may look at the whole room, and who may send somebody out?
//!
//! Everybody may look. Only who knows the lecturer's token may disconnect, and they say it with each request: that a page
//! hides its buttons keeps nobody from sending what the buttons would send.
//!
//! # In production
//!
//! A role that hangs on a login, and a record of who did what.

use crate::door::{PATIENCE, parameter, tell};
use crate::request::{Request, problem};
use crate::room::Room;
use crate::{Classroom, network};
use serde_json::json;
use socklab::websocket::{self, MessageRef, Session, SessionHandle};

/// `GET /commentary?projector=1&key=TOKEN`: somebody looks at the room. The error is for them to read.
pub fn set_up(
    classroom: &Classroom,
    request: &websocket::Request<'_>,
    page: &SessionHandle<Classroom>,
) -> Result<(), String> {
    let server = page.server().map_err(|error| error.to_string())?;
    let key = parameter(request.head.query().unwrap_or_default(), "key");
    let welcome = json!({"type": "welcome", "lecturer": key.is_some_and(|key| key == classroom.lecturer),
        "server": request.local.to_string(), "join": network::invitation(classroom.scheme(), server.local_address()),
        "version": env!("CARGO_PKG_VERSION")});
    let projector = page.clone();
    // In one procedure: between two there may be a tick, and the page would hear of the room before its welcome.
    let set_up = server.execute_in_service_and_wait(PATIENCE, move |room| {
        room.set_up_projector(projector.clone())?;
        tell(&projector, &welcome.to_string());
        Ok(())
    });
    set_up.map_err(|error| error.to_string())?
}

/// What a projector wants. The error is a sentence for whoever looks at it.
pub fn obey(classroom: &Classroom, message: MessageRef<'_>, session: &Session<'_, Classroom>) -> Result<(), String> {
    match Request::parse(message)? {
        Request::Disconnect { key, .. } if key != classroom.lecturer => {
            Err("Nobody was disconnected: this needs the lecturer's key, which the program printed when it began."
                .to_owned())
        }
        Request::Disconnect { visitor, .. } => {
            let page = session.handle();
            let dismiss = move |room: &mut Room| {
                if !room.dismiss(visitor) {
                    tell(&page, &problem(&format!("Visitor {visitor} is not here any more.")));
                }
            };
            session.server().execute_in_service(dismiss).map_err(|error| error.to_string())
        }
        _ => Err("a projector has no exhibit".to_owned()),
    }
}
