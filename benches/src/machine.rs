//! What does the system know about a process, and about itself?
//!
//! Read from `/proc`, as any tool does.

use std::fs::read_to_string;
use std::io;
use std::time::Duration;

/// Linux counts a process's time in hundredths of a second, on every architecture that has `/proc`.
const TICK: Duration = Duration::from_millis(10);

/// The processor time of a process, all its threads together, those that ended included.
pub fn processor_time(process: u32) -> io::Result<Duration> {
    let stat = read_to_string(format!("/proc/{process}/stat"))?;
    // The name stands in parentheses and may hold anything, spaces too.
    let fields: Vec<&str> = stat.rsplit_once(')').map_or("", |(_, rest)| rest).split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|field| field.parse::<u32>().ok());
    match (ticks(11), ticks(12)) {
        (Some(user), Some(system)) => Ok(TICK * (user + system)),
        _ => Err(io::Error::other("/proc/PID/stat has another form than expected")),
    }
}

/// The processor time of everybody, on all cores together, what the host of a virtual machine took included.
pub fn everybodys_time() -> io::Result<Duration> {
    let stat = read_to_string("/proc/stat")?;
    let all = stat.lines().next().unwrap_or_default().split_whitespace().skip(1);
    // user, nice, system, idle, iowait, irq, softirq, steal
    let busy = all.take(8).enumerate().filter(|(index, _)| *index != 3 && *index != 4);
    let ticks: u32 = busy.filter_map(|(_, field)| field.parse::<u32>().ok()).sum();
    Ok(TICK * ticks)
}

/// How much of its memory is in RAM, in KiB.
pub fn resident(process: u32) -> io::Result<f64> {
    status(process, "VmRSS:")
}

/// How many threads it has.
pub fn threads(process: u32) -> io::Result<f64> {
    status(process, "Threads:")
}

fn status(process: u32, field: &str) -> io::Result<f64> {
    let status = read_to_string(format!("/proc/{process}/status"))?;
    let value = status.lines().find_map(|line| line.strip_prefix(field)?.split_whitespace().next()?.parse().ok());
    value.ok_or_else(|| io::Error::other(format!("/proc/PID/status has no {field}")))
}

/// How many cores this machine has, whatever we are held to.
pub fn cores() -> usize {
    let listed = read_to_string("/proc/cpuinfo").unwrap_or_default();
    listed.lines().filter(|line| line.starts_with("processor")).count().max(1)
}

/// The processor's name and the kernel's version.
pub fn name() -> String {
    let processors = read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find(|line| line.starts_with("model name"));
    let model = model.and_then(|line| line.split_once(':')).map_or("processor unknown", |(_, name)| name.trim());
    let kernel = read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{} cores, {model}, Linux {}", cores(), kernel.trim())
}

/// How many threads wanted to run, on average over the last minute. Above what we ask for ourselves, others are at work.
pub fn load() -> f64 {
    let averages = read_to_string("/proc/loadavg").unwrap_or_default();
    averages.split_whitespace().next().and_then(|first| first.parse().ok()).unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deadline::Deadline;

    #[test]
    fn it_knows_this_very_process() {
        let own = std::process::id();
        let before = processor_time(own).unwrap();
        let (mut spent, limit) = (0_u64, Deadline::after(Duration::from_secs(20)));
        while processor_time(own).unwrap() < before + TICK * 3 {
            spent = spent.wrapping_add(std::hint::black_box(1));
            limit.check().unwrap();
        }
        assert!(everybodys_time().unwrap() >= processor_time(own).unwrap());
        assert!(resident(own).unwrap() > 100.0 && threads(own).unwrap() >= 1.0 && cores() >= 1 && load() >= 0.0);
    }
}
