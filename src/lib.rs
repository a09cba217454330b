//! Sockets and WebSockets by hand, on blocking `std::net`: a library to read, to run and to take apart.
//!
//! A socket is a door of a machine: an IP address, a port, and a program behind it. Two programs that want to talk go
//! through the same few steps everywhere, and these steps are what this library is made of:
//!
//! | the active side | | the passive side | |
//! |---|---|---|---|
//! | [`Client::connect`] | resolve, socket, connect | [`SimpleServer::bind`], [`StandardServer::bind`] | socket, bind, listen |
//! | | | [`SimpleServer::accept`], [`StandardServer::wait`] | accept |
//! | [`Connection::send`] | write | [`Connection::receive`] | read |
//! | [`Connection::receive`] | read | [`Connection::send`] | write |
//! | [`Connection::close`] | shutdown, read to the end, close | [`Connection::close`] | the same |
//!
//! After connect and accept the two columns are the same: both hold a [`Connection`]. Without any connection there is
//! [`Datagram`]: socket, bind, sendto, recvfrom.
//!
//! # See it happen
//!
//! Set `SOCKLAB_TRACE=ladder` in front of any program that uses this library, and it prints each step with the system
//! calls behind it, the bytes, and who waits for whom: see [`trace`].
//!
//! # How to read the source
//!
//! From the top, each file answers one question and builds only on what is below it:
//!
//! 1. `trace/`: which steps are there?
//! 2. `framing.rs`: where does one message end and the next begin?
//! 3. `deadline.rs`, `wire.rs`, `tls.rs`, `transport.rs`: how do two threads share a stream, plain or encrypted, and how
//!    does every wait end?
//! 4. `connection.rs`: what can two programs say to each other?
//! 5. `client.rs`, `listener.rs`, `simple_server.rs`, `standard_server.rs`: who begins, and who waits to be called?
//! 6. `resolve.rs`, `local_addresses.rs`, `datagram.rs`: which addresses are there, and what is left without a connection?
//! 7. [`websocket`]: how do a browser and a server keep talking? And, on top of everything,
//!    [`websocket::WebSocketServer`]: who may reach whose data?
//!
//! `settings.rs` holds every limit, and `error.rs` says what can go wrong.
//!
//! # WLanguage
//!
//! The functions are those of WINDEV's socket and WebSocket chapters; each item names its counterpart in English and in
//! French, so `SocketLit` or `SocketRead` finds [`Connection::receive`] with one search. All of them in one table: [`wlanguage`].

#![forbid(unsafe_code)]
#![cfg_attr(not(test), deny(clippy::unwrap_used, clippy::expect_used))]

mod buffer;
mod client;
mod connection;
mod conversation;
mod datagram;
mod deadline;
mod error;
mod framing;
mod listener;
mod local_addresses;
mod random;
mod resolve;
mod sender;
mod settings;
mod simple_server;
mod standard_server;
mod tls;
pub mod trace;
mod transport;
pub mod websocket;
mod wire;
pub mod wlanguage;

pub use client::Client;
pub use connection::{Connection, Received};
pub use conversation::Conversation;
pub use datagram::{Datagram, DatagramSender, ReceivedDatagram};
pub use error::{Error, HandlerResult};
pub use framing::{ByteOrder, Framing, LengthWidth};
pub use listener::{Arrival, Newcomer, StopHandle};
pub use local_addresses::local_addresses;
pub use resolve::Resolver;
pub use sender::Sender;
pub use settings::Settings;
pub use simple_server::SimpleServer;
pub use standard_server::{ServeReport, StandardServer, Trouble};
pub use tls::{ClientTls, Identity, Roots, Secured, ServerTls, TlsError};
