//! Who asks to come in, and how is a client turned away so that it can see it?
//!
//! When we hear of a client, the system has shaken hands with it long ago: to the client it looks connected. So a refusal
//! is no "no" on the wire but the shortest conversation there is: an end, at once.
//!
//! # In production
//!
//! A firewall refuses before the handshake, by an ICMP message or by silence, and the client's connect fails instead.

use crate::connection::Connection;
use crate::settings::Settings;
use crate::transport::Transport;
use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;

/// A client that has connected and about which nothing has been decided. Dropping it turns it away.
///
/// ```
/// use socklab::{Arrival, Client, Received, StandardServer};
/// use std::time::Duration;
///
/// let mut server = StandardServer::bind("127.0.0.1:0")?;
/// let mut client = Client::connect(&server.local_address().to_string())?;
/// if let Arrival::Client(newcomer) = server.wait(Duration::from_secs(5))? {
///     assert!(newcomer.peer_address().ip().is_loopback());
///     newcomer.refuse();
/// }
/// assert_eq!(client.receive()?, Received::Closed);
/// # Ok::<(), socklab::Error>(())
/// ```
#[derive(Debug)]
pub struct Newcomer {
    pub(super) transport: Arc<Transport>,
    pub(super) peer: SocketAddr,
    pub(super) settings: Arc<Settings>,
}

impl Newcomer {
    /// Who asks. WLanguage: `SocketClientInfo`.
    pub fn peer_address(&self) -> SocketAddr {
        self.peer
    }

    /// Lets the client in. WLanguage: `SocketAccept` (in French `SocketAccepte`). Returns at once.
    pub fn accept(self) -> Connection {
        Connection::new(self.transport, self.settings)
    }

    /// Turns the client away, so that it sees it: its next receive meets the end. WLanguage: `SocketDeny`
    /// (`SocketRefuse`). System calls: `shutdown`, `close`. Returns at once.
    pub fn refuse(self) {
        self.transport.tracer().note("the client is refused");
        self.transport.shutdown(Shutdown::Both);
    }
}
