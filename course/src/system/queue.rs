//! What lies in one connection's queues? Asked of the kernel directly (netlink's sock_diag(7)), as `ss` does.
//!
//! The same is in `/proc/net/tcp`, as text, for all connections of the machine: to find one there took a tenth of a second
//! on a machine with many, and this takes ten microseconds.

use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketType, netlink, recv, send, socket};
use std::net::SocketAddrV4;

/// A connection as its owner has it.
pub struct Queues {
    /// Came, and was not read.
    pub to_read: u32,
    /// Was written, and is not acknowledged.
    pub to_send: u32,
    /// The part of it that was not even sent.
    pub unsent: u32,
    /// Segments with data in them that have come.
    pub segments: u32,
}

/// The connection between `local` and `remote`: `Some(None)` if there is none, `None` if the kernel does not say.
pub fn of(local: SocketAddrV4, remote: SocketAddrV4) -> Option<Option<Queues>> {
    let kernel = socket(AddressFamily::NETLINK, SocketType::DGRAM, Some(netlink::SOCK_DIAG)).ok()?;
    send(&kernel, &question(local, remote), SendFlags::empty()).ok()?;
    let mut answer = [0; 1024];
    let (_, length) = recv(&kernel, &mut answer, RecvFlags::empty()).ok()?;
    understood(answer.get(..length)?, remote.port())
}

const SOCK_DIAG_BY_FAMILY: u16 = 20;
const HEADER: usize = 16;
/// Asks for `struct tcp_info`, and marks it in the answer.
const INFO: u8 = 2;

/// `struct nlmsghdr`, then `struct inet_diag_req_v2`: numbers as the machine stores them, addresses and ports as the
/// network does.
fn question(local: SocketAddrV4, remote: SocketAddrV4) -> Vec<u8> {
    const REQUEST: u16 = 1;
    const INET: u8 = 2;
    const TCP: u8 = 6;
    const LENGTH: u32 = 72;
    let mut bytes = Vec::with_capacity(LENGTH as usize);
    bytes.extend(LENGTH.to_ne_bytes());
    bytes.extend(SOCK_DIAG_BY_FAMILY.to_ne_bytes());
    bytes.extend(REQUEST.to_ne_bytes());
    bytes.extend([0; 8]); // sequence number, sender: the kernel fills it in
    bytes.extend([INET, TCP, 1 << (INFO - 1), 0]);
    bytes.extend(u32::MAX.to_ne_bytes()); // in any state
    bytes.extend(local.port().to_be_bytes());
    bytes.extend(remote.port().to_be_bytes());
    for address in [local, remote] {
        bytes.extend(address.ip().octets());
        bytes.extend([0; 12]); // room for IPv6
    }
    bytes.extend(0_u32.to_ne_bytes()); // any interface
    bytes.extend([0xFF; 8]); // whatever its cookie
    bytes
}

/// `struct inet_diag_msg`: its port and its queues; and what follows it.
fn understood(answer: &[u8], remote_port: u16) -> Option<Option<Queues>> {
    let number = |at: usize| Some(u32::from_ne_bytes(answer.get(at..at + 4)?.try_into().ok()?));
    let kind = u16::from_ne_bytes(answer.get(4..6)?.try_into().ok()?);
    if kind != SOCK_DIAG_BY_FAMILY {
        const NO_SUCH_CONNECTION: i32 = -2;
        return (number(HEADER)? as i32 == NO_SUCH_CONNECTION).then_some(None);
    }
    // For a connection that is gone the kernel shows the listening socket, which has no peer.
    let port = u16::from_be_bytes(answer.get(HEADER + 6..HEADER + 8)?.try_into().ok()?);
    if port != remote_port {
        return Some(None);
    }
    let info = information(answer).unwrap_or_default();
    let count = |at: usize| info.get(at..at + 4).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_ne_bytes);
    let (to_read, to_send) = (number(HEADER + 56)?, number(HEADER + 60)?);
    Some(Some(Queues { to_read, to_send, unsent: count(144), segments: count(152) }))
}

/// The attributes behind `struct inet_diag_msg` are length, kind, content, each rounded up to four bytes. In `struct tcp_info`
/// (linux/tcp.h) `tcpi_notsent_bytes` stands at 144, and `tcpi_data_segs_in` at 152.
fn information(answer: &[u8]) -> Option<&[u8]> {
    let mut rest = answer.get(HEADER + 72..)?;
    loop {
        let length = usize::from(u16::from_ne_bytes(rest.get(..2)?.try_into().ok()?));
        let kind = u16::from_ne_bytes(rest.get(2..4)?.try_into().ok()?);
        if kind == u16::from(INFO) {
            return rest.get(4..length);
        }
        rest = rest.get(length.max(4).next_multiple_of(4)..)?;
    }
}
