//! How long until everybody has been told?
//!
//! One client says 1 KiB, or several times that in one write, the server says it to all, and when the last of them has it,
//! the next is said. One thread reads all clients in turn and compares.

use super::sweep::exchanges;
use super::{ROOM, open};
use crate::bytes::Bytes;
use crate::contender::Speaks;
use crate::deadline::Deadline;
use crate::frames::{LISTED, PING, PONG};
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
    // The raw loop knows no Ping, and says so by itself.
    let is_in = match target.speaks {
        Speaks::Raw => Bytes::once(LISTED.to_vec()),
        Speaks::WebSocket => {
            links.iter().try_for_each(|link| link.send(&PING))?;
            Bytes::once(PONG.to_vec())
        }
    };
    links.iter().try_for_each(|link| is_in.expect(link, &mut buffer))?;
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
