//! What is a server asked to do?
//!
//! One file for each kind of work. All use one thread where one is enough: it asks all clients in turn whether anything has
//! come, which costs it less for each message than a server with a thread for each client.

pub mod alone;
pub mod broadcast;
pub mod bulk;
pub mod burst;
pub mod churn;
pub mod costs;
pub mod idle;
pub mod sweep;

use crate::link::{Link, Target};
use std::io;

/// How much a load generator reads at once: what a processor's nearest cache holds easily.
const ROOM: usize = 256 * 1024;

/// So many connections that spin, opened one after the other.
fn open(target: &Target, count: usize) -> io::Result<Vec<Link>> {
    (0..count).map(|_| Link::open(target)?.spinning()).collect()
}
