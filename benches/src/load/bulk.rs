//! How many bytes go through one connection?
//!
//! One client, and one thread that sends a piece when there is room and compares what has come, in turn and without sleeping:
//! were it to send all before it reads, both sides could be blocked in a write at once, for no system buffers 16 MiB. One
//! message at a time: a server that has to see its end before it answers cannot do both at once, as the raw loop does. With
//! two under way, the next is on its way meanwhile.

use super::{ROOM, open};
use crate::deadline::Deadline;
use crate::frames::message;
use crate::link::Target;
use crate::meter::{Figures, Meter, Phase};
use std::io;
use std::time::Instant;

pub fn run(target: &Target, mut meter: Meter, deadline: Deadline, size: usize, under_way: u64) -> io::Result<Figures> {
    let links = open(target, 1)?;
    let exchange = message(target.speaks, size, 1);
    let mut buffer = vec![0; ROOM];
    let (mut begun, mut sent, mut done, mut received) = (0, 0, 0, 0);
    let (mut before, mut looks, mut in_vain) = (0, 0_u64, 0_u64);
    for link in links.iter().cycle() {
        // Under TLS something may be left to write even when nothing new may begin.
        let piece = if begun < done + under_way { exchange.request.at(sent) } else { &[] };
        let count = link.try_send(piece)?;
        sent += count;
        if sent == exchange.request.len() {
            (begun, sent) = (begun + 1, 0);
        }
        let already = received;
        let whole = exchange.reply.expect_more(&mut received, link, &mut buffer)?;
        looks += 1;
        in_vain += u64::from(count == 0 && received == already);
        if whole {
            (done, received) = (done + 1, 0);
            match meter.phase(Instant::now())? {
                Phase::Goes => {}
                Phase::Begins => (before, looks, in_vain) = (done, 0, 0),
                Phase::Over => break,
            }
        } else if count == 0 {
            deadline.check()?;
        }
    }
    let mut figures = meter.figures(done - before)?;
    figures.insert("mib_per_s".to_owned(), figures["rate"] * size as f64 / (1024.0 * 1024.0));
    figures.insert("in_vain".to_owned(), in_vain as f64 / looks as f64);
    Ok(figures)
}
