//! The Autobahn suite: 301 cases of good and bad WebSocket, as a server and as a client.
//!
//! ```text
//! tests/peers/install.sh target/peers
//! SOCKLAB_PEERS=target/peers cargo test --test autobahn -- --ignored --nocapture
//! ```
//!
//! What each case must give is written down in `autobahn/expected.tsv` and compared in full: a case that is missing, or
//! one too many, or one that suddenly gives something better, is a difference too. The suite's own reports, with every
//! frame of every case, are left in `target/tmp/autobahn/`: open `index.html`.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use serde_json::Value;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Mutex;
use std::time::{Duration, Instant};
use support::{Program, SOON, empty_folder, python27, test_file, with};

/// All but compression, 12 and 13.
const CASES: &str = "1.*,2.*,3.*,4.*,5.*,6.*,7.*,8.*,9.*,10.*";
const AGENT: &str = "socklab";
/// It takes about 20 s; a case that hangs is given up by the suite itself after a while.
const ALL_CASES: Duration = Duration::from_secs(300);

/// Some cases look at the time a peer takes: the two tests do not run side by side.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

/// A case in its order, 9 before 10: what its messages got, and what the end of its connection got.
type Results = BTreeMap<Vec<u32>, [String; 2]>;

#[test]
#[ignore = "needs the Autobahn suite: tests/peers/install.sh"]
fn our_server_passes_every_case() {
    let _alone = ONE_AT_A_TIME.lock();
    let reports = empty_folder("autobahn/server");
    let (server, address) = Program::server("ws_echo_server", &[]);
    let started = Instant::now();
    let command = with(python27("fuzzing.py"), ["client", CASES]);
    let command = with(with(command, [reports.as_os_str()]), [AGENT, &format!("ws://{address}")]);
    let fuzzing = Program::start("the Autobahn client", command);
    fuzzing.succeed(ALL_CASES);
    compare("server", &reports, started.elapsed());
    drop(server);
}

#[test]
#[ignore = "needs the Autobahn suite: tests/peers/install.sh"]
fn our_client_passes_every_case() {
    let _alone = ONE_AT_A_TIME.lock();
    let reports = empty_folder("autobahn/client");
    let command = with(with(python27("fuzzing.py"), ["server", CASES]), [reports.as_os_str()]);
    let mut fuzzing = Program::start("the Autobahn server", command);
    let url = format!("ws://{}", fuzzing.address());
    let started = Instant::now();
    Program::example("ws_echo_client", &[&url, "--agent", AGENT]).succeed(ALL_CASES);
    let took = started.elapsed();
    fuzzing.close_stdin();
    fuzzing.succeed(SOON);
    compare("client", &reports, took);
}

/// Asks that the suite's verdicts be those written down.
fn compare(role: &str, reports: &Path, took: Duration) {
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
