//! How does accept get a time limit, and how is it woken, on a system that does not help?
//!
//! By a thread that does nothing but accept and hands the client over through a channel: waiting on a channel can have a
//! limit. It accepts when it is asked to, and not ahead: so the others stay in the system's queue, where they belong, and
//! an accept that failed for want of a descriptor was tried now, and not before one came free.
//!
//! To wake a thread that is blocked in accept, one gives it something to accept: a connection of our own. It needs a
//! descriptor, and so it can fail; the thread is then woken by the next client, and ends before it serves it.
//!
//! This is the plain version. It is used on Windows and macOS, and tested on Linux beside `linux.rs`.

use super::Wake;
use crate::deadline::Deadline;
use crate::trace::Tracer;
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, bounded};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

type Accepted = io::Result<(TcpStream, SocketAddr)>;

#[derive(Debug)]
pub(super) struct Acceptor {
    socket: TcpListener,
    /// Each asks for one accept. Without it, the thread ends.
    ask: Sender<()>,
    /// One was asked for and has not come: whoever asked lost patience.
    asked: bool,
    accepted: Receiver<Accepted>,
    waker: Waker,
}

#[derive(Debug, Clone)]
struct Waker {
    address: SocketAddr,
    stopped: Arc<AtomicBool>,
}

impl Wake for Waker {
    fn wake(&self) {
        self.stopped.store(true, Ordering::Release);
        let _ = TcpStream::connect_timeout(&self.address, Duration::from_secs(1));
    }
}

/// Nobody can connect to "any address": a listener on it is reached through the loopback.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    address
}

impl Acceptor {
    pub(super) fn new(socket: TcpListener, tracer: Tracer) -> io::Result<(Acceptor, Box<dyn Wake>)> {
        let waker = Waker { address: reachable(socket.local_addr()?), stopped: Arc::default() };
        let (ask, is_asked) = bounded(1);
        let (hand_over, accepted) = bounded(1);
        let (listener, stopped) = (socket.try_clone()?, waker.stopped.clone());
        thread::Builder::new().name("accept".into()).spawn(move || {
            // Nobody may be there any more to ask or to take: then the listener was dropped, and this thread ends with it.
            while is_asked.recv().is_ok() {
                let client = listener.accept();
                if stopped.load(Ordering::Acquire) || hand_over.send(client).is_err() {
                    break;
                }
            }
            tracer.note("the accepting thread ends");
        })?;
        Ok((Acceptor { socket, ask, asked: false, accepted, waker: waker.clone() }, Box::new(waker)))
    }

    /// The next client, or `None` at the deadline.
    pub(super) fn accept(&mut self, deadline: Deadline) -> io::Result<Option<(TcpStream, SocketAddr)>> {
        // If the thread has ended, there is nobody to take this, and nothing comes.
        self.asked = self.asked || self.ask.send(()).is_ok();
        match self.accepted.recv_timeout(deadline.remaining()) {
            Ok(client) => {
                self.asked = false;
                client.map(Some)
            }
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    pub(super) fn spare(&self) -> Option<TcpListener> {
        self.socket.try_clone().ok()
    }
}

impl Drop for Acceptor {
    fn drop(&mut self) {
        if !self.waker.stopped.load(Ordering::Acquire) {
            self.waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trace::{Side, Trace};

    fn acceptor(address: &str) -> (Acceptor, Box<dyn Wake>, SocketAddr) {
        let socket = TcpListener::bind(address).unwrap();
        let address = reachable(socket.local_addr().unwrap());
        let (acceptor, waker) = Acceptor::new(socket, Tracer::new(&Trace::off(), Side::Server)).unwrap();
        (acceptor, waker, address)
    }

    #[test]
    fn it_waits_accepts_and_is_woken_like_the_other_one() {
        let (mut acceptor, waker, address) = acceptor("0.0.0.0:0");
        assert!(acceptor.accept(Deadline::after(Duration::from_millis(20))).unwrap().is_none());
        assert!(acceptor.spare().is_some());
        let client = TcpStream::connect(address).unwrap();
        let (_, peer) = acceptor.accept(Deadline::after(Duration::from_secs(5))).unwrap().unwrap();
        assert_eq!(peer, client.local_addr().unwrap());
        let waiting = thread::spawn(move || acceptor.accept(Deadline::after(Duration::from_secs(20))).is_err());
        waker.wake();
        assert!(waiting.join().unwrap(), "a woken wait must end at once, not at its deadline");
    }

    /// What a server does then is to give one descriptor up and to accept again: that must be another try.
    #[cfg(target_os = "linux")]
    #[test]
    fn out_of_descriptors_each_accept_is_tried_when_it_is_asked_for() {
        use crate::listener::failure::is_about_descriptors;
        use std::process::Command;
        // The descriptors of a program of its own, this one once more.
        if std::env::var_os("SOCKLAB_ALONE").is_none() {
            let mut alone = Command::new("sh");
            alone.args(["-c", "ulimit -n 40; exec \"$0\" \"$@\""]).arg(std::env::current_exe().unwrap());
            alone.args([
                "--exact",
                "listener::portable::tests::out_of_descriptors_each_accept_is_tried_when_it_is_asked_for",
            ]);
            let said = alone.env("SOCKLAB_ALONE", "yes").output().unwrap();
            let text = String::from_utf8_lossy(&said.stdout);
            return assert!(said.status.success() && text.contains("1 passed"), "{text}");
        }
        let (mut acceptor, _waker, address) = acceptor("127.0.0.1:0");
        let _clients: Vec<_> = (0..3).map(|_| TcpStream::connect(address).unwrap()).collect();
        let mut taken: Vec<_> = std::iter::from_fn(|| std::fs::File::open("/dev/null").ok()).collect();
        let soon = || Deadline::after(Duration::from_secs(5));
        for number in 0..3 {
            assert!(is_about_descriptors(&acceptor.accept(soon()).unwrap_err()), "there is none for client {number}");
            drop(taken.pop());
            assert!(acceptor.accept(soon()).unwrap().is_some(), "there is one for client {number}");
            taken.push(std::fs::File::open("/dev/null").unwrap());
        }
    }

    #[test]
    fn the_accepting_thread_ends_with_its_listener() {
        let (acceptor, _waker, address) = acceptor("[::1]:0");
        drop(acceptor);
        // The thread holds the last handle on the socket: once it is gone, nobody listens there any more.
        let deadline = Deadline::after(Duration::from_secs(5));
        while TcpStream::connect(address).is_ok() {
            assert!(!deadline.has_passed(), "the accepting thread still holds the listening socket");
            thread::yield_now();
        }
    }
}
