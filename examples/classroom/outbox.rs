//! What waits for one page to be told, and what if that page does not listen?
//!
//! Steps happen on many threads, and none of them may wait for a browser that is slow, asleep or hostile. So whoever has
//! something to tell puts it here and goes on; the page's *voice*, a thread of its own, takes it out and writes it. What
//! waits is bounded in bytes: a page that does not read loses its commentary, and nobody else notices.
//!
//! The room is told differently: only how it is now matters, so there is one place for it, and the newer takes the place
//! of the older.
//!
//! # In production
//!
//! The same, with a bound for each kind of message, and the count of what was dropped in a metric.

use serde_json::json;
use socklab::websocket::protocol::{CloseCode, CloseReason};
use socklab::websocket::{Error, WebSocketSender};
use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Some exhibits' worth of steps. A browser that reads takes them in milliseconds.
const MAX_BYTES: usize = 4 * 1024 * 1024;

/// How long a page has to answer our goodbye.
pub const GOODBYE: Duration = Duration::from_secs(2);

/// What waits for one page.
#[derive(Default)]
pub struct Outbox {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Default)]
struct Waiting {
    messages: VecDeque<String>,
    bytes: usize,
    room: Option<String>,
    /// We have said that it shall end, and why.
    ending: Option<CloseReason>,
    /// The page's connection is over.
    gone: bool,
}

/// What the voice does next.
enum Next {
    Say(String),
    End(CloseReason),
    Nothing,
}

impl Outbox {
    /// Puts a message behind the others. Never waits.
    pub fn push(&self, message: String) {
        let mut waiting = self.enter();
        if waiting.gone || waiting.ending.is_some() {
            return;
        }
        waiting.bytes += message.len();
        waiting.messages.push_back(message);
        if waiting.bytes > MAX_BYTES {
            waiting.end(CloseReason::new(CloseCode::POLICY, "this page does not read its commentary"));
        }
        self.changed.notify_all();
    }

    /// How the room is now, instead of how it was. Never waits.
    pub fn set_room(&self, room: String) {
        self.enter().room = Some(room);
        self.changed.notify_all();
    }

    /// The page shall go. Its voice says so to the browser; what still waited is thrown away. Never waits.
    pub fn end(&self, reason: CloseReason) {
        self.enter().end(reason);
        self.changed.notify_all();
    }

    /// Whether there is somebody to tell.
    pub fn is_open(&self) -> bool {
        let waiting = self.enter();
        !waiting.gone && waiting.ending.is_none()
    }

    /// The page's connection is over: its voice has nobody to speak to.
    pub fn gone(&self) {
        self.enter().gone = true;
        self.changed.notify_all();
    }

    /// The voice: says everything in order until the page is gone, or until it shall go. `farewell` runs before the
    /// goodbye: what else belongs to the visitor ends first.
    pub fn speak(&self, page: &WebSocketSender, farewell: impl Fn(&CloseReason)) {
        loop {
            match self.next() {
                Next::Say(message) => match page.text(&message) {
                    Ok(()) => {}
                    // The page has said goodbye, and its own thread is about to answer.
                    Err(Error::Send(_)) => return,
                    // A page that took nothing for so long is as good as gone, and its own thread should know.
                    Err(_) => return page.abort(),
                },
                Next::End(reason) => {
                    farewell(&reason);
                    if page.close(&reason).is_err() || !self.goes_within(GOODBYE) {
                        page.abort();
                    }
                    return;
                }
                Next::Nothing => return,
            }
        }
    }

    /// Waits for the next thing to say.
    fn next(&self) -> Next {
        let mut waiting = self.enter();
        loop {
            if waiting.gone {
                return Next::Nothing;
            }
            if let Some(reason) = waiting.ending.clone() {
                return Next::End(reason);
            }
            if let Some(message) = waiting.messages.pop_front() {
                waiting.bytes -= message.len();
                return Next::Say(message);
            }
            if let Some(room) = waiting.room.take() {
                return Next::Say(room);
            }
            waiting = self.changed.wait(waiting).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn goes_within(&self, limit: Duration) -> bool {
        let deadline = Instant::now() + limit;
        let mut waiting = self.enter();
        while !waiting.gone {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            (waiting, _) = self.changed.wait_timeout(waiting, left).unwrap_or_else(PoisonError::into_inner);
        }
        true
    }

    /// A thread that panicked in here left nothing half-done.
    fn enter(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A sentence for whoever looks at the page.
pub fn problem(text: &str) -> String {
    json!({"type": "problem", "text": text}).to_string()
}

impl Waiting {
    fn end(&mut self, reason: CloseReason) {
        self.messages.clear();
        self.bytes = 0;
        self.room = None;
        self.ending.get_or_insert(reason);
    }
}
