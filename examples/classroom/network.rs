//! Under which address does the room reach this machine?
//!
//! A server that listens on 0.0.0.0 listens on every address of its machine, and none of them is 0.0.0.0. Which one leads
//! to the room's network is for the system's routing table to say. `std` cannot read that table, but a UDP socket can be
//! made to ask it: to connect one sends nothing, it only decides which of our addresses would be used.
//!
//! # In production
//!
//! A machine with two networks has two answers; servers are told their public name in their configuration.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Addresses that are reserved for documentation (RFC 5737, RFC 3849). Nobody is there, and nothing is sent to them.
const ELSEWHERE: [&str; 2] = ["192.0.2.1:9", "[2001:db8::1]:9"];

/// The addresses to give to the room, best first. None if the server listens for its own machine only, or if that machine
/// has no network.
pub fn addresses_for_the_room(listening: SocketAddr) -> Vec<SocketAddr> {
    let ip = listening.ip();
    if ip.is_loopback() {
        return Vec::new();
    }
    if !ip.is_unspecified() {
        return vec![listening];
    }
    // A socket on [::] takes IPv4 as well on most systems; one on 0.0.0.0 takes nothing else.
    let asked = if ip.is_ipv4() { &ELSEWHERE[..1] } else { &ELSEWHERE[..] };
    asked
        .iter()
        .filter_map(|target| our_address_towards(target))
        .map(|ip| SocketAddr::new(ip, listening.port()))
        .collect()
}

/// What to open in another browser.
pub fn invitation(listening: SocketAddr) -> String {
    format!("http://{}/", addresses_for_the_room(listening).first().unwrap_or(&address_for_us(listening)))
}

/// An address at which this machine reaches itself.
pub fn address_for_us(listening: SocketAddr) -> SocketAddr {
    let ip = match listening.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listening.port())
}

fn our_address_towards(target: &str) -> Option<IpAddr> {
    let any = if target.starts_with('[') { "[::]:0" } else { "0.0.0.0:0" };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect(target).ok()?;
    let ours = socket.local_addr().ok()?.ip();
    (!ours.is_loopback() && !ours.is_unspecified()).then_some(ours)
}
