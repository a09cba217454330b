//! Does a student's program end with its check, and all that it started?
//!
//! One test, because the second half says to the whole process that it runs one program at a time.

#![cfg(target_os = "linux")]

use lab::program::{Program, Recipe, sole};
use std::path::Path;
use std::time::{Duration, Instant};

/// Starts the shell's `script`, which prints the number of a process that it leaves behind, and ends the program.
fn left_behind(script: &str) -> u32 {
    let program = Program::start(&Recipe::new(["sh", "-c", script]), 1, &[]).unwrap();
    let line = program.output_line(Instant::now() + Duration::from_secs(10)).expect("it says who is left");
    let process = String::from_utf8(line).unwrap().trim().parse().unwrap();
    assert!(lives(process), "{script}: it is there before the end");
    drop(program);
    process
}

/// One that has ended, and of which nobody has asked how, is in the table and lives no more.
fn lives(process: u32) -> bool {
    let status =
        std::fs::read_to_string(Path::new("/proc").join(process.to_string()).join("status")).unwrap_or_default();
    status.lines().any(|line| line.starts_with("State:") && !line.contains(['Z', 'X']))
}

#[test]
fn what_a_program_started_ends_with_it() {
    for script in [
        // A child, and the child of a child.
        "sleep 300 & echo $!; wait",
        "sh -c 'sleep 300 & echo $!; wait' & wait",
        // A parent that has gone, so that the child is nobody's.
        "sh -c 'sleep 300 & echo $!'; sleep 300",
        // A daemon: a session of its own, begun by a process that ends at once.
        "setsid sh -c 'setsid sleep 300 & echo $!'; sleep 300",
        // The same, by a program that has ended already.
        "setsid sh -c 'setsid sleep 300 & echo $!'",
    ] {
        assert!(!lives(left_behind(script)), "{script}");
    }
    // A daemon that throws its environment away is known by its parents alone, and they have gone. Whoever runs one
    // program at a time knows whose it was.
    sole().unwrap();
    let script = "setsid sh -c 'env -i setsid sleep 300 & echo $!'; sleep 300";
    assert!(!lives(left_behind(script)), "{script}");
}
