//! How do people see what crosses between two programs?
//!
//! As a ladder: the client on the left, the server on the right, and time running down. A process sees its own calls
//! only, so one side of its ladder is drawn from what it did, and the other from what must have happened for that to be
//! possible; that side says "(inferred)" at its head, and each of its entries stands in parentheses. The true ladder of
//! both sides is made from both processes' JSON: `cargo run --example merge_ladders`.
//!
//! Three layers, each ignorant of the next: [`Drawing`] remembers the conversations, `ladder/words.rs` puts a step into
//! words, `ladder/rung.rs` sets words in columns. None of them writes anywhere, so a test, the merging command and the
//! classroom draw with the same code; [`Ladder`] is the few lines that write.
//!
//! # In production
//!
//! Wireshark's "Flow Graph" draws this from captured packets, for every protocol that it knows.

mod hex;
mod rung;
mod said;
mod tls;
mod words;

use super::{Action, Call, Observer, Outcome, Side, Step};
use rung::{Arrow, Rung, heading};
use said::{name, other};
use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;
use words::{clean, words};

/// An observer that draws each step as it happens, in lines of at most 110 characters.
///
/// ```
/// use socklab::trace::{Ladder, Trace};
/// let trace = Trace::to(Ladder::new(std::io::stderr()));
/// ```
pub struct Ladder {
    drawn: Mutex<(Drawing, Box<dyn Write + Send>)>,
}

impl Ladder {
    /// Draws to `output`.
    pub fn new(output: impl Write + Send + 'static) -> Ladder {
        Ladder { drawn: Mutex::new((Drawing::new(), Box::new(output))) }
    }
}

impl Observer for Ladder {
    fn observe(&self, step: &Step<'_>) {
        let mut drawn = self.drawn.lock().unwrap_or_else(PoisonError::into_inner);
        let (drawing, output) = &mut *drawn;
        // A terminal that is gone is no reason to fail the program that is watched.
        let _ = output.write_all(drawing.draw(step).as_bytes()).and_then(|()| output.flush());
    }
}

/// A ladder as text: steps in, lines out.
///
/// ```
/// use socklab::trace::{Action, Call, Drawing, Outcome, Side, Step};
/// use std::time::{Duration, SystemTime};
///
/// let mut drawing = Drawing::new();
/// let lines = drawing.draw(&Step {
///     at: SystemTime::now(),
///     took: Duration::from_millis(512),
///     side: Side::Client,
///     connection: 1,
///     descriptor: Some(3),
///     local: "127.0.0.1:50000".parse().ok(),
///     peer: "127.0.0.1:7000".parse().ok(),
///     thread: "main",
///     action: Action::Call { call: Call::Read, outcome: Outcome::Bytes(b"Hello") },
/// });
/// assert!(lines.contains("server 127.0.0.1:7000 (inferred)"));
/// assert!(lines.contains("read 5 bytes, after 512 ms"));
/// assert!(lines.contains("48 65 6c 6c 6f           Hello"));
/// ```
#[derive(Debug, Default)]
pub struct Drawing {
    /// Both sides' own traces are drawn: nothing needs to be inferred.
    both: bool,
    /// The moment that the ladder calls zero.
    zero: Option<SystemTime>,
    /// Calls whose system calls have been named.
    named: HashSet<&'static str>,
    /// Conversations that have had their heading, by side and number.
    headed: HashSet<(Side, u64)>,
    /// Conversations that have told their peer that they send no more.
    said_end: HashSet<(Side, u64)>,
    /// The conversations of this process by the addresses of client and server, so that one which has both its ends
    /// here is recognised: the second end is then drawn, not inferred.
    ends: HashMap<(SocketAddr, SocketAddr), Vec<(Side, u64)>>,
}

impl Drawing {
    /// A ladder of one process: the other side of each conversation is inferred.
    pub fn new() -> Drawing {
        Drawing::default()
    }

    /// A ladder whose steps come from both ends. The steps of both ends of a conversation carry one number and, from
    /// the first on, both addresses. The number 0 has no tag: it is for the listener.
    pub fn of_both_ends() -> Drawing {
        Drawing { both: true, ..Drawing::default() }
    }

    /// The lines for the next step, each with its newline. Empty for a step that is not drawn.
    pub fn draw(&mut self, step: &Step<'_>) -> String {
        let key = (step.side, step.connection);
        let first_use = match &step.action {
            Action::Call { call, .. } => self.named.insert(call.standard_library()),
            _ => false,
        };
        let twin = self.twin(step);
        let drawn = match words(step, first_use, self.said_end.contains(&key)) {
            None => String::new(),
            Some(words) => {
                let zero = *self.zero.get_or_insert(step.at);
                let rung = Rung {
                    time: step.moment().duration_since(zero).unwrap_or_default(),
                    tag: tag(step.connection),
                    side: step.side,
                    arrow: words.arrow.unwrap_or(Arrow::Nothing),
                    halved: self.both || twin.is_some(),
                    ours: words.ours,
                    theirs: words.theirs.filter(|_| !self.both && twin.is_none()),
                };
                self.head(step, twin) + &rung.draw()
            }
        };
        self.remember(step);
        drawn
    }

    /// The legend before the first step, and the heading of a conversation before its first.
    fn head(&mut self, step: &Step<'_>, twin: Option<u64>) -> String {
        let mut out = String::new();
        if self.headed.is_empty() {
            out = String::from(if self.both {
                "│──  │ bytes leave by a call   │  ─▶│ a call receives them   │══  │ what they mean: a head, a frame\n"
            } else {
                "│───▶│ bytes, by a call   │═══▶│ what they mean: an HTTP head, a frame   (…) inferred, not seen\n"
            });
        }
        // A number that both ends share has one heading.
        let key = if self.both { (Side::Client, step.connection) } else { (step.side, step.connection) };
        if self.headed.insert(key) {
            let peer_mark = match twin {
                _ if self.both => String::new(),
                Some(number) => format!(" (traced as {})", tag(number)),
                None => " (inferred)".to_string(),
            };
            let thread = match step.thread {
                _ if self.both => String::new(),
                "main" | "unnamed" => String::new(),
                named => format!(", thread \"{}\"", clean(named)),
            };
            let at = |address: Option<SocketAddr>| address.map(|known| format!(" {known}")).unwrap_or_default();
            let ours = format!("{}{}{thread}", name(step.side), at(step.local));
            let theirs = format!("{}{}{peer_mark}", name(other(step.side)), at(step.peer));
            let (client, server) = match step.side {
                Side::Client => (ours, theirs),
                Side::Server => (theirs, ours),
            };
            out.push_str(&heading(&tag(step.connection), &client, &server));
        }
        out
    }

    /// The number of the other end of this conversation, if it is traced in this process too.
    fn twin(&mut self, step: &Step<'_>) -> Option<u64> {
        // An accept is the listener's step, but what it says about the client is about the newcomer.
        let peer = match &step.action {
            Action::Call { outcome: Outcome::Accepted { peer, .. }, .. } => Some(*peer),
            _ => step.peer,
        };
        let (client, server) = addresses(step.side, step.local?, peer?);
        let ends = self.ends.get(&(client, server))?;
        ends.iter().find(|(side, _)| *side == other(step.side)).map(|(_, number)| *number)
    }

    fn remember(&mut self, step: &Step<'_>) {
        let key = (step.side, step.connection);
        // A datagram socket hears from anybody, and its close names none of them: they would be remembered for ever.
        let passing = matches!(&step.action, Action::Call { call: Call::SendTo | Call::ReceiveFrom, .. });
        if let (Some(local), Some(peer), false) = (step.local, step.peer, passing) {
            let ends = self.ends.entry(addresses(step.side, local, peer)).or_default();
            if !ends.contains(&key) {
                ends.push(key);
            }
        }
        match &step.action {
            Action::Call { call: Call::Shutdown, outcome: Outcome::Done } => {
                self.said_end.insert(key);
            }
            // A server may run for days: what was said about a descriptor goes when the descriptor goes.
            Action::Call { call: Call::Close | Call::CloseDatagram, .. } => {
                self.said_end.remove(&key);
                if let (Some(local), Some(peer)) = (step.local, step.peer) {
                    let pair = addresses(step.side, local, peer);
                    if let Some(ends) = self.ends.get_mut(&pair) {
                        ends.retain(|end| *end != key);
                        if ends.is_empty() {
                            self.ends.remove(&pair);
                        }
                    }
                }
            }
            _ => {}
        }
    }
}

/// The addresses of client and server, in this order, whichever side we are.
fn addresses(side: Side, local: SocketAddr, peer: SocketAddr) -> (SocketAddr, SocketAddr) {
    match side {
        Side::Client => (local, peer),
        Side::Server => (peer, local),
    }
}

fn tag(connection: u64) -> String {
    if connection == 0 { String::new() } else { format!("#{connection}") }
}

// Golden ladders name Linux's system calls.
#[cfg(all(test, target_os = "linux"))]
mod tests;
