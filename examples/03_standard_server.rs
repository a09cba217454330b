//! What changes when a server has many clients?
//!
//! Only this: each conversation gets a thread of its own. The same loop as in `simple_server` runs in each, and a
//! client that says nothing keeps nobody waiting.
//!
//!     cargo run --example standard_server -- --listen 127.0.0.1:7000
//!     cargo run --example line_client -- 127.0.0.1:7000      (as often as you like)

mod arguments;

use arguments::{Arguments, Failure};
use socklab::{Framing, Received, Settings, StandardServer};
use std::thread;

const USAGE: &str =
    "standard_server [--listen ADDR:PORT]\nAnswers each line with the same line, a thread for each client.";

fn main() -> Result<(), Failure> {
    let address = Arguments::read(USAGE, &["listen"]).listen("127.0.0.1:7000");
    let settings = Settings { framing: Framing::lines(), ..Settings::default() };
    let server = StandardServer::bind_with(&address, &settings)?;
    println!("listening on {}", server.local_address());

    server.serve(|mut connection| {
        let peer = connection.peer_address()?;
        println!("{peer} came, on thread {:?}", thread::current().name().unwrap_or("unnamed"));
        while let Received::Message(line) = connection.receive()? {
            connection.send(line)?;
        }
        println!("{peer} left, or fell silent");
        Ok(())
    })?;
    Ok(())
}
