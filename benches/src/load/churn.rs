//! What does a client cost that comes, says one thing and goes?
//!
//! Sixty-four at a time: all connect, all upgrade where there is something to upgrade to, all send 32 bytes and compare the
//! echo, all say goodbye and wait for the end. With a raw loop goodbye is the end of what we send; with WebSocket it is a
//! Close frame, answered by one, after which the server ends the connection.

use super::ROOM;
use crate::contender::Speaks;
use crate::deadline::Deadline;
use crate::frames::{UPGRADE, message};
use crate::link::{Link, Target};
use crate::meter::{Figures, Meter, Phase};
use std::io;
use std::time::Instant;

const TOGETHER: usize = 64;

pub fn run(target: &Target, mut meter: Meter, deadline: Deadline) -> io::Result<Figures> {
    let mut buffer = vec![0; ROOM];
    let exchange = message(target.speaks, 32, 1);
    let mut clients = 0;
    loop {
        let links: Vec<Link> = (0..TOGETHER).map(|_| Link::connect(target)?.spinning()).collect::<io::Result<_>>()?;
        if target.speaks == Speaks::WebSocket {
            links.iter().try_for_each(|link| link.send(UPGRADE))?;
            links.iter().try_for_each(Link::hear_agreement)?;
        }
        links.iter().try_for_each(|link| exchange.request.send(link))?;
        links.iter().try_for_each(|link| exchange.reply.expect(link, &mut buffer))?;
        links.iter().try_for_each(|link| link.say_goodbye(target))?;
        links.iter().try_for_each(|link| link.hear_goodbye(target))?;
        clients += TOGETHER as u64;
        match meter.phase(Instant::now())? {
            Phase::Goes => deadline.check()?,
            Phase::Begins => clients = 0,
            Phase::Over => return meter.figures(clients),
        }
    }
}
