//! How long until everybody has been told?
//!
//! One client says 1 KiB, or several times that in one write, the server says it to all, and when the last of them has it,
//! the next is said. One thread reads all clients in turn and compares.

use super::sweep::exchanges;
use super::{ROOM, open};
use crate::bytes::Bytes;
use crate::deadline::Deadline;
use crate::link::Target;
use crate::meter::{Figures, Meter, Phase, add_percentiles};
use std::io;
use std::time::Instant;

pub fn run(
    target: &Target,
    mut meter: Meter,
    deadline: Deadline,
    clients: usize,
    together: usize,
) -> io::Result<Figures> {
    let links = open(target, clients)?;
    let mut buffer = vec![0; ROOM];
    let exchanges = exchanges(target.speaks, 1024, together);
    let mut latencies = Vec::new();
    // A server may enter a client in its list a moment after the 101, and reads from it only then: who has had a Pong is in.
    let pong = Bytes::once(vec![0x8a, 0x00]);
    links.iter().try_for_each(|link| link.send(&[0x89, 0x80, 1, 2, 3, 4]))?;
    links.iter().try_for_each(|link| pong.expect(link, &mut buffer))?;
    for exchange in exchanges.iter().cycle() {
        let started = Instant::now();
        exchange.request.send(&links[0])?;
        links.iter().try_for_each(|link| exchange.reply.expect(link, &mut buffer))?;
        let now = Instant::now();
        latencies.push((now - started).as_nanos() as u32);
        match meter.phase(now)? {
            Phase::Goes => deadline.check()?,
            Phase::Begins => latencies.clear(),
            Phase::Over => break,
        }
    }
    let mut figures = meter.figures((latencies.len() * together) as u64)?;
    add_percentiles(&mut figures, latencies);
    Ok(figures)
}
