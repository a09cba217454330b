//! Under which address does the room reach this machine?
//!
//! The library knows which addresses the machine has; which of them this server listens on is decided here.
//!
//! # In production
//!
//! A machine with two networks has two answers; servers are told their public name in their configuration.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// The addresses to give to the room, best first, one for each family. None if the server listens for its own machine only,
/// or if that machine has no network.
pub fn addresses_for_the_room(listening: SocketAddr) -> Vec<SocketAddr> {
    let ip = listening.ip();
    if ip.is_loopback() {
        return Vec::new();
    }
    if !ip.is_unspecified() {
        return vec![listening];
    }
    let ours = socklab::local_addresses();
    // A socket on [::] takes IPv4 as well on most systems; one on 0.0.0.0 takes nothing else.
    let version_4 = ours.iter().find(|address| address.is_ipv4());
    let version_6 = ours.iter().find(|address| address.is_ipv6() && ip.is_ipv6());
    version_4.into_iter().chain(version_6).map(|&ip| SocketAddr::new(ip, listening.port())).collect()
}

/// What to open in another browser. The scheme is http or https.
pub fn invitation(scheme: &str, listening: SocketAddr) -> String {
    format!("{scheme}://{}/", addresses_for_the_room(listening).first().unwrap_or(&address_for_us(listening)))
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
