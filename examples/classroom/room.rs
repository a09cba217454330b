//! Who is here?
//!
//! The visitors, each with a number that is never given twice; and the projectors, which look at the visitors and are
//! none. A list of people changes on many threads and is shown on many pages, so it is the context of the global service:
//! each change is a procedure there, and the service's tick tells everybody how the room is now, a few times a second. As
//! nothing in a context happens twice at once, no page can be told of an older room after a newer one.
//!
//! # In production
//!
//! A room in many processes needs a place they share (Redis, a database), and then telling who is here is a problem of its
//! own, known as presence.

use crate::Classroom;
use crate::door::tell;
use crate::watch::Tally;
use serde_json::{Value, json};
use socklab::websocket::SessionHandle;
use socklab::websocket::protocol::{CloseCode, CloseReason};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// Projectors are few, and each costs as much as a visitor.
const MAX_PROJECTORS: usize = 8;

/// The context of the global service.
pub struct Room {
    max_visitors: usize,
    last: u64,
    visitors: BTreeMap<u64, Line>,
    projectors: BTreeMap<u64, SessionHandle<Classroom>>,
    /// What everybody was told last. None: somebody has not been told yet.
    told: Option<Vec<Value>>,
}

/// What the room knows of a visitor.
pub struct Line {
    page: SessionHandle<Classroom>,
    address: SocketAddr,
    thread: String,
    since: Instant,
    tally: Arc<Tally>,
    exhibits: u64,
    exhibit_thread: Option<String>,
}

impl Line {
    pub fn new(page: SessionHandle<Classroom>, address: SocketAddr, thread: String, tally: Arc<Tally>) -> Line {
        Line { page, address, thread, since: Instant::now(), tally, exhibits: 0, exhibit_thread: None }
    }

    /// That they are here: for the other visitors.
    fn in_brief(&self, number: u64) -> Value {
        json!({"visitor": number, "thread": self.thread, "exhibit_open": self.exhibit_thread.is_some()})
    }

    /// All there is to say, but for the time, which passes even if nothing happens.
    fn in_full(&self, number: u64) -> Value {
        let mut line = self.in_brief(number);
        line["address"] = json!(self.address.to_string());
        line["exhibits"] = json!(self.exhibits);
        line["frames"] = json!(self.tally.frames.load(Ordering::Relaxed));
        line["bytes"] = json!(self.tally.bytes.load(Ordering::Relaxed));
        if let Some(thread) = &self.exhibit_thread {
            line["exhibit_thread"] = json!(thread);
        }
        line
    }
}

impl Room {
    pub fn new(max_visitors: usize) -> Room {
        Room { max_visitors, last: 0, visitors: BTreeMap::new(), projectors: BTreeMap::new(), told: None }
    }

    /// Somebody comes in, and gets a number. The error is for them to read.
    pub fn enter(&mut self, line: Line) -> Result<u64, String> {
        self.forget_those_who_left();
        if self.visitors.len() >= self.max_visitors {
            return Err(format!(
                "The classroom is full: {} visitors are here, and more it does not take. Wait until somebody leaves, or \
                 ask the lecturer to start it with a larger --max-visitors.",
                self.max_visitors
            ));
        }
        self.last += 1;
        self.visitors.insert(self.last, line);
        Ok(self.last)
    }

    /// A projector is set up. The error is for whoever looks at it.
    pub fn set_up_projector(&mut self, page: SessionHandle<Classroom>) -> Result<(), String> {
        self.forget_those_who_left();
        if self.projectors.len() >= MAX_PROJECTORS {
            return Err("There are projectors enough. Close one, then reconnect.".to_owned());
        }
        self.last += 1;
        self.projectors.insert(self.last, page);
        self.told = None;
        Ok(())
    }

    /// Whoever has no session any more is not here. Asked before each use of the lists, so that no news of an end can be
    /// lost on its way.
    fn forget_those_who_left(&mut self) {
        self.visitors.retain(|_, line| line.page.is_connected());
        self.projectors.retain(|_, page| page.is_connected());
    }

    /// The way to this visitor.
    pub fn page(&self, number: u64) -> Option<SessionHandle<Classroom>> {
        self.visitors.get(&number).map(|line| line.page.clone())
    }

    /// How many exhibits this visitor has had, and where the browser's is served, if it is open.
    pub fn exhibit(&mut self, number: u64, exhibits: u64, thread: Option<String>) {
        if let Some(line) = self.visitors.get_mut(&number) {
            (line.exhibits, line.exhibit_thread) = (exhibits, thread);
        }
    }

    /// The lecturer has somebody go. False if there is no such visitor.
    pub fn dismiss(&self, number: u64) -> bool {
        let goes = |guest: &mut crate::Guest| {
            if let Some(visitor) = guest.visitor() {
                visitor.dismiss(&CloseReason::new(CloseCode::POLICY, "the lecturer has disconnected you"));
            }
        };
        self.page(number).is_some_and(|page| page.execute(goes).is_ok())
    }

    /// Tells each page how the room is now, if it has changed. Each visitor sees themselves in full, and of the others that
    /// they are here.
    pub fn announce(&mut self) {
        self.forget_those_who_left();
        let mut full: Vec<Value> = self.visitors.iter().map(|(number, line)| line.in_full(*number)).collect();
        if self.told.as_ref() == Some(&full) {
            return;
        }
        self.told = Some(full.clone());
        let brief: Vec<Value> = self.visitors.iter().map(|(number, line)| line.in_brief(*number)).collect();
        for (place, line) in self.visitors.values().enumerate() {
            full[place]["since_ms"] = json!(line.since.elapsed().as_millis() as u64);
            let mut lines = brief.clone();
            lines[place] = full[place].clone();
            lines[place]["you"] = json!(true);
            tell(&line.page, &message(lines));
        }
        let full = message(full);
        self.projectors.values().for_each(|projector| tell(projector, &full));
    }
}

fn message(clients: Vec<Value>) -> String {
    json!({"type": "room", "clients": clients}).to_string()
}
