//! The WebSocket protocol.
pub mod protocol;
