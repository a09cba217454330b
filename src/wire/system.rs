//! Which words does the system use for what happened to a socket?
//!
//! They differ: a time-out of ours has one name on Unix and another on Windows, and only Unix has descriptors.
//!
//! # In production
//!
//! The same few functions, longer: each new system adds a name.

use std::io::{self, ErrorKind};

/// A time-out is `WouldBlock` on Unix and `TimedOut` on Windows. A connection that the system itself gave up is
/// `TimedOut` on Unix too; our own limits are always shorter than its.
pub(super) fn is_time_out(error: &io::Error) -> bool {
    error.kind() == ErrorKind::WouldBlock || (cfg!(windows) && error.kind() == ErrorKind::TimedOut)
}

/// The connection is gone, and the peer has not said goodbye. A broken pipe is none: it comes behind the peer's end, or
/// our own.
pub(super) fn is_loss(kind: ErrorKind) -> bool {
    use ErrorKind::*;
    matches!(kind, ConnectionReset | ConnectionAborted | TimedOut | HostUnreachable | NetworkUnreachable)
}

#[cfg(unix)]
pub(crate) fn descriptor(socket: &impl std::os::fd::AsRawFd) -> Option<i32> {
    Some(socket.as_raw_fd())
}

#[cfg(not(unix))]
pub(crate) fn descriptor<T>(_socket: &T) -> Option<i32> {
    None
}
