//! What is one run's result?
//!
//! Figures with names. Beside what is asked for, each run notes how busy both sides were: where the load generator's core is
//! full and the server's is not, the ratio says more about the load generator than about the servers, and the table
//! marks it. The server's processor time for each message does not depend on that. And it notes how busy others kept the
//! machine meanwhile, in cores: what was measured beside a busy neighbour is better measured again.

use crate::machine;
use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

/// What one run found: `rate` in messages a second, `p50` and `p99` in microseconds, and so on, as the workload says.
pub type Figures = BTreeMap<String, f64>;

/// The measured part of a run: after the warm-up, before the last answers trickle in.
pub struct Meter {
    server: u32,
    warm_up: Duration,
    measured: Duration,
    started: Instant,
    begun: Option<(Instant, Spent)>,
    busy: Option<Figures>,
}

/// Processor time until now: the server's, our own, everybody's.
#[derive(Clone, Copy)]
struct Spent {
    server: Duration,
    load: Duration,
    all: Duration,
}

/// Where the run is.
#[derive(Debug, PartialEq, Eq)]
pub enum Phase {
    Goes,
    /// From now on it counts: forget what was counted before.
    Begins,
    Over,
}

impl Meter {
    pub fn new(server: u32, seconds: f64) -> Meter {
        let measured = Duration::from_secs_f64(seconds);
        Meter { server, warm_up: measured / 5, measured, started: Instant::now(), begun: None, busy: None }
    }

    /// To be asked now and then.
    pub fn phase(&mut self, now: Instant) -> io::Result<Phase> {
        match self.begun {
            None if now - self.started >= self.warm_up => {
                self.begun = Some((now, self.spent()?));
                Ok(Phase::Begins)
            }
            Some((begun, before)) if now - begun >= self.measured => {
                let (took, after) = ((now - begun).as_secs_f64(), self.spent()?);
                let share = |after: Duration, before: Duration| after.saturating_sub(before).as_secs_f64() / took;
                let (server, load) = (share(after.server, before.server), share(after.load, before.load));
                let others = (share(after.all, before.all) - server - load).max(0.0);
                let figures = [("took", took), ("server_busy", server), ("load_busy", load), ("others_busy", others)];
                self.busy = Some(figures.map(|(name, value)| (name.to_owned(), value)).into());
                Ok(Phase::Over)
            }
            _ => Ok(Phase::Goes),
        }
    }

    fn spent(&self) -> io::Result<Spent> {
        let load = machine::processor_time(std::process::id())?;
        Ok(Spent { server: machine::processor_time(self.server)?, load, all: machine::everybodys_time()? })
    }

    /// What came of it, with so many messages counted.
    pub fn figures(self, messages: u64) -> io::Result<Figures> {
        let mut figures = self.busy.ok_or_else(|| io::Error::other("the run ended before its time"))?;
        let rate = messages as f64 / figures["took"];
        figures.insert("server_us".to_owned(), figures["server_busy"] / rate * 1e6);
        figures.insert("rate".to_owned(), rate);
        Ok(figures)
    }
}

/// Adds the median and the 99th percentile of these latencies, in microseconds.
pub fn add_percentiles(figures: &mut Figures, mut nanoseconds: Vec<u32>) {
    nanoseconds.sort_unstable();
    for (name, hundredths) in [("p50", 50), ("p99", 99)] {
        // The smallest that at least so many of a hundred do not exceed.
        let rank = (nanoseconds.len() * hundredths).div_ceil(100).max(1) - 1;
        if let Some(&latency) = nanoseconds.get(rank) {
            figures.insert(name.to_owned(), f64::from(latency) / 1000.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_ranks() {
        let mut figures = Figures::new();
        add_percentiles(&mut figures, (1..=200).rev().map(|number| number * 1000).collect());
        assert_eq!((figures["p50"], figures["p99"]), (100.0, 198.0));
        add_percentiles(&mut figures, vec![7000]);
        assert_eq!((figures["p50"], figures["p99"]), (7.0, 7.0));
    }
}
