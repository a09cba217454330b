//! Where does a program listen? The kernel's table of connections knows.
//!
//! # In production
//!
//! `ss --tcp --listening --processes` joins the same two lists: the table, and each process's descriptors.

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, SocketAddr};

/// The ports on which one of `processes` listens, or `None` where it cannot be seen.
pub fn listening_ports(processes: &[u32]) -> Option<Vec<u16>> {
    let mut sockets = BTreeSet::new();
    for process in processes {
        for entry in fs::read_dir(format!("/proc/{process}/fd")).into_iter().flatten().flatten() {
            let target = fs::read_link(entry.path()).unwrap_or_default();
            let target = target.to_string_lossy();
            sockets
                .extend(target.strip_prefix("socket:[").and_then(|rest| rest.strip_suffix(']')?.parse::<u64>().ok()));
        }
    }
    const LISTEN: u8 = 0x0A;
    let rows = connections()?;
    let mut ports: Vec<u16> = rows
        .iter()
        .filter(|row| row.state == LISTEN && sockets.contains(&row.inode))
        .map(|row| row.local.port())
        .collect();
    ports.sort_unstable();
    ports.dedup();
    Some(ports)
}

struct Connection {
    local: SocketAddr,
    state: u8,
    inode: u64,
}

/// Both tables: a program that listens on `::` takes connections of IPv4 in the second.
fn connections() -> Option<Vec<Connection>> {
    let first = fs::read_to_string("/proc/net/tcp").ok()?;
    let second = fs::read_to_string("/proc/net/tcp6").unwrap_or_default();
    Some(first.lines().chain(second.lines()).filter_map(connection).collect())
}

/// A row is: number, local, remote, state, queues, timer, retransmits, user, timeout, inode, ...
fn connection(line: &str) -> Option<Connection> {
    let mut fields = line.split_whitespace().skip(1);
    let local = address(fields.next()?)?;
    let state = u8::from_str_radix(fields.nth(1)?, 16).ok()?;
    Some(Connection { local, state, inode: fields.nth(5)?.parse().ok()? })
}

/// `0100007F:1F90` is 127.0.0.1:8080: each four bytes as the machine stores them, the port as one reads it.
fn address(text: &str) -> Option<SocketAddr> {
    let (host, port) = text.split_once(':')?;
    let words = host.as_bytes().chunks(8).map(|word| u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok());
    let bytes: Vec<u8> = words.collect::<Option<Vec<u32>>>()?.iter().flat_map(|word| word.to_ne_bytes()).collect();
    let host: IpAddr = match bytes.len() {
        4 => <[u8; 4]>::try_from(bytes).ok()?.into(),
        16 => IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?).to_canonical(),
        _ => return None,
    };
    Some(SocketAddr::new(host, u16::from_str_radix(port, 16).ok()?))
}
