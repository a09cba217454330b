//! Which addresses does a name stand for?
//!
//! `std` asks the C library, which asks files, and then servers on the network. That call blocks for as long as it
//! likes, and nothing can interrupt it. So it runs on a thread of its own: we wait for the answer until the deadline,
//! and abandon the thread if it does not come. It ends by itself when the C library gives up, and nobody listens.
//!
//! What that costs: a thread for each name (some 30 microseconds beside an answer that takes milliseconds), and for
//! each name without an answer a thread that sleeps in the C library for up to half a minute more. A program that tries
//! again and again while its name server is dead would collect them, so their number has a bound.
//!
//! # In production
//!
//! A resolver that speaks DNS itself (hickory-dns, c-ares) can be given up without leaving a thread behind, and keeps
//! the answers for as long as they are good.

use crate::deadline::Deadline;
use crate::error::Error;
use crate::trace::{Call, Outcome, Side, Trace, Tracer};
use crossbeam_channel::RecvTimeoutError;
use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock};
use std::thread;
use std::time::Duration;

/// With so many abandoned threads of one resolver still asking, it is not asked again: the next one would most likely
/// wait for the same dead server.
const MAX_ABANDONED: usize = 64;

/// Turns names into addresses: the system's own, or one of yours. Cheap to clone. See
/// [`Settings::resolver`](crate::Settings::resolver).
///
/// WLanguage resolves names inside `SocketConnect` (in French `SocketConnecte`), and `NetIPAddress` (`NetAdresseIP`).
///
/// ```
/// use socklab::{Client, Resolver, Settings, StandardServer};
/// # let server = StandardServer::bind("127.0.0.1:0")?;
/// # let address = server.local_address();
///
/// // A class has no name server. It can have names all the same.
/// let names = Resolver::new(move |name, _port| match name {
///     "blackboard" => Ok(vec![address]),
///     _ => Err(std::io::Error::other("nobody in this room is called so")),
/// });
/// let settings = Settings { resolver: names, ..Settings::default() };
/// assert_eq!(Client::connect_with("blackboard:7000", &settings)?.peer_address()?, address);
/// let error = Client::connect_with("whiteboard:7000", &settings).unwrap_err();
/// assert!(error.to_string().contains("nobody in this room is called so"));
/// # Ok::<(), socklab::Error>(())
/// ```
#[derive(Clone)]
pub struct Resolver(Arc<Shared>);

type Ask = dyn Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync;

struct Shared {
    ask: Box<Ask>,
    /// Threads that still ask, and nobody waits for their answer any more.
    abandoned: AtomicUsize,
}

impl Resolver {
    /// The system's: `getaddrinfo` of the C library, which asks `/etc/hosts` and then name servers.
    pub fn system() -> Resolver {
        // One for the whole process, for there is one bound for the threads that hang in it.
        static SYSTEM: LazyLock<Resolver> =
            LazyLock::new(|| Resolver::new(|host, port| (host, port).to_socket_addrs().map(Iterator::collect)));
        SYSTEM.clone()
    }

    /// One of your own: it is given a host's name and a port, runs on a thread of its own, and may block for as long as
    /// it likes. It is not asked about addresses in digits.
    pub fn new(ask: impl Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static) -> Resolver {
        Resolver(Arc::new(Shared { ask: Box::new(ask), abandoned: AtomicUsize::new(0) }))
    }

    /// The addresses of `HOST:PORT`, in the order in which the resolver prefers them, at least one. Blocks for at most
    /// `limit`. An address in digits is its own answer, at once and without a thread.
    ///
    /// When the time is up, the thread that asks is abandoned: nothing can stop it. It holds its stack and ends when
    /// the resolver returns. While 64 of them are left of one resolver, it is asked no more and each name fails at
    /// once. (Threads that somebody waits for do not count: with many at once there may be more when a server dies.)
    ///
    /// Errors: [`Error::Address`], and [`Error::Resolve`], whose source is of the kind [`ErrorKind::TimedOut`] when the
    /// time was up.
    ///
    /// ```
    /// use socklab::Resolver;
    /// use std::time::Duration;
    ///
    /// let addresses = Resolver::system().resolve("localhost:7000", Duration::from_secs(5))?;
    /// assert!(addresses.iter().all(|address| address.ip().is_loopback() && address.port() == 7000));
    /// # Ok::<(), socklab::Error>(())
    /// ```
    pub fn resolve(&self, target: &str, limit: Duration) -> Result<Vec<SocketAddr>, Error> {
        self.addresses(target, Deadline::after(limit), &Tracer::new(&Trace::off(), Side::Client))
    }

    /// The same for a socket that is about to be made, and that tells of it.
    pub(crate) fn addresses(
        &self,
        target: &str,
        deadline: Deadline,
        tracer: &Tracer,
    ) -> Result<Vec<SocketAddr>, Error> {
        // An address in digits needs nobody's help, and no thread.
        if let Ok(address) = target.parse() {
            return Ok(vec![address]);
        }
        let (host, port) = split(target).ok_or_else(|| Error::Address { given: target.to_owned() })?;
        let started = tracer.start_waiting(Call::Resolve, None);
        let result = self.ask(host, port, deadline).and_then(|addresses| match &addresses[..] {
            [] => Err(io::Error::new(ErrorKind::NotFound, "no address")),
            _ => Ok(addresses),
        });
        tracer.finish(started, || match &result {
            Ok(_) => Outcome::Done,
            Err(error) => Outcome::Failed(error),
        });
        result.map_err(|source| Error::Resolve { target: target.to_owned(), source })
    }

    fn ask(&self, host: &str, port: u16, deadline: Deadline) -> io::Result<Vec<SocketAddr>> {
        if self.0.abandoned.load(Ordering::Acquire) >= MAX_ABANDONED {
            return Err(io::Error::other(format!("{MAX_ABANDONED} names before it are still without an answer")));
        }
        let (answer, answered) = crossbeam_channel::bounded(1);
        let settled = Arc::new(AtomicBool::new(false));
        let asking = Asking { resolver: self.0.clone(), settled: settled.clone() };
        let name = host.to_owned();
        // Not called after the name: a stranger's text may hold a zero byte, and with that in its name no thread can
        // be made.
        thread::Builder::new().name("resolve".into()).spawn(move || {
            // Nobody may be waiting any more: then the answer is dropped, and that is all.
            let _ = answer.send((asking.resolver.ask)(&name, port));
        })?;
        answered.recv_timeout(deadline.remaining()).unwrap_or_else(|error| match error {
            RecvTimeoutError::Timeout => {
                // Counted first and looked at second, and the thread does it the other way round: whoever comes last
                // takes the count back.
                self.0.abandoned.fetch_add(1, Ordering::AcqRel);
                if settled.swap(true, Ordering::AcqRel) {
                    self.0.abandoned.fetch_sub(1, Ordering::AcqRel);
                }
                Err(io::Error::new(ErrorKind::TimedOut, format!("no answer within {:?}", deadline.limit)))
            }
            RecvTimeoutError::Disconnected => Err(io::Error::other("the resolver panicked")),
        })
    }
}

/// Stands on the thread that asks, and goes when the answer is there, or a panic.
struct Asking {
    resolver: Arc<Shared>,
    /// Set by the first of the two, the waiter that gives up and the thread that is done.
    settled: Arc<AtomicBool>,
}

impl Drop for Asking {
    fn drop(&mut self) {
        if self.settled.swap(true, Ordering::AcqRel) {
            self.resolver.abandoned.fetch_sub(1, Ordering::AcqRel);
        }
    }
}

impl Default for Resolver {
    fn default() -> Resolver {
        Resolver::system()
    }
}

impl fmt::Debug for Resolver {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_system = Arc::ptr_eq(&self.0, &Resolver::system().0);
        formatter.write_str(if is_system { "Resolver(system)" } else { "Resolver(own)" })
    }
}

/// Host and port. An IPv6 address has colons of its own and stands in brackets (RFC 5952 section 6); one that gets here
/// names its network card (`[fe80::1%eth0]:7000`), and only the system knows the numbers of those.
fn split(target: &str) -> Option<(&str, u16)> {
    let (host, port) = target.rsplit_once(':')?;
    let inside = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let host = inside.unwrap_or(host);
    let fits = !host.is_empty() && host.contains(':') == inside.is_some();
    // The digits alone: `parse` would take "+80" as well.
    let digits = port.bytes().all(|byte| byte.is_ascii_digit());
    port.parse().ok().filter(|_| fits && digits).map(|port| (host, port))
}

/// The order in which to try them (RFC 8305 section 4): the resolver's first stays the first, then the families take
/// turns, each in the resolver's order. Where one of the two leads nowhere, only every other attempt is in vain.
pub(crate) fn alternate(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let preferred = addresses.first().is_some_and(SocketAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|address| address.is_ipv6() == preferred);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut turns = Vec::new();
    loop {
        let before = turns.len();
        turns.extend(first.next().into_iter().chain(second.next()));
        if turns.len() == before {
            return turns;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns_and_the_first_stays_the_first() {
        let addresses = |hosts: &[&str]| -> Vec<SocketAddr> {
            hosts.iter().map(|host| SocketAddr::new(host.parse().unwrap(), 1)).collect()
        };
        let turns = |hosts: &[&str]| alternate(addresses(hosts));
        assert_eq!(turns(&["::1", "::2", "::3", "1.1.1.1"]), addresses(&["::1", "1.1.1.1", "::2", "::3"]));
        assert_eq!(
            turns(&["1.1.1.1", "2.2.2.2", "::1", "3.3.3.3", "::2"]),
            addresses(&["1.1.1.1", "::1", "2.2.2.2", "::2", "3.3.3.3"])
        );
        assert_eq!(turns(&["::2", "::1"]), addresses(&["::2", "::1"]));
        assert_eq!(turns(&[]), []);
    }

    #[test]
    fn a_host_and_a_port_and_nothing_else() {
        assert_eq!(split("localhost:7000"), Some(("localhost", 7000)));
        assert_eq!(split("[fe80::1%eth0]:80"), Some(("fe80::1%eth0", 80)));
        let wrong = [
            "",
            ":",
            "host",
            "host:",
            ":80",
            "host:65536",
            "host:-1",
            "host:+1",
            "::1:7000",
            "[]:80",
            "[host]:80",
            "[::1]",
            "[::1:80",
            "::1]:80",
        ];
        for target in wrong {
            assert_eq!(split(target), None, "{target:?}");
        }
    }
}
