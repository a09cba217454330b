//! socklab: sockets and WebSockets by hand.
#![forbid(unsafe_code)]
pub mod trace;
pub mod websocket;
