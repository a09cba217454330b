//! What belongs to one visitor?
//!
//! A number, a token, a commentary, at most one exhibit of their browser, and counts. Everything here is touched by several
//! threads: the commentary's own, its voice, the exhibit's, and the one that announces the room.
//!
//! # In production
//!
//! This is what a session store holds, and it survives a restart there.

use crate::outbox::{GOODBYE, Outbox};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use serde_json::{Value, json};
use socklab::websocket::WebSocketSender;
use socklab::websocket::protocol::CloseReason;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

pub struct Visitor {
    pub number: u64,
    pub token: String,
    pub address: SocketAddr,
    pub thread: String,
    pub outbox: Outbox,
    since: Instant,
    exhibits: AtomicU64,
    frames: AtomicU64,
    bytes: AtomicU64,
    experimenting: AtomicBool,
    stand: Mutex<Stand>,
    /// Whoever announces the room waits for this.
    news: Sender<()>,
}

/// The place where the browser's exhibit stands.
#[derive(Default)]
struct Stand {
    exhibit: Option<Exhibit>,
    /// The visitor has left: nothing is put here any more.
    closed: bool,
}

/// An open exhibit, as others than its own thread see it.
#[derive(Clone)]
struct Exhibit {
    connection: u64,
    thread: String,
    page: WebSocketSender,
    /// Nothing is ever sent through it: that it is disconnected is the message, and no thread can forget to send that one.
    ended: Receiver<()>,
}

/// Held by the exhibit's own thread; dropped, it says that the exhibit has ended.
pub struct Standing<'a> {
    visitor: &'a Visitor,
    connection: u64,
    _ends: Sender<()>,
}

/// Held while an experiment runs.
pub struct Experimenting<'a>(&'a AtomicBool);

impl Visitor {
    pub fn new(number: u64, token: String, address: SocketAddr, thread: String, news: Sender<()>) -> Visitor {
        Visitor {
            number,
            token,
            address,
            thread,
            outbox: Outbox::default(),
            since: Instant::now(),
            exhibits: AtomicU64::new(0),
            frames: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            experimenting: AtomicBool::new(false),
            stand: Mutex::default(),
            news,
        }
    }

    // --- what is counted ---

    pub fn count_exhibit(&self) {
        self.exhibits.fetch_add(1, Ordering::Relaxed);
        self.tell_the_room();
    }

    pub fn count_frame(&self, payload: usize) {
        self.frames.fetch_add(1, Ordering::Relaxed);
        self.bytes.fetch_add(payload as u64, Ordering::Relaxed);
        self.tell_the_room();
    }

    /// The channel has room for one: that something is new is known then, and more there is not to say.
    fn tell_the_room(&self) {
        let _ = self.news.try_send(());
    }

    // --- one experiment at a time ---

    /// None while another one runs.
    pub fn begin_experiment(&self) -> Option<Experimenting<'_>> {
        let was_running = self.experimenting.swap(true, Ordering::AcqRel);
        (!was_running).then(|| Experimenting(&self.experimenting))
    }

    pub fn is_experimenting(&self) -> bool {
        self.experimenting.load(Ordering::Acquire)
    }

    // --- one exhibit at a time ---

    /// Puts up the browser's exhibit. One that was still there is asked to go, and waited for. None if the visitor has
    /// left meanwhile.
    pub fn put_up(&self, connection: u64, thread: &str, page: WebSocketSender) -> Option<Standing<'_>> {
        let (ends, ended) = bounded(0);
        let mut stand = self.stand();
        if stand.closed {
            return None;
        }
        let older = stand.exhibit.replace(Exhibit { connection, thread: thread.to_owned(), page, ended });
        drop(stand);
        self.tell_the_room();
        if let Some(older) = older {
            older.see_out(&CloseReason::new(socklab::websocket::protocol::CloseCode::GOING_AWAY, "a newer exhibit"));
        }
        Some(Standing { visitor: self, connection, _ends: ends })
    }

    /// A way to send into the exhibit, if it is open.
    pub fn exhibit(&self) -> Option<WebSocketSender> {
        self.stand().exhibit.as_ref().map(|exhibit| exhibit.page.clone())
    }

    /// The visitor leaves, or shall leave: their exhibit ends, and there will be no other.
    pub fn take_down(&self, reason: &CloseReason) {
        let mut stand = self.stand();
        stand.closed = true;
        let exhibit = stand.exhibit.clone();
        drop(stand);
        if let Some(exhibit) = exhibit {
            exhibit.see_out(reason);
        }
    }

    fn stand(&self) -> MutexGuard<'_, Stand> {
        self.stand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    // --- what the room is told ---

    /// All there is to say, for the visitor's own page and for the projector.
    pub fn in_full(&self) -> Value {
        let mut line = self.in_brief();
        line["address"] = json!(self.address.to_string());
        line["since_ms"] = json!(self.since.elapsed().as_millis() as u64);
        line["exhibits"] = json!(self.exhibits.load(Ordering::Relaxed));
        line["frames"] = json!(self.frames.load(Ordering::Relaxed));
        line["bytes"] = json!(self.bytes.load(Ordering::Relaxed));
        if let Some(exhibit) = &self.stand().exhibit {
            line["exhibit_thread"] = json!(exhibit.thread);
        }
        line
    }

    /// That they are here: for the other visitors.
    pub fn in_brief(&self) -> Value {
        let open = self.stand().exhibit.is_some();
        json!({"visitor": self.number, "thread": self.thread, "exhibit_open": open})
    }
}

impl Exhibit {
    /// Asks it to go, and cuts it off if it does not.
    fn see_out(&self, reason: &CloseReason) {
        let told = self.page.close(reason);
        if told.is_err() || self.ended.recv_timeout(GOODBYE) == Err(RecvTimeoutError::Timeout) {
            self.page.abort();
        }
    }
}

impl Drop for Standing<'_> {
    fn drop(&mut self) {
        let mut stand = self.visitor.stand();
        // A newer one may stand there already.
        if stand.exhibit.as_ref().is_some_and(|exhibit| exhibit.connection == self.connection) {
            stand.exhibit = None;
        }
        drop(stand);
        self.visitor.tell_the_room();
    }
}

impl Drop for Experimenting<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
