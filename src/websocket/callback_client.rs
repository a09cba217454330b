//! How does a program with a user interface listen to a WebSocket, when its main thread must never wait?
//!
//! By events: opening, message, closing, error. A thread does the waiting, and hands each event to a callback. On which
//! thread the callback runs is the question that matters, for most user interfaces may be touched by their own thread only:
//!
//! * [`WebSocketClient::spawn`]: on a thread of its own, as each event happens;
//! * [`WebSocketClient::queued`] with [`WebSocketClient::pump`]: on the caller's own thread, when it comes by.
//!
//! # In production
//!
//! A user interface has an event loop of its own, and the waiting thread posts to it; `pump` is for those that have a timer
//! or a frame to come by in.

use super::connection::WebSocket;
use super::error::Error;
use super::message::{Message, Received};
use super::offer::Offer;
use super::protocol::{CloseCode, CloseReason};
use super::sender::WebSocketSender;
use crate::deadline::Deadline;
use crate::settings::Settings;
use crate::transport::enter;
use crossbeam_channel::{Receiver, RecvTimeoutError, bounded};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// What happens to a client. After [`ClientEvent::Closing`] or [`ClientEvent::Error`], exactly one of them, nothing happens any more.
#[derive(Debug)]
pub enum ClientEvent {
    /// The server has agreed. WLanguage: `SocketOpening` (in French `SocketOuverture`).
    Opening {
        /// What it answers is sent with this; it can be kept.
        sender: WebSocketSender,
        /// The subprotocol that both agreed on.
        subprotocol: Option<String>,
    },
    /// A whole message. WLanguage: `SocketMessage`.
    Message(Message),
    /// The conversation has ended in order, with the server's reason if it gave one. WLanguage: `SocketClosing`
    /// (`SocketFermeture`).
    Closing(Option<CloseReason>),
    /// There is no conversation, or it ended otherwise. WLanguage: `SocketError` (`SocketErreur`).
    Error(Error),
}

/// How many events wait for a program that does not pump. Then nothing is read any more, and the server's sends begin to
/// wait: what a program does not take should not fill its memory.
const QUEUE: usize = 64;

/// A WebSocket client that tells by callback. WLanguage: `WebSocketClientConnect` (`WebSocketClientConnecte`) with a
/// procedure. Dropping it ends the conversation.
///
/// ```
/// use socklab::websocket::{ClientEvent, Message, Offer, WebSocketClient};
/// # use socklab::{Settings, StandardServer, websocket::WebSocket};
/// # let server = StandardServer::bind("127.0.0.1:0")?;
/// # let url = format!("ws://{}/", server.local_address());
/// # let stop = server.stop_handle();
/// # let running = std::thread::spawn(move || server.serve(|connection| {
/// #     WebSocket::accept(connection)?.for_each_message(|message, replies| replies.send(message))?;
/// #     Ok(())
/// # }));
/// use std::time::Duration;
///
/// let mut client = WebSocketClient::queued(&url, Offer::default(), Settings::default())?;
/// let mut heard = String::new();
/// // An application pumps once in each turn of its own loop, with no time to wait.
/// while heard.is_empty() {
///     client.pump(Duration::from_millis(100), |event| match event {
///         ClientEvent::Opening { sender, .. } => sender.text("Hello").unwrap(),
///         ClientEvent::Message(Message::Text(text)) => heard = text,
///         other => panic!("{other:?}"),
///     });
/// }
/// assert_eq!(heard, "Hello");
/// # drop(client);
/// # stop.stop();
/// # running.join().unwrap()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct WebSocketClient {
    thread: Option<JoinHandle<()>>,
    /// Loses its sender when the thread ends.
    ends: Receiver<()>,
    line: Arc<Mutex<Line>>,
    events: Option<Receiver<ClientEvent>>,
    close_limit: Duration,
}

/// Where the conversation stands, as far as the program's side of it is concerned.
#[derive(Debug)]
enum Line {
    Connecting,
    Open(WebSocketSender),
    /// The program does not want it any more.
    Dropped,
}

impl WebSocketClient {
    /// Connects on a thread of its own, and calls `callback` there with each event. Returns at once.
    ///
    /// Errors: the system has no thread left.
    pub fn spawn(
        url: &str,
        offer: Offer,
        settings: Settings,
        callback: impl FnMut(ClientEvent) + Send + 'static,
    ) -> Result<WebSocketClient, Error> {
        WebSocketClient::start(url, offer, settings, callback, None)
    }

    /// Connects on a thread of its own, and keeps the events until [`WebSocketClient::pump`] is called. Returns at once.
    pub fn queued(url: &str, offer: Offer, settings: Settings) -> Result<WebSocketClient, Error> {
        let (happens, events) = bounded(QUEUE);
        // A client that was dropped takes no events any more, and its thread is on its way out.
        let keep = move |event| happens.send(event).unwrap_or_default();
        WebSocketClient::start(url, offer, settings, keep, Some(events))
    }

    fn start(
        url: &str,
        offer: Offer,
        settings: Settings,
        callback: impl FnMut(ClientEvent) + Send + 'static,
        events: Option<Receiver<ClientEvent>>,
    ) -> Result<WebSocketClient, Error> {
        let line = Arc::new(Mutex::new(Line::Connecting));
        let (alive, ends) = bounded(0);
        let (url, shared, close_limit) = (url.to_owned(), line.clone(), settings.close_limit);
        let builder = thread::Builder::new().name("websocket client".into());
        let run = move || {
            converse(&url, &offer, &settings, &shared, callback);
            drop(alive);
        };
        let thread = builder
            .spawn(run)
            .map_err(|source| crate::Error::System { doing: "starting the client's thread", source })?;
        Ok(WebSocketClient { thread: Some(thread), ends, line, events, close_limit })
    }

    /// Hands the events that have come to `callback`, on the calling thread. Waits up to `limit` for the first one; with a
    /// limit of zero it takes what is there. Returns how many it handed out. A client from [`WebSocketClient::spawn`] has
    /// none.
    pub fn pump(&mut self, limit: Duration, mut callback: impl FnMut(ClientEvent)) -> usize {
        let Some(events) = &self.events else { return 0 };
        let Ok(first) = events.recv_timeout(limit) else { return 0 };
        callback(first);
        let rest: Vec<ClientEvent> = events.try_iter().collect();
        let count = 1 + rest.len();
        rest.into_iter().for_each(callback);
        count
    }

    /// Says goodbye: the server's answer comes as [`ClientEvent::Closing`]. Errors: not open yet, or no more.
    pub fn close(&self, reason: &CloseReason) -> Result<(), Error> {
        match &*enter(&self.line) {
            Line::Open(sender) => sender.close(reason),
            Line::Connecting | Line::Dropped => Err(crate::Error::Closed.into()),
        }
    }
}

impl Drop for WebSocketClient {
    fn drop(&mut self) {
        // Nobody takes events any more: the thread must not wait for that.
        self.events = None;
        let line = std::mem::replace(&mut *enter(&self.line), Line::Dropped);
        // A thread that is still connecting ends by itself, at the latest at its limit, and finds that nobody wants it.
        let (Line::Open(sender), Some(thread)) = (line, self.thread.take()) else { return };
        if thread.thread().id() == thread::current().id() {
            return; // Dropped inside its own callback, it would wait for itself. The thread says goodbye behind that.
        }
        let deadline = Deadline::after(self.close_limit);
        let goodbye = CloseReason::new(CloseCode::GOING_AWAY, "");
        let said = sender.0.send_before(Some(deadline), |outgoing| outgoing.close(Some(&goodbye)));
        // A goodbye that was said before, by the program or by the thread, is one.
        let is_unsaid = matches!(said, Err(Error::Socket(_)));
        if is_unsaid || self.ends.recv_timeout(deadline.remaining()) == Err(RecvTimeoutError::Timeout) {
            sender.abort();
        }
        let _ = thread.join();
    }
}

/// The whole conversation, told by events.
fn converse(url: &str, offer: &Offer, settings: &Settings, line: &Mutex<Line>, mut callback: impl FnMut(ClientEvent)) {
    let mut socket = match WebSocket::connect_with(url, offer, settings) {
        Ok(socket) => socket,
        Err(error) => return callback(ClientEvent::Error(error)),
    };
    let is_dropped = || matches!(*enter(line), Line::Dropped);
    {
        let mut line = enter(line);
        if let Line::Connecting = *line {
            *line = Line::Open(socket.sender());
        }
    }
    if !is_dropped() {
        let (sender, subprotocol) = (socket.sender(), socket.subprotocol().map(str::to_owned));
        callback(ClientEvent::Opening { sender, subprotocol });
    }
    loop {
        if is_dropped() {
            // By another thread, which says goodbye as well, or by the callback. The first goodbye is the one that leaves.
            drop(socket.close_with(&CloseReason::new(CloseCode::GOING_AWAY, "")));
            return;
        }
        match socket.receive_within(settings.receive_limit) {
            Ok(Received::Message(message)) => callback(ClientEvent::Message(message)),
            Ok(Received::Nothing) => {} // Silence is not an event.
            Ok(Received::Closed(reason)) => return callback(ClientEvent::Closing(reason)),
            Err(error) => {
                let reason = CloseReason::shortened(CloseCode::POLICY, &error.to_string());
                callback(ClientEvent::Error(error));
                // The program may keep its client, and with it the descriptor: a server that is still there learns why
                // nobody listens any more.
                drop(socket.close_with(&reason));
                return;
            }
        }
    }
}
