//! What does a WebSocket server need beyond a TCP server?
//!
//! One line: the handshake, on the client's own thread. Every message goes back as it came, text as text and bytes as
//! bytes, straight from the read buffer; the answers to messages that came together leave together.
//!
//!     cargo run --example ws_echo_server -- --listen 127.0.0.1:9000
//!     cargo run --example ws_client -- ws://127.0.0.1:9000/

mod arguments;

use arguments::{Arguments, Failure};
use socklab::StandardServer;
use socklab::websocket::WebSocket;

const USAGE: &str = "ws_echo_server [--listen ADDR:PORT]\nSends every WebSocket message back.";

fn main() -> Result<(), Failure> {
    let address = Arguments::read(USAGE, &["listen"]).listen("127.0.0.1:9000");
    let server = StandardServer::bind(&address)?;
    println!("listening on {}", server.local_address());

    server.serve(|connection| {
        let mut socket = WebSocket::accept(connection)?;
        socket.for_each_message(|message, replies| replies.send(message))?;
        // It has said goodbye, or it has been silent for too long: then we say it.
        socket.close();
        Ok(())
    })?;
    Ok(())
}
