//! How does accept get a time limit, and how is it woken, where the kernel helps?
//!
//! On Linux a listening socket has a receive time-out like any other, and accept keeps to it; and shutting the socket
//! down wakes a thread that is blocked in accept, with EINVAL. `std` has neither call for a `TcpListener`, but it has
//! both for a `TcpStream`, and to the kernel both are descriptors of a socket. So we hold a second handle on the
//! listening socket that has the type of a stream, and never read from it: it is there for its two settings.

use super::Wake;
use crate::deadline::{Deadline, TimeOut};
use crate::trace::{Call, Outcome, Tracer};
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;

#[derive(Debug)]
pub(super) struct Acceptor {
    socket: TcpListener,
    handle: TcpStream,
    time_out: TimeOut,
}

#[derive(Debug)]
struct Waker(TcpStream, Tracer);

impl Wake for Waker {
    fn wake(&self) {
        let started = self.1.start(Call::Shutdown);
        let result = self.0.shutdown(Shutdown::Both);
        // It can only fail if the listener is gone, and then nobody waits.
        self.1.finish(started, || match &result {
            Ok(()) => Outcome::Done,
            Err(error) => Outcome::Failed(error),
        });
    }
}

impl Acceptor {
    pub(super) fn new(socket: TcpListener, tracer: Tracer) -> io::Result<(Acceptor, Box<dyn Wake>)> {
        let as_stream = || Ok::<_, io::Error>(TcpStream::from(OwnedFd::from(socket.try_clone()?)));
        let (handle, waker) = (as_stream()?, Waker(as_stream()?, tracer));
        Ok((Acceptor { socket, handle, time_out: TimeOut::none() }, Box::new(waker)))
    }

    /// The next client, or `None` at the deadline.
    pub(super) fn accept(&mut self, deadline: Deadline) -> io::Result<Option<(TcpStream, SocketAddr)>> {
        let set = |limit| self.handle.set_read_timeout(limit);
        self.time_out.shorten(deadline.remaining(), set)?;
        loop {
            match self.socket.accept() {
                Err(error) if error.kind() != io::ErrorKind::WouldBlock => return Err(error),
                Err(_) if deadline.has_passed() => return Ok(None),
                Err(_) => self.time_out.renew(deadline.remaining(), set)?,
                Ok(client) => return Ok(Some(client)),
            }
        }
    }

    pub(super) fn spare(&self) -> Option<TcpListener> {
        self.socket.try_clone().ok()
    }
}
