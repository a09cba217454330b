//! How can many threads work on one client's data, and never two at once, and nobody wait?
//!
//! A context is the data of one session, or of the global service. It is never handed out. What is handed *in* is a
//! procedure, which gets `&mut` to it; so two procedures of one context cannot run at once, and the compiler says so.
//!
//! ```text
//!   session's thread:   read ... | enter: callback, then what was queued meanwhile | read ...
//!   any other thread:   execute(procedure) ─> queue ─> somebody inside? they will run it on their way out
//!                                                  └─> nobody?  a thread is started, runs it, and ends
//! ```
//!
//! A thread that sits in a read cannot be woken without ending its connection: `std` has no call for that. So it does not
//! hold the context while it reads, and whoever has work for an idle session brings a thread along. The caller's own
//! thread never runs the procedure: it may hold locks of its own, or be in a hurry.
//!
//! Invariant: `inside` is true while a thread has the data; the data is in its place exactly while `inside` is false.
//!
//! # In production
//!
//! An actor has a mailbox and a scheduler that gives it a thread when there is mail (Erlang, Akka): the same idea with a
//! pool of threads, where ours starts one and lets it end. 30 microseconds is what that costs.

use crate::deadline::Deadline;
use crate::transport::enter;
use crate::websocket::errands::Errands;
use std::any::Any;
use std::cell::Cell;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What runs in a context.
type Procedure<T> = Box<dyn FnOnce(&mut T) + Send>;

/// What a panic leaves behind.
pub(super) type Panic = Box<dyn Any + Send>;

thread_local! {
    /// The context that this thread is inside of; 0 for none. Who waits for its own context waits for ever.
    static INSIDE: Cell<u64> = const { Cell::new(0) };
}

/// Why a procedure was not accepted.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NotAccepted {
    /// The context has ended.
    Gone,
    /// The system has no thread left to run it.
    NoThread,
}

pub(super) struct Context<T> {
    number: u64,
    state: Mutex<State<T>>,
    /// Somebody came out.
    left: Condvar,
    errands: Arc<Errands>,
    /// Is told of a procedure that panicked.
    on_panic: Box<dyn Fn(Panic) + Send + Sync>,
}

struct State<T> {
    data: Option<Box<T>>,
    queue: VecDeque<Procedure<T>>,
    inside: bool,
    /// How many threads wait to come in.
    waiting: usize,
    ended: bool,
}

impl<T: Send + 'static> Context<T> {
    pub(super) fn new(
        data: T,
        errands: Arc<Errands>,
        on_panic: impl Fn(Panic) + Send + Sync + 'static,
    ) -> Arc<Context<T>> {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        let state =
            State { data: Some(Box::new(data)), queue: VecDeque::new(), inside: false, waiting: 0, ended: false };
        Arc::new(Context {
            number,
            state: Mutex::new(state),
            left: Condvar::new(),
            errands,
            on_panic: Box::new(on_panic),
        })
    }

    /// Whether the calling thread is inside this very context.
    pub(super) fn is_mine(&self) -> bool {
        INSIDE.get() == self.number
    }

    /// Enters, as soon as nobody is inside, runs `callback`, then what was queued meanwhile, and leaves. `None` once the
    /// context has ended. A panic of the callback is returned, and one of a procedure is told to `on_panic`.
    pub(super) fn enter<R>(&self, callback: impl FnOnce(&mut T) -> R) -> Option<Result<R, Panic>> {
        let mut state = enter(&self.state);
        while state.inside {
            state.waiting += 1;
            state = self.left.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
        if state.ended {
            return None;
        }
        let mut data = state.data.take()?;
        state.inside = true;
        drop(state);
        let result = self.as_inside(|| callback(&mut data));
        self.drain(data);
        Some(result)
    }

    // ANCHOR: execute
    /// Queues a procedure and returns at once. If nobody is inside, a thread is started for it.
    pub(super) fn execute(self: &Arc<Context<T>>, procedure: Procedure<T>) -> Result<(), NotAccepted> {
        let mut state = enter(&self.state);
        if state.ended {
            return Err(NotAccepted::Gone);
        }
        if state.inside {
            // Whoever is inside looks at the queue before it leaves.
            state.queue.push_back(procedure);
            return Ok(());
        }
        let Some(data) = state.data.take() else { return Err(NotAccepted::Gone) };
        state.inside = true;
        drop(state);
        // Data and procedure follow the thread instead of going into it: should there be no thread, we still have them.
        let (hand_over, taken) = crossbeam_channel::bounded::<(Box<T>, Procedure<T>)>(1);
        let context = Arc::clone(self);
        let run = move || {
            if let Ok((mut data, procedure)) = taken.recv() {
                context.run(&mut data, procedure);
                context.drain(data);
            }
        };
        match self.errands.start("procedure", run) {
            Ok(()) => {
                // It receives, or the whole process is ending.
                let _ = hand_over.send((data, procedure));
                Ok(())
            }
            Err(_) => {
                self.leave(enter(&self.state), data);
                Err(NotAccepted::NoThread)
            }
        }
    }
    // ANCHOR_END: execute

    /// Runs what is queued until nothing is, and leaves. The calling thread is inside and holds the data.
    fn drain(&self, mut data: Box<T>) {
        loop {
            let mut state = enter(&self.state);
            let Some(procedure) = state.queue.pop_front() else { return self.leave(state, data) };
            drop(state);
            self.run(&mut data, procedure);
        }
    }

    fn run(&self, data: &mut T, procedure: Procedure<T>) {
        if let Err(panic) = self.as_inside(|| procedure(data)) {
            (self.on_panic)(panic);
        }
    }

    fn leave(&self, mut state: MutexGuard<'_, State<T>>, data: Box<T>) {
        state.data = Some(data);
        state.inside = false;
        let somebody_waits = state.waiting > 0;
        drop(state);
        // Waking is a system call even when nobody waits.
        if somebody_waits {
            self.left.notify_one();
        }
    }

    fn as_inside<R>(&self, run: impl FnOnce() -> R) -> Result<R, Panic> {
        let before = INSIDE.replace(self.number);
        // After a panic the data may be half-changed. The session is closed then, and only its last callback sees it again.
        let result = catch_unwind(AssertUnwindSafe(run));
        INSIDE.set(before);
        result
    }

    /// Ends the context: nothing is accepted any more, what is queued is dropped, and the data is given back, once. `None`
    /// if somebody is still inside at the deadline, or if it was given back before.
    pub(super) fn end(&self, deadline: Deadline) -> Option<T> {
        let mut state = enter(&self.state);
        state.ended = true;
        state.queue.clear();
        while state.inside {
            let wait = deadline.remaining().min(Duration::from_secs(3600));
            if wait.is_zero() {
                return None;
            }
            state.waiting += 1;
            state = self.left.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
            state.waiting -= 1;
        }
        let data = state.data.take();
        drop(state);
        // Whoever else waited to come in finds that it has ended.
        self.left.notify_all();
        data.map(|data| *data)
    }
}

/// What a panic said, for a report.
pub(super) fn panic_text(panic: &Panic) -> &str {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => text,
        (_, Some(text)) => text,
        _ => "a panic without a text",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::thread;

    const LONG: Duration = Duration::from_secs(10);

    fn errands() -> Arc<Errands> {
        Arc::new(Errands::new())
    }

    #[test]
    fn procedures_run_in_order_and_never_two_at_once() {
        let context = Context::new((0u32, false), errands(), |_| {});
        let (done, all_done) = mpsc::channel();
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (context, done) = (context.clone(), done.clone());
                thread::spawn(move || {
                    for _ in 0..500 {
                        let done = done.clone();
                        let count = move |data: &mut (u32, bool)| {
                            assert!(!std::mem::replace(&mut data.1, true), "somebody else is inside");
                            data.0 += 1;
                            data.1 = false;
                            done.send(data.0).unwrap();
                        };
                        context.execute(Box::new(count)).unwrap();
                    }
                })
            })
            .collect();
        for number in 1..=2000 {
            assert_eq!(all_done.recv_timeout(LONG).unwrap(), number);
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        assert_eq!(context.end(Deadline::after(LONG)), Some((2000, false)));
        assert_eq!(context.execute(Box::new(|_| {})), Err(NotAccepted::Gone));
        assert!(context.enter(|_| ()).is_none());
        assert_eq!(context.end(Deadline::after(LONG)), None);
    }

    #[test]
    fn what_is_queued_while_somebody_is_inside_runs_before_they_are_out() {
        let context = Context::new(Vec::new(), errands(), |_| {});
        let inner = context.clone();
        let entered = context.enter(|data: &mut Vec<&str>| {
            inner.execute(Box::new(|data| data.push("second"))).unwrap();
            data.push("first");
            assert!(inner.is_mine());
        });
        assert!(entered.unwrap().is_ok() && !context.is_mine());
        assert_eq!(context.end(Deadline::after(LONG)).unwrap(), ["first", "second"]);
    }

    #[test]
    fn a_panic_is_told_and_the_next_one_runs() {
        let (told, tells) = mpsc::channel();
        let context = Context::new(0, errands(), move |panic| told.send(panic_text(&panic).to_owned()).unwrap());
        context.execute(Box::new(|_| panic!("in a procedure"))).unwrap();
        assert_eq!(tells.recv_timeout(LONG).unwrap(), "in a procedure");
        assert!(context.enter(|_| panic!("in a callback")).unwrap().is_err());
        assert_eq!(context.enter(|data| *data += 1).map(|result| result.is_ok()), Some(true));
        assert_eq!(context.end(Deadline::after(LONG)), Some(1));
    }
}
