//! Who watches over the threads?
//!
//! The accepting thread, and nobody else: so the list needs no lock. A thread cannot take itself off the list, for somebody
//! must join it; so its last deed is to say that it ends, through a channel, and it is joined when the accepting thread
//! comes by, or at the stop.

use super::{ServeReport, Trouble};
use crate::connection::Connection;
use crate::deadline::Deadline;
use crate::error::HandlerResult;
use crate::listener::Newcomer;
use crate::transport::Transport;
use crossbeam_channel::{Receiver, Sender, unbounded};
use std::collections::HashMap;
use std::net::{Shutdown, SocketAddr};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Weak};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Reports a trouble, and survives the report. It is the program's own code, and even the default one panics, where
/// standard error is a pipe that nobody reads any more.
pub(super) fn tell(reports: &(dyn Fn(Trouble) + Send + Sync), peer: SocketAddr, what: impl FnOnce() -> String) {
    // There is nobody left to tell.
    let _ = catch_unwind(AssertUnwindSafe(|| reports(Trouble { peer, what: what() })));
}

/// The threads of the clients, as the accepting thread sees them.
pub(super) struct Clients {
    living: HashMap<u64, Living>,
    /// Each thread's last deed is to say here that it ends, and whether it panicked.
    ends: Sender<(u64, bool)>,
    ended: Receiver<(u64, bool)>,
    last: u64,
    pub(super) report: ServeReport,
}

struct Living {
    thread: JoinHandle<()>,
    /// Weak: a list of clients must not keep their descriptors open.
    transport: Weak<Transport>,
}

impl Clients {
    pub(super) fn new() -> Clients {
        let (ends, ended) = unbounded();
        Clients { living: HashMap::new(), ends, ended, last: 0, report: ServeReport::default() }
    }

    /// How many threads have not said that they end.
    pub(super) fn count(&self) -> usize {
        self.living.len()
    }

    pub(super) fn start<F>(&mut self, newcomer: Newcomer, handler: Arc<F>, reports: Arc<dyn Fn(Trouble) + Send + Sync>)
    where
        F: Fn(Connection) -> HandlerResult + Send + Sync + 'static,
    {
        let peer = newcomer.peer_address();
        let connection = newcomer.accept();
        // The handler owns the connection and may drop it or make something else of it. A hand on the transport lets us
        // end the conversation in order afterwards, whatever became of it.
        let ours = connection.transport().clone();
        let transport = Arc::downgrade(&ours);
        let close_limit = connection.settings().close_limit;
        self.last += 1;
        let (number, ends, tells) = (self.last, self.ends.clone(), reports.clone());
        // Most handlers need little stack. Address space is what ten thousand threads run out of first.
        let builder = thread::Builder::new().name(format!("client {number}")).stack_size(256 * 1024);
        let spawned = builder.spawn(move || {
            let result = catch_unwind(AssertUnwindSafe(|| handler(connection)));
            let panicked = result.is_err();
            match result {
                Ok(Ok(())) => ours.close(Deadline::after(close_limit)),
                Ok(Err(error)) => tell(&*tells, peer, || error.to_string()),
                Err(_) => tell(&*tells, peer, || "the handler panicked; its message stands above".into()),
            }
            drop(ours);
            // The accepting thread lives longer than we do, or it no longer counts us.
            let _ = ends.send((number, panicked));
        });
        match spawned {
            Ok(thread) => {
                self.report.served += 1;
                self.living.insert(number, Living { thread, transport });
            }
            // The closure is dropped with the connection in it: the client is turned away, and everybody else goes on.
            Err(error) => {
                self.report.refused += 1;
                tell(&*reports, peer, || format!("turned away, for the system has no thread left: {error}"));
            }
        }
    }

    fn join(&mut self, (number, panicked): (u64, bool)) {
        self.report.panicked += u64::from(panicked);
        if let Some(living) = self.living.remove(&number) {
            // It has said that it ends, so this waits for its last few instructions only.
            let _ = living.thread.join();
        }
    }

    pub(super) fn join_those_that_ended(&mut self) {
        while let Ok(end) = self.ended.try_recv() {
            self.join(end);
        }
    }

    /// First gently: every receive meets the end, every send still works. Then firmly: nothing works any more. Whoever
    /// is still there after that does not wait for a socket, and no thread can be ended from outside.
    pub(super) fn stop(&mut self, limit: Duration) {
        let whole = Deadline::after(limit);
        let gentle = Deadline::after(limit / 2);
        for (how, deadline) in [(Shutdown::Read, gentle), (Shutdown::Both, whole)] {
            for living in self.living.values() {
                if let Some(transport) = living.transport.upgrade() {
                    transport.shutdown(how);
                }
            }
            while !self.living.is_empty() {
                match self.ended.recv_timeout(deadline.remaining()) {
                    Ok(end) => self.join(end),
                    Err(_) => break,
                }
            }
        }
        let name = |living: &Living| living.thread.thread().name().unwrap_or("unnamed").to_owned();
        self.report.still_running = self.living.values().map(name).collect();
        self.report.still_running.sort();
    }
}
