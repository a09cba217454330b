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
#[path = "autobahn/verdicts.rs"]
mod verdicts;

use std::sync::Mutex;
use std::time::{Duration, Instant};
use support::{Program, SOON, empty_folder, python27, with};
use verdicts::{AGENT, compare};

/// All but compression, 12 and 13.
const CASES: &str = "1.*,2.*,3.*,4.*,5.*,6.*,7.*,8.*,9.*,10.*";
/// It takes about 20 s; a case that hangs is given up by the suite itself after a while.
const ALL_CASES: Duration = Duration::from_secs(300);

/// Some cases look at the time a peer takes: the two tests do not run side by side.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

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
