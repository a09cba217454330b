//! How does a client ask a server to speak WebSocket?
//!
//! It connects, sends an HTTP request with a random key, and believes nothing until the answer proves that the server has
//! understood that key (RFC 6455 section 4.1).
//!
//! # In production
//!
//! A client goes through the proxy that the system names (CONNECT), follows redirects, and answers a 401.

use super::connection::WebSocket;
use super::error::Error;
use super::opening::{HeadFailure, read_head};
use super::outbox::Outbox;
use super::protocol::handshake::{AnswerError, ClientHandshake};
use super::protocol::http::ResponseHead;
use super::protocol::url::WebSocketUrl;
use super::protocol::{MaskKeys, NoRandomness, Outgoing, Role};
use crate::client::Client;
use crate::deadline::Deadline;
use crate::random;
use crate::sender::write;
use crate::settings::Settings;
use crate::trace::Direction;
use crate::transport::{Chunk, Transport};

/// What a client offers and says in its request, beyond the URL.
///
/// ```
/// use socklab::websocket::Offer;
///
/// let offer = Offer {
///     subprotocols: vec!["mqtt".into(), "soap".into()],
///     headers: vec![("Authorization".into(), "Bearer 1234".into())],
/// };
/// # drop(offer);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Offer {
    /// The subprotocols that we speak, the best first. If there are any, the server must choose one of them.
    pub subprotocols: Vec<String>,
    /// Headers of our own, such as a cookie.
    pub headers: Vec<(String, String)>,
}

/// What we read at most of an answer that explains why not.
const MAX_BODY: usize = 64 * 1024;

impl WebSocket {
    /// Connects to `ws://host:port/path`, or over TLS to `wss://host:port/path`. WLanguage: `WebSocketClientConnect` (in French `WebSocketClientConnecte`), whose
    /// port is 443 unless told otherwise; here it is the scheme's own, 80 or 443. With
    /// `wss`: `WebSocketClientConnectSSL` (`WebSocketClientConnecteSSL`). The path is `/` if there is none.
    ///
    /// Blocks for at most [`Settings::connect_limit`] and then [`Settings::handshake_limit`].
    ///
    /// Errors: [`Error::Url`]; [`Error::Socket`] when there is no connection; [`Error::Answer`] when the server does not
    /// agree, with what it said.
    pub fn connect(url: &str) -> Result<WebSocket, Error> {
        WebSocket::connect_with(url, &Offer::default(), &Settings::default())
    }

    /// Connects, offering subprotocols and sending headers of our own.
    pub fn connect_with(url: &str, offer: &Offer, settings: &Settings) -> Result<WebSocket, Error> {
        let url = WebSocketUrl::parse(url)?;
        // Everything that can be refused without a server is refused before there is a connection.
        let mut nonce = [0; 16];
        random::fill(&mut nonce).map_err(|_| Error::NoRandomness)?;
        let subprotocols: Vec<&str> = offer.subprotocols.iter().map(String::as_str).collect();
        let headers: Vec<(&str, &str)> =
            offer.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let handshake = ClientHandshake::new(&url.host_header(), &url.target, nonce, &subprotocols, &headers)?;

        let host = if url.host.contains(':') { format!("[{}]", url.host) } else { url.host.clone() };
        // The URL says whether there is TLS, and the settings say how.
        let client_tls = url.is_secure.then(|| settings.client_tls.clone().unwrap_or_default());
        let settings = Settings { client_tls, ..settings.clone() };
        let client = Client::connect_with(&format!("{host}:{}", url.port), &settings)?;
        let (transport, unread, settings) = client.into_connection().into_parts();
        let deadline = Deadline::after(settings.handshake_limit);
        transport.tracer().head(Direction::Out, handshake.request());
        write(&transport, handshake.request(), settings.send_limit)?;
        let (head, unread) = match read_head(&transport, unread, settings.max_head, deadline) {
            Ok(read) => read,
            Err(HeadFailure::Error(Error::NothingAsked)) => return Err(Error::Vanished { source: None }),
            Err(HeadFailure::Error(error)) => return Err(error),
            Err(HeadFailure::Tls(error)) => return Err(crate::Error::Tls(error).into()),
            Err(HeadFailure::Refuse(why)) if why.status == 408 => {
                let doing = "waiting for the server's answer to the handshake";
                return Err(crate::Error::TimedOut { doing, limit: settings.handshake_limit }.into());
            }
            Err(HeadFailure::Refuse(why)) => return Err(not_http(why.what)),
        };
        transport.tracer().head(Direction::In, &head);
        let head = ResponseHead::parse(&head).map_err(|error| not_http(error.what))?;
        let chosen = match handshake.check(&head) {
            Ok(chosen) => chosen,
            Err(error) => {
                let body = read_body(&transport, &head, unread, deadline);
                return Err(Error::Answer { error, body });
            }
        };
        if chosen.is_none() && !offer.subprotocols.is_empty() {
            let what = format!("the server speaks none of the subprotocols {}", offer.subprotocols.join(", "));
            let error = AnswerError::Broken { what, section: "RFC 6455 section 4.1" };
            return Err(Error::Answer { error, body: String::new() });
        }
        let keys = MaskKeys::new(|block| random::fill(block).map_err(|_| NoRandomness));
        let outbox = Outbox::new(transport, Outgoing::client(keys), settings.send_limit);
        Ok(WebSocket::open(outbox, Role::Client, &unread, settings, chosen))
    }
}

/// The server answered something that is no HTTP.
fn not_http(what: String) -> Error {
    let error = AnswerError::Broken { what, section: "RFC 9112: is this a web server at all?" };
    Error::Answer { error, body: String::new() }
}

/// What stands below the head of an answer that is not 101: as much as is announced, or as comes until the end.
fn read_body(transport: &Transport, head: &ResponseHead, unread: Vec<u8>, deadline: Deadline) -> String {
    let announced = head.headers.get("Content-Length").and_then(|length| length.parse().ok());
    let wanted = announced.unwrap_or(MAX_BODY).min(MAX_BODY);
    let mut body = unread;
    let mut space = [0; 2048];
    while head.status != 101 && body.len() < wanted && !deadline.has_passed() {
        match transport.read(&mut space, &mut deadline.into()) {
            Ok(Chunk::Bytes(count)) => body.extend_from_slice(&space[..count]),
            _ => break,
        }
    }
    body.truncate(wanted);
    String::from_utf8_lossy(&body).into_owned()
}
