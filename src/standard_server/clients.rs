//! Who watches over the threads?
//!
//! A thread that has ended must be joined: until then the system keeps its stack, for a join that may never come. No thread
//! can join itself, and the accepting thread sits in accept, perhaps for hours. So whoever ends takes itself off the list, and
//! the first to do so becomes the joiner: before it ends itself, it joins those that end meanwhile.
//!
//! ```text
//!   client 7 ends:   nobody is joining, nobody is to be joined      leaves its handle
//!   client 3 ends:   nobody is joining: joins 7 ...
//!   client 5 ends:   3 is joining                                   leaves its handle, and is gone
//!   client 3:        ... joins 5, finds nobody more                 leaves its handle
//!   the stop:        joins 3
//! ```
//!
//! Invariant: a thread is on the list, or its handle is left behind, or the joiner has it. Nobody needs to be woken for it,
//! one stack at most is kept longer than needed, and only one thread ever waits for others: if 5 waited for 3, and the next
//! for 5, a flood of short visits would make a queue of dead threads, as long as the system is slow to run them one after the
//! other.

use super::{Farewell, Handler, ServeReport, Trouble};
use crate::connection::Connection;
use crate::deadline::Deadline;
use crate::error::HandlerResult;
use crate::listener::Newcomer;
use crate::transport::{Transport, enter};
use std::collections::HashMap;
use std::mem;
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
    /// Those that ended, and that nobody has joined yet.
    ended: Vec<JoinHandle<()>>,
    /// The one of them that is joining others.
    joiner: Option<JoinHandle<()>>,
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
        if threads.living.is_empty() {
            self.empty.notify_one();
        }
        if threads.joiner.is_some() {
            threads.ended.push(ours.thread);
            return;
        }
        // Its own handle is kept apart, for it must not join itself.
        threads.joiner = Some(ours.thread);
        while !threads.ended.is_empty() {
            let ended = mem::take(&mut threads.ended);
            drop(threads);
            join(ended);
            threads = enter(&self.threads);
        }
        // Unless the stop has taken it, and the place is another's by now.
        let ours = threads.joiner.take_if(|joiner| joiner.thread().id() == thread::current().id());
        threads.ended.extend(ours);
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

fn join(ended: Vec<JoinHandle<()>>) {
    // A panic in a handler was caught, and is told by then.
    ended.into_iter().for_each(|thread| drop(thread.join()));
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
        let mut ended = mem::take(&mut threads.ended);
        ended.extend(threads.joiner.take());
        drop(threads);
        // They have left the list, so this waits for their last few instructions only.
        join(ended);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::channel;

    /// A thread that has left may not be run again for long, on a machine that is busy. One may wait for it. If others waited for
    /// that one, a flood of short visits would make a queue of thousands of dead threads.
    #[test]
    fn only_one_waits_for_those_that_have_not_ended() {
        const LONG: Duration = Duration::from_secs(10);
        let roll = Arc::new(Roll::default());
        let (go_on, held_up) = channel::<()>();
        let mut held_up = Some(held_up);
        let (left, has_left) = channel();
        for number in 0..20 {
            let (own, held_up, left) = (roll.clone(), held_up.take(), left.clone());
            let mut threads = enter(&roll.threads);
            let thread = thread::spawn(move || {
                own.leave(number, false);
                left.send(number).unwrap();
                held_up.map(|held_up| held_up.recv());
            });
            threads.living.insert(number, Living { thread, transport: Weak::new(), served: false });
            drop(threads);
            if number == 0 {
                assert_eq!(has_left.recv_timeout(LONG), Ok(0), "there is nobody to wait for");
            }
        }
        for _ in 1..19 {
            assert!(has_left.recv_timeout(LONG).is_ok(), "two wait");
        }
        drop(go_on);
        assert!(has_left.recv_timeout(LONG).is_ok(), "the one that waited");
        let threads = enter(&roll.threads);
        assert_eq!((threads.living.len(), threads.ended.len(), threads.joiner.is_some()), (0, 1, false));
    }
}
