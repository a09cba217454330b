//! How many messages does a server send back, and how long does each take?
//!
//! Every client always has one exchange under way: a message, or 64 that leave in one write. One thread takes the clients
//! in turn: receives all of the client's answer, compares it, sends the next. So the latency of a message includes its wait
//! for its turn, with every server alike.

use super::{ROOM, open};
use crate::contender::Speaks;
use crate::deadline::Deadline;
use crate::frames::{Exchange, batch, message};
use crate::link::{Link, Target};
use crate::meter::{Figures, Meter, Phase, add_percentiles};
use std::io;
use std::time::Instant;

pub fn run(
    target: &Target,
    meter: Meter,
    deadline: Deadline,
    size: usize,
    clients: usize,
    in_flight: usize,
) -> io::Result<Figures> {
    let links = open(target, clients)?;
    let exchanges = exchanges(target.speaks, size, in_flight);
    sweep(&links, &exchanges, in_flight as u64, meter, deadline)
}

/// Different messages, so that one client's answer is not taken for another's or for an earlier one; few enough to stay in
/// the cache.
pub fn exchanges(speaks: Speaks, size: usize, in_flight: usize) -> Vec<Exchange> {
    let variants = if size * in_flight > 4096 { 3 } else { 61 };
    let make = |seed| if in_flight == 1 { message(speaks, size, seed) } else { batch(speaks, size, in_flight, seed) };
    (1..=variants).map(make).collect()
}

pub fn sweep(
    links: &[Link],
    exchanges: &[Exchange],
    messages: u64,
    mut meter: Meter,
    deadline: Deadline,
) -> io::Result<Figures> {
    let mut buffer = vec![0; ROOM];
    let mut latencies: Vec<u32> = Vec::with_capacity(1 << 20);
    let mut under_way = Vec::with_capacity(links.len());
    let mut turn = 0;
    for (index, link) in links.iter().enumerate() {
        under_way.push((index % exchanges.len(), Instant::now()));
        exchanges[index % exchanges.len()].request.send(link)?;
    }
    loop {
        turn += 1;
        let mut now = Instant::now();
        for (index, link) in links.iter().enumerate() {
            let (variant, sent) = under_way[index];
            exchanges[variant].reply.expect(link, &mut buffer)?;
            now = Instant::now();
            latencies.push((now - sent).as_nanos() as u32);
            let next = (index + turn) % exchanges.len();
            under_way[index] = (next, now);
            exchanges[next].request.send(link)?;
        }
        match meter.phase(now)? {
            Phase::Goes => deadline.check()?,
            Phase::Begins => latencies.clear(),
            Phase::Over => break,
        }
    }
    for (link, (variant, _)) in links.iter().zip(under_way) {
        exchanges[variant].reply.expect(link, &mut buffer)?;
    }
    let mut figures = meter.figures(latencies.len() as u64 * messages)?;
    add_percentiles(&mut figures, latencies);
    Ok(figures)
}
