//! How does one bring a server to its limits with little?
//!
//! With many connections that say nothing, and with less room for them than there are. Both are one row of the ladder: forty
//! clients who do the same are one thing that happened.
//!
//! # In production
//!
//! Nobody has to do it on purpose: a port scanner, a load balancer's probes, a mobile network that forgets its phones leave
//! silent connections behind, and a limit of 1024 descriptors is a common default (`ulimit -n`).

use socket2::{Domain, Socket, Type};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Ground, Stage, free_port, ours};
use crate::peer::{Failure, Peer};
use crate::program::{self, Program};
use crate::system;
use crate::vigil::{PATIENCE, Vigil};

/// Connections that say nothing. Like a [`crate::peer::Peer`] it stays until the program has been ended, or [`Crowd::leave`].
pub struct Crowd {
    streams: Vec<TcpStream>,
    ground: Arc<Ground>,
}

impl Crowd {
    /// All close.
    pub fn leave(mut self) {
        self.ground.transcript.did(format!("the {} silent clients close", self.streams.len()));
        let _alone = program::alone();
        self.streams.clear();
    }
}

impl Drop for Crowd {
    fn drop(&mut self) {
        self.streams.drain(..).for_each(|stream| self.ground.keep(stream));
    }
}

/// What a server does that has no descriptor left for the next client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exhaustion {
    /// It waits, or has closed something, or has ended: no processor time goes into it.
    Rests,
    /// It asks again and again.
    Spins,
    /// It cannot be seen here, or was not brought about.
    Unseen,
}

impl Stage {
    /// So many clients connect, and say nothing. The system lets them in as long as the program listens, accepted or not.
    pub fn connect_crowd(&mut self, count: usize) -> Result<Crowd, Failure> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        self.ground.transcript.did(format!("{count} clients connect, and say nothing"));
        let mut crowd = Crowd { streams: Vec::new(), ground: Arc::clone(&self.ground) };
        let mut vigil = Vigil::begin();
        while crowd.streams.len() < count {
            match TcpStream::connect_timeout(&address, PATIENCE) {
                Ok(stream) => crowd.streams.push(stream),
                Err(error) => {
                    self.still_alive()?;
                    if vigil.silent(|| self.ground.processes()).is_some() {
                        let what = match error.kind() {
                            ErrorKind::TimedOut => "The program lets nobody in any more: its queue is full.",
                            _ => "The program does not listen any more.",
                        };
                        return Err(Failure::new(what, "a connection", error.to_string()));
                    }
                    std::thread::sleep(Duration::from_millis(2));
                }
            }
        }
        Ok(crowd)
    }

    /// An address for [`Stage::connect_from`] that nobody has, and that the system gives to nobody by itself.
    pub fn own_address(&self) -> Result<SocketAddr, Failure> {
        Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?)))
    }

    /// A further connection, from this address: two may come from the same one after the other, if the first was reset. From
    /// any, where that cannot be had.
    pub fn connect_from(&mut self, name: &str, address: SocketAddr) -> Result<Peer, Failure> {
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, self.port));
        let connected = || -> std::io::Result<TcpStream> {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
            socket.set_reuse_address(true)?;
            socket.bind(&address.into())?;
            socket.connect(&to.into())?;
            Ok(socket.into())
        };
        let Ok(stream) = connected() else { return self.connect(name) };
        self.ground.transcript.did(format!("{name} connects, from an address of her choice"));
        Peer::new(name, stream, Arc::clone(&self.ground)).map_err(ours)
    }

    /// The program may open `more` files and sockets, and then no more: `accept` fails with EMFILE. `None` where that cannot
    /// be arranged.
    pub fn leave_descriptors(&mut self, more: usize) -> Option<usize> {
        let limit = self.ground.program().as_ref()?.leave_descriptors(more)?;
        self.ground.transcript.did(format!("the program has {more} descriptors left"));
        Some(limit)
    }

    /// Waits until the program has used all `limit` descriptors, while further clients knock, and has met the error. Where it
    /// then sleeps, it is not in `accept`: that would have returned at once.
    pub fn exhaust_descriptors(&self, limit: Option<usize>) -> Exhaustion {
        let (Some(limit), begun) = (limit, Instant::now()) else { return Exhaustion::Unseen };
        let used = || self.ground.program().as_ref().and_then(Program::descriptors);
        while used().is_some_and(|used| used + 1 < limit) && begun.elapsed() < PATIENCE {
            std::thread::sleep(Duration::from_millis(2));
        }
        // What a loop that spins has soon used up, on any machine, and who rests does not.
        const SPINNING: Duration = Duration::from_millis(40);
        let time = || system::processor_time(&self.ground.processes());
        let Some(before) = time() else { return Exhaustion::Unseen };
        let mut asleep = 0;
        while begun.elapsed() < 3 * PATIENCE {
            std::thread::sleep(Duration::from_millis(5));
            let (Some(activity), Some(now)) = (self.activity(), time()) else { return Exhaustion::Unseen };
            asleep = if activity.asleep { asleep + 1 } else { 0 };
            // Who needs two descriptors for each client may come to rest with one that is left.
            if asleep > 0 && used().is_none_or(|used| used >= limit) || asleep > 10 {
                return Exhaustion::Rests;
            }
            if now >= before + SPINNING && asleep == 0 {
                return Exhaustion::Spins;
            }
        }
        Exhaustion::Unseen
    }
}
