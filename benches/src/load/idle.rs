//! What does a client cost that only stays?
//!
//! All come, have one message echoed, and fall silent; then the server's resident memory is divided among them. One more
//! client is active, first beside ten that are silent and then beside all. At the end some of the silent ones speak again.

use super::{ROOM, open};
use crate::deadline::Deadline;
use crate::frames::message;
use crate::link::Target;
use crate::load::sweep::{exchanges, sweep};
use crate::machine;
use crate::meter::{Figures, Meter};
use std::io;
use std::time::Instant;

const FEW: usize = 10;
const SAMPLES: usize = 100;

pub fn run(target: &Target, server: u32, seconds: f64, deadline: Deadline, clients: usize) -> io::Result<Figures> {
    let mut buffer = vec![0; ROOM];
    let exchange = message(target.speaks, 32, 1);
    let empty = machine::resident(server)?;
    let started = Instant::now();
    let mut active = open(target, 1)?;
    let mut idle = Vec::with_capacity(clients);
    let mut come_to = |count: usize, idle: &mut Vec<_>| -> io::Result<()> {
        while idle.len() < count {
            deadline.check()?;
            let mut link = open(target, 1)?;
            exchange.request.send(&link[0])?;
            exchange.reply.expect(&link[0], &mut buffer)?;
            idle.append(&mut link);
        }
        Ok(())
    };
    let talk = exchanges(target.speaks, 32, 1);
    let latency =
        |active: &[_]| Ok::<f64, io::Error>(sweep(active, &talk, 1, Meter::new(server, seconds), deadline)?["p50"]);

    come_to(FEW.min(clients), &mut idle)?;
    let beside_few = latency(&active)?;
    come_to(clients, &mut idle)?;
    let opened = started.elapsed().as_secs_f64();
    let resident = machine::resident(server)?;
    let threads = machine::threads(server)?;
    let beside_all = latency(&active)?;
    for link in idle.iter().step_by((clients / SAMPLES).max(1)) {
        exchange.request.send(link)?;
        exchange.reply.expect(link, &mut buffer)?;
    }
    active.append(&mut idle);
    let figures = [
        ("kib_per_client", resident / (clients + 1) as f64),
        ("kib_empty", empty),
        ("threads", threads),
        ("open_s", opened),
        ("p50_few", beside_few),
        ("p50_all", beside_all),
    ];
    Ok(figures.map(|(name, value)| (name.to_owned(), value)).into())
}
