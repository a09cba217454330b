//! What does a WebSocket server need beyond a TCP server?
//!
//! An application that says what happens when somebody comes and when a message comes; all else is the server's. Every
//! message goes back as it came, text as text and bytes as bytes, straight from the read buffer; the answers to messages
//! that came together leave together.
//!
//!     cargo run --example ws_echo_server -- --listen 127.0.0.1:9000
//!     cargo run --example ws_client -- ws://127.0.0.1:9000/

mod arguments;

use arguments::{Arguments, Failure};
use socklab::websocket::{Application, Limits, MessageRef, Refusal, Request, Session, SessionHandle, WebSocketServer};

const USAGE: &str = "ws_echo_server [--listen ADDR:PORT]\nSends every WebSocket message back.";

struct Echo;

impl Application for Echo {
    /// An echo remembers nothing.
    type Session = ();
    type Service = ();

    fn connected(&self, _request: &Request<'_>, _session: &SessionHandle<Echo>) -> Result<(), Refusal> {
        Ok(())
    }

    fn message(&self, _nothing: &mut (), message: MessageRef<'_>, session: &mut Session<'_, Echo>) {
        session.send(message);
    }
}

fn main() -> Result<(), Failure> {
    let address = Arguments::read(USAGE, &["listen"]).listen("127.0.0.1:9000");
    let server = WebSocketServer::bind(&address, Echo, (), Limits::default())?;
    println!("listening on {}", server.local_address());
    server.run()?;
    Ok(())
}
