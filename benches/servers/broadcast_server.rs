//! How long does it take to tell everybody?
//!
//! socklab's own broadcast: each message that comes goes to every session, and those that come together go together.

use socklab::websocket::{Application, Limits, MessageRef, Refusal, Request, Session, SessionHandle, WebSocketServer};
use socklab::{Error, Settings};

struct Broadcast;

impl Application for Broadcast {
    type Session = ();
    type Service = ();

    fn connected(&self, _request: &Request<'_>, _session: &SessionHandle<Broadcast>) -> Result<(), Refusal> {
        Ok(())
    }

    fn message(&self, _nothing: &mut (), message: MessageRef<'_>, session: &mut Session<'_, Broadcast>) {
        session.broadcast(message);
    }
}

fn main() -> Result<(), Error> {
    let limits = Limits { settings: Settings { max_clients: 20_000, ..Settings::default() }, ..Limits::default() };
    let server = WebSocketServer::bind("127.0.0.1:0", Broadcast, (), limits)?;
    println!("listening on {}", server.local_address());
    server.run()?;
    Ok(())
}
