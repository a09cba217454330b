//! What the Autobahn suite found, and what was to be found.

use crate::support::test_file;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

pub(crate) const AGENT: &str = "socklab";

/// A case in its order, 9 before 10: what its messages got, and what the end of its connection got.
type Results = BTreeMap<Vec<u32>, [String; 2]>;

/// Asks that the suite's verdicts be those written down.
pub(crate) fn compare(role: &str, reports: &Path, took: Duration) {
    let expected = expected();
    let got = verdicts(&reports.join("index.json"));
    let mut counts = BTreeMap::<&[String; 2], usize>::new();
    for verdict in got.values() {
        *counts.entry(verdict).or_default() += 1;
    }
    let counts: Vec<String> =
        counts.iter().map(|([behavior, close], count)| format!("{count} {behavior}/{close}")).collect();
    println!("autobahn, socklab as {role}: {} cases in {took:.1?}: {}", got.len(), counts.join(", "));

    let mut differences = Vec::new();
    for (case, expected) in &expected {
        let name = name(case);
        match got.get(case) {
            None => differences.push(format!("{name}: not run, expected {}", expected.join("/"))),
            Some(got) if got != expected => {
                let report = reports.join(format!("{AGENT}_case_{}.html", name.replace('.', "_")));
                let (got, expected) = (got.join("/"), expected.join("/"));
                differences.push(format!("{name}: {got}, expected {expected}; see {}", report.display()));
            }
            Some(_) => {}
        }
    }
    for (case, verdict) in got.iter().filter(|(case, _)| !expected.contains_key(*case)) {
        differences.push(format!(
            "{}: {}, of which tests/autobahn/expected.tsv says nothing",
            name(case),
            verdict.join("/")
        ));
    }
    assert!(
        differences.is_empty(),
        "socklab as {role}, {} differences:\n{}",
        differences.len(),
        differences.join("\n")
    );
}

fn expected() -> Results {
    let file = test_file("autobahn/expected.tsv");
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    let mut results = Results::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [case, behavior, close] = fields[..] else { panic!("{}: not three fields: {line:?}", file.display()) };
        let twice = results.insert(number(case), [behavior.to_owned(), close.to_owned()]);
        assert!(twice.is_none(), "{}: {case} stands there twice", file.display());
    }
    results
}

/// The suite's own table: agent, case, verdicts.
fn verdicts(index: &Path) -> Results {
    let text = std::fs::read(index).unwrap_or_else(|error| panic!("no {}: {error}", index.display()));
    let table: Value = serde_json::from_slice(&text).expect("index.json is JSON");
    let cases = table[AGENT].as_object().unwrap_or_else(|| panic!("{}: nothing about {AGENT}", index.display()));
    let text = |value: &Value| value.as_str().unwrap_or("?").to_owned();
    cases
        .iter()
        .map(|(case, verdict)| (number(case), [text(&verdict["behavior"]), text(&verdict["behaviorClose"])]))
        .collect()
}

fn number(case: &str) -> Vec<u32> {
    case.split('.').map(|part| part.parse().unwrap_or_else(|_| panic!("not a case: {case:?}"))).collect()
}

fn name(case: &[u32]) -> String {
    case.iter().map(u32::to_string).collect::<Vec<_>>().join(".")
}
