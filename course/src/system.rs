//! What can be seen of a program from outside?
//!
//! On Linux a great deal, in `/proc`: whether it has read what was sent to it, whether its threads sleep, how much
//! processor time and memory it used, whom it started, where it listens. Elsewhere the functions answer `None`, and who
//! asks says that it waits a moment instead.
//!
//! # In production
//!
//! The same files are what `ss`, `ps` and `lsof` read. A service asks the kernel directly (netlink's sock_diag, taskstats).

use std::collections::BTreeSet;
use std::fs;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::time::Duration;

#[cfg(target_os = "linux")]
mod queue;

/// Whether everything that `ours` sent to `theirs` has been read by the program. `None`: it cannot be seen here.
///
/// Two sockets say it. In ours nothing must be waiting for an acknowledgement, else it may be still on its way; in the
/// program's, whose addresses are the mirror of ours, nothing must lie in the receive queue. A connection that is gone
/// takes nothing any more, and nobody needs to wait for it.
#[cfg(target_os = "linux")]
pub fn all_taken(ours: SocketAddr, theirs: SocketAddr) -> Option<bool> {
    let (SocketAddr::V4(ours), SocketAddr::V4(theirs)) = (ours, theirs) else { return None };
    let sent = queue::of(ours, theirs)?.is_none_or(|own| own.to_send == 0);
    Some(sent && queue::of(theirs, ours)?.is_none_or(|mirror| mirror.to_read == 0))
}

#[cfg(not(target_os = "linux"))]
pub fn all_taken(_ours: SocketAddr, _theirs: SocketAddr) -> Option<bool> {
    None
}

/// Whether everything that `ours` sent to `theirs` lies in the program's receive queue, or was read already: nothing waits
/// for an acknowledgement. `None`: it cannot be seen here.
#[cfg(target_os = "linux")]
pub fn all_arrived(ours: SocketAddr, theirs: SocketAddr) -> Option<bool> {
    let (SocketAddr::V4(ours), SocketAddr::V4(theirs)) = (ours, theirs) else { return None };
    Some(queue::of(ours, theirs)?.is_none_or(|own| own.to_send == 0))
}

#[cfg(not(target_os = "linux"))]
pub fn all_arrived(_ours: SocketAddr, _theirs: SocketAddr) -> Option<bool> {
    None
}

/// How many bytes the program has written to us that its system has not sent: Nagle's algorithm holds them back, or our
/// receive buffer is full. `None`: it cannot be seen here.
#[cfg(target_os = "linux")]
pub fn held_back(ours: SocketAddr, theirs: SocketAddr) -> Option<u32> {
    let (SocketAddr::V4(ours), SocketAddr::V4(theirs)) = (ours, theirs) else { return None };
    queue::of(theirs, ours)?.map(|mirror| mirror.unsent)
}

#[cfg(not(target_os = "linux"))]
pub fn held_back(_ours: SocketAddr, _theirs: SocketAddr) -> Option<u32> {
    None
}

/// In how many segments came what the program has sent us so far? `None`: it cannot be seen here.
#[cfg(target_os = "linux")]
pub fn segments_come(ours: SocketAddr, theirs: SocketAddr) -> Option<u32> {
    let (SocketAddr::V4(ours), SocketAddr::V4(theirs)) = (ours, theirs) else { return None };
    queue::of(ours, theirs)?.map(|own| own.segments)
}

#[cfg(not(target_os = "linux"))]
pub fn segments_come(_ours: SocketAddr, _theirs: SocketAddr) -> Option<u32> {
    None
}

/// How many files and sockets `process` has open, or `None` where it cannot be seen.
pub fn descriptors(process: u32) -> Option<usize> {
    Some(fs::read_dir(format!("/proc/{process}/fd")).ok()?.count())
}

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

/// What a program is doing at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Activity {
    /// Processor time of all its threads, in hundredths of a second.
    pub ticks: u64,
    /// How often one of its threads was given a processor: a thread that wakes and sleeps again is seen by this alone.
    pub switches: u64,
    /// Every thread waits for something that has not come.
    pub asleep: bool,
}

/// What `processes` are doing together, or `None` where it cannot be seen.
pub fn activity(processes: &[u32]) -> Option<Activity> {
    let mut sum = Activity { ticks: 0, switches: 0, asleep: true };
    let mut seen = false;
    for process in processes {
        for thread in fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten() {
            let Some((state, ticks)) = state_and_ticks(&thread.path()) else { continue };
            seen = true;
            sum.ticks += ticks;
            sum.asleep &= state == 'S' || state == 'Z';
            let status = fs::read_to_string(thread.path().join("status")).unwrap_or_default();
            sum.switches +=
                status.lines().filter(|line| line.contains("ctxt_switches")).filter_map(last_number).sum::<u64>();
        }
    }
    seen.then_some(sum)
}

/// Processor time of all threads of `processes`, to the nanosecond where the system counts so (`schedstat` in proc(5)).
pub fn processor_time(processes: &[u32]) -> Option<Duration> {
    let mut nanoseconds = Vec::new();
    for process in processes {
        for thread in fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten() {
            let text = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
            nanoseconds.extend(text.split_whitespace().next().and_then(|first| first.parse::<u64>().ok()));
        }
    }
    match nanoseconds.is_empty() {
        true => activity(processes).map(|activity| Duration::from_millis(10 * activity.ticks)),
        false => Some(Duration::from_nanos(nanoseconds.iter().sum())),
    }
}

/// Whether the program still has its end of a connection to us, or `None` where it cannot be seen.
#[cfg(target_os = "linux")]
pub fn connected(ours: SocketAddr, theirs: SocketAddr) -> Option<bool> {
    let (SocketAddr::V4(ours), SocketAddr::V4(theirs)) = (ours, theirs) else { return None };
    Some(queue::of(theirs, ours)?.is_some())
}

#[cfg(not(target_os = "linux"))]
pub fn connected(_ours: SocketAddr, _theirs: SocketAddr) -> Option<bool> {
    None
}

/// Whether every thread of `processes` has been stopped by a signal, or `None` where it cannot be seen.
pub fn stopped(processes: &[u32]) -> Option<bool> {
    let mut states = Vec::new();
    for process in processes {
        for thread in fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten() {
            states.extend(state_and_ticks(&thread.path()).map(|(state, _)| state));
        }
    }
    (!states.is_empty()).then(|| states.iter().all(|state| matches!(state, 'T' | 'Z')))
}

/// The fields behind the program's name, which may itself contain spaces and parentheses: see proc(5).
fn state_and_ticks(thread: &Path) -> Option<(char, u64)> {
    let stat = fs::read_to_string(thread.join("stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    Some((fields.first()?.chars().next()?, fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?))
}

fn last_number(line: &str) -> Option<u64> {
    line.split_whitespace().last()?.parse().ok()
}

/// Resident memory of `processes` together, in KiB, or `None` where it cannot be seen.
pub fn resident_kib(processes: &[u32]) -> Option<u64> {
    let of = |process: &u32| {
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    let sizes: Vec<u64> = processes.iter().filter_map(of).collect();
    (!sizes.is_empty()).then(|| sizes.iter().sum())
}

/// `process` and all that it started, and that those started. Only itself where it cannot be seen.
pub fn family(process: u32) -> Vec<u32> {
    let mut family = vec![process];
    let mut next = 0;
    // The bound is for a program that forks faster than we read.
    while next < family.len() && family.len() < 10_000 {
        family.extend(children(family[next]));
        next += 1;
    }
    family
}

/// Who lost its parent and came to this process for it, with all that they started: their new parent is its first thread.
pub fn orphans() -> Vec<u32> {
    let own = std::process::id();
    let list = fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap_or_default();
    list.split_whitespace().filter_map(|child| child.parse::<u32>().ok()).flat_map(family).collect()
}

/// A thread's children are listed at the thread (proc(5), `/proc/PID/task/TID/children`).
fn children(process: u32) -> Vec<u32> {
    let mut children = Vec::new();
    for thread in fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten() {
        let list = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        children.extend(list.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
    }
    children
}

/// Whether there is such a process, and it has not ended. One that ended and was not asked how lives no more.
pub fn lives(process: u32) -> bool {
    let state = state_and_ticks(&Path::new("/proc").join(process.to_string()));
    state.is_some_and(|(state, _)| state != 'Z' && state != 'X')
}

/// Whether `process` was started with this `NAME=value` in its environment. `None`: it shows none.
pub fn carries(process: u32, mark: &str) -> Option<bool> {
    let environment = fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
    (!environment.is_empty()).then(|| environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes()))
}

/// The size that a connection's send buffer begins with (tcp(7), `tcp_wmem`), or `None` where it is not told.
pub fn usual_send_buffer() -> Option<usize> {
    let sizes = fs::read_to_string("/proc/sys/net/ipv4/tcp_wmem").ok()?;
    sizes.split_whitespace().nth(1)?.parse().ok()
}

/// The first port that the system would give to an outgoing connection: below it nobody takes one by chance.
pub fn first_ephemeral_port() -> u16 {
    let range = fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap_or_default();
    range.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(32_768)
}

/// How many columns the terminal on standard output has, where it says so.
pub fn terminal_columns() -> Option<usize> {
    #[cfg(unix)]
    let columns = rustix::termios::tcgetwinsize(std::io::stdout()).ok().map(|size| usize::from(size.ws_col));
    #[cfg(not(unix))]
    let columns = None;
    columns.filter(|columns| *columns > 1)
}

// --- the kernel's table of connections --------------------------------------------------------------

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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_piece_counts_as_taken_only_when_it_was_read() {
        for host in ["127.0.0.1:0", "[::]:0"] {
            let listener = TcpListener::bind(host).unwrap();
            let port = listener.local_addr().unwrap().port();
            let mut ours = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let (mut theirs, _) = listener.accept().unwrap();
            let (from, to) = (ours.local_addr().unwrap(), ours.peer_addr().unwrap());
            ours.write_all(b"piece").unwrap();
            assert_eq!(all_taken(from, to), Some(false), "{host}");
            theirs.read_exact(&mut [0; 4]).unwrap();
            assert_eq!(all_taken(from, to), Some(false), "one byte is left, {host}");
            theirs.read_exact(&mut [0; 1]).unwrap();
            let taken = (0..2000).any(|_| {
                std::thread::sleep(std::time::Duration::from_millis(1));
                all_taken(from, to) == Some(true)
            });
            assert!(taken, "{host}");
        }
    }

    #[test]
    fn what_nagle_holds_back_is_seen_and_segments_are_counted() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut theirs = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (ours, _) = listener.accept().unwrap();
        rustix::net::sockopt::set_tcp_quickack(&ours, false).unwrap();
        let (own, mirror) = (ours.local_addr().unwrap(), ours.peer_addr().unwrap());
        theirs.write_all(b"apple").unwrap();
        assert_eq!(held_back(own, mirror), Some(0));
        theirs.write_all(b"\n").unwrap();
        assert_eq!(held_back(own, mirror), Some(1), "the second small write waits for the first one's acknowledgement");
        theirs.set_nodelay(true).unwrap();
        assert_eq!(held_back(own, mirror), Some(0));
        theirs.write_all(b"pear\n").unwrap();
        assert_eq!(segments_come(own, mirror), Some(3));
    }

    #[test]
    fn where_a_program_listens_is_seen() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let ports = listening_ports(&[std::process::id()]).unwrap();
        assert!(ports.contains(&listener.local_addr().unwrap().port()), "{ports:?}");
    }

    #[test]
    fn a_thread_that_spins_is_not_asleep() {
        let stop = std::sync::atomic::AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
            assert!(!activity(&[std::process::id()]).unwrap().asleep);
            stop.store(true, std::sync::atomic::Ordering::Relaxed);
        });
    }
}
