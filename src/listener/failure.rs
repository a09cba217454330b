//! Accept failed: is it about one client, about this process, or about the listening socket itself?
//!
//! Servers have died because they took the first kind for the last. Linux reports an error of the *new* socket at accept
//! (accept(2), "Error handling"), and the listening socket is as good as before.

use std::io;

/// The client gave up between its SYN and our accept, or the network to it failed.
pub(super) fn is_about_one_client(error: &io::Error) -> bool {
    use io::ErrorKind::*;
    matches!(
        error.kind(),
        ConnectionAborted
            | ConnectionReset
            | Interrupted
            | HostUnreachable
            | NetworkUnreachable
            | NetworkDown
            | TimedOut
            | PermissionDenied
            | Unsupported
    ) || matches!(error.raw_os_error(), Some(EPROTO | ENOPROTOOPT))
}

/// This process, or the whole machine, has no descriptor or no memory left for another socket.
pub(super) fn is_about_descriptors(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::OutOfMemory || matches!(error.raw_os_error(), Some(ENFILE | EMFILE | ENOBUFS))
}

// `std` has no kind for these; their numbers differ between systems only for the last two of each line.
const ENFILE: i32 = 23;
const EMFILE: i32 = if cfg!(windows) { 10024 } else { 24 };
const ENOBUFS: i32 = if cfg!(windows) {
    10055
} else if cfg!(target_os = "linux") {
    105
} else {
    55
};
const EPROTO: i32 = if cfg!(target_os = "linux") { 71 } else { 100 };
const ENOPROTOOPT: i32 = if cfg!(target_os = "linux") { 92 } else { 42 };
