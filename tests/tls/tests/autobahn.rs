//! The Autobahn suite over wss: every case that our server passes in the clear it passes encrypted.
//!
//! ```text
//! tests/peers/install.sh target/peers && cargo build --examples
//! SOCKLAB_PEERS=$PWD/target/peers cargo test -p tls-tests --test autobahn -- --ignored --nocapture
//! ```

#[path = "../../support/mod.rs"]
mod support;
#[path = "../../autobahn/verdicts.rs"]
mod verdicts;

use std::time::{Duration, Instant};
use support::{Program, empty_folder, python27, with};
use tls_tests::World;
use verdicts::{AGENT, compare};

/// All but compression, 12 and 13.
const CASES: &str = "1.*,2.*,3.*,4.*,5.*,6.*,7.*,8.*,9.*,10.*";
const ALL_CASES: Duration = Duration::from_secs(300);

#[test]
#[ignore = "needs the Autobahn suite: tests/peers/install.sh"]
fn our_server_passes_every_case_over_tls() {
    let reports = empty_folder("autobahn/server-tls");
    let files = empty_folder("autobahn/server-tls-files");
    World::new().write(&files);
    let (server, address) = Program::server("ws_echo_server", &["--tls", files.to_str().unwrap()]);
    let started = Instant::now();
    // Whom it talks to is another test's question: this client believes everybody.
    let command = with(python27("fuzzing.py"), ["client", CASES]);
    let command = with(with(command, [reports.as_os_str()]), [AGENT, &format!("wss://{address}")]);
    Program::start("the Autobahn client", command).succeed(ALL_CASES);
    compare("server over TLS", &reports, started.elapsed());
    drop(server);
}
