//! How are the figures shown, and how are they kept?

use crate::asked::{Asked, Beside, Line, Round, lines};

use crate::contender::Contender;
use crate::machine;
use crate::meter::Figures;
use crate::statistics::{Estimate, estimate};
use crate::workload::Workload;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A workload and all its rounds.
pub struct Measured {
    pub workload: Workload,
    pub rounds: Vec<Round>,
}

/// Above this a core is full: the rest is the harness's own resolution.
const FULL: f64 = 0.95;

impl Measured {
    /// The medians of one workload, a contender a line, as soon as they are known.
    pub fn print(&self) {
        println!("\n{}", self.workload.name);
        for &contender in &self.workload.contenders {
            let shown: Vec<String> = self
                .names(contender)
                .iter()
                .filter_map(|name| Some(format!("{name} {}", short(self.median(contender, name)?))))
                .collect();
            let none = if shown.is_empty() { "not measured" } else { "" };
            println!("  {:18}{none}{}{}", contender.name(), shown.join("  "), self.note(contender));
        }
    }

    /// The figure that matters first, then the others by name.
    fn names(&self, contender: Contender) -> Vec<String> {
        let all: BTreeSet<String> = self.of(contender).flat_map(|figures| figures.keys().cloned()).collect();
        let first = self.workload.shows;
        let others = all.into_iter().filter(|name| name != first && name != "took");
        std::iter::once(first.to_owned()).chain(others).collect()
    }

    /// Whether the load generator was the narrow place.
    fn note(&self, contender: Contender) -> &'static str {
        // One that never sleeps is full when whatever it looks at is there already; in a lockstep nobody can tell.
        let load = self.median(contender, "in_vain").map(|in_vain| 1.0 - in_vain);
        match (load, self.median(contender, "server_busy")) {
            (Some(load), Some(server)) if load >= FULL && server < FULL => "  (the load generator is full)",
            _ => "",
        }
    }

    /// A verdict from rounds that others disturbed is no verdict: their spread reaches anything.
    fn doubt(&self, line: &Line) -> &'static str {
        let disturbed = |figures: &Figures| figures.get("others_busy").is_some_and(|&others| others > 0.1);
        let any = self.rounds.iter().flatten().any(|(_, figures)| disturbed(figures));
        if any && !matches!(line.asked, Asked::Told) { ", doubtful" } else { "" }
    }

    fn of(&self, contender: Contender) -> impl Iterator<Item = &Figures> {
        self.rounds.iter().flatten().filter(move |(who, _)| *who == contender).map(|(_, figures)| figures)
    }

    fn median(&self, contender: Contender, name: &str) -> Option<f64> {
        let values: Vec<f64> = self.of(contender).filter_map(|figures| figures.get(name).copied()).collect();
        Some(estimate(&values)?.median)
    }
}

/// The lines of what was asked for. The column "processor" compares the servers' own time for each message, which does not
/// depend on how fast the load generator is, and less than a rate on who else uses the machine. "Doubtful": in some round
/// others took over a tenth of a core (`--again` repeats such runs).
pub fn print_lines(measured: &[Measured]) {
    println!(
        "\n{:>2}  {:16} {:30} {:>7} {:17} {:>8}  {:18} {:>9}  {:>11}  known",
        "", "workload", "compared", "median", "interval", "asked", "", "processor", "tungstenite"
    );
    for line in lines() {
        let Some(of) = measured.iter().find(|measured| measured.workload.name == line.workload) else { continue };
        let value = line.value(&of.rounds);
        let item = if line.item > 0 { line.item.to_string() } else { String::new() };
        let median = |value: Option<Estimate>| value.map_or(String::new(), |value| short(value.median));
        let interval = value.map_or(String::new(), |value| format!("{} .. {}", short(value.low), short(value.high)));
        println!(
            "{item:>2}  {:16} {:30} {:>7} {interval:17} {:>8}  {:18} {:>9}  {:>11}  {}",
            line.workload,
            line.compares(),
            median(value),
            line.asked.says(),
            [line.asked.verdict(value), of.doubt(&line)].concat(),
            median(processor(&line, &of.rounds)),
            median(line.tungstenite_here(&of.rounds)),
            line.tungstenite,
        );
    }
}

/// The ratio of the servers' processor time for each message, turned so that more is better, as with rates.
fn processor(line: &Line, rounds: &[Round]) -> Option<Estimate> {
    let Beside::Contender(other) = line.beside else { return None };
    let time = |round: &Round, who| round.iter().find(|(contender, _)| *contender == who)?.1.get("server_us").copied();
    let ratio = |round| Some(time(round, other)? / time(round, line.of)?).filter(|ratio: &f64| ratio.is_finite());
    estimate(&rounds.iter().filter_map(ratio).collect::<Vec<_>>()).filter(|_| line.figure == "rate")
}

/// Three digits, or as many as stand before the point.
fn short(value: f64) -> String {
    match value.abs() {
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

/// Everything, for whoever draws or compares it later.
pub fn json(measured: &[Measured], seconds: f64) -> Value {
    let estimate = |value: Option<Estimate>| {
        value.map_or(Value::Null, |it| json!({ "median": it.median, "low": it.low, "high": it.high }))
    };
    let workloads = measured.iter().map(|of| {
        let contenders = of.workload.contenders.iter().map(|&contender| {
            let rounds: Vec<Value> = of.of(contender).map(|figures| json!(figures)).collect();
            (contender.name().to_owned(), json!(rounds))
        });
        (of.workload.name.clone(), json!(contenders.collect::<serde_json::Map<_, _>>()))
    });
    let lines = lines().into_iter().filter_map(|line| {
        let of = measured.iter().find(|measured| measured.workload.name == line.workload)?;
        let value = line.value(&of.rounds);
        Some(json!({
            "item": line.item,
            "workload": line.workload,
            "compared": line.compares(),
            "value": estimate(value),
            "asked": line.asked.says(),
            "verdict": ([line.asked.verdict(value), of.doubt(&line)].concat()),
            "processor": estimate(processor(&line, &of.rounds)),
            "tungstenite": estimate(line.tungstenite_here(&of.rounds)),
        }))
    });
    json!({
        "machine": machine::name(),
        "load": machine::load(),
        "seconds": seconds,
        "workloads": workloads.collect::<serde_json::Map<_, _>>(),
        "lines": lines.collect::<Vec<_>>(),
    })
}
