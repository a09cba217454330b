//! Which port is free, and stays free until the program binds it?
//!
//! # In production
//!
//! The program binds port 0 itself, and says which one it was given.

use socket2::{Domain, Socket, Type};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};

use super::ours;
use crate::peer::Failure;
use crate::program;
use crate::system;

/// A port that nobody has. Below those that the system gives to outgoing connections: another check's connection, opened
/// between this moment and the program's bind, does not take it. It is asked for by a bind, and not by a connection: that
/// would be a client to the program of another check on this machine, and take a place in it. And while nothing is being
/// started: a socket of ours would live on for a moment in every process that another thread is just starting.
pub fn free_port() -> Result<u16, Failure> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    const FIRST: u32 = 10_000;
    let end = u32::from(system::first_ephemeral_port()).max(FIRST + 1_000);
    let start = std::process::id().wrapping_mul(7_919);
    let _alone = program::alone();
    for _ in 0..500 {
        let offset = start.wrapping_add(NEXT.fetch_add(1, Ordering::Relaxed)) % (end - FIRST);
        let port = u16::try_from(FIRST + offset).unwrap_or(0);
        // Without SO_REUSEADDR, so that a port with a connection in TIME-WAIT is passed over too.
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).map_err(ours)?;
        if socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into()).is_ok() {
            return Ok(port);
        }
    }
    let what = "No free port was found below those for outgoing connections.";
    Err(Failure::new(what, "a free port", "500 that are taken").is("machine-has-no-sockets"))
}
