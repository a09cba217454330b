//! What do the bytes of a WebSocket mean?
//!
//! All of RFC 6455 but for its extensions, as pure functions of bytes. Nothing in this folder opens a socket, waits,
//! sleeps or asks the clock: bytes that came go in, events come out; messages go in, bytes to write come out. So every
//! rule can be tried by a test that cuts a stream at each byte, and the blocking connection above it is left with what
//! is really about blocking: reads, writes, time limits and threads.
//!
//! ```
//! use socklab::websocket::protocol::{Event, Incoming, Outgoing, Role};
//!
//! // Two ends without a network between them.
//! let mut server = Outgoing::server();
//! let mut client = Incoming::new(Role::Client, 1024);
//! server.text("Hello")?;
//! server.close(None)?;
//! client.push(&server.take());
//! assert_eq!(client.next(&mut |_header, _payload| {})?, Some(Event::Text("Hello")));
//! assert_eq!(client.next(&mut |_header, _payload| {})?, Some(Event::Close(None)));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # Reading order
//!
//! Arrows run downwards only; each file uses those above it in its list and nothing below.
//!
//! The opening, an exchange of two HTTP heads:
//!
//! 1. [`url`]: what does `ws://host:port/path` say?
//! 2. [`http`]: what is a head, where does it end, and what is refused in it?
//! 3. [`handshake`]: is this a request for a WebSocket, and is that the answer to it?
//!
//! The frames, which follow on the same connection:
//!
//! 1. [`close_code`] and [`violation`]: the words for how a connection ends, and for a broken rule.
//! 2. [`opcode`] and [`frame`]: what stands in front of a payload? [`mask`] and [`mask_keys`]: how is it hidden, and
//!    with what? [`see`]: which frames lie in these bytes?
//! 3. [`utf8`] and [`close`]: two payloads with rules of their own.
//! 4. [`message`]: how do fragments become one message?
//! 5. [`event`] and [`incoming`], over a buffer that grows and shrinks: bytes in, events out.
//! 6. [`send_error`] and [`outgoing`]: messages in, bytes out.
//! 7. [`state`]: where do the two directions stand, and what must be answered?
//!
//! # In production
//!
//! Compression (permessage-deflate, RFC 7692) is the one extension in wide use, and the reason why other libraries'
//! frame code is longer. Everything else that they do more, they do above this level: pings by the clock,
//! back-pressure, pools.

pub mod close;
pub mod close_code;
pub mod event;
pub mod frame;
pub mod handshake;
pub mod http;
pub mod incoming;
pub mod mask;
pub mod mask_keys;
pub mod message;
pub mod opcode;
pub mod outgoing;
pub mod see;
pub mod send_error;
pub mod state;
pub mod url;
pub mod utf8;
pub mod violation;

pub use close::{CloseError, CloseReason};
pub use close_code::CloseCode;
pub use event::Event;
pub use frame::{FrameHeader, MAX_CONTROL_PAYLOAD};
pub use handshake::{AnswerError, ClientHandshake, Refusal, Upgrade, accept_key};
pub use http::{HeadError, HeadReader, HeaderError, Headers, RequestHead, Response, ResponseHead};
pub use incoming::Incoming;
pub use mask_keys::{MaskKeys, NoRandomness};
pub use message::MessageKind;
pub use opcode::{Opcode, Role};
pub use outgoing::Outgoing;
pub use see::see_frames;
pub use send_error::SendError;
pub use state::{State, answer, answer_violation};
pub use url::{UrlError, WebSocketUrl};
pub use violation::Violation;
