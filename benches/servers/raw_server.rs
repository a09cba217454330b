//! What is the limit of this design?
//!
//! A thread for each client that reads and writes back what it read: nobody who has a thread for each client and looks at
//! the bytes can be faster. With `--tls DIR` the same between rustls and the socket, through rustls's own stream. With
//! `--broadcast` it writes what it read to all clients, one after the other: a system call for each, and nothing besides.
//!
//!     raw_server [--tls DIR] [--broadcast]

use benchmarks::frames::LISTED;
use benchmarks::serving::{Way, each_client, way};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::{Mutex, PoisonError};

fn main() -> io::Result<()> {
    let way = way()?;
    let everybody = Everybody::default();
    each_client(move |socket| match &way {
        Way { broadcast: true, .. } => everybody.serve(socket),
        Way { tls: None, .. } => echo(socket),
        Way { tls: Some(config), .. } => echo(rustls::StreamOwned::new(session(config)?, socket)),
    })
}

/// All clients, for a loop over them. Each has a second handle here, so that its own can be read meanwhile.
#[derive(Default)]
struct Everybody(Mutex<Vec<TcpStream>>);

impl Everybody {
    fn serve(&self, mut socket: TcpStream) -> io::Result<()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(socket.try_clone()?);
        socket.write_all(LISTED)?;
        let mut buffer = vec![0; 64 * 1024];
        loop {
            let count = socket.read(&mut buffer)?;
            if count == 0 {
                return Ok(());
            }
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // Who is gone is left out from now on.
            all.retain_mut(|client| client.write_all(&buffer[..count]).is_ok());
        }
    }
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
