//! Which plots are there, and what does each show?
//!
//! Few, and each for one point of `course/measured/lesson.md`. What a bar is long for stands in the same words in which the
//! lesson asks for its figures.

use super::bars::{Bar, Group, Plot};
use super::kept::{Kept, in_words};
use crate::statistics::Estimate;

/// Bars of one figure: a group for each workload, in it a bar for each contender that took part.
struct Asked {
    name: &'static str,
    title: &'static str,
    says: &'static [&'static str],
    figure: &'static str,
    /// Beside the same figure of another contender in the same round.
    beside: Option<(&'static str, &'static str)>,
    contenders: &'static [&'static str],
    /// Heading, workload, and how many each of the figure's units stands for.
    groups: &'static [(&'static str, &'static str, f64)],
}

const SERVERS: &[&str] = &["raw", "socklab", "tungstenite", "tungstenite-small"];
const BOTH: &[&str] = &["socklab", "tungstenite"];

const PLOTS: [Asked; 7] = [
    Asked {
        name: "costs",
        title: "What the system takes, in microseconds",
        says: &["One core. Shorter is better."],
        figure: "us",
        beside: None,
        contenders: &["system-call", "send-receive", "other-thread", "thread"],
        groups: &[("One of each", "costs", 1.0)],
    },
    Asked {
        name: "batching",
        title: "Messages a second",
        says: &["The server has one core. Longer is better."],
        figure: "rate",
        beside: None,
        contenders: SERVERS,
        groups: &[
            ("One at a time: 32 B, 16 clients", "echo-32b-16", 1.0),
            ("64 in flight: 32 B, 4 clients", "flight-32b", 1.0),
            ("64 in flight: 1 KiB, 4 clients", "flight-1k", 1.0),
        ],
    },
    Asked {
        name: "processor",
        title: "Server's processor time for a message",
        says: &["32 B, one at a time. Shorter is better."],
        figure: "server_us",
        beside: None,
        contenders: SERVERS,
        groups: &[
            ("1 client", "echo-32b-1", 1.0),
            ("16 clients", "echo-32b-16", 1.0),
            ("256 clients", "echo-32b-256", 1.0),
        ],
    },
    Asked {
        name: "memory",
        title: "Memory for a client that is idle",
        says: &["What is resident, without the system's own part.", "Shorter is better."],
        figure: "kib_per_client",
        beside: None,
        contenders: SERVERS,
        groups: &[
            ("1,000 clients", "idle-1000", 1.0),
            ("10,000 clients", "idle-10000", 1.0),
            ("10,000 clients over TLS", "tls-idle-10000", 1.0),
        ],
    },
    Asked {
        name: "bulk",
        title: "Large messages, there and back",
        says: &["MiB of payload a second each way, one client.", "Longer is better."],
        figure: "mib_per_s",
        beside: None,
        contenders: SERVERS,
        groups: &[
            ("1 MiB, one at a time", "bulk-1m", 1.0),
            ("1 MiB, two under way", "bulk-1m-two", 1.0),
            ("16 MiB, one at a time", "bulk-16m", 1.0),
            ("16 MiB, two under way", "bulk-16m-two", 1.0),
        ],
    },
    Asked {
        name: "tls",
        title: "Over TLS, beside a raw rustls loop",
        says: &["Messages a second, as a ratio. Longer is better."],
        figure: "rate",
        beside: Some(("raw", "raw loop = 1")),
        contenders: BOTH,
        groups: &[
            ("One at a time: 32 B, 16 clients", "tls-echo-32b-16", 1.0),
            ("One at a time: 64 KiB, 16 clients", "tls-echo-64k-16", 1.0),
            ("64 in flight: 32 B, 4 clients", "tls-flight-32b", 1.0),
            ("64 in flight: 1 KiB, 4 clients", "tls-flight-1k", 1.0),
            ("16 MiB, one at a time, 1 client", "tls-bulk-16m", 1.0),
        ],
    },
    Asked {
        name: "broadcast",
        title: "Copies of a broadcast delivered a second",
        says: &["1 KiB, the next when the last client has it.", "Longer is better."],
        figure: "rate",
        beside: None,
        contenders: SERVERS,
        groups: &[
            ("100 clients", "broadcast-100", 100.0),
            ("1,000 clients", "broadcast-1000", 1000.0),
            ("1,000 clients, 16 messages together", "broadcast-1000-flight", 1000.0),
        ],
    },
];

/// All of them, with what was kept.
pub fn all(kept: &Kept) -> Result<Vec<Plot>, String> {
    PLOTS.iter().map(|asked| asked.plot(kept)).collect()
}

impl Asked {
    fn plot(&self, kept: &Kept) -> Result<Plot, String> {
        let groups = self.groups.iter().map(|group| self.group(kept, group)).collect::<Result<Vec<_>, _>>()?;
        let mut says: Vec<String> = self.says.iter().map(|&line| line.to_owned()).collect();
        says.push(format!("Median of {} rounds; the line: its interval.", self.rounds(kept)));
        let beside = self.beside.map(|(_, name)| (1.0, name));
        Ok(Plot { name: self.name, title: self.title.to_owned(), says, groups, beside })
    }

    /// How often each was measured, in words.
    fn rounds(&self, kept: &Kept) -> String {
        let each = |contender| self.groups.iter().map(move |&(_, workload, _)| kept.rounds(workload, contender));
        let counts = || self.contenders.iter().copied().flat_map(each).filter(|&count| count > 0);
        match (counts().min().unwrap_or(0), counts().max().unwrap_or(0)) {
            (least, most) if least == most => least.to_string(),
            (least, most) => format!("{least} to {most}"),
        }
    }

    fn group(&self, kept: &Kept, &(heading, workload, times): &(&str, &str, f64)) -> Result<Group, String> {
        // Some workloads leave out a contender; one that leaves out all has not been measured, and says so.
        let there = |contender: &&&str| kept.has(workload, contender);
        let mut contenders: Vec<&str> = self.contenders.iter().filter(there).copied().collect();
        if contenders.is_empty() {
            contenders = self.contenders.to_vec();
        }
        let bar = |contender: &str| {
            let figure = self.figure;
            let asked = match self.beside {
                Some((other, _)) => format!("{figure} {workload} {contender} / {figure} {workload} {other}"),
                None => format!("{figure} {workload} {contender}"),
            };
            let value = kept.value(&asked)?;
            let value = Estimate { median: value.median * times, low: value.low * times, high: value.high * times };
            let (name, class) = shown(contender);
            Ok(Bar { name: name.to_owned(), class, value, label: in_words(&asked, value.median) })
        };
        let bars = contenders.into_iter().map(bar).collect::<Result<Vec<_>, String>>()?;
        Ok(Group { heading: heading.to_owned(), bars })
    }
}

/// A contender's name in a plot, and its colour.
pub fn shown(contender: &str) -> (&str, &'static str) {
    match contender {
        "socklab" => ("socklab", "first"),
        "raw" => ("raw loop", "second"),
        "tungstenite" => ("tungstenite", "third"),
        "tungstenite-small" => ("tungstenite, 4 KiB", "fourth"),
        "system-call" => ("a system call", "second"),
        "send-receive" => ("send, receive", "first"),
        "other-thread" => ("send, wake, receive", "first"),
        "thread" => ("start, end a thread", "third"),
        other => (other, "second"),
    }
}
