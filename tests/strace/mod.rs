//! Is what the trace tells the same as what the system saw?
//!
//! Both records are cut into *lives*: a descriptor from its birth (socket, or accept) to its close. Numbers are used
//! again, lives are not. Each life of one record must be in the other, with the same calls and the same counts of
//! bytes. A program whose names the C library resolves has datagram sockets that are not ours: here all addresses are in
//! digits. What is left aside: calls that only set or ask something (setsockopt, ioctl, poll, ...), and a second handle
//! on the same socket (fcntl F_DUPFD), whose calls count as the socket's own and whose close closes nothing.

use crate::recorded::{Came, Recorded, What};
use socklab::trace::Call;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::SystemTime;

/// A descriptor from birth to close, in either record.
#[derive(Debug, Clone)]
struct Life {
    descriptor: i32,
    /// Such as "socket", "accepted", "read 11", "read nothing", "write 5", "shutdown", "close".
    events: Vec<String>,
    /// The threads that made them. Known to strace only.
    threads: HashSet<u32>,
}

/// A connect or a bind that failed: the trace has no descriptor for it, for `std` closed it before we heard of it.
type Stillborn = &'static str;

/// Compares a trace with what strace wrote (`strace -f -s 0 -o`). The error lists each difference.
pub fn compare(steps: &[Recorded], strace: &str) -> Result<(), String> {
    let seen = from_strace(strace)?;
    let (told, mut stillborn) = from_trace(steps)?;
    let mut differences = Vec::new();
    let mut by_number: BTreeMap<i32, (Vec<Life>, Vec<Life>)> = BTreeMap::new();
    for life in seen {
        by_number.entry(life.descriptor).or_default().0.push(life);
    }
    for life in told {
        by_number.entry(life.descriptor).or_default().1.push(life);
    }
    for (descriptor, (seen, told)) in by_number {
        let mut told = told.into_iter().peekable();
        for life in seen {
            if told.peek().is_some_and(|told| same(&life, told)) {
                told.next();
            } else if let Some(place) = stillborn.iter().position(|call| is_stillborn(&life, call)) {
                stillborn.remove(place);
            } else {
                let trace = told.next().map_or("nothing".to_string(), |told| told.events.join(", "));
                differences.push(format!(
                    "descriptor {descriptor}\n  strace saw: {}\n  the trace tells: {trace}",
                    life.events.join(", ")
                ));
            }
        }
        for life in told {
            differences.push(format!(
                "descriptor {descriptor}\n  strace saw: nothing\n  the trace tells: {}",
                life.events.join(", ")
            ));
        }
    }
    differences
        .extend(stillborn.iter().map(|call| format!("the trace tells of a {call} that failed, and strace saw none")));
    if differences.is_empty() { Ok(()) } else { Err(differences.join("\n")) }
}

/// Call by call. Two threads on one descriptor return from their calls in an order that each record may see differently:
/// then what came in, what went out, what made and ended the socket, and that somebody else ended what comes in are
/// compared each for itself.
fn same(seen: &Life, told: &Life) -> bool {
    if same_events(&seen.events, &told.events) {
        return true;
    }
    let lane = |events: &[String], wanted: u8| -> Vec<String> {
        let lane_of = |event: &str| match event.split(' ').next() {
            Some("read" | "peek" | "accept") => 0,
            _ if event.starts_with(Call::ShutdownRead.name()) => 3,
            Some("write" | "shutdown") => 1,
            _ => 2,
        };
        events.iter().filter(|event| lane_of(event) == wanted).cloned().collect()
    };
    seen.threads.len() > 1 && (0..4).all(|each| same_events(&lane(&seen.events, each), &lane(&told.events, each)))
}

/// A call that brought nothing may be repeated within one step, while its deadline has not passed: strace may see more
/// of those than the trace tells, but not fewer.
fn same_events(seen: &[String], told: &[String]) -> bool {
    let mut told = told.iter().peekable();
    for event in seen {
        if told.peek() == Some(&event) {
            told.next();
        } else if !event.ends_with(" nothing") {
            return false;
        }
    }
    told.next().is_none()
}

fn is_stillborn(life: &Life, call: &str) -> bool {
    let [first, middle @ .., last] = &life.events[..] else { return false };
    let is_attempt = |event: &String| event.split(' ').next() == Some(call) || event == "bind";
    first == "socket" && last == "close" && middle.last().is_some_and(is_attempt) && middle.iter().all(is_attempt)
}

fn from_trace(steps: &[Recorded]) -> Result<(Vec<Life>, Vec<Stillborn>), String> {
    let mut lives: BTreeMap<u64, (SystemTime, Life)> = BTreeMap::new();
    let mut stillborn = Vec::new();
    for step in steps {
        let What::Call { call, came } = &step.what else { continue };
        match (call, came) {
            (Call::Resolve, _) => continue,
            (Call::Connect, Came::Failed(_)) => {
                stillborn.push("connect");
                continue;
            }
            (Call::Listen | Call::Bind, Came::Failed(_)) => {
                stillborn.push("bind");
                continue;
            }
            _ => {}
        }
        let number = step.connection;
        let descriptor =
            step.descriptor.ok_or(format!("connection {number}: a {} without a descriptor", call.name()))?;
        let fresh = || (step.at, Life { descriptor, events: Vec::new(), threads: HashSet::new() });
        let (_, life) = lives.entry(number).or_insert_with(fresh);
        if life.descriptor != descriptor {
            return Err(format!("connection {number} has descriptor {} and then {descriptor}", life.descriptor));
        }
        if life.events.is_empty() && !matches!(call, Call::Listen | Call::Connect | Call::Bind) {
            life.events.push("accepted".to_string());
        }
        match call {
            Call::Listen => life.events.extend(["socket", "bind", "listen"].map(String::from)),
            Call::Connect => life.events.extend(["socket", "connect"].map(String::from)),
            Call::Bind => life.events.extend(["socket", "bind"].map(String::from)),
            _ => life.events.push(match came {
                Came::Done => word(*call).to_string(),
                Came::Accepted { descriptor: Some(new), .. } => format!("accept {new}"),
                Came::Accepted { descriptor: None, .. } => "accept without a descriptor".to_string(),
                Came::Bytes(bytes) => format!("{} {}", word(*call), bytes.len()),
                Came::End | Came::OwnEnd => format!("{} 0", word(*call)),
                Came::Nothing => format!("{} nothing", word(*call)),
                Came::Failed(_) => format!("{} failed", word(*call)),
            }),
        }
    }
    // The steps of two threads may be written in another order than they were taken; each says when it began.
    let mut lives: Vec<(SystemTime, Life)> = lives.into_values().collect();
    lives.sort_by_key(|(born, _)| *born);
    Ok((lives.into_iter().map(|(_, life)| life).collect(), stillborn))
}

/// What strace's line becomes, too: a system call may have two names in the trace, for it means two things.
fn word(call: Call) -> &'static str {
    match call {
        Call::Send | Call::SendTo => "write",
        Call::ReceiveFrom => "read",
        Call::CloseDatagram => "close",
        other => other.name(),
    }
}

fn from_strace(text: &str) -> Result<Vec<Life>, String> {
    let mut system = System::default();
    let mut unfinished: HashMap<u32, String> = HashMap::new();
    for line in text.lines() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let thread: u32 =
            thread.parse().map_err(|_| format!("strace: no thread before {line:?}: was it run with -f -o?"))?;
        let rest = rest.trim_start();
        if rest.starts_with("+++") || rest.starts_with("---") {
            continue;
        }
        if let Some(begin) = rest.strip_suffix("<unfinished ...>") {
            // The number is free from the moment the close begins: another thread's accept may have it already.
            if begin.starts_with("close(") {
                system.call(thread, begin, "0")?;
            } else {
                unfinished.insert(thread, begin.trim_end().to_string());
            }
            continue;
        }
        let whole = match rest.strip_prefix("<... ").and_then(|rest| rest.split_once(" resumed>")) {
            Some(("close", _)) => continue,
            Some((name, end)) => match unfinished.remove(&thread) {
                Some(begin) => begin + end,
                None => return Err(format!("strace: {name} goes on without having begun: {line:?}")),
            },
            None => rest.to_string(),
        };
        if let Some((call, result)) = whole.rsplit_once(" = ") {
            system.call(thread, call.trim_end(), result)?;
        }
    }
    Ok(system.lives)
}

/// The sockets of a process as its system calls make and end them.
#[derive(Debug, Default)]
struct System {
    lives: Vec<Life>,
    /// Which life a descriptor is in now.
    open: HashMap<i32, usize>,
    /// Descriptors that are second handles.
    handles: HashSet<i32>,
}

impl System {
    fn call(&mut self, thread: u32, call: &str, result: &str) -> Result<(), String> {
        let (name, arguments) = call.split_once('(').ok_or(format!("strace: no call: {call:?}"))?;
        let result = result.trim();
        // It was interrupted and is begun again, or the process ended inside.
        if result.starts_with('?') || result.contains("EINTR") {
            return Ok(());
        }
        let returned: i32 = result.split(' ').next().and_then(|number| number.parse().ok()).unwrap_or(-1);
        if name == "socket" {
            let ours = arguments.starts_with("AF_INET")
                && (arguments.contains("SOCK_STREAM") || arguments.contains("SOCK_DGRAM"));
            if ours && returned >= 0 {
                self.born(returned, thread, "socket");
            }
            return Ok(());
        }
        let digits: String = arguments.chars().take_while(char::is_ascii_digit).collect();
        let Ok(descriptor) = digits.parse::<i32>() else { return Ok(()) };
        let Some(&place) = self.open.get(&descriptor) else { return Ok(()) };
        let ends_reading = name == "shutdown" && arguments.ends_with("SHUT_RD)");
        let name = if ends_reading { Call::ShutdownRead.name() } else { name };
        let event = match name {
            "setsockopt" | "getsockname" | "getpeername" | "ioctl" | "poll" => return Ok(()),
            "getsockopt" => {
                // A connect that only began tells later how it ended.
                let last = self.lives[place].events.last_mut().filter(|event| *event == "connect");
                if let (Some(last), true) = (last, arguments.contains("SO_ERROR, [E")) {
                    *last = "connect failed".to_string();
                }
                return Ok(());
            }
            "fcntl" | "dup" | "dup2" | "dup3" => {
                if (name != "fcntl" || arguments.contains("F_DUPFD")) && returned >= 0 {
                    self.open.insert(returned, place);
                    self.handles.insert(returned);
                }
                return Ok(());
            }
            "close" => {
                self.open.remove(&descriptor);
                if self.handles.remove(&descriptor) {
                    return Ok(());
                }
                "close".to_string()
            }
            "accept" | "accept4" => counted("accept", returned, result),
            "read" | "readv" | "recvmsg" => counted("read", returned, result),
            "recvfrom" if arguments.contains("MSG_PEEK") => counted("peek", returned, result),
            "recvfrom" => counted("read", returned, result),
            "write" | "writev" | "sendto" | "sendmsg" => counted("write", returned, result),
            "connect" if result.contains("EINPROGRESS") => name.to_string(),
            _ if returned < 0 => format!("{name} failed"),
            _ => name.to_string(),
        };
        let life = &mut self.lives[place];
        life.events.push(event);
        life.threads.insert(thread);
        if name.starts_with("accept") && returned >= 0 {
            self.born(returned, thread, "accepted");
        }
        Ok(())
    }

    fn born(&mut self, descriptor: i32, thread: u32, how: &str) {
        self.handles.remove(&descriptor);
        self.open.insert(descriptor, self.lives.len());
        self.lives.push(Life { descriptor, events: vec![how.to_string()], threads: HashSet::from([thread]) });
    }
}

fn counted(name: &str, returned: i32, result: &str) -> String {
    match returned {
        _ if result.contains("EAGAIN") => format!("{name} nothing"),
        -1 => format!("{name} failed"),
        count => format!("{name} {count}"),
    }
}
