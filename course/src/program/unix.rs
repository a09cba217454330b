//! Groups, limits and signals. A signal goes only to processes that are ours: the group that we made, and descendants that
//! carry the mark.

use rustix::process::{
    Pid, Resource, Rlimit, Signal, WaitOptions, kill_process, kill_process_group, waitpgid, waitpid,
};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use super::Bounds;
use crate::system;

pub fn before(command: &mut Command) {
    // A group of its own: what it starts is in it too, and Ctrl-C at the terminal goes to the runner alone.
    command.process_group(0);
    #[cfg(target_os = "linux")]
    let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
}

/// Set from outside, a moment after the start: to set them inside before it runs takes `unsafe` (`pre_exec`).
pub fn after(child: &Child, bounds: &Bounds) {
    #[cfg(target_os = "linux")]
    {
        let limit = |resource, amount| {
            let limit = Rlimit { current: Some(amount), maximum: Some(amount) };
            let _ = rustix::process::prlimit(pid(child.id()), resource, limit);
        };
        // The guard sees memory that is used; this stops one huge allocation between two of its looks. Twice the bound,
        // because an interpreter maps more than it uses.
        limit(Resource::Data, bounds.memory_kib * 1024 * 4);
        limit(Resource::Cpu, bounds.lifetime.as_secs() + 1);
        limit(Resource::Fsize, 64 << 20);
        limit(Resource::Core, 0);
    }
    #[cfg(not(target_os = "linux"))]
    let _ = (child, bounds);
}

pub fn kill(process: u32) {
    if let Some(group) = pid(process) {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

pub fn pause(process: u32) {
    if let Some(group) = pid(process) {
        let _ = kill_process_group(group, Signal::STOP);
    }
}

pub fn resume(process: u32) {
    if let Some(group) = pid(process) {
        let _ = kill_process_group(group, Signal::CONT);
    }
}

/// Whether it could be done.
#[cfg(target_os = "linux")]
pub fn limit_descriptors(process: u32, most: usize) -> bool {
    let limit = Rlimit { current: Some(most as u64), maximum: Some(most as u64) };
    rustix::process::prlimit(pid(process), Resource::Nofile, limit).is_ok()
}

#[cfg(not(target_os = "linux"))]
pub fn limit_descriptors(_process: u32, _most: usize) -> bool {
    false
}

/// Ends the program, its group, and those who left the group, and comes back when they are gone. A program that forks
/// without end is overtaken: the group dies at once, and the few that got away are looked for until there is none.
pub fn end(child: &mut Child, mark: &str, sole: bool) {
    const AT_MOST: Duration = Duration::from_secs(5);
    const A_MOMENT: Duration = Duration::from_millis(200);
    let mut family = system::family(child.id());
    // In this order: who loses its parent meanwhile is an orphan by now. Later it may be dying, and has no mark any more.
    family.extend(system::orphans().into_iter().filter(|process| system::carries(*process, mark) == Some(true)));
    kill(child.id());
    let _ = child.wait();
    let begun = Instant::now();
    let mut seen_nobody = false;
    while begun.elapsed() < AT_MOST {
        if sole {
            end_orphans();
        }
        let mut suspects: Vec<u32> = family.iter().copied().chain(system::orphans()).collect();
        // One that is dying has no environment any more; nor has one that is just becoming another program (execve), and
        // that one shows its mark again in a moment.
        let mut unclear = false;
        suspects.retain(|process| {
            let carries = system::carries(*process, mark);
            unclear |= carries.is_none() && *process != child.id() && system::lives(*process);
            *process != child.id() && carries == Some(true)
        });
        for process in suspects.iter().filter_map(|process| pid(*process)) {
            let _ = kill_process(process, Signal::KILL);
            // An orphan that has ended stays in the table of processes until its parent, now the runner, asks how.
            let _ = waitpid(Some(process), WaitOptions::empty());
        }
        bury(child.id());
        let gone = !family.iter().any(|process| system::lives(*process));
        let nobody = gone
            && suspects.is_empty()
            && !(unclear && begun.elapsed() < A_MOMENT)
            && (!sole || system::orphans().is_empty());
        // Who ends just between a look at its parent and the look at its children hands them on unseen: look again.
        if nobody && seen_nobody {
            return;
        }
        seen_nobody = nobody;
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Ctrl-C, the end that a system asks for, and a terminal that was closed. The student's program is in a group of its own
/// and hears of none of them.
pub fn when_interrupted(act: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    std::thread::spawn(move || signals.forever().next().map(|_| act()));
    Ok(())
}

/// Whoever came to this process because its own parent is gone, and whoever is below it.
pub fn end_orphans() {
    for orphan in system::orphans().into_iter().filter_map(pid) {
        let _ = kill_process(orphan, Signal::KILL);
        let _ = waitpid(Some(orphan), WaitOptions::NOHANG);
    }
}

/// Asks how those ended that died with their group: until somebody does, they stay in the table.
fn bury(group: u32) {
    if let Some(group) = pid(group) {
        while let Ok(Some(_)) = waitpgid(group, WaitOptions::NOHANG) {}
    }
}

fn pid(process: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(process).ok()?)
}
