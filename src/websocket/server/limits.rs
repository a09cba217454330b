//! What does a server allow, and for how long?
//!
//! Everything that a client could use up has a limit, and every limit a default that a lecturer can leave alone. Those that
//! belong to any connection are in [`Settings`]; these are the WebSocket server's own.

use crate::settings::Settings;
use std::time::Duration;

/// The limits of a [`WebSocketServer`](super::WebSocketServer). Fill in what differs:
///
/// ```
/// use socklab::websocket::Limits;
/// use std::time::Duration;
///
/// let limits = Limits { interval: Duration::from_secs(1), origins: Some(vec!["http://localhost:8080".into()]), ..Limits::default() };
/// # drop(limits);
/// ```
///
/// | limit | where | default | at the limit |
/// |---|---|---|---|
/// | clients | [`Settings::max_clients`] | 1024 | HTTP 503 |
/// | message, bytes | [`Settings::max_message`] | 16 MiB | Close 1009 |
/// | head, bytes | [`Settings::max_head`] | 16 KiB | HTTP 431 |
/// | opening handshake | [`Settings::handshake_limit`] | 10 s | HTTP 408 |
/// | one message, first byte to last | [`Settings::message_limit`] | 30 s | Close 1008 |
/// | own replies to a peer that does not read | [`Settings::send_limit`] | 30 s | cut off |
/// | goodbye | [`Settings::close_limit`] | 2 s | cut off |
/// | stop | [`Settings::stop_limit`] | 5 s | cut off, and named in the report |
/// | memory for what a client has not taken | [`Limits::outbox`] | 4 MiB | cut off |
/// | silence before we ask | [`Limits::ping_interval`] | 30 s | a Ping |
/// | silence after we asked | [`Limits::pong_limit`] | 30 s | cut off: the peer vanished |
/// | time without a message | [`Limits::idle_limit`] | none | Close 1001 |
/// | Origin | [`Limits::origins`] | any | HTTP 403 |
/// | path | [`Limits::paths`] | any | HTTP 404 |
#[derive(Debug, Clone)]
pub struct Limits {
    /// Those of the connections.
    pub settings: Settings,
    /// How often the global service's tick runs. WLanguage: the interval of the global service, 10 s there and here.
    pub interval: Duration,
    /// How much memory may hold what others than its own callbacks have sent to a client, and it has not taken: the bytes,
    /// and a sixteenth for what holds them.
    pub outbox: usize,
    /// After so much silence a client is asked whether it lives.
    pub ping_interval: Duration,
    /// After so much further silence it is taken for dead.
    pub pong_limit: Duration,
    /// A client that sends no message for so long is asked to leave. [`Duration::MAX`]: never.
    pub idle_limit: Duration,
    /// The pages from which browsers may connect, such as `http://localhost:8080`. `None`: any. A browser says truthfully
    /// where its page is from (RFC 6455 section 10.2); a program may say anything or nothing, and is not refused for nothing.
    pub origins: Option<Vec<String>>,
    /// The paths at which there is a WebSocket. `None`: at any.
    pub paths: Option<Vec<String>>,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            settings: Settings::default(),
            interval: Duration::from_secs(10),
            outbox: 4 * 1024 * 1024,
            ping_interval: Duration::from_secs(30),
            pong_limit: Duration::from_secs(30),
            idle_limit: Duration::MAX,
            origins: None,
            paths: None,
        }
    }
}
