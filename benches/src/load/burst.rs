//! What happens when everybody comes at once?
//!
//! Batches of a thousand threads, which one gate lets go. Each connects, upgrades, and has one message echoed; all stay
//! until the last has come. The standard library listens with a backlog of 128: when it is full the system drops a SYN, and
//! the client's system repeats it after a second. So a connect of over 0.9 s has met that.

use crate::deadline::Deadline;
use crate::frames::message;
use crate::link::{Link, Target};
use crate::meter::Figures;
use std::io;
use std::sync::RwLock;
use std::thread;
use std::time::{Duration, Instant};

/// A SYN was lost if a connect took so long: loopback takes a few microseconds.
const REPEATED: Duration = Duration::from_millis(900);

/// What a client's thread needs, and a thousand of them have.
const STACK: usize = 256 * 1024;

/// One of them: how long connect took, and the link if all else went well.
type Came = (Duration, io::Result<Link>);

pub fn run(target: &Target, deadline: Deadline, clients: usize, together: usize) -> io::Result<Figures> {
    let mut links = Vec::with_capacity(clients);
    let (mut refused, mut repeated, mut slowest) = (0, 0, Duration::ZERO);
    let started = Instant::now();
    while links.len() + refused < clients {
        deadline.check()?;
        for (took, result) in batch(target, together.min(clients - links.len() - refused))? {
            repeated += usize::from(took >= REPEATED);
            slowest = slowest.max(took);
            match result {
                Ok(link) => links.push(link),
                Err(_) => refused += 1,
            }
        }
    }
    let took = started.elapsed().as_secs_f64();
    let figures = [
        ("rate", links.len() as f64 / took),
        ("took", took),
        ("refused", refused as f64),
        ("repeated", repeated as f64),
        ("slowest_ms", slowest.as_secs_f64() * 1000.0),
    ];
    Ok(figures.map(|(name, value)| (name.to_owned(), value)).into())
}

fn batch(target: &Target, count: usize) -> io::Result<Vec<Came>> {
    let gate = RwLock::new(());
    let exchange = message(target.speaks, 32, 1);
    let comes = || -> Came {
        // Nobody breaks this lock, and if somebody did, the gate would be open all the same.
        drop(gate.read());
        let started = Instant::now();
        let connected = Link::connect(target);
        let took = started.elapsed();
        let served = connected.and_then(|link| {
            link.say_hello(target)?;
            exchange.request.send(&link)?;
            exchange.reply.expect(&link, &mut [0; 64])?;
            Ok(link)
        });
        (took, served)
    };
    thread::scope(|scope| {
        let closed = gate.write();
        let start = |_| thread::Builder::new().stack_size(STACK).spawn_scoped(scope, comes);
        // A thread that cannot start ends the run: the gate opens, and those that did start come to an end.
        let all = (0..count).map(start).collect::<io::Result<Vec<_>>>()?;
        drop(closed);
        let lost = |_| io::Error::other("a client's thread panicked");
        all.into_iter().map(|thread| thread.join().map_err(lost)).collect()
    })
}
