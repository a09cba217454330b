//! What was asked for, and is it reached?
//!
//! Each line compares a figure of one contender with another's in the same round, or takes it as it is. A line is reached
//! if the interval of its median reaches the figure that was asked for.

use crate::contender::Contender;
use crate::meter::Figures;
use crate::statistics::{Estimate, estimate};

/// Beside what a figure stands.
#[derive(Debug, Clone, Copy)]
pub enum Beside {
    /// The same figure of another contender, in the same round.
    Contender(Contender),
    /// Another figure of the same run.
    Figure(&'static str),
    Nothing,
}

#[derive(Debug, Clone, Copy)]
pub enum Asked {
    AtLeast(f64),
    AtMost(f64),
    /// Nothing is asked for; the figure is told.
    Told,
}

pub struct Line {
    /// The number in the list of what must be shown; 0 for what is told besides.
    pub item: u8,
    pub workload: &'static str,
    pub figure: &'static str,
    pub of: Contender,
    pub beside: Beside,
    pub asked: Asked,
    /// What tungstenite reached on a machine of the same kind, if it is known.
    pub tungstenite: &'static str,
}

/// All lines.
pub fn lines() -> Vec<Line> {
    use Asked::{AtLeast, AtMost, Told};
    use Contender::{Mask, Memcpy, Raw, Socklab, Tungstenite, Utf8Ascii, Utf8Mixed};
    let raw = Beside::Contender(Raw);
    let line = |item, workload, figure, of, beside, asked, tungstenite| Line {
        item,
        workload,
        figure,
        of,
        beside,
        asked,
        tungstenite,
    };
    let rate = |item, workload, asked, tungstenite| line(item, workload, "rate", Socklab, raw, asked, tungstenite);
    let p99 = |workload| line(1, workload, "p99", Socklab, raw, AtMost(1.25), "");
    let memcpy = Beside::Contender(Memcpy);
    vec![
        rate(0, "echo-32b-1", Told, ""),
        rate(0, "echo-1k-1", Told, ""),
        rate(0, "echo-64k-1", Told, ""),
        rate(1, "echo-32b-16", AtLeast(0.95), "0.87"),
        rate(1, "echo-1k-16", AtLeast(0.95), "0.87"),
        rate(1, "echo-64k-16", AtLeast(0.95), "0.87"),
        rate(1, "echo-32b-256", AtLeast(0.92), "0.75"),
        rate(0, "echo-1k-256", Told, ""),
        rate(0, "echo-64k-256", Told, ""),
        p99("echo-32b-16"),
        p99("echo-1k-16"),
        p99("echo-64k-16"),
        p99("echo-32b-256"),
        rate(2, "flight-32b", AtLeast(0.80), "0.03"),
        rate(2, "flight-1k", AtLeast(0.80), "0.07"),
        rate(3, "bulk-1m", AtLeast(0.88), "0.55"),
        rate(3, "bulk-16m", AtLeast(0.95), "0.65"),
        rate(0, "bulk-1m-two", Told, ""),
        rate(0, "bulk-16m-two", Told, ""),
        line(3, "bytes", "gb_per_s", Mask, memcpy, AtLeast(0.5), ""),
        line(0, "bytes", "gb_per_s", Utf8Ascii, memcpy, Told, ""),
        line(0, "bytes", "gb_per_s", Utf8Mixed, memcpy, Told, ""),
        rate(4, "churn", AtLeast(0.85), "0.69"),
        line(4, "burst", "refused", Socklab, Beside::Nothing, AtMost(0.0), ""),
        line(4, "burst", "repeated", Socklab, Beside::Nothing, Told, ""),
        line(0, "idle-1000", "kib_per_client", Socklab, Beside::Nothing, Told, ""),
        line(5, "idle-10000", "kib_per_client", Socklab, Beside::Nothing, AtMost(26.0), "164, small 36"),
        line(5, "tls-idle-10000", "kib_per_client", Socklab, Beside::Nothing, AtMost(64.0), "181"),
        line(5, "idle-10000", "p50_all", Socklab, Beside::Figure("p50_few"), AtMost(1.5), ""),
        line(0, "broadcast-100", "rate", Socklab, Beside::Contender(Tungstenite), Told, ""),
        line(6, "broadcast-1000", "rate", Socklab, Beside::Contender(Tungstenite), AtLeast(1.5), "1"),
        rate(0, "broadcast-1000", Told, ""),
        rate(0, "broadcast-1000-flight", Told, ""),
        line(0, "broadcast-100-flight", "rate", Socklab, Beside::Contender(Tungstenite), Told, ""),
        line(6, "broadcast-1000-flight", "rate", Socklab, Beside::Contender(Tungstenite), AtLeast(1.5), "1"),
        rate(7, "tls-echo-32b-16", AtLeast(0.90), ""),
        rate(7, "tls-echo-1k-16", AtLeast(0.90), ""),
        rate(7, "tls-echo-64k-16", AtLeast(0.90), ""),
        rate(7, "tls-flight-32b", AtLeast(0.80), "0.03"),
        rate(7, "tls-flight-1k", AtLeast(0.80), ""),
        rate(0, "tls-bulk-1m", Told, ""),
        rate(7, "tls-bulk-16m", AtLeast(0.95), "0.33"),
        rate(0, "tls-bulk-1m-two", Told, ""),
        rate(0, "tls-bulk-16m-two", Told, ""),
    ]
}

/// One round: what each contender of a workload found.
pub type Round = Vec<(Contender, Figures)>;

impl Line {
    /// The line's value over these rounds; nothing if no round has all that it needs.
    pub fn value(&self, rounds: &[Round]) -> Option<Estimate> {
        self.value_of(self.of, rounds)
    }

    /// The same value for tungstenite in our own run, where that is a ratio to another contender.
    pub fn tungstenite_here(&self, rounds: &[Round]) -> Option<Estimate> {
        let compares =
            self.of == Contender::Socklab && !matches!(self.beside, Beside::Contender(Contender::Tungstenite));
        compares.then(|| self.value_of(Contender::Tungstenite, rounds))?
    }

    fn value_of(&self, of: Contender, rounds: &[Round]) -> Option<Estimate> {
        let find = |round: &Round, who: Contender, figure: &str| {
            let figures = &round.iter().find(|(contender, _)| *contender == who)?.1;
            figures.get(figure).copied()
        };
        let value = |round| {
            let own = find(round, of, self.figure)?;
            Some(match self.beside {
                Beside::Contender(other) => own / find(round, other, self.figure)?,
                Beside::Figure(other) => own / find(round, of, other)?,
                Beside::Nothing => own,
            })
        };
        estimate(&rounds.iter().filter_map(value).collect::<Vec<_>>())
    }

    /// What the line compares.
    pub fn compares(&self) -> String {
        match self.beside {
            Beside::Contender(other) => format!("{} {}/{}", self.figure, self.of.name(), other.name()),
            Beside::Figure(other) => format!("{}/{other} {}", self.figure, self.of.name()),
            Beside::Nothing => format!("{} {}", self.figure, self.of.name()),
        }
    }
}

impl Asked {
    pub fn says(self) -> String {
        match self {
            Asked::AtLeast(figure) => format!(">= {figure}"),
            Asked::AtMost(figure) => format!("<= {figure}"),
            Asked::Told => String::new(),
        }
    }

    /// In words, for the table.
    pub fn verdict(self, value: Option<Estimate>) -> &'static str {
        match (self, value) {
            (Asked::Told, _) => "",
            (_, None) => "not measured",
            (Asked::AtLeast(figure), Some(value)) if value.high >= figure => "reached",
            (Asked::AtMost(figure), Some(value)) if value.low <= figure => "reached",
            _ => "MISSED",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workload;

    #[test]
    fn every_line_is_about_a_workload_that_has_its_contenders() {
        let workloads = workload::all(false);
        for line in lines() {
            let workload = workloads.iter().find(|workload| workload.name == line.workload).unwrap();
            assert!(workload.contenders.contains(&line.of), "{}", line.workload);
            if let Beside::Contender(other) = line.beside {
                assert!(workload.contenders.contains(&other), "{}", line.workload);
            }
        }
    }

    #[test]
    fn a_ratio_is_of_the_same_round_and_reaches_what_its_interval_reaches() {
        let round = |raw: f64, socklab: f64| -> Round {
            [(Contender::Raw, raw), (Contender::Socklab, socklab)]
                .map(|(who, rate)| (who, Figures::from([("rate".to_owned(), rate)])))
                .into()
        };
        let line = lines().into_iter().find(|line| line.workload == "echo-32b-16").unwrap();
        let value = line.value(&[round(100.0, 90.0), round(50.0, 47.5), round(10.0, 8.0), Round::new()]);
        assert_eq!(value, Some(Estimate { median: 0.9, low: 0.8, high: 0.95 }));
        assert_eq!(line.asked.verdict(value), "reached");
        assert_eq!(line.asked.verdict(line.value(&[round(100.0, 94.0)])), "MISSED");
        assert_eq!(line.asked.verdict(line.value(&[])), "not measured");
        assert_eq!(Asked::AtMost(1.25).verdict(value), "reached");
        assert_eq!(Asked::AtMost(0.7).verdict(value), "MISSED");
    }
}
