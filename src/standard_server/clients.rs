//! Who watches over the threads?
//!
//! The accepting thread, and nobody else: so the list needs no lock. A thread cannot take itself off the list, for somebody
//! must join it; so its last deed is to say that it ends, through a channel, and it is joined when the accepting thread
//! comes by, or at the stop.

use super::{Farewell, Handler, ServeReport, Trouble};
use crate::connection::Connection;
use crate::deadline::Deadline;
use crate::error::HandlerResult;
use crate::listener::Newcomer;
use crate::transport::Transport;
use crossbeam_channel::{Receiver, Sender, unbounded};
use std::collections::HashMap;
use std::net::Shutdown;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The threads of the clients, as the accepting thread sees them.
pub(super) struct Clients {
    living: HashMap<u64, Living>,
    served: usize,
    /// Each thread's last deed is to say here that it ends, and whether it panicked.
    ends: Sender<(u64, bool)>,
    ended: Receiver<(u64, bool)>,
    last: u64,
    pub(super) report: ServeReport,
    reports: Arc<dyn Fn(Trouble) + Send + Sync>,
    full: Option<Arc<Handler>>,
}

/// How many clients at once are told that the server is full.
const MAX_TELLING: usize = 16;

struct Living {
    thread: JoinHandle<()>,
    /// Weak: a list of clients must not keep their descriptors open.
    transport: Weak<Transport>,
    /// It was let in, and is not just being told that the server is full.
    served: bool,
}

impl Clients {
    pub(super) fn new(reports: Arc<dyn Fn(Trouble) + Send + Sync>, full: Option<Arc<Handler>>) -> Clients {
        let (ends, ended) = unbounded();
        let report = ServeReport::default();
        Clients { living: HashMap::new(), served: 0, ends, ended, last: 0, report, reports, full }
    }

    /// How many clients are being served.
    pub(super) fn count(&self) -> usize {
        self.served
    }

    /// Gives the client a thread that runs the handler.
    pub(super) fn start<F>(&mut self, newcomer: Newcomer, handler: Arc<F>)
    where
        F: Fn(Connection) -> HandlerResult + Send + Sync + 'static,
    {
        if self.spawn("client", newcomer, move |connection| handler(connection), true) {
            self.report.served += 1;
            self.served += 1;
        } else {
            self.report.refused += 1;
        }
    }

    /// The server is full. The client is told so on a thread of its own, for telling is waiting; but of these there are a
    /// few only, or a crowd at the door would be served after all.
    pub(super) fn turn_away(&mut self, newcomer: Newcomer) {
        self.report.refused += 1;
        match self.full.clone() {
            Some(tells) if self.living.len() < self.served + MAX_TELLING => {
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
        let (number, ends, tells) = (self.last, self.ends.clone(), self.reports.clone());
        // Most handlers need little stack. Address space is what ten thousand threads run out of first.
        let builder = thread::Builder::new().name(format!("{name} {number}")).stack_size(256 * 1024);
        let spawned = builder.spawn(move || {
            let result = catch_unwind(AssertUnwindSafe(|| handler(connection)));
            let panicked = result.is_err();
            match result {
                Ok(Ok(())) => ours.close(Deadline::after(close_limit)),
                Ok(Err(error)) => tells(Trouble { peer, what: error.to_string() }),
                Err(_) => tells(Trouble { peer, what: "the handler panicked; its message stands above".into() }),
            }
            drop(ours);
            // The accepting thread lives longer than we do, or it no longer counts us.
            let _ = ends.send((number, panicked));
        });
        match spawned {
            Ok(thread) => {
                self.living.insert(number, Living { thread, transport, served });
                true
            }
            // The closure is dropped with the connection in it: the client is turned away, and everybody else goes on.
            Err(error) => {
                let what = format!("turned away, for the system has no thread left: {error}");
                (self.reports)(Trouble { peer, what });
                false
            }
        }
    }

    fn join(&mut self, (number, panicked): (u64, bool)) {
        self.report.panicked += u64::from(panicked);
        if let Some(living) = self.living.remove(&number) {
            self.served -= usize::from(living.served);
            // It has said that it ends, so this waits for its last few instructions only.
            let _ = living.thread.join();
        }
    }

    pub(super) fn join_those_that_ended(&mut self) {
        while let Ok(end) = self.ended.try_recv() {
            self.join(end);
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
        self.shut(Shutdown::Read, |transport| !told.contains(&transport.tracer().connection()));
        self.join_until(gentle);
        self.shut(Shutdown::Both, |_| true);
        self.join_until(whole);
        let name = |living: &Living| living.thread.thread().name().unwrap_or("unnamed").to_owned();
        self.report.still_running = self.living.values().map(name).collect();
        self.report.still_running.sort();
    }

    fn shut(&self, how: Shutdown, whom: impl Fn(&Transport) -> bool) {
        let living = self.living.values().filter_map(|living| living.transport.upgrade());
        living.filter(|transport| whom(transport)).for_each(|transport| transport.shutdown(how));
    }

    fn join_until(&mut self, deadline: Deadline) {
        while !self.living.is_empty() {
            match self.ended.recv_timeout(deadline.remaining()) {
                Ok(end) => self.join(end),
                Err(_) => return,
            }
        }
    }
}
