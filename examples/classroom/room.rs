//! Who is here?
//!
//! The visitors, each with a number that is never given twice and a token; and the projectors, which look at the visitors
//! and are none. A list of people changes on many threads and is shown on many pages, so two things are kept apart: each
//! change is made under a lock and takes a moment; one thread, the *crier*, tells everybody how the room is now, at most a
//! few times a second. As it is the only one, no page can be told of an older room after a newer one.
//!
//! # In production
//!
//! A room in many processes needs a place they share (Redis, a database), and then telling who is here is a problem of its
//! own, known as presence.

use crate::outbox::Outbox;
use crate::token;
use crate::visitor::Visitor;
use crossbeam_channel::{Receiver, Sender, bounded};
use serde_json::{Value, json};
use socklab::websocket::protocol::{CloseCode, CloseReason};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Projectors are few, and each costs as much as a visitor.
const MAX_PROJECTORS: usize = 8;

/// At most so often does the room change on the pages.
const PAUSE: Duration = Duration::from_millis(250);

pub struct Room {
    max_visitors: usize,
    lecturer: String,
    people: Mutex<People>,
    news: Sender<()>,
}

#[derive(Default)]
struct People {
    last: u64,
    visitors: BTreeMap<u64, Arc<Visitor>>,
    projectors: BTreeMap<u64, Arc<Outbox>>,
}

impl Room {
    /// An empty room, and what its crier listens to. `lecturer` is the token of the projector that may disconnect.
    pub fn new(max_visitors: usize, lecturer: String) -> (Room, Receiver<()>) {
        let (news, hears) = bounded(1);
        (Room { max_visitors, lecturer, people: Mutex::default(), news }, hears)
    }

    /// Somebody comes in. The error is for them to read.
    pub fn enter(&self, address: SocketAddr, thread: &str) -> Result<Arc<Visitor>, String> {
        let token = token::fresh()?;
        let mut people = self.people();
        if people.visitors.len() >= self.max_visitors {
            return Err(format!(
                "The classroom is full: {} visitors are here, and more it does not take. Wait until somebody leaves, or \
                 ask the lecturer to start it with a larger --max-visitors.",
                self.max_visitors
            ));
        }
        people.last += 1;
        let number = people.last;
        let visitor = Arc::new(Visitor::new(number, token, address, thread.to_owned(), self.news.clone()));
        people.visitors.insert(number, visitor.clone());
        drop(people);
        self.changed();
        Ok(visitor)
    }

    /// A projector is set up. None if there are enough.
    pub fn set_up_projector(&self) -> Option<(u64, Arc<Outbox>)> {
        let mut people = self.people();
        if people.projectors.len() >= MAX_PROJECTORS {
            return None;
        }
        people.last += 1;
        let (number, outbox) = (people.last, Arc::new(Outbox::default()));
        people.projectors.insert(number, outbox.clone());
        drop(people);
        self.changed();
        Some((number, outbox))
    }

    /// A visitor or a projector is gone.
    pub fn leave(&self, number: u64) {
        let mut people = self.people();
        people.visitors.remove(&number);
        people.projectors.remove(&number);
        drop(people);
        self.changed();
    }

    /// The visitor of this number, if this is their token.
    pub fn visitor(&self, number: &str, token: &str) -> Option<Arc<Visitor>> {
        let number: u64 = number.parse().ok()?;
        self.people().visitors.get(&number).filter(|visitor| visitor.token == token).cloned()
    }

    pub fn is_lecturer(&self, token: &str) -> bool {
        self.lecturer == token
    }

    /// The lecturer has somebody go. False if there is no such visitor. Their own threads do the rest.
    pub fn dismiss(&self, number: u64) -> bool {
        let visitor = self.people().visitors.get(&number).cloned();
        let reason = CloseReason::new(CloseCode::POLICY, "the lecturer has disconnected you");
        visitor.map(|visitor| visitor.outbox.end(reason)).is_some()
    }

    fn changed(&self) {
        // Full means that the crier knows already.
        let _ = self.news.try_send(());
    }

    /// The crier: for ever, on a thread of its own.
    pub fn cry(&self, hears: &Receiver<()>) {
        while hears.recv().is_ok() {
            self.announce();
            thread::sleep(PAUSE);
        }
    }

    /// Tells each page how the room is now. Each visitor sees themselves in full, and of the others that they are here.
    fn announce(&self) {
        let people = self.people();
        let visitors: Vec<Arc<Visitor>> = people.visitors.values().cloned().collect();
        let projectors: Vec<Arc<Outbox>> = people.projectors.values().cloned().collect();
        drop(people);
        let brief: Vec<Value> = visitors.iter().map(|visitor| visitor.in_brief()).collect();
        let full: Vec<Value> = visitors.iter().map(|visitor| visitor.in_full()).collect();
        for (place, visitor) in visitors.iter().enumerate() {
            let mut lines = brief.clone();
            lines[place] = full[place].clone();
            lines[place]["you"] = json!(true);
            visitor.outbox.set_room(message(lines));
        }
        for projector in projectors {
            projector.set_room(message(full.clone()));
        }
    }

    fn people(&self) -> MutexGuard<'_, People> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn message(clients: Vec<Value>) -> String {
    json!({"type": "room", "clients": clients}).to_string()
}
