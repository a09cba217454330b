//! What does a production library do with a thread for each client?
//!
//! The loop that its own documentation shows: accept, read a message, send it back. `--small-buffer` gives it 4 KiB to read
//! into where it takes 128 by itself; `--tls DIR` puts rustls below it; `--broadcast` sends each message to all clients,
//! one after the other.
//!
//!     tungstenite_server [--tls DIR] [--small-buffer] [--broadcast]

use benchmarks::serving::{Way, each_client, way};
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::{Mutex, PoisonError};
use tungstenite::protocol::{Role, WebSocketConfig};
use tungstenite::{Message, WebSocket};

fn main() -> io::Result<()> {
    let way = way()?;
    let everybody = Everybody::default();
    each_client(move |socket| {
        let config = if way.small_buffer {
            WebSocketConfig::default().read_buffer_size(4096).write_buffer_size(4096)
        } else {
            WebSocketConfig::default()
        };
        match &way {
            Way { broadcast: true, .. } => everybody.serve(socket, config),
            Way { tls: None, .. } => echo(socket, config),
            Way { tls: Some(tls), .. } => {
                let session = rustls::ServerConnection::new(tls.clone()).map_err(io::Error::other)?;
                echo(rustls::StreamOwned::new(session, socket), config)
            }
        }
    })
}

fn echo(stream: impl Read + Write, config: WebSocketConfig) -> io::Result<()> {
    let mut socket = tungstenite::accept_with_config(stream, Some(config)).map_err(|error| wrong(&error))?;
    each_message(&mut socket, |socket, message| socket.send(message))
}

/// Until the peer says goodbye, which the library answers by itself while it reads on.
fn each_message<S: Read + Write>(
    socket: &mut WebSocket<S>,
    mut act: impl FnMut(&mut WebSocket<S>, Message) -> tungstenite::Result<()>,
) -> io::Result<()> {
    loop {
        match socket.read() {
            Ok(message @ (Message::Text(_) | Message::Binary(_))) => {
                act(socket, message).map_err(|error| wrong(&error))?;
            }
            Ok(_) => {}
            Err(tungstenite::Error::ConnectionClosed) => return Ok(()),
            Err(error) => return Err(wrong(&error)),
        }
    }
}

fn wrong(error: &dyn std::error::Error) -> io::Error {
    io::Error::other(error.to_string())
}

/// All clients, for a loop over them. A tungstenite socket cannot be read by one thread and written by another, so each
/// client has two over the same stream: one that its thread reads, and this one to send.
#[derive(Default)]
struct Everybody(Mutex<Vec<WebSocket<TcpStream>>>);

impl Everybody {
    fn serve(&self, stream: TcpStream, config: WebSocketConfig) -> io::Result<()> {
        let sends = WebSocket::from_raw_socket(stream.try_clone()?, Role::Server, Some(config));
        let mut reads = tungstenite::accept_with_config(stream, Some(config)).map_err(|error| wrong(&error))?;
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(sends);
        each_message(&mut reads, |_, message| {
            let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            // Its payload is shared, not copied. Who is gone is left out from now on.
            all.retain_mut(|client| client.send(message.clone()).is_ok());
            Ok(())
        })
    }
}
