//! What changes when a server has many clients?
//!
//! Only this: each conversation gets a thread of its own. The same loop as in `simple_server` runs in each, and a
//! client that says nothing keeps nobody waiting.
//!
//!     cargo run --example standard_server -- --listen 127.0.0.1:7000
//!     cargo run --example line_client -- 127.0.0.1:7000      (as often as you like)
//!
//! With `--tls DIR` it speaks TLS, as who `server.pem` and `server-key.pem` in DIR say that it is.

mod arguments;

use arguments::{Arguments, Failure};
use socklab::{Framing, Received, Settings, StandardServer};
use std::thread;

const USAGE: &str = "standard_server [--listen ADDR:PORT] [--tls DIR]\n\
    Answers each line with the same line, a thread for each client.";

fn main() -> Result<(), Failure> {
    let arguments = Arguments::read(USAGE, &["listen", "tls"]);
    let settings = Settings { framing: Framing::lines(), server_tls: arguments.server_tls()?, ..Settings::default() };
    let server = StandardServer::bind_with(&arguments.listen("127.0.0.1:7000"), &settings)?;
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
