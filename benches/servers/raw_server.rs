//! What is the limit of this design?
//!
//! A thread for each client that reads and writes back what it read: nobody who has a thread for each client and looks at
//! the bytes can be faster. With `--tls DIR` the same between rustls and the socket, through rustls's own stream.
//!
//!     raw_server [--tls DIR]

use benchmarks::serving::{Way, each_client, way};
use std::io::{self, Read, Write};

fn main() -> io::Result<()> {
    let way = way()?;
    each_client(move |socket| match &way {
        Way { tls: None, .. } => echo(socket),
        Way { tls: Some(config), .. } => echo(rustls::StreamOwned::new(session(config)?, socket)),
    })
}

fn session(config: &std::sync::Arc<rustls::ServerConfig>) -> io::Result<rustls::ServerConnection> {
    rustls::ServerConnection::new(config.clone()).map_err(io::Error::other)
}

/// Zeroed memory comes untouched from the system: of these 64 KiB only what a read fills is ever resident.
fn echo(mut stream: impl Read + Write) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match stream.read(&mut buffer)? {
            0 => return Ok(()),
            count => {
                stream.write_all(&buffer[..count])?;
                stream.flush()?;
            }
        }
    }
}
