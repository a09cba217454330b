//! How do a browser and a server keep talking after the page is loaded?
//!
//! HTTP is question and answer. A WebSocket (RFC 6455) begins as an HTTP request, switches protocols on the same TCP
//! connection, and from then on both sides send messages whenever they like. Read in this order:
//!
//! 1. [`protocol`]: all the rules, as pure functions of bytes. No socket, no waiting: what is there can be tested at every
//!    cut of the stream.
//! 2. [`Opening`], the server's half of the opening handshake, and [`Offer`], the client's.
//! 3. [`WebSocket`], the bytes of `protocol` on a connection, either side; [`WebSocketSender`], its sending half, over the
//!    outbox through which everything leaves; [`WebSocketClient`], the same told by events.
//! 4. [`WebSocketServer`] and [`Application`]: clients with contexts of their own, beside a service that ticks.
//!
//! # In production
//!
//! tungstenite does the same as `WebSocket` for Rust programs, and tokio-tungstenite without a thread for each client.
//! What we leave out of the RFC are extensions, above all compression (RFC 7692).

pub mod protocol;

mod callback_client;
mod closing;
mod connection;
mod errands;
mod error;
mod message;
mod offer;
mod opening;
mod outbox;
mod receiving;
mod sender;
mod server;

pub use callback_client::{ClientEvent, WebSocketClient};
pub use connection::WebSocket;
pub use error::Error;
pub use message::{Message, MessageRef, Received};
pub use offer::Offer;
pub use opening::Opening;
pub use protocol::handshake::Refusal;
pub use sender::{Replies, WebSocketSender};
pub use server::{
    Application, Ending, Limits, NotDone, Request, ServerHandle, Session, SessionHandle, WebSocketServer,
};
