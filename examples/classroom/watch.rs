//! Whose step is this, and who may see it?
//!
//! A server has one observer, and that one is told the steps of everybody: of the listener, of each exhibit, of the page
//! requests, and of the commentaries themselves. Each step carries the number of its connection, and by that it finds its
//! way:
//!
//! | the step of | goes to |
//! |---|---|
//! | the listener | the first is kept for each newcomer; an accept goes with the connection that came of it |
//! | a connection that has asked for nothing yet | is kept until it has, or ends |
//! | an exhibit | its own visitor, and nobody else |
//! | a page or a commentary | nobody, or each explanation would be a step to be explained |
//!
//! What is kept is bounded twice, for each connection and in all, for whoever connects need not ask for anything.
//!
//! # In production
//!
//! A tracing service gives each conversation an identifier and is asked for it afterwards; who may look at whose is its
//! hardest part, too.

use crate::Classroom;
use crate::door::tell;
use socklab::trace::{Action, Call, Observer, Outcome, Step, from_environment, json};
use socklab::websocket::SessionHandle;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Bytes of JSON kept for one connection that has not asked for anything, and for all of them together. A head of 250
/// bytes that comes in single bytes makes 160 KB of steps.
const KEPT: usize = 256 * 1024;
const KEPT_IN_ALL: usize = 16 * 1024 * 1024;

/// What one exhibit may tell: some hundred messages. Then it is closed, and the next one begins a new story.
const MAX_STEPS: usize = 4_000;
const MAX_TOLD: usize = 2 * 1024 * 1024;

/// Which of a visitor's connections is on show.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Browser,
    SecondClient,
}

impl Kind {
    /// As the page calls it.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Browser => "browser",
            Kind::SecondClient => "second",
        }
    }
}

/// Who is told of an exhibit's steps.
#[derive(Clone)]
pub struct Audience {
    pub page: SessionHandle<Classroom>,
    pub tally: Arc<Tally>,
    pub kind: Kind,
}

/// What a visitor's exhibits have exchanged. Steps happen on any thread, and are counted there.
#[derive(Default)]
pub struct Tally {
    pub frames: AtomicU64,
    pub bytes: AtomicU64,
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
    audience: Audience,
    budget: Budget,
    /// Told once the exhibit is open: by then the page has seen both heads.
    accept_key: Option<String>,
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

    /// This connection is an exhibit of this visitor, who is now told what was kept, and from now on each step. Called on
    /// the connection's own thread, which takes no step meanwhile.
    pub fn show(&self, connection: u64, audience: Audience, accept_key: String) {
        let mut telling = Telling { audience, budget: Budget::new(), accept_key: Some(accept_key) };
        let kept = self.stories().begin(connection, Story::Untold);
        for message in kept.iter().filter_map(|step| telling.tell(step)).collect::<Vec<_>>() {
            tell(&telling.audience.page, &message);
        }
        self.stories().by_connection.insert(connection, Story::Told(telling));
    }

    /// To whom this connection is shown.
    pub fn audience(&self, connection: u64) -> Option<Audience> {
        match self.stories().by_connection.get(&connection) {
            Some(Story::Told(telling)) => Some(telling.audience.clone()),
            _ => None,
        }
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
        let told = self.stories().take(step);
        // The lock is free again: to send is a step, and comes here in its turn.
        if let Some((page, messages)) = told {
            messages.iter().for_each(|message| tell(&page, message));
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

    /// Returns what is to be told of this step, and to whom.
    fn take(&mut self, step: &Step<'_>) -> Option<(SessionHandle<Classroom>, Vec<String>)> {
        match &step.action {
            Action::Call { call: Call::Listen, outcome: Outcome::Done } => self.listens = Some(json(step)),
            Action::Wait { call: Call::Accept, .. } => self.waits = Some(json(step)),
            Action::Call { outcome: Outcome::Accepted { peer, .. }, .. } => {
                self.accepted.insert(*peer, json(step));
            }
            _ if step.peer.is_some() => return self.take_of_a_connection(step),
            _ => {}
        }
        None
    }

    fn take_of_a_connection(&mut self, step: &Step<'_>) -> Option<(SessionHandle<Classroom>, Vec<String>)> {
        let accepted = step.peer.and_then(|peer| self.accepted.remove(&peer));
        let story = self.by_connection.entry(step.connection).or_insert_with(|| Story::Open(Vec::new()));
        let told = match story {
            Story::Open(steps) => {
                let so_far: usize = steps.iter().map(String::len).sum();
                for line in accepted.into_iter().chain([json(step)]) {
                    if so_far + line.len() <= KEPT && self.kept + line.len() <= KEPT_IN_ALL {
                        self.kept += line.len();
                        steps.push(line);
                    }
                }
                None
            }
            Story::Untold => None,
            Story::Told(telling) => Some((telling.audience.page.clone(), telling.take(step))),
        };
        // The last thing that happens to it. Its number is never used again.
        if matches!(step.action, Action::Call { call: Call::Close, .. }) {
            self.begin(step.connection, Story::Untold);
            self.by_connection.remove(&step.connection);
        }
        told
    }
}

impl Telling {
    fn take(&mut self, step: &Step<'_>) -> Vec<String> {
        let mut messages: Vec<String> = self.tell(&json(step)).into_iter().collect();
        match &step.action {
            Action::Frame { frame, .. } => {
                self.audience.tally.frames.fetch_add(1, Ordering::Relaxed);
                self.audience.tally.bytes.fetch_add(frame.payload.len() as u64, Ordering::Relaxed);
            }
            Action::State { to: "open", .. } => messages.extend(self.accept_key.take()),
            _ => {}
        }
        messages
    }

    /// The message for this step, if it may still be told.
    fn tell(&mut self, step: &str) -> Option<String> {
        self.budget.spend(step).then(|| message(self.audience.kind, step))
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
    // The step is JSON already: reading it to write it again would be work for nothing.
    format!("{{\"type\":\"step\",\"exhibit\":\"{}\",\"step\":{step}}}", kind.name())
}
