//! How do two threads share one encrypted stream, and how does it end?
//!
//! TLS puts three things between two programs: nobody else can read, nobody else can change a byte, and the one at the other
//! end is who it says. The mathematics is rustls's affair. Ours is where its bytes go, and that is harder than it looks:
//! both directions share one set of keys, so both threads must enter one lock, and whoever waits for the peer inside it
//! stops the other direction for as long. Two programs that both write before they read would wait for ever.
//!
//! So the rule: **the lock is held for the calls into rustls only, and never while we wait for the socket.**
//!
//! ```text
//!   reader:  wait for the socket │ lock: feed the records, take what they held │ unlock, hand it out
//!   writer:  wait for its turn   │ lock: encrypt                               │ unlock, write to the socket
//! ```
//!
//! Data: the session (rustls's state of both directions); what came and is not decrypted, with the lock of the reader; what
//! is encrypted and has not left, with the turn of the writer. They are entered in this order: turn, reader, session.
//!
//! What reading leaves to be written (an answer to a key update, say) is taken along by the next write: RFC 8446 section
//! 4.6.3 asks for it before our next data, and no sooner.
//!
//! # In production
//!
//! The kernel can encrypt by itself once it has the keys (kTLS), and then a file goes out without passing through us.

mod client;
mod error;
mod handshake;
mod identity;
mod records;
mod secured;
mod server;
mod stream;
mod turn;
mod unverified;

pub use client::ClientTls;
pub use error::TlsError;
pub(crate) use error::is_tls;
pub use identity::{Identity, Roots};
pub use secured::Secured;
pub use server::ServerTls;

use crate::buffer::Buffer;
use crate::deadline::Deadline;
use records::Records;
use rustls::Connection;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, OnceLock};
use std::time::Duration;
use turn::Turn;

/// The layer between a stream of bytes and a socket.
#[derive(Debug)]
pub(crate) struct Tls {
    session: Mutex<Connection>,
    incoming: Mutex<Incoming>,
    outgoing: Turn<Outgoing>,
    /// The name that we verify, as a client, and whether we do.
    name: Option<String>,
    verifies: bool,
    limits: TlsLimits,
    /// It runs from the first byte of the handshake that somebody wanted: a program may leave its client waiting before.
    handshake: OnceLock<Deadline>,
    secured: OnceLock<Secured>,
    /// How it broke down. Nothing follows after that, whoever asks.
    failed: OnceLock<TlsError>,
    /// The peer has said its goodbye.
    ended: AtomicBool,
}

impl Tls {
    /// The client's side. `host` is whom it wants to reach.
    pub(crate) fn client(tls: &ClientTls, host: &str, limits: TlsLimits) -> Result<Tls, TlsError> {
        let session = Connection::Client(tls.session(host)?);
        Ok(Tls::new(session, Some(tls.name(host).to_owned()), tls.verifies(), limits))
    }

    /// The server's side.
    pub(crate) fn server(tls: &ServerTls, limits: TlsLimits) -> Result<Tls, TlsError> {
        Ok(Tls::new(Connection::Server(tls.session()?), None, false, limits))
    }

    fn new(mut session: Connection, name: Option<String>, verifies: bool, limits: TlsLimits) -> Tls {
        // What is encrypted is taken at once, so nothing collects behind rustls's own limit.
        session.set_buffer_limit(None);
        Tls {
            session: Mutex::new(session),
            incoming: Mutex::default(),
            outgoing: Turn::new(Outgoing::default()),
            name,
            verifies,
            limits,
            handshake: OnceLock::new(),
            secured: OnceLock::new(),
            failed: OnceLock::new(),
            ended: AtomicBool::new(false),
        }
    }

    /// What both have agreed on, once they have.
    pub(crate) fn secured(&self) -> Option<&Secured> {
        self.secured.get()
    }
}

/// How long it may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TlsLimits {
    /// The whole handshake.
    pub(crate) handshake: Duration,
    /// The time that a peer has to read why TLS with it is over.
    pub(crate) close: Duration,
}

/// What came from the peer and is not decrypted yet.
#[derive(Debug, Default)]
struct Incoming {
    buffer: Buffer,
    records: Records,
    /// The first bytes of all: what a peer says that does not speak TLS.
    began: Vec<u8>,
}

/// What is encrypted and has not left yet.
#[derive(Debug, Default)]
struct Outgoing {
    bytes: Vec<u8>,
    /// So many of them have left. They stay where they are: to move the rest after each write would copy a long message
    /// again and again.
    written: usize,
    /// So many bytes of the program's own are in there, and do not count as written before all of them have left.
    plain: usize,
    records: Records,
}
