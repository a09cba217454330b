//! Whose step is this, and who may see it?
//!
//! A server has one observer, and that one is told the steps of everybody: of the listener, of each exhibit, of the page
//! requests, and of the commentaries themselves. Each step carries the number of its connection, and by that it finds its
//! way:
//!
//! | the step of | goes to |
//! |---|---|
//! | the listener | the first is kept for each newcomer; an accept goes with the connection that came of it |
//! | a connection that has asked for nothing yet | is kept until it has |
//! | an exhibit | its own visitor, and nobody else |
//! | a page or a commentary | nobody, or each explanation would be a step to be explained |
//!
//! What is kept is bounded twice, for each connection and in all, for whoever connects need not ask for anything.
//!
//! # In production
//!
//! A tracing service gives each conversation an identifier and is asked for it afterwards; who may look at whose is its
//! hardest part, too.

use crate::visitor::Visitor;
use socklab::trace::{Action, Call, Observer, Outcome, Step, from_environment, json};
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes of JSON kept for one connection that has not asked for anything, and for all of them together. A head of 250
/// bytes that comes in single bytes makes 160 KB of steps.
const KEPT: usize = 256 * 1024;
const KEPT_IN_ALL: usize = 16 * 1024 * 1024;

/// What one exhibit may tell: some hundred messages. Then it is closed, and the next one begins a new story.
const MAX_STEPS: usize = 4_000;
const MAX_TOLD: usize = 2 * 1024 * 1024;

/// Which of a visitor's connections is on show.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Browser,
    SecondClient,
}

#[derive(Default)]
pub struct Watch {
    stories: Mutex<Stories>,
}

#[derive(Default)]
struct Stories {
    /// The listener's beginning, and what it waits in now.
    listens: Option<String>,
    waits: Option<String>,
    /// Accepts whose connection has not yet taken a step.
    accepted: HashMap<SocketAddr, String>,
    by_connection: HashMap<u64, Story>,
    kept: usize,
}

enum Story {
    /// It has not asked for anything yet.
    Open(Vec<String>),
    Untold,
    Told(Telling),
}

struct Telling {
    visitor: Arc<Visitor>,
    kind: Kind,
    budget: Budget,
}

/// How much may still be told.
pub struct Budget {
    steps: usize,
    bytes: usize,
}

impl Watch {
    /// How the server's story begins: told to each visitor first.
    pub fn beginning(&self) -> Vec<String> {
        let stories = self.stories();
        [&stories.listens, &stories.waits].into_iter().flatten().map(|step| message(Kind::Browser, step)).collect()
    }

    /// This connection is nobody's exhibit.
    pub fn discard(&self, connection: u64) {
        self.stories().begin(connection, Story::Untold);
    }

    /// This connection is an exhibit of this visitor, who is now told what was kept, and from now on each step.
    pub fn show(&self, connection: u64, visitor: &Arc<Visitor>, kind: Kind) {
        let mut stories = self.stories();
        let mut telling = Telling { visitor: visitor.clone(), kind, budget: Budget::new() };
        let kept = stories.begin(connection, Story::Untold);
        // Under the same lock as a step that happens now: it comes behind those that happened before.
        kept.into_iter().for_each(|step| telling.tell(step));
        stories.by_connection.insert(connection, Story::Told(telling));
    }

    /// Has it told all that an exhibit may tell?
    pub fn is_exhausted(&self, connection: u64) -> bool {
        matches!(self.stories().by_connection.get(&connection), Some(Story::Told(telling)) if telling.budget.is_spent())
    }

    fn stories(&self) -> MutexGuard<'_, Stories> {
        self.stories.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Watch {
    fn observe(&self, step: &Step<'_>) {
        // SOCKLAB_TRACE=ladder works here as everywhere.
        from_environment().observe(step);
        let mut stories = self.stories();
        match &step.action {
            Action::Call { call: Call::Listen, outcome: Outcome::Done } => stories.listens = Some(json(step)),
            Action::Wait { call: Call::Accept, .. } => stories.waits = Some(json(step)),
            Action::Call { outcome: Outcome::Accepted { peer, .. }, .. } => {
                stories.accepted.insert(*peer, json(step));
            }
            _ if step.peer.is_some() => stories.take(step),
            _ => {}
        }
    }
}

impl Stories {
    /// What was kept of this connection, which now has another kind of story.
    fn begin(&mut self, connection: u64, story: Story) -> Vec<String> {
        match self.by_connection.insert(connection, story) {
            Some(Story::Open(steps)) => {
                self.kept -= steps.iter().map(String::len).sum::<usize>();
                steps
            }
            _ => Vec::new(),
        }
    }

    /// A step of an accepted connection.
    fn take(&mut self, step: &Step<'_>) {
        let accepted = step.peer.and_then(|peer| self.accepted.remove(&peer));
        let story = self.by_connection.entry(step.connection).or_insert_with(|| Story::Open(Vec::new()));
        match story {
            Story::Open(steps) => {
                let so_far: usize = steps.iter().map(String::len).sum();
                for line in accepted.into_iter().chain([json(step)]) {
                    if so_far + line.len() <= KEPT && self.kept + line.len() <= KEPT_IN_ALL {
                        self.kept += line.len();
                        steps.push(line);
                    }
                }
            }
            Story::Untold => {}
            Story::Told(telling) => {
                if let Action::Frame { frame, .. } = &step.action {
                    telling.visitor.count_frame(frame.payload.len());
                }
                telling.tell(json(step));
            }
        }
        // The last thing that happens to it. Its number is never used again.
        if matches!(step.action, Action::Call { call: Call::Close, .. }) {
            self.begin(step.connection, Story::Untold);
            self.by_connection.remove(&step.connection);
        }
    }
}

impl Telling {
    fn tell(&mut self, step: String) {
        if self.budget.spend(&step) {
            self.visitor.outbox.push(message(self.kind, &step));
        }
    }
}

impl Budget {
    pub fn new() -> Budget {
        Budget { steps: MAX_STEPS, bytes: MAX_TOLD }
    }

    /// May this still be told?
    pub fn spend(&mut self, step: &str) -> bool {
        let may = !self.is_spent();
        self.steps = self.steps.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(step.len());
        may
    }

    fn is_spent(&self) -> bool {
        self.steps == 0 || self.bytes == 0
    }
}

/// A step, as the page wants it.
pub fn message(kind: Kind, step: &str) -> String {
    let exhibit = match kind {
        Kind::Browser => "browser",
        Kind::SecondClient => "second",
    };
    // The step is JSON already: reading it to write it again would be work for nothing.
    format!("{{\"type\":\"step\",\"exhibit\":\"{exhibit}\",\"step\":{step}}}")
}
