//! How does a layer report a step, and what does it cost when nobody looks?
//!
//! A [`Trace`] is `None` or an observer. Each socket holds a [`Tracer`]: the trace, and who this socket is. A layer
//! brackets a call with [`Tracer::start`] and [`Tracer::finish`]; with no observer both are one branch, no clock is
//! read and nothing is built.

use super::TlsStep;
use super::step::{Action, Call, Direction, FrameStep, Outcome, Side, Step};
use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// Is told each step, on the thread that took it. It should be quick, for the conversation waits meanwhile, and must
/// not use the connection that it observes. A panic in it is passed over: its message stands on standard error.
///
/// ```
/// use socklab::trace::{Observer, Step, Trace};
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// use std::sync::Arc;
///
/// #[derive(Default)]
/// struct Count(AtomicUsize);
/// impl Observer for Count {
///     fn observe(&self, _step: &Step<'_>) {
///         self.0.fetch_add(1, Ordering::Relaxed);
///     }
/// }
///
/// let count = Arc::new(Count::default());
/// let settings = socklab::Settings { trace: Trace::to(count.clone()), ..Default::default() };
/// let server = socklab::StandardServer::bind_with("127.0.0.1:0", &settings)?;
/// assert_eq!(count.0.load(Ordering::Relaxed), 1); // socket, bind, listen: one call of std, one step
/// # drop(server);
/// # Ok::<(), socklab::Error>(())
/// ```
pub trait Observer: Send + Sync {
    /// A step was taken. What it borrows is gone when this returns: keep a copy of what is still needed.
    fn observe(&self, step: &Step<'_>);
}

impl<T: Observer + ?Sized> Observer for Arc<T> {
    fn observe(&self, step: &Step<'_>) {
        (**self).observe(step);
    }
}

/// Where steps go: nowhere, or to one observer. Cheap to clone.
#[derive(Clone, Default)]
pub struct Trace(Option<Arc<dyn Observer>>);

impl Trace {
    /// Nobody looks.
    pub fn off() -> Trace {
        Trace(None)
    }

    /// Every step is told to this observer.
    pub fn to(observer: impl Observer + 'static) -> Trace {
        Trace(Some(Arc::new(observer)))
    }
}

/// A trace passes on what it is told. So an observer of one's own can look at each step and then hand it to
/// [`from_environment`](crate::trace::from_environment), and `SOCKLAB_TRACE` still works.
impl Observer for Trace {
    fn observe(&self, step: &Step<'_>) {
        if let Some(observer) = &self.0 {
            observer.observe(step);
        }
    }
}

impl std::fmt::Debug for Trace {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(if self.0.is_some() { "Trace(on)" } else { "Trace(off)" })
    }
}

/// The trace of one socket.
#[derive(Debug, Clone)]
pub(crate) struct Tracer {
    trace: Trace,
    side: Side,
    connection: u64,
    pub(crate) descriptor: Option<i32>,
    pub(crate) local: Option<SocketAddr>,
    pub(crate) peer: Option<SocketAddr>,
}

/// When a call began, if anybody looks.
#[must_use]
pub(crate) struct Started(Option<(Call, SystemTime, Instant)>);

impl Tracer {
    pub(crate) fn new(trace: &Trace, side: Side) -> Tracer {
        static LAST: AtomicU64 = AtomicU64::new(0);
        let connection = LAST.fetch_add(1, Ordering::Relaxed) + 1;
        Tracer { trace: trace.clone(), side, connection, descriptor: None, local: None, peer: None }
    }

    pub(crate) fn connection(&self) -> u64 {
        self.connection
    }

    /// The same socket, for one step that had this peer: a datagram has its own. `None` leaves the peer as it is.
    pub(crate) fn with(&self, peer: Option<SocketAddr>) -> Tracer {
        Tracer { peer: peer.or(self.peer), ..self.clone() }
    }

    /// A call begins that returns at once.
    pub(crate) fn start(&self, call: Call) -> Started {
        Started(self.trace.0.as_ref().map(|_| (call, SystemTime::now(), Instant::now())))
    }

    /// A call begins that may wait for the peer: that is a step of its own, for a call that never returns would
    /// otherwise be the one that the trace does not show.
    pub(crate) fn start_waiting(&self, call: Call, bytes: Option<usize>) -> Started {
        self.tell(|| Action::Wait { call, bytes });
        self.start(call)
    }

    /// The call that `started` marks has returned. Its outcome is only looked at when somebody watches.
    pub(crate) fn finish<'a>(&self, started: Started, outcome: impl FnOnce() -> Outcome<'a>) {
        if let Some((call, at, clock)) = started.0 {
            self.emit(at, clock.elapsed(), Action::Call { call, outcome: outcome() });
        }
    }

    pub(crate) fn head(&self, direction: Direction, bytes: &[u8]) {
        self.tell(|| Action::Head { direction, bytes });
    }

    pub(crate) fn tls(&self, step: TlsStep<'_>) {
        self.tell(|| Action::Tls(step));
    }

    pub(crate) fn frame(&self, direction: Direction, frame: FrameStep<'_>) {
        self.tell(|| Action::Frame { direction, frame });
    }

    pub(crate) fn state(&self, from: &str, to: &str, why: &str) {
        self.tell(|| Action::State { from, to, why });
    }

    pub(crate) fn note(&self, text: &str) {
        self.tell(|| Action::Note(text));
    }

    /// Whether anybody looks: for the few places where preparing a step costs more than a branch.
    pub(crate) fn is_on(&self) -> bool {
        self.trace.0.is_some()
    }

    fn tell<'a>(&self, action: impl FnOnce() -> Action<'a>) {
        if self.is_on() {
            self.emit(SystemTime::now(), Duration::ZERO, action());
        }
    }

    fn emit(&self, at: SystemTime, took: Duration, action: Action<'_>) {
        if let Some(observer) = &self.trace.0 {
            let thread = std::thread::current();
            let step = Step {
                at,
                took,
                side: self.side,
                connection: self.connection,
                descriptor: self.descriptor,
                local: self.local,
                peer: self.peer,
                thread: thread.name().unwrap_or("unnamed"),
                action,
            };
            // Whoever only looks on must not end what it looks at.
            let _ = catch_unwind(AssertUnwindSafe(|| observer.observe(&step)));
        }
    }
}

/// Tells of the close of a descriptor. It stands *behind* the socket in the struct that owns both: fields are dropped in
/// the order in which they are declared, so the descriptor is closed first, and the trace does not announce what has
/// not happened yet.
#[derive(Debug)]
pub(crate) struct TellClose(pub(crate) Tracer);

impl Drop for TellClose {
    fn drop(&mut self) {
        self.0.finish(self.0.start(Call::Close), || Outcome::Done);
    }
}

/// The same for a datagram socket.
#[derive(Debug)]
pub(crate) struct TellCloseDatagram(pub(crate) Tracer);

impl Drop for TellCloseDatagram {
    fn drop(&mut self) {
        self.0.finish(self.0.start(Call::CloseDatagram), || Outcome::Done);
    }
}
