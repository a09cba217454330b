//! Which limits hold, and where does one change them?
//!
//! All in one place. Each limit has a default that a lecturer can leave alone, and each is there because without it
//! some peer, by malice or by a pulled cable, keeps a thread or fills the memory for ever.

use crate::framing::Framing;
use crate::resolve::Resolver;
use crate::tls::{ClientTls, ServerTls, Tls, TlsError, TlsLimits};
use crate::trace::{self, Trace};
use std::time::Duration;

/// What a role and its connections are set to. Fill in what differs and take the rest from `default()`:
///
/// ```
/// use socklab::{Framing, Settings};
/// use std::time::Duration;
///
/// let settings = Settings {
///     framing: Framing::lines(),
///     receive_limit: Duration::from_secs(5),
///     ..Settings::default()
/// };
/// assert_eq!(settings.max_message, 16 * 1024 * 1024);
/// ```
///
/// A limit of [`Duration::MAX`] is none.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Where one message ends and the next begins. Default: [`Framing::Raw`], the bytes as they come.
    pub framing: Framing,
    /// The longest message that we send or receive, in bytes. Default: 16 MiB. A length is the peer's claim, not a
    /// reason to allocate: a longer one is an error, and no memory grows before bytes have really come.
    pub max_message: usize,
    /// Who knows the addresses of a name. Default: [`Resolver::system`].
    pub resolver: Resolver,
    /// The whole way from a name to a connection: resolve, and connect to each address in turn. Default: 10 s.
    pub connect_limit: Duration,
    /// How long a receive waits for a message before it says [`Received::Nothing`](crate::Received::Nothing).
    /// Default: 60 s. (WLanguage's `SocketRead` waits for ever unless told otherwise.)
    pub receive_limit: Duration,
    /// A handshake: TLS's, and a WebSocket's opening one, to the blank line of the head. Each has this limit on the side
    /// that begins it; on a server's side both have it together. Default: 10 s.
    pub handshake_limit: Duration,
    /// The longest HTTP head, in bytes. Default: 16 KiB. Large cookies are what makes heads long.
    pub max_head: usize,
    /// From the first byte of a message to its last. Default: 30 s. It catches the peer that drips.
    pub message_limit: Duration,
    /// One whole send: how long a peer that does not read may hold us. Default: 30 s.
    pub send_limit: Duration,
    /// An orderly close: how long we wait for the peer's end after we have said ours. Default: 2 s.
    pub close_limit: Duration,
    /// How long a server that stops waits for its clients' threads. Default: 5 s.
    pub stop_limit: Duration,
    /// How many clients a [`StandardServer`](crate::StandardServer) has at once; more are turned away. Default: 1024.
    pub max_clients: usize,
    /// Whether small writes leave at once (TCP_NODELAY). Default: true. With false, Nagle's algorithm holds a second
    /// small write back until the first is acknowledged, and a peer that delays its acknowledgements makes that
    /// some 40 ms.
    pub no_delay: bool,
    /// How a client speaks TLS. Default: not at all. A WebSocket client speaks it when its URL begins with `wss://`, and
    /// believes the public roots unless it is told otherwise here.
    pub client_tls: Option<ClientTls>,
    /// How a server speaks TLS. Default: not at all.
    pub server_tls: Option<ServerTls>,
    /// Who is told each step. Default: what the environment asks for, see [`trace::from_environment`].
    pub trace: Trace,
}

impl Settings {
    fn tls_limits(&self) -> TlsLimits {
        TlsLimits { handshake: self.handshake_limit, close: self.close_limit }
    }

    /// The TLS of a client that wants to reach `host`, if it is to speak it.
    pub(crate) fn tls_towards(&self, host: &str) -> Result<Option<Tls>, TlsError> {
        self.client_tls.as_ref().map(|tls| Tls::client(tls, host, self.tls_limits())).transpose()
    }

    /// The TLS of a server towards its next client, if it is to speak it.
    pub(crate) fn tls_of_server(&self) -> Result<Option<Tls>, TlsError> {
        self.server_tls.as_ref().map(|tls| Tls::server(tls, self.tls_limits())).transpose()
    }
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            framing: Framing::Raw,
            max_message: 16 * 1024 * 1024,
            resolver: Resolver::system(),
            connect_limit: Duration::from_secs(10),
            receive_limit: Duration::from_secs(60),
            handshake_limit: Duration::from_secs(10),
            max_head: 16 * 1024,
            message_limit: Duration::from_secs(30),
            send_limit: Duration::from_secs(30),
            close_limit: Duration::from_secs(2),
            stop_limit: Duration::from_secs(5),
            max_clients: 1024,
            no_delay: true,
            client_tls: None,
            server_tls: None,
            trace: trace::from_environment(),
        }
    }
}
