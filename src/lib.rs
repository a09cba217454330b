//! socklab: sockets and WebSockets by hand.
#![forbid(unsafe_code)]

mod buffer;
mod client;
mod connection;
mod deadline;
mod error;
mod framing;
mod listener;
mod resolve;
mod settings;
mod simple_server;
mod standard_server;
pub mod trace;
mod transport;
pub mod websocket;

pub use client::Client;
pub use connection::{Connection, Received, Sender};
pub use error::Error;
pub use framing::{ByteOrder, Framing, LengthWidth};
pub use listener::{Arrival, Newcomer, StopHandle};
pub use settings::Settings;
pub use simple_server::SimpleServer;
pub use standard_server::{HandlerResult, ServeReport, StandardServer, Trouble};
