//! Who watches over the threads?
//!
//! A thread that has ended must be joined: until then the system keeps its stack, for a join that may never come. No thread
//! can join itself, and the accepting thread sits in accept, perhaps for hours. So whoever ends takes itself off the list,
//! leaves its handle behind, and joins the one whose handle it finds there:
//!
//! ```text
//!   client 7 ends:   finds nobody's handle    leaves its own
//!   client 3 ends:   finds 7's, joins 7       leaves its own
//!   the stop:        finds 3's, joins 3       and with it all who ended before
//! ```
//!
//! Invariant: a thread is on the list, or its handle is left behind, or another that ends is joining it. So at most one is
//! dead and not joined, and nobody needs to be woken for it.

use super::{Farewell, Handler, ServeReport, Trouble};
use crate::connection::Connection;
use crate::deadline::Deadline;
use crate::error::HandlerResult;
use crate::listener::Newcomer;
use crate::transport::{Transport, enter};
use std::collections::HashMap;
use std::net::Shutdown;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, PoisonError, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The clients, as the accepting thread sees them.
pub(super) struct Clients {
    roll: Arc<Roll>,
    last: u64,
    pub(super) report: ServeReport,
    reports: Arc<dyn Fn(Trouble) + Send + Sync>,
    full: Option<Arc<Handler>>,
}

/// How many clients at once are told that the server is full.
const MAX_TELLING: usize = 16;

/// The list of threads, on which the accepting thread enters them, and from which each takes itself.
#[derive(Default)]
struct Roll {
    threads: Mutex<Threads>,
    /// The list has become empty.
    empty: Condvar,
}

#[derive(Default)]
struct Threads {
    living: HashMap<u64, Living>,
    /// How many of them were let in, and are not just being told that the server is full.
    served: usize,
    /// The last one that ended.
    ended: Option<JoinHandle<()>>,
    panicked: u64,
}

struct Living {
    thread: JoinHandle<()>,
    /// Weak: a list of clients must not keep their descriptors open.
    transport: Weak<Transport>,
    served: bool,
}

impl Roll {
    /// The last deed of a client's thread.
    fn leave(&self, number: u64, panicked: bool) {
        let mut threads = enter(&self.threads);
        threads.panicked += u64::from(panicked);
        let Some(ours) = threads.living.remove(&number) else { return };
        threads.served -= usize::from(ours.served);
        let ended_before = threads.ended.replace(ours.thread);
        if threads.living.is_empty() {
            self.empty.notify_one();
        }
        drop(threads);
        // It was where we are now, so this waits for its last few instructions only.
        ended_before.map(JoinHandle::join);
    }

    /// Waits until the list is empty, or the deadline has passed.
    fn wait_until_empty(&self, deadline: Deadline) {
        let lives = |threads: &mut Threads| !threads.living.is_empty();
        let waits = self.empty.wait_timeout_while(enter(&self.threads), deadline.remaining(), lives);
        drop(waits.unwrap_or_else(PoisonError::into_inner));
    }

    /// Without the lock during the system calls: those who are woken by it want to take themselves off the list.
    fn shut(&self, how: Shutdown, whom: impl Fn(&Transport) -> bool) {
        let all: Vec<_> = enter(&self.threads).living.values().map(|living| living.transport.clone()).collect();
        let living = all.iter().filter_map(Weak::upgrade);
        living.filter(|transport| whom(transport)).for_each(|transport| transport.shutdown(how));
    }
}

impl Clients {
    pub(super) fn new(reports: Arc<dyn Fn(Trouble) + Send + Sync>, full: Option<Arc<Handler>>) -> Clients {
        Clients { roll: Arc::default(), last: 0, report: ServeReport::default(), reports, full }
    }

    /// How many clients are being served.
    pub(super) fn count(&self) -> usize {
        enter(&self.roll.threads).served
    }

    /// Gives the client a thread that runs the handler.
    pub(super) fn start<F>(&mut self, newcomer: Newcomer, handler: Arc<F>)
    where
        F: Fn(Connection) -> HandlerResult + Send + Sync + 'static,
    {
        if self.spawn("client", newcomer, move |connection| handler(connection), true) {
            self.report.served += 1;
        } else {
            self.report.refused += 1;
        }
    }

    /// The server is full. The client is told so on a thread of its own, for telling is waiting; but of these there are a
    /// few only, or a crowd at the door would be served after all.
    pub(super) fn turn_away(&mut self, newcomer: Newcomer) {
        self.report.refused += 1;
        let has_room = |threads: &Threads| threads.living.len() < threads.served + MAX_TELLING;
        match self.full.clone() {
            Some(tells) if has_room(&enter(&self.roll.threads)) => {
                self.spawn("full", newcomer, move |connection| tells(connection), false);
            }
            _ => newcomer.refuse(),
        }
    }

    fn spawn(
        &mut self,
        name: &str,
        newcomer: Newcomer,
        handler: impl FnOnce(Connection) -> HandlerResult + Send + 'static,
        served: bool,
    ) -> bool {
        let peer = newcomer.peer_address();
        let connection = newcomer.accept();
        // The handler owns the connection and may drop it or make something else of it. A hand on the transport lets us
        // end the conversation in order afterwards, whatever became of it.
        let ours = connection.transport().clone();
        let transport = Arc::downgrade(&ours);
        let close_limit = connection.settings().close_limit;
        self.last += 1;
        let (number, roll, tells) = (self.last, self.roll.clone(), self.reports.clone());
        // Most handlers need little stack. Address space is what ten thousand threads run out of first.
        let builder = thread::Builder::new().name(format!("{name} {number}")).stack_size(256 * 1024);
        let life = move || {
            let result = catch_unwind(AssertUnwindSafe(|| handler(connection)));
            let panicked = result.is_err();
            match result {
                Ok(Ok(())) => ours.close(Deadline::after(close_limit)),
                Ok(Err(error)) => tells(Trouble { peer, what: error.to_string() }),
                Err(_) => tells(Trouble { peer, what: "the handler panicked; its message stands above".into() }),
            }
            drop(ours);
            roll.leave(number, panicked);
        };
        // Under the lock, for a thread that ends at once must find itself on the list.
        let mut threads = enter(&self.roll.threads);
        match builder.spawn(life) {
            Ok(thread) => {
                threads.living.insert(number, Living { thread, transport, served });
                threads.served += usize::from(served);
                true
            }
            // The closure is dropped with the connection in it: the client is turned away, and everybody else goes on.
            Err(error) => {
                drop(threads);
                let what = format!("turned away, for the system has no thread left: {error}");
                (self.reports)(Trouble { peer, what });
                false
            }
        }
    }

    /// First gently: whoever the protocol's own farewell did not reach meets the end in a receive, while every send still
    /// works. Then firmly: nothing works any more. Whoever is still there after that does not wait for a socket, and no thread can
    /// be ended from outside.
    pub(super) fn stop(&mut self, limit: Duration, farewell: Option<Box<Farewell>>) {
        let whole = Deadline::after(limit);
        let gentle = Deadline::after(limit / 2);
        let says = AssertUnwindSafe(|| farewell.map(|says| says()).unwrap_or_default());
        let told = catch_unwind(says).unwrap_or_default();
        self.roll.shut(Shutdown::Read, |transport| !told.contains(&transport.tracer().connection()));
        self.roll.wait_until_empty(gentle);
        self.roll.shut(Shutdown::Both, |_| true);
        self.roll.wait_until_empty(whole);
        let mut threads = enter(&self.roll.threads);
        let name = |living: &Living| living.thread.thread().name().unwrap_or("unnamed").to_owned();
        self.report.still_running = threads.living.values().map(name).collect();
        self.report.still_running.sort();
        self.report.panicked = threads.panicked;
        let ended = threads.ended.take();
        drop(threads);
        // It joined the one before, and that one the one before, and so on.
        ended.map(JoinHandle::join);
    }
}
