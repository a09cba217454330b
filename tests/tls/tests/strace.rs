//! Does the trace of a program with TLS tell the system calls that the system saw?

#[path = "../../../examples/recorded/mod.rs"]
#[allow(dead_code)] // The command that merges ladders uses the rest.
mod recorded;
#[path = "../../strace/mod.rs"]
mod strace;
#[path = "../../support/mod.rs"]
mod support;

use std::env;
use std::process::Command;
use support::{Program, SOON, empty_folder, tool, with};
use tls_tests::{World, converse};

const CHILD: &str = "SOCKLAB_TEST_STRACED_TLS";

/// What the next test runs under strace.
#[test]
#[ignore = "is started by the other test"]
fn the_program_under_strace() {
    if env::var_os(CHILD).is_some() {
        let world = World::new();
        converse(&world.serving(), &world.trusting());
    }
}

#[test]
#[ignore = "needs strace: .ci/run installs it"]
fn a_program_with_tls_does_what_its_trace_says() {
    let folder = empty_folder("strace_tls");
    let (seen, trace) = (folder.join("strace"), folder.join("trace.jsonl"));
    let calls = "trace=%network,read,readv,write,writev,sendfile,splice,close,dup,dup2,dup3,fcntl";
    let command = with(tool("strace", "strace"), ["-f", "-s", "0", "-e", calls, "-e", "signal=none", "-o"]);
    let command = with(with(command, [&seen]), [env::current_exe().unwrap()]);
    let mut command: Command = with(command, ["--exact", "the_program_under_strace", "--ignored", "--nocapture"]);
    command.env(CHILD, "1").env("SOCKLAB_TRACE", "json").env("SOCKLAB_TRACE_FILE", &trace);
    Program::start("strace", command).succeed(SOON);
    let (seen, trace) = (std::fs::read_to_string(seen).unwrap(), std::fs::read_to_string(trace).unwrap());
    let (mut steps, _) = recorded::read_all("the trace", &trace).unwrap();
    if let Err(differences) = strace::compare(&steps, &seen) {
        panic!("{differences}\n\nstrace:\n{seen}\ntrace:\n{trace}");
    }
    // Each read and each write is one that would be missed.
    let mut calls = 0;
    for place in 0..steps.len() {
        if !matches!(steps[place].what, recorded::What::Call { came: recorded::Came::Bytes(_), .. }) {
            continue;
        }
        let lost = steps.remove(place);
        assert!(strace::compare(&steps, &seen).is_err(), "nobody misses this step: {lost:?}");
        steps.insert(place, lost);
        calls += 1;
    }
    assert!(calls > 10, "{calls} reads and writes");
}
