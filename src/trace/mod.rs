//! What happened on the wire, in which order, and who asked for it?
//!
//! A socket program that works shows nothing, and one that hangs shows nothing either. So every layer of socklab tells
//! an [`Observer`] each [`Step`] it takes: which call of `std`, which system calls `std` makes for it, how many bytes,
//! how long it took, and what the WebSocket layer made of the bytes. Two observers come with the library:
//!
//! * [`Ladder`] draws two columns for people, ours and the peer's;
//! * [`JsonLines`] writes one JSON object a line for programs, and for `cargo run --example merge_ladders`, which puts
//!   the records of both ends side by side.
//!
//! Nobody has to write code for that: [`from_environment`] is the default of [`Settings`](crate::Settings), so
//! `SOCKLAB_TRACE=ladder` in front of any program that uses socklab shows what it does, the way `strace` would.
//!
//! Read [`step`](Step) for the vocabulary first, then `observer.rs` for how a layer reports, then a renderer.
//!
//! # In production
//!
//! A service would record through the `tracing` crate, sample, and never keep payloads: they are somebody's data.
//! `tcpdump` and Wireshark see what really crossed the wire, retransmissions included, where we see only our own calls.

mod environment;
mod json;
mod ladder;
mod observer;
mod step;
mod tls;

pub use environment::from_environment;
pub use json::{JsonLines, json};
pub use ladder::{Drawing, Ladder};
pub use observer::{Observer, Trace};
pub(crate) use observer::{TellClose, TellCloseDatagram, Tracer};
pub use step::{Action, Call, Direction, FrameStep, Outcome, Side, Step};
pub use tls::{RecordStep, SecuredStep, TlsStep};
