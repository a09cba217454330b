//! Who does what nobody has the time for?
//!
//! A thread that is started for one thing and ends with it: to run a procedure in the context of a session that sits in a
//! read, to wait for a client that does not read, to see that a goodbye is answered in time. A healthy client that nobody
//! addresses costs none of them.
//!
//! They are not joined one by one, for whoever started one is long gone. Each holds a sender of one channel instead; when
//! all are gone, the channel says so, and a server that stops can wait for that.

use crate::deadline::Deadline;
use crate::transport::enter;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use std::io;
use std::sync::Mutex;
use std::thread;

/// Starts errands and knows when all have ended.
#[derive(Debug)]
pub(super) struct Errands {
    /// Cloned into each errand. `None` once the server has stopped.
    running: Mutex<Option<Sender<()>>>,
    all_ended: Receiver<()>,
}

impl Errands {
    pub(super) fn new() -> Errands {
        let (running, all_ended) = bounded(0);
        Errands { running: Mutex::new(Some(running)), all_ended }
    }

    /// Starts one. It fails when the system has no thread left, or when the server has stopped.
    pub(super) fn start(&self, name: &str, errand: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let Some(running) = enter(&self.running).clone() else { return Err(io::ErrorKind::NotConnected.into()) };
        let run = move || {
            errand();
            drop(running);
        };
        thread::Builder::new().name(name.into()).stack_size(256 * 1024).spawn(run).map(drop)
    }

    /// Accepts no more, and waits for those that run. False if the deadline passes first.
    pub(super) fn wait(&self, deadline: Deadline) -> bool {
        *enter(&self.running) = None;
        self.all_ended.recv_timeout(deadline.remaining()) == Err(RecvTimeoutError::Disconnected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::time::Duration;

    #[test]
    fn all_are_waited_for_and_no_more_are_started() {
        let errands = Errands::new();
        let (go, waits) = mpsc::channel::<()>();
        errands.start("waits", move || waits.recv().unwrap_or_default()).unwrap();
        assert!(!errands.wait(Deadline::after(Duration::from_millis(20))), "one still runs");
        go.send(()).unwrap();
        assert!(errands.wait(Deadline::after(Duration::from_secs(10))));
        assert!(errands.start("late", || ()).is_err());
    }
}
