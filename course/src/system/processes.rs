//! Who belongs to a program, and what are they doing?
//!
//! # In production
//!
//! `ps` and `top` read the same files, and a container's own process table spares the search for whom a program left behind.

use std::fs;
use std::path::Path;
use std::time::Duration;

/// What a program is doing at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Activity {
    /// Processor time of all its threads, in hundredths of a second.
    pub ticks: u64,
    /// How often one of its threads was given a processor: a thread that wakes and sleeps again is seen by this alone.
    pub switches: u64,
    /// Every thread waits for something that has not come.
    pub asleep: bool,
}

/// What `processes` are doing together, or `None` where it cannot be seen.
pub fn activity(processes: &[u32]) -> Option<Activity> {
    let mut sum = Activity { ticks: 0, switches: 0, asleep: true };
    let mut seen = false;
    for process in processes {
        for thread in fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten() {
            let Some((state, ticks)) = state_and_ticks(&thread.path()) else { continue };
            seen = true;
            sum.ticks += ticks;
            sum.asleep &= state == 'S' || state == 'Z';
            let status = fs::read_to_string(thread.path().join("status")).unwrap_or_default();
            sum.switches +=
                status.lines().filter(|line| line.contains("ctxt_switches")).filter_map(last_number).sum::<u64>();
        }
    }
    seen.then_some(sum)
}

/// Processor time of all threads of `processes`, to the nanosecond where the system counts so (`schedstat` in proc(5)).
pub fn processor_time(processes: &[u32]) -> Option<Duration> {
    let mut nanoseconds = Vec::new();
    for process in processes {
        for thread in fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten() {
            let text = fs::read_to_string(thread.path().join("schedstat")).unwrap_or_default();
            nanoseconds.extend(text.split_whitespace().next().and_then(|first| first.parse::<u64>().ok()));
        }
    }
    match nanoseconds.is_empty() {
        true => activity(processes).map(|activity| Duration::from_millis(10 * activity.ticks)),
        false => Some(Duration::from_nanos(nanoseconds.iter().sum())),
    }
}

/// Whether every thread of `processes` has been stopped by a signal, or `None` where it cannot be seen.
pub fn stopped(processes: &[u32]) -> Option<bool> {
    let mut states = Vec::new();
    for process in processes {
        for thread in fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten() {
            states.extend(state_and_ticks(&thread.path()).map(|(state, _)| state));
        }
    }
    (!states.is_empty()).then(|| states.iter().all(|state| matches!(state, 'T' | 'Z')))
}

/// Whether one thread waits for something that has not come; `None` where that cannot be seen, or it is gone.
pub fn thread_sleeps(thread: &Path) -> Option<bool> {
    state_and_ticks(thread).map(|(state, _)| state == 'S')
}

/// The fields behind the program's name, which may itself contain spaces and parentheses: see proc(5).
fn state_and_ticks(thread: &Path) -> Option<(char, u64)> {
    let stat = fs::read_to_string(thread.join("stat")).ok()?;
    let fields: Vec<&str> = stat.rsplit_once(") ")?.1.split(' ').collect();
    Some((fields.first()?.chars().next()?, fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?))
}

fn last_number(line: &str) -> Option<u64> {
    line.split_whitespace().last()?.parse().ok()
}

/// Resident memory of `processes` together, in KiB, or `None` where it cannot be seen.
pub fn resident_kib(processes: &[u32]) -> Option<u64> {
    let of = |process: &u32| {
        let status = fs::read_to_string(format!("/proc/{process}/status")).ok()?;
        let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    };
    let sizes: Vec<u64> = processes.iter().filter_map(of).collect();
    (!sizes.is_empty()).then(|| sizes.iter().sum())
}

/// `process` and all that it started, and that those started. Only itself where it cannot be seen.
pub fn family(process: u32) -> Vec<u32> {
    let mut family = vec![process];
    let mut next = 0;
    // The bound is for a program that forks faster than we read.
    while next < family.len() && family.len() < 10_000 {
        family.extend(children(family[next]));
        next += 1;
    }
    family
}

/// Who lost its parent and came to this process for it, with all that they started: their new parent is its first thread.
pub fn orphans() -> Vec<u32> {
    let own = std::process::id();
    let list = fs::read_to_string(format!("/proc/{own}/task/{own}/children")).unwrap_or_default();
    list.split_whitespace().filter_map(|child| child.parse::<u32>().ok()).flat_map(family).collect()
}

/// A thread's children are listed at the thread (proc(5), `/proc/PID/task/TID/children`).
fn children(process: u32) -> Vec<u32> {
    let mut children = Vec::new();
    for thread in fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten() {
        let list = fs::read_to_string(thread.path().join("children")).unwrap_or_default();
        children.extend(list.split_whitespace().filter_map(|child| child.parse::<u32>().ok()));
    }
    children
}

/// Whether there is such a process, and it has not ended. One that ended and was not asked how lives no more.
pub fn lives(process: u32) -> bool {
    let state = state_and_ticks(&Path::new("/proc").join(process.to_string()));
    state.is_some_and(|(state, _)| state != 'Z' && state != 'X')
}

/// Whether `process` was started with this `NAME=value` in its environment. `None`: it shows none.
pub fn carries(process: u32, mark: &str) -> Option<bool> {
    let environment = fs::read(format!("/proc/{process}/environ")).unwrap_or_default();
    (!environment.is_empty()).then(|| environment.split(|byte| *byte == 0).any(|variable| variable == mark.as_bytes()))
}
