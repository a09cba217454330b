//! What does a server do between accept and the first frame?
//!
//! It reads an HTTP head, and decides. The request may be a WebSocket's opening handshake (RFC 6455 section 4.2), or a
//! browser that wants a page, or nonsense. All three get an answer; a client that is merely dropped looks for the mistake
//! in its network.
//!
//! Everything here waits for the client, up to [`Settings::handshake_limit`], so it runs on the client's own thread.
//!
//! # In production
//!
//! A web server stands in front: it answers pages itself, speaks TLS, and passes only upgrades on.

use super::connection::WebSocket;
use super::error::Error;
use super::outbox::Outbox;
use super::protocol::handshake::{Refusal, Upgrade};
use super::protocol::http::{HeadReader, HeaderError, RequestHead, Response};
use super::protocol::{Outgoing, Role};
use crate::connection::Connection;
use crate::deadline::Deadline;
use crate::sender::write;
use crate::settings::Settings;
use crate::tls::{Secured, TlsError, is_tls};
use crate::trace::Direction;
use crate::transport::{Chunk, Transport};
use std::net::SocketAddr;
use std::sync::Arc;

/// A client's request, read and not yet answered. Dropping it closes the connection without an answer.
///
/// ```
/// use socklab::StandardServer;
/// use socklab::websocket::{Opening, Received, WebSocket};
/// # use std::thread;
///
/// let server = StandardServer::bind("127.0.0.1:0")?;
/// let (address, stop) = (server.local_address(), server.stop_handle());
/// let running = thread::spawn(move || {
///     server.serve(|connection| {
///         let opening = Opening::read(connection)?;
///         match opening.head().path() {
///             "/" => opening.respond(200, "text/html", "<h1>A page</h1>")?,
///             "/echo" => drop(opening.accept()?.for_each_message(|message, replies| replies.send(message))?),
///             other => {
///                 let text = format!("there is no {other} here");
///                 opening.refuse(404, &text)?
///             }
///         }
///         Ok(())
///     })
/// });
///
/// WebSocket::connect(&format!("ws://{address}/echo"))?.close();
/// let error = WebSocket::connect(&format!("ws://{address}/elsewhere")).unwrap_err();
/// assert!(error.to_string().contains("404 Not Found instead of 101: there is no /elsewhere here"), "{error}");
/// stop.stop();
/// running.join().unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Opening {
    transport: Arc<Transport>,
    /// What came behind the head: it belongs to the first frame.
    unread: Vec<u8>,
    settings: Arc<Settings>,
    head: RequestHead,
}

impl Opening {
    /// Reads the request's head: at most [`Settings::max_head`] bytes, within [`Settings::handshake_limit`].
    ///
    /// Errors: [`Error::NothingAsked`]; [`Error::Refused`] for a head that is none, which was answered with 400, 408, 431
    /// or 505, or is not whole when our server stops, 503; [`Error::Vanished`] for an end in the middle.
    pub fn read(connection: Connection) -> Result<Opening, Error> {
        let (transport, unread, settings) = connection.into_parts();
        let deadline = Deadline::after(settings.handshake_limit);
        let (head, unread) = match read_head(&transport, unread, settings.max_head, deadline) {
            Ok(read) => read,
            Err(HeadFailure::Error(error)) => return Err(error),
            Err(HeadFailure::Refuse(refusal)) => return Err(refuse(&transport, &settings, refusal)),
            // It hears an answer that it cannot read, but whoever looks for the mistake can.
            Err(HeadFailure::Tls(error)) => {
                return Err(refuse(&transport, &settings, Refusal::new(400, error.to_string())));
            }
        };
        transport.tracer().head(Direction::In, &head);
        match RequestHead::parse(&head) {
            Ok(head) => Ok(Opening { transport, unread, settings, head }),
            Err(error) => Err(refuse(&transport, &settings, error.into())),
        }
    }

    /// The request: method, path, query, headers.
    pub fn head(&self) -> &RequestHead {
        &self.head
    }

    /// Whether the client asks for an upgrade at all, well or badly. If not, it wants a page.
    pub fn asks_for_upgrade(&self) -> bool {
        self.head.headers.get("Upgrade").is_some()
    }

    /// The subprotocols that the client offers, the one it likes best first. None if it asks for no upgrade, or badly.
    pub fn subprotocols(&self) -> Vec<String> {
        Upgrade::check(&self.head).map(|upgrade| upgrade.subprotocols).unwrap_or_default()
    }

    /// What the TLS handshake came to, and who the peer is. `None` without TLS.
    pub fn tls(&self) -> Option<&Secured> {
        self.transport.tls()?.secured()
    }

    /// Who asks.
    pub fn peer_address(&self) -> Result<SocketAddr, Error> {
        self.transport.tracer().peer.ok_or(Error::Socket(crate::Error::Closed))
    }

    /// Our own address and port in this conversation: the one of this machine's addresses at which the client reached us.
    pub fn local_address(&self) -> Result<SocketAddr, Error> {
        self.transport.tracer().local.ok_or(Error::Socket(crate::Error::Closed))
    }

    /// Agrees, if the request is one that can be agreed to; else answers what is wrong with it (400, 405, 426), and the
    /// error says the same.
    pub fn accept(self) -> Result<WebSocket, Error> {
        self.accept_with(None, &[])
    }

    /// Agrees, with a subprotocol that the client offered, and with headers of our own.
    pub fn accept_with(self, subprotocol: Option<&str>, headers: &[(&str, &str)]) -> Result<WebSocket, Error> {
        let outbox = Outbox::new(self.transport.clone(), Outgoing::server(), self.settings.send_limit);
        let (opening, upgrade) = self.check()?;
        opening.agree(&upgrade, outbox, subprotocol, headers)
    }

    /// Judges the request as a WebSocket's. One that is none has got its answer when this returns the error.
    pub(super) fn check(self) -> Result<(Opening, Upgrade), Error> {
        match Upgrade::check(&self.head) {
            Ok(upgrade) => Ok((self, upgrade)),
            Err(refusal) => Err(refuse(&self.transport, &self.settings, refusal)),
        }
    }

    /// Sends the 101.
    pub(super) fn agree(
        self,
        upgrade: &Upgrade,
        outbox: Arc<Outbox>,
        subprotocol: Option<&str>,
        headers: &[(&str, &str)],
    ) -> Result<WebSocket, Error> {
        let answer = match upgrade.accept(subprotocol, headers) {
            Ok(answer) => answer,
            Err(error) => return Err(apologize(&self.transport, &self.settings, error)),
        };
        self.transport.tracer().head(Direction::Out, &answer);
        write(&self.transport, &answer, self.settings.send_limit)?;
        let subprotocol = subprotocol.map(str::to_owned);
        Ok(WebSocket::open(outbox, Role::Server, &self.unread, self.settings, subprotocol))
    }

    /// Refuses in an answer of one's own making.
    pub(super) fn refuse_with(self, refusal: Refusal) -> Error {
        refuse(&self.transport, &self.settings, refusal)
    }

    pub(super) fn transport(&self) -> &Arc<Transport> {
        &self.transport
    }

    /// Refuses, with a status such as 403, 404 or 503 and a sentence for whoever debugs the client.
    pub fn refuse(self, status: u16, why: &str) -> Result<(), Error> {
        match refuse(&self.transport, &self.settings, Refusal::new(status, why)) {
            Error::Refused(_) => Ok(()),
            error => Err(error),
        }
    }

    /// Answers an ordinary request with a page, and ends the connection. A content type that is no header value is our own
    /// mistake: the client gets 500, and the error says which.
    pub fn respond(self, status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Result<(), Error> {
        self.answer_if_made(Response::new(status, content_type, body))
    }

    pub(super) fn answer_if_made(self, response: Result<Response, HeaderError>) -> Result<(), Error> {
        match response {
            Ok(response) => self.answer(&response),
            Err(error) => Err(apologize(&self.transport, &self.settings, error)),
        }
    }

    /// Answers with a response of one's own making, headers and all, and ends the connection.
    pub fn answer(self, response: &Response) -> Result<(), Error> {
        respond(&self.transport, &self.settings, response)
    }
}

/// Why there is no head.
pub(super) enum HeadFailure {
    /// There is nobody to tell.
    Error(Error),
    /// A server answers this.
    Refuse(Refusal),
    /// The peer speaks TLS.
    Tls(TlsError),
}

/// Reads until the blank line. Returns the head, and what came behind it.
pub(super) fn read_head(
    transport: &Transport,
    mut piece: Vec<u8>,
    limit: usize,
    deadline: Deadline,
) -> Result<(Vec<u8>, Vec<u8>), HeadFailure> {
    let mut reader = HeadReader::new(limit);
    let mut space = vec![0; 2048];
    loop {
        match reader.feed(&piece) {
            Ok(Some(used)) => return Ok((reader.head().to_vec(), piece.split_off(used))),
            Ok(None) => {}
            Err(_) if is_tls(reader.head()) || is_tls(&piece) => return Err(HeadFailure::Tls(TlsError::Unexpected)),
            Err(error) => return Err(HeadFailure::Refuse(error.into())),
        }
        // A client that drips its head a byte at a time does not get more time for it.
        if deadline.has_passed() {
            let what = format!("the head was not complete within {:?}", deadline.limit);
            return Err(HeadFailure::Refuse(Refusal::new(408, what)));
        }
        piece.clear();
        match transport.read(&mut space, &mut deadline.into()) {
            Ok(Chunk::Bytes(count)) => piece.extend_from_slice(&space[..count]),
            Ok(Chunk::Nothing) => {} // The deadline has passed, and the next round says so.
            Ok(Chunk::End) if transport.has_stopped_receiving() && reader.is_empty() => {
                return Err(HeadFailure::Error(crate::Error::Closed.into()));
            }
            Ok(Chunk::End) if transport.has_stopped_receiving() => {
                return Err(HeadFailure::Refuse(Refusal::new(503, "the server stops")));
            }
            Ok(Chunk::End) if reader.is_empty() => return Err(HeadFailure::Error(Error::NothingAsked)),
            Ok(Chunk::End) => return Err(HeadFailure::Error(Error::Vanished { source: None })),
            Err(source) => return Err(HeadFailure::Error(Error::lost(source))),
        }
    }
}

/// Tells the client no, and returns the error that says so.
fn refuse(transport: &Transport, settings: &Settings, refusal: Refusal) -> Error {
    match refusal.response().map(|response| respond(transport, settings, &response)) {
        Ok(Ok(())) => Error::Refused(refusal),
        Ok(Err(error)) => error,
        Err(error) => apologize(transport, settings, error),
    }
}

/// Our answer cannot be sent. That is our own mistake, and the client shall not wait for an answer all the same.
fn apologize(transport: &Transport, settings: &Settings, error: HeaderError) -> Error {
    let _told = respond(transport, settings, &Response::text(500, "the server's own answer could not be sent\n"));
    error.into()
}

/// Sends a whole answer and ends in order: a client that is still sending its head would otherwise get a reset, and
/// with it lose the answer.
fn respond(transport: &Transport, settings: &Settings, response: &Response) -> Result<(), Error> {
    let bytes = response.encode();
    let head = bytes.windows(4).position(|four| four == b"\r\n\r\n").map_or(bytes.len(), |position| position + 4);
    transport.tracer().head(Direction::Out, &bytes[..head]);
    write(transport, &bytes, settings.send_limit)?;
    transport.close(Deadline::after(settings.close_limit));
    Ok(())
}

impl WebSocket {
    /// The server's side: reads the opening handshake and agrees. Blocks for at most [`Settings::handshake_limit`], so it
    /// belongs on the client's own thread. To look at the request first, see [`Opening`].
    ///
    /// Errors: those of [`Opening::read`] and [`Opening::accept`]. The client has got its HTTP answer.
    pub fn accept(connection: Connection) -> Result<WebSocket, Error> {
        Opening::read(connection)?.accept()
    }
}
