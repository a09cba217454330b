//! How many bytes go through one connection?
//!
//! One client, one thread that sends and one that receives and compares: with a single thread both sides could be blocked in
//! a write at once, for no system buffers 16 MiB. One message at a time: a server that has to see its end before it answers
//! cannot do both at once, as the raw loop does. With two under way, the next is on its way meanwhile.

use super::ROOM;
use crate::deadline::Deadline;
use crate::frames::message;
use crate::link::{Link, Target};
use crate::meter::{Figures, Meter, Phase};
use std::io;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Instant;

pub fn run(
    target: &Target,
    mut meter: Meter,
    deadline: Deadline,
    size: usize,
    under_way: usize,
) -> io::Result<Figures> {
    let link = Link::open(target)?;
    let exchange = message(target.speaks, size, 1);
    let (allows, allowed): (Sender<()>, Receiver<()>) = channel();
    let messages = thread::scope(|scope| {
        let (link, request) = (&link, &exchange.request);
        let sends = scope.spawn(move || allowed.iter().try_for_each(|()| request.send(link)));
        let mut receives = || {
            let mut buffer = vec![0; ROOM];
            let mut messages = 0;
            let allow = || allows.send(()).map_err(|_| io::Error::other("the sending thread ended"));
            for _ in 0..under_way {
                allow()?;
            }
            loop {
                exchange.reply.expect(link, &mut buffer)?;
                messages += 1;
                match meter.phase(Instant::now())? {
                    Phase::Goes => deadline.check()?,
                    Phase::Begins => messages = 0,
                    Phase::Over => break,
                }
                allow()?;
            }
            for _ in 1..under_way {
                exchange.reply.expect(link, &mut buffer)?;
            }
            Ok(messages)
        };
        let received: io::Result<u64> = receives();
        // Without anybody to allow more, the sending thread ends.
        drop(allows);
        let sent = sends.join().unwrap_or_else(|_| Err(io::Error::other("the sending thread panicked")));
        received.and_then(|messages| sent.map(|()| messages))
    })?;
    let mut figures = meter.figures(messages)?;
    figures.insert("mib_per_s".to_owned(), figures["rate"] * size as f64 / (1024.0 * 1024.0));
    Ok(figures)
}
