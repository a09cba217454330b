//! What do a TCP connection and a WebSocket have in common?
//!
//! Everything that a program needs which only wants to talk: send, receive, close, and the question whether the other side
//! is still there. WLanguage has the same idea: after `WebSocketClientConnect` the functions for sockets work on a
//! WebSocket as on any other.
//!
//! # In production
//!
//! tokio has `Sink` and `Stream` for this, so that one piece of code can run over either.

use crate::client::Client;
use crate::connection::{Connection, Received};
use crate::error::Error;
use crate::websocket::{self, Message, WebSocket};
use std::time::Duration;

/// An established conversation of either kind.
///
/// ```
/// use socklab::{Conversation, Received};
/// use std::time::Duration;
///
/// /// Works over TCP with any framing, and over a WebSocket.
/// fn ask<C: Conversation>(conversation: &mut C, question: &str) -> Result<Option<Vec<u8>>, C::Error> {
///     conversation.send_message(question.as_bytes())?;
///     match conversation.receive_message(Duration::from_secs(5))? {
///         Received::Message(answer) => Ok(Some(answer)),
///         Received::Nothing | Received::Closed => Ok(None),
///     }
/// }
/// # use socklab::{Client, Framing, Settings, SimpleServer};
/// # let settings = Settings { framing: Framing::DecimalLength, ..Settings::default() };
/// # let mut server = SimpleServer::bind_with("127.0.0.1:0", &settings)?;
/// # let mut client = Client::connect_with(&server.local_address().to_string(), &settings)?;
/// # let mut connection = server.accept()?;
/// # connection.send("42")?;
/// assert_eq!(ask(&mut client, "6 times 7?")?, Some(b"42".to_vec()));
/// # Ok::<(), socklab::Error>(())
/// ```
pub trait Conversation {
    /// What can go wrong.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Sends one message. WLanguage: `SocketWrite` (in French `SocketEcrit`). A WebSocket sends text if the bytes are
    /// UTF-8, as WLanguage does with a string, and else binary.
    fn send_message(&mut self, message: &[u8]) -> Result<(), Self::Error>;

    /// Waits for a whole message, up to this limit: never a part of one, but where there is no framing. WLanguage:
    /// `SocketRead` (`SocketLit`).
    fn receive_message(&mut self, limit: Duration) -> Result<Received, Self::Error>;

    /// Ends the conversation in order. WLanguage: `SocketClose` (`SocketFerme`).
    fn close_conversation(&mut self);

    /// Whether it goes on, as far as one look tells. WLanguage: `SocketExist` (`SocketExiste`).
    fn is_conversation_open(&self) -> bool;
}

impl Conversation for Connection {
    type Error = Error;

    fn send_message(&mut self, message: &[u8]) -> Result<(), Error> {
        self.send(message)
    }

    fn receive_message(&mut self, limit: Duration) -> Result<Received, Error> {
        self.receive_within(limit)
    }

    fn close_conversation(&mut self) {
        self.close();
    }

    fn is_conversation_open(&self) -> bool {
        self.is_open()
    }
}

impl Conversation for Client {
    type Error = Error;

    fn send_message(&mut self, message: &[u8]) -> Result<(), Error> {
        self.send(message)
    }

    fn receive_message(&mut self, limit: Duration) -> Result<Received, Error> {
        self.receive_within(limit)
    }

    fn close_conversation(&mut self) {
        self.close();
    }

    fn is_conversation_open(&self) -> bool {
        self.is_open()
    }
}

impl Conversation for WebSocket {
    type Error = websocket::Error;

    fn send_message(&mut self, message: &[u8]) -> Result<(), websocket::Error> {
        match std::str::from_utf8(message) {
            Ok(text) => self.send_text(text),
            Err(_) => self.send_binary(message),
        }
    }

    fn receive_message(&mut self, limit: Duration) -> Result<Received, websocket::Error> {
        Ok(match self.receive_within(limit)? {
            websocket::Received::Message(Message::Text(text)) => Received::Message(text.into_bytes()),
            websocket::Received::Message(Message::Binary(bytes)) => Received::Message(bytes),
            websocket::Received::Nothing => Received::Nothing,
            websocket::Received::Closed(_) => Received::Closed,
        })
    }

    fn close_conversation(&mut self) {
        self.close();
    }

    fn is_conversation_open(&self) -> bool {
        self.is_open()
    }
}
