//! What does a server know without a framing?
//!
//! Bytes, and the end. It sends back what each read brings, and cares for no message: this is the server to measure
//! against, and the one to try `nc` and half-close on.
//!
//!     cargo run --example echo_server -- --listen 127.0.0.1:7000
//!     printf 'Hello' | nc -N 127.0.0.1 7000

mod arguments;

use arguments::{Arguments, Failure};
use socklab::{Received, StandardServer};

const USAGE: &str = "echo_server [--listen ADDR:PORT]\nSends every byte back, without a framing.";

fn main() -> Result<(), Failure> {
    let address = Arguments::read(USAGE, &["listen"]).listen("127.0.0.1:7000");
    let server = StandardServer::bind(&address)?;
    println!("listening on {}", server.local_address());

    server.serve(|mut connection| {
        // The peer's end means that it sends no more, not that it reads no more: what it sent last still gets its echo.
        while let Received::Message(bytes) = connection.receive()? {
            connection.send(bytes)?;
        }
        Ok(())
    })?;
    Ok(())
}
