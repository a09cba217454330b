//! By how much must one of two clocks be wrong?
//!
//! No effect comes before its cause: a read returns after the write began that it got its bytes from. Where the records
//! of two machines show it the other way round, that is the least by which their clocks differ. How much more it is
//! nobody can tell from the records; NTP measures it, by asking and timing the answer.

use super::recorded::{Came, Recorded, What};
use super::{End, is_among, is_listener};
use socklab::trace::Call;
use std::time::{Duration, SystemTime};

/// By how much the server's times are moved.
#[derive(Debug, PartialEq)]
pub enum Shift {
    None,
    Later(Duration),
    Earlier(Duration),
    Impossible,
}

impl Shift {
    pub fn apply(&self, at: SystemTime) -> SystemTime {
        match self {
            Shift::Later(by) => at + *by,
            Shift::Earlier(by) => at.checked_sub(*by).unwrap_or(at),
            Shift::None | Shift::Impossible => at,
        }
    }
}

/// Each effect that one side saw gives a bound on how far the other's clock may be off. All in microseconds that are
/// added to the server's times: at least `lowest`, so that what the client caused comes after its cause, and at most
/// `highest`, so that what the server caused does. An effect comes at least a microsecond later, or they would be
/// drawn in any order.
pub fn shift(pairs: &[(End, End)], rest: &[End]) -> Shift {
    let (mut lowest, mut highest) = (i64::MIN, i64::MAX);
    for (client, server) in pairs {
        if client.file == server.file {
            continue; // One process, one clock.
        }
        for (cause, effect) in causes(client, server) {
            lowest = lowest.max(cause - effect + 1);
        }
        for (cause, effect) in causes(server, client) {
            highest = highest.min(effect - cause - 1);
        }
        // An accept is the listener's step, and its cause is the client's connect.
        let accepts = rest.iter().filter(|end| is_listener(end)).flat_map(|listener| &listener.steps);
        let accepted = accepts.filter_map(|step| match &step.what {
            What::Call { came: Came::Accepted { peer, .. }, .. } => Some((ended(step), *peer)),
            _ => None,
        });
        let own = client.addresses.map(|both| both.0);
        if let Some((effect, _)) = accepted.into_iter().find(|(_, peer)| is_among(own.as_slice(), *peer)) {
            let connects =
                client.steps.iter().filter(|step| matches!(step.what, What::Call { call: Call::Connect, .. }));
            lowest = connects.map(began).next_back().map_or(lowest, |cause| lowest.max(cause - effect + 1));
        }
    }
    let micros = |number: i64| Duration::from_micros(number.unsigned_abs());
    match (lowest, highest) {
        _ if lowest > highest => Shift::Impossible,
        _ if lowest > 0 => Shift::Later(micros(lowest)),
        _ if highest < 0 => Shift::Earlier(micros(highest)),
        _ => Shift::None,
    }
}

/// For each read of `to`: when the write of `from` began that holds its last byte, and when the read returned. The end
/// is caused by a shutdown or a close.
fn causes(from: &End, to: &End) -> Vec<(i64, i64)> {
    let mut written = Vec::new();
    let mut end = None;
    let mut count = 0;
    for step in &from.steps {
        match &step.what {
            What::Call { call: Call::Write, came: Came::Bytes(bytes) } => {
                count += bytes.len();
                written.push((count, began(step)));
            }
            What::Call { call: Call::Shutdown | Call::Close, came: Came::Done } => end = end.or(Some(began(step))),
            _ => {}
        }
    }
    let mut count = 0;
    let mut found = Vec::new();
    for step in &to.steps {
        let cause = match &step.what {
            What::Call { call: Call::Read, came: Came::Bytes(bytes) } => {
                count += bytes.len();
                written.get(written.partition_point(|(until, _)| *until < count)).map(|(_, began)| *began)
            }
            What::Call { call: Call::Read, came: Came::End } => end,
            _ => None,
        };
        found.extend(cause.map(|cause| (cause, ended(step))));
    }
    found
}

fn began(step: &Recorded) -> i64 {
    step.at.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64)
}

fn ended(step: &Recorded) -> i64 {
    began(step).saturating_add(step.took.as_micros() as i64)
}
