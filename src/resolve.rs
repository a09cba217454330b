//! Which addresses does a name stand for?
//!
//! `std` asks the C library, which asks files, and then servers on the network. That call blocks for as long as it
//! likes, and nothing can interrupt it. So it runs on a thread of its own: we wait for the answer until the deadline,
//! and abandon the thread if it does not come. It ends by itself when the C library gives up, and nobody listens.
//!
//! # In production
//!
//! A resolver that speaks DNS itself (hickory-dns, c-ares) can be given up without leaving a thread behind.

use crate::deadline::Deadline;
use crate::error::Error;
use crate::trace::{Call, Outcome, Tracer};
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, ToSocketAddrs};
use std::thread;

/// The addresses of `HOST:PORT`, in the order in which the system prefers them. At least one.
pub(crate) fn resolve(target: &str, deadline: Deadline, tracer: &Tracer) -> Result<Vec<SocketAddr>, Error> {
    // An address in digits needs nobody's help, and no thread.
    if let Ok(address) = target.parse() {
        return Ok(vec![address]);
    }
    let port = target.rsplit_once(':').filter(|(host, _)| !host.is_empty()).map(|(_, port)| port.parse::<u16>());
    if !matches!(port, Some(Ok(_))) {
        return Err(Error::Address { given: target.to_owned() });
    }
    let started = tracer.start_waiting(Call::Resolve, None);
    let result = ask_the_system(target, deadline);
    tracer.finish(started, || match &result {
        Ok(_) => Outcome::Done,
        Err(error) => Outcome::Failed(error),
    });
    match result {
        Ok(addresses) if !addresses.is_empty() => Ok(addresses),
        Ok(_) => Err(Error::Resolve { target: target.to_owned(), source: ErrorKind::NotFound.into() }),
        Err(error) if error.kind() == ErrorKind::TimedOut => {
            Err(Error::TimedOut { doing: "resolving a name", limit: deadline.limit })
        }
        Err(source) => Err(Error::Resolve { target: target.to_owned(), source }),
    }
}

fn ask_the_system(target: &str, deadline: Deadline) -> io::Result<Vec<SocketAddr>> {
    let (answer, answered) = crossbeam_channel::bounded(1);
    let name = target.to_owned();
    // Not called after the target: a stranger's text may hold a zero byte, and with that in its name no thread can be made.
    thread::Builder::new().name("resolve".into()).spawn(move || {
        // Nobody may be waiting any more: then the answer is dropped, and that is all.
        let _ = answer.send(name.to_socket_addrs().map(Iterator::collect));
    })?;
    answered.recv_timeout(deadline.remaining()).unwrap_or_else(|_| Err(ErrorKind::TimedOut.into()))
}
