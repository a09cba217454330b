//! A server to try a client with by hand: it acknowledges each reading at once, for one client after the other.
//!
//!     rustc --edition 2024 -o target/meter-server course/units/07-meter-readings/demonstration.rs
//!     target/meter-server

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

// ANCHOR: server
fn main() -> io::Result<()> {
    for client in TcpListener::bind(("127.0.0.1", 7000))?.incoming() {
        // One that gives up is told by its error alone, and the next one is served.
        let _ = serve(&client?);
    }
    Ok(())
}

fn serve(mut client: &TcpStream) -> io::Result<()> {
    for (number, line) in BufReader::new(client).lines().enumerate() {
        line?;
        let answer = if number == 0 { "ready\n".to_owned() } else { format!("stored {number}\n") };
        client.write_all(answer.as_bytes())?;
    }
    Ok(())
}
// ANCHOR_END: server
