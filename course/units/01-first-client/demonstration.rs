//! What does a client notice of a server that listens, and never accepts?
//!
//!     rustc --edition 2024 -o target/never-accepts course/units/01-first-client/demonstration.rs
//!     target/never-accepts 7000

use std::io;
use std::net::TcpListener;

fn main() -> io::Result<()> {
    let port: u16 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(7000);
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    println!("listening at {}, and not accepting; Enter ends it", listener.local_addr()?);
    io::stdin().read_line(&mut String::new())?;
    Ok(())
}
