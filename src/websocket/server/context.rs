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
//! Invariant: `inside` is true from the moment a thread comes for the data until it has put it back, and nobody else takes
//! it meanwhile; what is queued has somebody inside who will run it.
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
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What runs in a context.
type Procedure<T> = Box<dyn FnOnce(&mut T) + Send>;

/// What a panic leaves behind.
pub(super) type Panic = Box<dyn Any + Send>;

type OnPanic = dyn Fn(&str, Panic) + Send + Sync;

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
    /// Something is queued: to be looked at without the lock, by whoever is inside.
    asked_for: AtomicBool,
    errands: Arc<Errands>,
    /// Is told of a callback or a procedure that panicked.
    on_panic: Box<OnPanic>,
}

struct State<T> {
    data: Option<Box<T>>,
    queue: VecDeque<Procedure<T>>,
    inside: bool,
    /// Somebody waits until nobody is inside.
    awaited: bool,
    ended: bool,
}

impl<T: Send + 'static> Context<T> {
    /// `on_panic` is told what panicked, and of what.
    pub(super) fn new(
        data: T,
        errands: Arc<Errands>,
        on_panic: impl Fn(&str, Panic) + Send + Sync + 'static,
    ) -> Arc<Context<T>> {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let number = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        let data = Some(Box::new(data));
        let state = State { data, queue: VecDeque::new(), inside: false, awaited: false, ended: false };
        Arc::new(Context {
            number,
            state: Mutex::new(state),
            left: Condvar::new(),
            asked_for: AtomicBool::new(false),
            errands,
            on_panic: Box::new(on_panic),
        })
    }

    /// Whether the calling thread is inside this very context.
    pub(super) fn is_mine(&self) -> bool {
        INSIDE.get() == self.number
    }

    /// Enters, as soon as nobody is inside, runs the callback of this name, then what was queued meanwhile, and leaves.
    /// Does nothing once the context has ended.
    pub(super) fn enter(&self, name: &str, callback: impl FnOnce(&mut T)) {
        Visit::to(self).run(name, callback);
    }

    /// The data, as soon as nobody is inside. `None` once the context has ended.
    fn come_in(&self) -> Option<Box<T>> {
        let mut state = self.nobody_inside(enter(&self.state), Deadline::never());
        let data = if state.ended { None } else { state.data.take() };
        state.inside |= data.is_some();
        data
    }

    // ANCHOR: execute
    /// Queues a procedure and returns at once. If nobody is inside, a thread is started for it.
    pub(super) fn execute(self: &Arc<Context<T>>, procedure: Procedure<T>) -> Result<(), NotAccepted> {
        let mut state = enter(&self.state);
        if state.ended {
            return Err(NotAccepted::Gone);
        }
        if !state.inside {
            // The lock is held over the start: nobody can queue behind a thread that does not come.
            let context = Arc::clone(self);
            self.errands.start("procedure", move || context.visit()).map_err(|_| NotAccepted::NoThread)?;
            state.inside = true;
        }
        // Whoever is inside looks at the queue before it leaves, and leaves at the next opportunity.
        state.queue.push_back(procedure);
        self.asked_for.store(true, Ordering::Release);
        Ok(())
    }
    // ANCHOR_END: execute

    /// What a thread does that was started for a procedure.
    fn visit(&self) {
        let data = enter(&self.state).data.take();
        drop(Visit { context: self, data });
    }

    /// Runs what is queued until nothing is, and leaves. The calling thread is inside and holds the data.
    fn drain(&self, mut data: Box<T>) {
        loop {
            let mut state = enter(&self.state);
            let Some(procedure) = state.queue.pop_front() else { return self.leave(state, data) };
            drop(state);
            self.run("a procedure", &mut data, procedure);
        }
    }

    fn leave(&self, mut state: MutexGuard<'_, State<T>>, data: Box<T>) {
        self.asked_for.store(false, Ordering::Release);
        state.data = Some(data);
        state.inside = false;
        // To wake nobody is a system call all the same, and each message would pay for it.
        let awaited = state.awaited;
        drop(state);
        if awaited {
            self.left.notify_one();
        }
    }

    /// False if it panicked.
    fn run(&self, name: &str, data: &mut T, run: impl FnOnce(&mut T)) -> bool {
        let before = INSIDE.replace(self.number);
        // After a panic the data may be half-changed. Whether anybody shall see it again is for `on_panic` to decide.
        let result = catch_unwind(AssertUnwindSafe(|| run(data)));
        INSIDE.set(before);
        let Err(panic) = result else { return true };
        (self.on_panic)(name, panic);
        false
    }

    /// Lets nobody in any more. What is queued is dropped.
    pub(super) fn shut(&self) {
        let mut state = enter(&self.state);
        state.ended = true;
        let dropped = std::mem::take(&mut state.queue);
        drop(state);
        // What a procedure has taken along is dropped with it, and that is code of the user's. It may ask something of this
        // very context, so the lock must be free; and it may panic, and we have still to give the data back.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(dropped)));
    }

    /// Ends the context: nothing is accepted any more, what is queued is dropped, and the data is given back, once. `None`
    /// if somebody is still inside at the deadline, or if it was given back before.
    pub(super) fn end(&self, deadline: Deadline) -> Option<T> {
        self.shut();
        let mut state = self.nobody_inside(enter(&self.state), deadline);
        if state.inside {
            return None;
        }
        state.data.take().map(|data| *data)
    }

    /// As [`Context::end`], but what was accepted before is done before.
    pub(super) fn finish(&self, deadline: Deadline) -> Option<T> {
        drop(self.nobody_inside(enter(&self.state), deadline));
        self.end(deadline)
    }

    /// Waits until nobody is inside, or until the deadline. Only one thread at a time waits here: the one that runs the
    /// callbacks of this context, or the one that ends it after them.
    fn nobody_inside<'a>(
        &'a self,
        mut state: MutexGuard<'a, State<T>>,
        deadline: Deadline,
    ) -> MutexGuard<'a, State<T>> {
        while state.inside && !deadline.has_passed() {
            let wait = deadline.remaining().min(Duration::from_secs(3600));
            state.awaited = true;
            state = self.left.wait_timeout(state, wait).unwrap_or_else(PoisonError::into_inner).0;
            state.awaited = false;
        }
        state
    }
}

// ANCHOR: visit
/// A thread that comes in with its first callback and leaves when this is dropped. Sixty messages that came together need
/// one visit; whoever asks for the context meanwhile is let in between two of them.
pub(super) struct Visit<'a, T: Send + 'static> {
    context: &'a Context<T>,
    /// While we are inside.
    data: Option<Box<T>>,
}

impl<'a, T: Send + 'static> Visit<'a, T> {
    pub(super) fn to(context: &'a Context<T>) -> Visit<'a, T> {
        Visit { context, data: None }
    }

    /// Runs a callback inside, after what was asked for before it. Does nothing once the context has ended.
    pub(super) fn run(&mut self, name: &str, callback: impl FnOnce(&mut T)) {
        if self.data.is_none() {
            self.data = self.context.come_in();
        }
        let Some(data) = &mut self.data else { return };
        let went_well = self.context.run(name, data, callback);
        // After a panic the context may have ended, and the next callback must ask.
        if !went_well || self.context.asked_for.load(Ordering::Acquire) {
            self.leave();
        }
    }

    /// Runs what is queued, and leaves. A thread that waits for its client must not be inside meanwhile.
    pub(super) fn leave(&mut self) {
        if let Some(data) = self.data.take() {
            self.context.drain(data);
        }
    }
}

impl<T: Send + 'static> Drop for Visit<'_, T> {
    fn drop(&mut self) {
        self.leave();
    }
}
// ANCHOR_END: visit

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
        let context = Context::new((0u32, false), errands(), |_, _| {});
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
        context.enter("late", |_| panic!("it has ended"));
        assert_eq!(context.end(Deadline::after(LONG)), None);
    }

    #[test]
    fn what_is_queued_while_somebody_is_inside_runs_before_they_are_out() {
        let context = Context::new(Vec::new(), errands(), |_, _| {});
        let inner = context.clone();
        context.enter("callback", |data: &mut Vec<&str>| {
            inner.execute(Box::new(|data| data.push("second"))).unwrap();
            data.push("first");
            assert!(inner.is_mine());
        });
        assert!(!context.is_mine());
        assert_eq!(context.end(Deadline::after(LONG)).unwrap(), ["first", "second"]);
    }

    #[test]
    fn a_panic_is_told_and_the_next_one_runs() {
        let (told, tells) = mpsc::channel();
        let tell = move |name: &str, panic| told.send(format!("{name}: {}", panic_text(&panic))).unwrap();
        let context = Context::new(0, errands(), tell);
        context.execute(Box::new(|_| panic!("one"))).unwrap();
        assert_eq!(tells.recv_timeout(LONG).unwrap(), "a procedure: one");
        context.enter("callback", |_| panic!("two"));
        assert_eq!(tells.recv_timeout(LONG).unwrap(), "callback: two");
        context.enter("callback", |data| *data += 1);
        assert_eq!(context.end(Deadline::after(LONG)), Some(1));
    }

    #[test]
    fn to_finish_is_to_do_what_was_accepted_and_to_end_is_not() {
        for finishes in [true, false] {
            let context = Context::new(0, errands(), |_, _| {});
            let ((go, waits), (comes, came)) = (mpsc::channel::<()>(), mpsc::channel());
            let waits = move |_: &mut i32| {
                comes.send(()).unwrap();
                waits.recv_timeout(LONG).unwrap();
            };
            context.execute(Box::new(waits)).unwrap();
            came.recv_timeout(LONG).unwrap();
            context.execute(Box::new(|data| *data += 1)).unwrap();
            let ends = context.clone();
            let ending = thread::spawn(move || {
                let deadline = Deadline::after(LONG);
                if finishes { ends.finish(deadline) } else { ends.end(deadline) }
            });
            if !finishes {
                while context.execute(Box::new(|_| {})).is_ok() {
                    thread::yield_now();
                }
            }
            go.send(()).unwrap();
            assert_eq!(ending.join().unwrap(), Some(i32::from(finishes)));
        }
    }

    /// What a procedure takes along is dropped with it, by whoever ends the context, and that is code of the user's.
    #[test]
    fn a_panic_in_what_was_never_run_costs_nobody_the_data() {
        struct Panics;
        impl Drop for Panics {
            fn drop(&mut self) {
                panic!("as it is dropped");
            }
        }
        let context = Context::new(7, errands(), |_, _| {});
        let inner = context.clone();
        context.enter("callback", |_| {
            let panics = Panics;
            inner.execute(Box::new(move |_| drop(panics))).unwrap();
            inner.shut();
        });
        assert_eq!(context.end(Deadline::after(LONG)), Some(7));
    }

    #[test]
    fn where_no_thread_can_be_started_nothing_was_accepted() {
        let stopped = errands();
        stopped.wait(Deadline::after(LONG));
        let context = Context::new(0, stopped, |_, _| {});
        assert_eq!(context.execute(Box::new(|data| *data += 1)), Err(NotAccepted::NoThread));
        context.enter("callback", |data| *data += 10);
        assert_eq!(context.end(Deadline::after(LONG)), Some(10));
    }
}
