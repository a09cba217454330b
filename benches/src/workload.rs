//! What is measured, and with whom?

use crate::contender::Contender;
use crate::deadline::Deadline;
use crate::link::Target;
use crate::load;
use crate::meter::{Figures, Meter};
use crate::server::Server;
use std::io;

/// What a server is asked to do, in the numbers of a full run.
#[derive(Debug, Clone, Copy)]
pub enum Work {
    /// So many bytes, clients, and messages that leave together.
    Sweep {
        size: usize,
        clients: usize,
        in_flight: usize,
    },
    /// So many bytes, and messages under way at a time.
    Bulk {
        size: usize,
        under_way: u64,
    },
    Churn,
    Burst {
        clients: usize,
        together: usize,
    },
    /// To so many clients, so many messages that come together.
    Broadcast {
        clients: usize,
        together: usize,
    },
    Idle {
        clients: usize,
    },
    /// No server: a function.
    Alone,
    /// No server: the system.
    Costs,
}

pub struct Workload {
    pub name: String,
    /// The figure that the table shows first.
    pub shows: &'static str,
    pub work: Work,
    pub tls: bool,
    pub contenders: Vec<Contender>,
}

const THREE: [Contender; 3] = [Contender::Raw, Contender::Socklab, Contender::Tungstenite];

/// All of them. `quick` asks for as little as shows that they run.
pub fn all(quick: bool) -> Vec<Workload> {
    let mut all = Vec::new();
    let mut add = |name: String, shows, work, tls, contenders: &[Contender]| {
        all.push(Workload { name, shows, work, tls, contenders: contenders.to_vec() });
    };
    let (kib, mib) = (1024, 1024 * 1024);
    let sizes = [("32b", 32), ("1k", kib), ("64k", 64 * kib)];
    for (called, size) in sizes {
        for clients in [1, 16, 256] {
            let work = Work::Sweep { size, clients, in_flight: 1 };
            add(format!("echo-{called}-{clients}"), "rate", work, false, &THREE);
        }
    }
    for tls in [false, true] {
        let prefix = if tls { "tls-" } else { "" };
        for (called, size) in sizes.into_iter().filter(|_| tls) {
            let work = Work::Sweep { size, clients: 16, in_flight: 1 };
            add(format!("tls-echo-{called}-16"), "rate", work, tls, &THREE);
        }
        for (called, size) in [("32b", 32), ("1k", kib)] {
            let work = Work::Sweep { size, clients: 4, in_flight: 64 };
            add(format!("{prefix}flight-{called}"), "rate", work, tls, &THREE);
        }
        for (called, size) in [("1m", mib), ("16m", 16 * mib)] {
            for (way, under_way) in [("", 1), ("-two", 2)] {
                let name = format!("{prefix}bulk-{called}{way}");
                add(name, "mib_per_s", Work::Bulk { size, under_way }, tls, &THREE);
            }
        }
    }
    add("churn".to_owned(), "rate", Work::Churn, false, &THREE);
    let (clients, together) = if quick { (200, 100) } else { (10_000, 1000) };
    add("burst".to_owned(), "rate", Work::Burst { clients, together }, false, &THREE);
    for clients in [100, 1000] {
        for (way, together) in [("", 1), ("-flight", 16)] {
            let work = Work::Broadcast { clients, together };
            add(format!("broadcast-{clients}{way}"), "rate", work, false, &THREE);
        }
    }
    let four = [THREE[0], THREE[1], THREE[2], Contender::TungsteniteSmall];
    for (tls, called, clients) in
        [(false, "idle-1000", 1000), (false, "idle-10000", 10_000), (true, "tls-idle-10000", 10_000)]
    {
        let contenders: &[Contender] = if tls { &THREE } else { &four };
        let clients = if quick { clients / 100 } else { clients };
        add(called.to_owned(), "kib_per_client", Work::Idle { clients }, tls, contenders);
    }
    let functions = [Contender::Memcpy, Contender::Mask, Contender::Utf8Ascii, Contender::Utf8Mixed];
    add("bytes".to_owned(), "gb_per_s", Work::Alone, false, &functions);
    let costs = [Contender::SystemCall, Contender::SendReceive, Contender::OtherThread, Contender::Thread];
    add("costs".to_owned(), "us", Work::Costs, false, &costs);
    all
}

impl Workload {
    /// One run against a server that has just started.
    pub fn run(&self, target: &Target, server: &Server, seconds: f64, deadline: Deadline) -> io::Result<Figures> {
        let meter = || Meter::new(server.process(), seconds);
        match self.work {
            Work::Sweep { size, clients, in_flight } => {
                load::sweep::run(target, meter(), deadline, size, clients, in_flight)
            }
            Work::Bulk { size, under_way } => load::bulk::run(target, meter(), deadline, size, under_way),
            Work::Churn => load::churn::run(target, meter(), deadline),
            Work::Burst { clients, together } => load::burst::run(target, deadline, clients, together),
            Work::Broadcast { clients, together } => load::broadcast::run(target, meter(), deadline, clients, together),
            Work::Idle { clients } => load::idle::run(target, server.process(), seconds, deadline, clients),
            Work::Alone | Work::Costs => Err(io::Error::other("it has no server")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_have_the_same_name_and_a_quick_run_has_them_all() {
        let names = |quick| all(quick).into_iter().map(|workload| workload.name).collect::<Vec<_>>();
        let mut once = names(false);
        once.sort();
        once.dedup();
        assert_eq!(once.len(), names(true).len());
        assert_eq!(names(false), names(true));
    }
}
