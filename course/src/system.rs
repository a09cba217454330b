//! What can be seen of a program from outside?
//!
//! On Linux a great deal, in `/proc`: whether it has read what was sent to it, whether its threads sleep, how much
//! processor time and memory it used, whom it started, where it listens. Elsewhere the functions answer `None`, and who
//! asks says that it waits a moment instead.
//!
//! # In production
//!
//! The same files are what `ss`, `ps` and `lsof` read. A service asks the kernel directly (netlink's sock_diag, taskstats).

use std::fs;
use std::net::SocketAddr;

mod processes;
#[cfg(target_os = "linux")]
mod queue;
#[cfg(not(target_os = "linux"))]
#[path = "system/no_queue.rs"]
mod queue;
mod table;

pub use processes::{
    Activity, activity, carries, family, lives, orphans, processor_time, resident_kib, stopped, thread_sleeps,
};
pub use table::listening_ports;

/// Whether everything that `ours` sent to `theirs` has been read by the program. `None`: it cannot be seen here.
///
/// Two sockets say it. In ours nothing must be waiting for an acknowledgement, else it may be still on its way; in the
/// program's, whose addresses are the mirror of ours, nothing must lie in the receive queue. A connection that is gone
/// takes nothing any more, and nobody needs to wait for it.
pub fn all_taken(ours: SocketAddr, theirs: SocketAddr) -> Option<bool> {
    let sent = queues(ours, theirs)?.is_none_or(|own| own.to_send == 0);
    Some(sent && queues(theirs, ours)?.is_none_or(|mirror| mirror.to_read == 0))
}

/// Whether everything that `ours` sent to `theirs` lies in the program's receive queue, or was read already: nothing waits
/// for an acknowledgement. `None`: it cannot be seen here.
pub fn all_arrived(ours: SocketAddr, theirs: SocketAddr) -> Option<bool> {
    Some(queues(ours, theirs)?.is_none_or(|own| own.to_send == 0))
}

/// How many bytes the program has written to us that its system has not sent: Nagle's algorithm holds them back, or our
/// receive buffer is full. `None`: it cannot be seen here.
pub fn held_back(ours: SocketAddr, theirs: SocketAddr) -> Option<u32> {
    queues(theirs, ours)?.map(|mirror| mirror.unsent)
}

/// In how many segments came what the program has sent us so far? `None`: it cannot be seen here.
pub fn segments_come(ours: SocketAddr, theirs: SocketAddr) -> Option<u32> {
    queues(ours, theirs)?.map(|own| own.segments)
}

/// The end of `local`, as its owner's system has it: `Some(None)` where it is gone.
fn queues(local: SocketAddr, remote: SocketAddr) -> Option<Option<queue::Queues>> {
    let (SocketAddr::V4(local), SocketAddr::V4(remote)) = (local, remote) else { return None };
    queue::of(local, remote)
}

/// How many files and sockets `process` has open, or `None` where it cannot be seen.
pub fn descriptors(process: u32) -> Option<usize> {
    Some(fs::read_dir(format!("/proc/{process}/fd")).ok()?.count())
}

/// Whether the program still has its end of a connection to us, or `None` where it cannot be seen.
pub fn connected(ours: SocketAddr, theirs: SocketAddr) -> Option<bool> {
    Some(queues(theirs, ours)?.is_some())
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
