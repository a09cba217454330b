//! What can two programs say to each other once they are connected?
//!
//! After connect on one side and accept on the other there is no client and no server any more: both hold the same
//! thing, an established conversation, and either may send, receive and end it. Who speaks first and who answers is
//! for the protocol's specification to say; where both wait for the other, both wait until a limit ends it.
//!
//! A [`Connection`] is a transport (bytes) with a framing (messages). A receive has four outcomes, and no two of them
//! are the same value: a message, nothing within the time given, the peer's end, an error.
//!
//! # In production
//!
//! Nothing here is simplified but for its price: a thread that waits in `receive` can wait for this peer only.

use crate::deadline::Deadline;
use crate::error::Error;
use crate::framing::{Decoder, Framing};
use crate::sender::{Sender, send};
use crate::settings::Settings;
use crate::tls::{Secured, TlsError, is_tls};
use crate::transport::{Chunk, Transport};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// What a receive that did not fail brought.
///
/// ```
/// # use socklab::{Client, Framing, Received, Settings, SimpleServer};
/// # use std::time::Duration;
/// # let settings = Settings { framing: Framing::lines(), ..Settings::default() };
/// # let mut server = SimpleServer::bind_with("127.0.0.1:0", &settings)?;
/// # let mut client = Client::connect_with(&server.local_address().to_string(), &settings)?;
/// # let mut connection = server.accept()?;
/// client.send("")?;
/// client.finish_sending();
/// assert_eq!(connection.receive()?, Received::Message(vec![])); // an empty message is a message,
/// assert_eq!(connection.receive()?, Received::Closed); // the end is the end,
/// assert_eq!(client.receive_within(Duration::from_millis(5))?, Received::Nothing); // and silence is neither
/// # Ok::<(), socklab::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Received {
    /// A whole message, without its marks.
    Message(Vec<u8>),
    /// The time is up and no whole message has come. Part of one may have: it is kept, and the next receive goes on
    /// from there.
    Nothing,
    /// The peer will send nothing more. We may still send to it, if it only closed its sending direction.
    Closed,
}

/// An established conversation, the same for both sides.
///
/// Dropping it, and its senders, closes the descriptor at once. Call [`Connection::close`] to be sure that the peer gets the last message.
#[derive(Debug)]
pub struct Connection {
    transport: Arc<Transport>,
    decoder: Decoder,
    settings: Arc<Settings>,
    /// The deadline of a message whose first bytes have come.
    begun: Option<Deadline>,
    /// Nothing has been handed out.
    fresh: bool,
}

impl Connection {
    pub(crate) fn new(transport: Arc<Transport>, settings: Arc<Settings>) -> Connection {
        Connection {
            transport,
            decoder: Decoder::new(settings.framing.clone(), settings.max_message),
            settings,
            begun: None,
            fresh: true,
        }
    }

    /// Sends one message, all of it. WLanguage: `SocketWrite` (in French `SocketEcrit`). System call: `sendto`.
    ///
    /// Returns when the last byte is with the system, which is not yet with the peer. Blocks while the peer does not
    /// read and the buffers between us are full, up to [`Settings::send_limit`].
    ///
    /// Errors: [`Error::Unsendable`] and [`Error::TooLong`] before a byte is sent, and the conversation goes on;
    /// [`Error::TimedOut`] or [`Error::Vanished`] in the middle, and nothing more can be sent; [`Error::Closed`].
    pub fn send(&mut self, message: impl AsRef<[u8]>) -> Result<(), Error> {
        send(&self.transport, self.decoder.framing(), &self.settings, message.as_ref())
    }

    /// A handle through which any thread can send into this conversation, while this one waits in a receive.
    ///
    /// ```
    /// # use socklab::{Client, Framing, Received, Settings, SimpleServer};
    /// # let settings = Settings { framing: Framing::lines(), ..Settings::default() };
    /// # let mut server = SimpleServer::bind_with("127.0.0.1:0", &settings)?;
    /// let mut client = Client::connect_with(&server.local_address().to_string(), &settings)?;
    /// let sender = client.sender();
    /// let other = std::thread::spawn(move || sender.send("from another thread"));
    /// # let mut connection = server.accept()?;
    /// # assert_eq!(connection.receive()?, Received::Message(b"from another thread".to_vec()));
    /// # connection.send("I heard you")?;
    /// assert_eq!(client.receive()?, Received::Message(b"I heard you".to_vec()));
    /// # other.join().unwrap()?;
    /// # Ok::<(), socklab::Error>(())
    /// ```
    pub fn sender(&self) -> Sender {
        Sender {
            transport: self.transport.clone(),
            framing: self.decoder.framing().clone(),
            settings: self.settings.clone(),
        }
    }

    /// Waits for the next message, up to [`Settings::receive_limit`]. WLanguage: `SocketRead` (`SocketLit`), whose
    /// empty result may mean an empty message, a time-out or the end. System call: `recvfrom`.
    ///
    /// ```
    /// use socklab::{Client, Framing, Received, Settings, SimpleServer};
    ///
    /// let settings = Settings { framing: Framing::DecimalLength, ..Settings::default() };
    /// let mut server = SimpleServer::bind_with("127.0.0.1:0", &settings)?;
    /// let mut client = Client::connect_with(&server.local_address().to_string(), &settings)?;
    /// client.send("Hello World")?;
    ///
    /// let mut connection = server.accept()?;
    /// match connection.receive()? {
    ///     Received::Message(message) => assert_eq!(message, b"Hello World"),
    ///     Received::Nothing => println!("the client is silent"),
    ///     Received::Closed => println!("the client has said all it wanted to say"),
    /// }
    /// # Ok::<(), socklab::Error>(())
    /// ```
    ///
    /// Errors: [`Error::CutOff`] when the end comes in the middle of a message; [`Error::TimedOut`] when a message that
    /// began is not whole within [`Settings::message_limit`]; [`Error::TooLong`], [`Error::Malformed`];
    /// [`Error::Vanished`] when the peer is gone without an end; [`Error::Closed`] after [`Connection::close`].
    pub fn receive(&mut self) -> Result<Received, Error> {
        self.receive_within(self.settings.receive_limit)
    }

    /// Waits for the next message, up to this limit, with the outcomes and errors of [`Connection::receive`]. With a limit of zero it takes what is there and waits a
    /// millisecond at most.
    pub fn receive_within(&mut self, limit: Duration) -> Result<Received, Error> {
        self.next_message(limit).map_err(|error| {
            let began = if let Error::CutOff { partial } = &error { partial } else { self.decoder.unread() };
            // Only what came first: behind a message that was understood, bytes that look like TLS are something else.
            if self.fresh && is_tls(began) { TlsError::Unexpected.into() } else { error }
        })
    }

    fn next_message(&mut self, limit: Duration) -> Result<Received, Error> {
        if self.transport.is_closed() {
            return Err(Error::Closed);
        }
        let wait = Deadline::after(limit);
        let mut looked = false;
        loop {
            // Our server stops. What lies in the buffers is left there: a peer that talks faster than it is answered fills
            // them again and again, and a handler that waited until they are empty would never come to its last word.
            if self.transport.has_stopped_receiving() {
                return Ok(Received::Closed);
            }
            if let Some(message) = self.decoder.next_message()? {
                self.begun = None;
                self.fresh = false;
                return Ok(Received::Message(message));
            }
            // The wait is the caller's patience and may be taken up again. The message's own limit may not: it has run
            // since the first byte, over as many receives as there were.
            if self.decoder.unread().is_empty() {
                self.begun = None;
            } else {
                self.begun.get_or_insert_with(|| Deadline::after(self.settings.message_limit));
            }
            // Checked after each read, or a peer that drips a byte a second would keep us here for ever; and not before
            // the first, for if we were busy elsewhere, what came meanwhile came in time.
            if looked {
                if let Some(begun) = self.begun.filter(Deadline::has_passed) {
                    return Err(Error::TimedOut { doing: "receiving a message that had begun", limit: begun.limit });
                }
                if wait.has_passed() {
                    return Ok(Received::Nothing);
                }
            }
            looked = true;
            let deadline = self.begun.map_or(wait, |begun| begun.or_sooner(wait));
            match self.transport.read(self.decoder.space(), &mut deadline.into()) {
                Ok(Chunk::Bytes(count)) => {
                    self.decoder.filled(count);
                    self.expect_no_tls()?;
                }
                Ok(Chunk::Nothing) => {} // One of the two limits has passed, and the next round says which.
                Ok(Chunk::End) if self.transport.has_stopped_receiving() => {} // Our own end: the next round says so.
                Ok(Chunk::End) if self.decoder.unread().is_empty() => return Ok(Received::Closed),
                Ok(Chunk::End) => return Err(Error::CutOff { partial: self.decoder.take_unread() }),
                Err(source) => return Err(Error::from_system("receiving", source)),
            }
        }
    }

    /// A client that speaks TLS waits for our part of its handshake, and we would wait for the end of its "message". Without
    /// a framing the bytes are what they are: a relay may pass TLS on.
    fn expect_no_tls(&self) -> Result<(), TlsError> {
        let waits_for_more = self.fresh && self.transport.tls().is_none() && *self.decoder.framing() != Framing::Raw;
        if waits_for_more && is_tls(self.decoder.unread()) { Err(TlsError::Unexpected) } else { Ok(()) }
    }

    /// Says that we will send nothing more, and goes on receiving: the half-close. System call: `shutdown(SHUT_WR)`.
    /// The peer's receive says [`Received::Closed`] once it has read everything.
    pub fn finish_sending(&mut self) {
        self.transport.finish_sending(Deadline::after(self.settings.close_limit));
    }

    /// Ends the conversation in order. WLanguage: `SocketClose` (`SocketFerme`). System calls: `shutdown`, then
    /// `recvfrom` until the peer's end, at most [`Settings::close_limit`]; the descriptor goes back when the
    /// connection is dropped. What the peer still sends meanwhile is thrown away. A second close does nothing.
    ///
    /// ```
    /// # use socklab::{Client, SimpleServer};
    /// # let server = SimpleServer::bind("127.0.0.1:0")?;
    /// let mut client = Client::connect(&server.local_address().to_string())?;
    /// # drop(server);
    /// assert!(matches!(client.send("x"), Ok(())) || !client.is_open());
    /// client.close();
    /// client.close();
    /// assert!(!client.is_open());
    /// # Ok::<(), socklab::Error>(())
    /// ```
    pub fn close(&mut self) {
        self.transport.close(Deadline::after(self.settings.close_limit));
    }

    /// Whether the conversation goes on, as far as one look tells. WLanguage: `SocketExist` (`SocketExiste`), which
    /// stays true until one closes the socket oneself. System call: `recvfrom` with MSG_PEEK, a millisecond at most.
    ///
    /// It cannot know of an end that lies behind bytes not yet received, nor of a peer that vanished without a word (a
    /// pulled cable): only sending to it, and waiting for an answer, tells that.
    pub fn is_open(&self) -> bool {
        self.transport.is_open()
    }

    /// From now on messages are marked like this, both ways. WLanguage: `SocketChangeTransmissionMode`
    /// (`SocketChangeModeTransmission`). Both sides must change at the same point of their conversation. Bytes that
    /// came already and were not handed out are read in the new framing.
    pub fn set_framing(&mut self, framing: Framing) {
        self.decoder.set_framing(framing);
    }

    /// The peer's address and port. WLanguage: `SocketClientInfo`.
    pub fn peer_address(&self) -> Result<SocketAddr, Error> {
        self.transport.tracer().peer.ok_or(Error::Closed)
    }

    /// Our own address and port in this conversation. WLanguage: `NetIPAddress` (`NetAdresseIP`) tells the machine's.
    pub fn local_address(&self) -> Result<SocketAddr, Error> {
        self.transport.tracer().local.ok_or(Error::Closed)
    }

    /// The number under which the trace speaks of this connection: [`Step::connection`](crate::trace::Step::connection).
    /// With it a program that observes its own conversations knows whose step it is told.
    pub fn number(&self) -> u64 {
        self.transport.tracer().connection()
    }

    /// Makes the TLS handshake now, up to [`Settings::handshake_limit`]. A client has made it when it is connected, and a
    /// server's first send or receive makes it; so this is for a server that wants to know who its client is before it
    /// listens to it. Without TLS it does nothing.
    ///
    /// Errors: [`Error::Tls`]; [`Error::Vanished`]; [`Error::Closed`] when we end the connection meanwhile.
    pub fn secure(&mut self) -> Result<(), Error> {
        match self.transport.secure(Deadline::never()) {
            Ok(true) => Ok(()),
            // We have ended the connection ourselves meanwhile.
            Ok(false) => Err(Error::Closed),
            Err(source) => Err(Error::from_system("making the TLS handshake", source)),
        }
    }

    /// What the TLS handshake came to, and who the peer is. `None` without TLS, and before the handshake.
    pub fn tls(&self) -> Option<&Secured> {
        self.transport.tls()?.secured()
    }

    /// The settings that this connection was made with.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Gives up the messages and keeps the bytes: for a protocol that goes on in its own way on the same stream. The
    /// bytes that came already belong to it.
    pub(crate) fn into_parts(mut self) -> (Arc<Transport>, Vec<u8>, Arc<Settings>) {
        let unread = self.decoder.take_unread();
        (self.transport, unread, self.settings)
    }

    pub(crate) fn transport(&self) -> &Arc<Transport> {
        &self.transport
    }
}
