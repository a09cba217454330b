//! What does a WebSocket server need beyond a TCP server?
//!
//! An application that says what happens when somebody comes and when a message comes; all else is the server's. Every
//! message goes back as it came, text as text and bytes as bytes, straight from the read buffer; the answers to messages
//! that came together leave together.
//!
//!     cargo run --example ws_echo_server -- --listen 127.0.0.1:9000
//!     cargo run --example ws_client -- ws://127.0.0.1:9000/
//!
//! With `--tls DIR` it speaks `wss`, and shows the certificate `server.pem` in DIR, whose key is `server-key.pem`.

mod arguments;

use arguments::{Arguments, Failure};
use socklab::Settings;
use socklab::websocket::{Application, Limits, MessageRef, Refusal, Request, Session, SessionHandle, WebSocketServer};

const USAGE: &str = "ws_echo_server [--listen ADDR:PORT] [--clients MOST] [--tls DIR]\n\
                     Sends every WebSocket message back. With --tls it speaks wss, as who server.pem and\n\
                     server-key.pem in DIR say that it is.";

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
    let arguments = Arguments::read(USAGE, &["listen", "clients", "tls"]);
    // One more is told that the server is full, and to come later.
    let max_clients = arguments.option("clients", "1024").parse()?;
    let settings = Settings { max_clients, server_tls: arguments.server_tls()?, ..Settings::default() };
    let limits = Limits { settings, ..Limits::default() };
    let server = WebSocketServer::bind(&arguments.listen("127.0.0.1:9000"), Echo, (), limits)?;
    println!("listening on {}", server.local_address());
    server.run()?;
    Ok(())
}
