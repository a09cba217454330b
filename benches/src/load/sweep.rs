//! How many messages does a server send back, and how long does each take?
//!
//! Every client always has one exchange under way: a message, or 64 that leave in one write. One thread takes the clients
//! in turn: takes what has come of the answer, compares it, and when that was the last of it, sends the next. It never
//! sleeps, so it is busy all the time; the share of its looks that were in vain says whether it had anything to spare.

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
    let (mut looks, mut in_vain) = (0_u64, 0_u64);
    let mut under_way = Vec::with_capacity(links.len());
    for (index, link) in links.iter().enumerate() {
        let variant = index % exchanges.len();
        exchanges[variant].request.send(link)?;
        under_way.push(UnderWay { variant, sent: Instant::now(), received: 0 });
    }
    loop {
        let in_vain_before = in_vain;
        for (link, exchange) in links.iter().zip(&mut under_way) {
            let before = exchange.received;
            let done = exchanges[exchange.variant].reply.expect_more(&mut exchange.received, link, &mut buffer)?;
            in_vain += u64::from(exchange.received == before);
            if done {
                let now = Instant::now();
                latencies.push((now - exchange.sent).as_nanos() as u32);
                *exchange = UnderWay { variant: (exchange.variant + 1) % exchanges.len(), sent: now, received: 0 };
                exchanges[exchange.variant].request.send(link)?;
            }
        }
        looks += links.len() as u64;
        match meter.phase(Instant::now())? {
            Phase::Goes if in_vain > in_vain_before => deadline.check()?,
            Phase::Goes => {}
            Phase::Begins => {
                latencies.clear();
                (looks, in_vain) = (0, 0);
            }
            Phase::Over => break,
        }
    }
    for (link, exchange) in links.iter().zip(&mut under_way) {
        while !exchanges[exchange.variant].reply.expect_more(&mut exchange.received, link, &mut buffer)? {
            deadline.check()?;
        }
    }
    let mut figures = meter.figures(latencies.len() as u64 * messages)?;
    add_percentiles(&mut figures, latencies);
    figures.insert("in_vain".to_owned(), in_vain as f64 / looks as f64);
    Ok(figures)
}

/// A client's exchange: which one, since when, and how much of the answer has come.
struct UnderWay {
    variant: usize,
    sent: Instant,
    received: usize,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::TcpListener;
    use std::thread;
    use std::time::Duration;

    /// Runs a short sweep against a loop that gives back what `changes` makes of what it read.
    fn against(changes: impl Fn(&mut Vec<u8>) + Send + 'static) -> io::Result<Figures> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let echoes = thread::spawn(move || {
            let (mut socket, _) = listener.accept().unwrap();
            let mut buffer = vec![0; 4096];
            while let Ok(count @ 1..) = socket.read(&mut buffer) {
                let mut answer = buffer[..count].to_vec();
                changes(&mut answer);
                if socket.write_all(&answer).is_err() {
                    break;
                }
            }
        });
        let target = Target { address, speaks: Speaks::Raw, tls: None };
        let deadline = Deadline::after(Duration::from_secs(20));
        let result = run(&target, Meter::new(std::process::id(), 0.05), deadline, 32, 1, 1);
        echoes.join().unwrap();
        result
    }

    #[test]
    fn an_honest_echo_is_counted() {
        let figures = against(|_| {}).unwrap();
        assert!(figures["rate"] > 0.0 && figures["p50"] <= figures["p99"], "{figures:?}");
    }

    #[test]
    fn a_byte_that_comes_back_changed_fails_the_run() {
        let flips = |answer: &mut Vec<u8>| *answer.last_mut().unwrap() ^= 1;
        assert!(against(flips).unwrap_err().to_string().contains("came back as"));
    }

    #[test]
    fn a_byte_too_many_fails_the_run() {
        assert!(against(|answer| answer.push(0)).is_err());
    }
}
