//! What lies in one connection's queues? Only Linux is asked, see `queue.rs`.

use std::net::SocketAddrV4;

/// A connection as its owner has it.
pub struct Queues {
    pub to_read: u32,
    pub to_send: u32,
    pub unsent: u32,
    pub segments: u32,
}

pub fn of(_local: SocketAddrV4, _remote: SocketAddrV4) -> Option<Option<Queues>> {
    None
}
