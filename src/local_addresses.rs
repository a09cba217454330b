//! Under which addresses can somebody else reach this machine?
//!
//! A server that listens on 0.0.0.0 listens on every address of its machine, and none of them is 0.0.0.0. `std` cannot
//! list network cards. Two detours do without:
//!
//! * A UDP socket can be made to ask the routing table: to connect one sends nothing, it only decides which of our
//!   addresses would be used. Every system can do that. It finds the address of the way out, one for each family.
//! * Linux writes all its addresses into two files, `/proc/net/fib_trie` and `/proc/net/if_inet6`. They also know a
//!   machine whose network has no way out, such as a lab's.
//!
//! # In production
//!
//! `getifaddrs` lists cards with their addresses (the `if-addrs` and `nix` crates). A server with a public name is told
//! it in its configuration, for behind a router that translates addresses it has no way of knowing.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, UdpSocket};

/// Addresses that are reserved for documentation (RFC 5737, RFC 3849). Nobody is there, and nothing is sent to them.
const ELSEWHERE: [&str; 2] = ["192.0.2.1:9", "[2001:db8::1]:9"];

/// The addresses of this machine that a client elsewhere could use, best first: those on the way out, IPv4 before IPv6,
/// then, on Linux, all others. WLanguage: `NetIPAddress` (in French `NetAdresseIP`).
///
/// Does not block, and sends nothing. Empty without a network. Loopback addresses are left out, for they lead everybody
/// to their own machine; so are IPv6's link-local ones (`fe80::`), which need the name of the *client's* network card.
///
/// It cannot know whether anybody gets through: a firewall may be in between, or a router that translates addresses,
/// whose other side is the only one that the world sees. A virtual machine's bridge is among the others, and leads
/// nowhere. Elsewhere than on Linux a second network card is not found.
///
/// ```
/// let server = socklab::StandardServer::bind("0.0.0.0:0")?;
/// for ip in socklab::local_addresses() {
///     println!("others reach this machine at {ip}, port {}", server.local_address().port());
/// }
/// # Ok::<(), socklab::Error>(())
/// ```
pub fn local_addresses() -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = Vec::new();
    let outward = ELSEWHERE.into_iter().filter_map(our_address_towards);
    // Elsewhere than on Linux there are no such files, and their lists are empty.
    let text = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
    let others = listed_ipv4(&text("/proc/net/fib_trie")).into_iter().chain(listed_ipv6(&text("/proc/net/if_inet6")));
    for address in outward.chain(others) {
        if is_of_use(address) && !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}

fn our_address_towards(target: &str) -> Option<IpAddr> {
    let any = if target.starts_with('[') { "[::]:0" } else { "0.0.0.0:0" };
    let socket = UdpSocket::bind(any).ok()?;
    socket.connect(target).ok()?;
    Some(socket.local_addr().ok()?.ip())
}

fn is_of_use(address: IpAddr) -> bool {
    let link_local = matches!(address, IpAddr::V6(address) if address.is_unicast_link_local());
    !address.is_loopback() && !address.is_unspecified() && !link_local
}

/// From the kernel's routing tree: an address stands in one line (`|-- 192.0.2.7`), and in those below it what it is.
/// To a whole address (`/32`) of our own (`host LOCAL`) packets are delivered here.
fn listed_ipv4(tree: &str) -> Vec<IpAddr> {
    let mut addresses = Vec::new();
    let mut leaf: Option<Ipv4Addr> = None;
    for line in tree.lines().map(str::trim) {
        if let Some(address) = line.strip_prefix("|-- ") {
            leaf = address.parse().ok();
        } else if line == "/32 host LOCAL" {
            addresses.extend(leaf.map(IpAddr::V4));
        }
    }
    addresses
}

/// One address a line: 32 hexadecimal digits, then the card's number, the length of the prefix, the scope, flags and
/// the card's name.
fn listed_ipv6(list: &str) -> Vec<IpAddr> {
    let digits = list.lines().filter_map(|line| line.split_whitespace().next());
    let addresses =
        digits.filter(|digits| digits.len() == 32).filter_map(|digits| u128::from_str_radix(digits, 16).ok());
    addresses.map(|bits| IpAddr::V6(Ipv6Addr::from(bits))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TREE: &str = "Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 127.0.0.0/8 2 0 2
        |-- 127.0.0.0
           /8 host LOCAL
        |-- 127.0.0.1
           /32 host LOCAL
     |-- 192.0.2.0
        /24 link UNICAST
     |-- 192.0.2.7
        /32 host LOCAL
     |-- 192.0.2.255
        /32 link BROADCAST
     |-- 10.0.0.9
        /32 link UNICAST
        /32 host LOCAL
";
    const LIST: &str = "fe8000000000000000fc00fffe000001 04 40 20 80     eth0
00000000000000000000000000000001 01 80 10 80       lo
fd000000000000000000000000000002 04 40 00 82     eth0
";

    #[test]
    fn the_kernel_says_which_addresses_are_ours() {
        let expected: [IpAddr; 3] = ["127.0.0.1", "192.0.2.7", "10.0.0.9"].map(|ip| ip.parse().unwrap());
        assert_eq!(listed_ipv4(TREE), expected);
        let expected: [IpAddr; 3] = ["fe80::fc:ff:fe00:1", "::1", "fd00::2"].map(|ip| ip.parse().unwrap());
        assert_eq!(listed_ipv6(LIST), expected);
        let useful: Vec<_> =
            listed_ipv4(TREE).into_iter().chain(listed_ipv6(LIST)).filter(|ip| is_of_use(*ip)).collect();
        assert_eq!(useful, ["192.0.2.7", "10.0.0.9", "fd00::2"].map(|ip| ip.parse::<IpAddr>().unwrap()));
    }

    #[test]
    fn what_is_no_list_has_no_address() {
        assert!(listed_ipv4("/32 host LOCAL\n|-- x\n/32 host LOCAL\n").is_empty());
        assert!(listed_ipv6("\nzz\n1 2 3\n").is_empty());
    }
}
