//! What does a conversation look like when both ends have written down what they did?
//!
//! A trace knows its own process only, so a ladder drawn from it must guess at the other column. With the traces of
//! both processes nothing is guessed:
//!
//!     SOCKLAB_TRACE=json SOCKLAB_TRACE_FILE=server.jsonl cargo run --example echo_server
//!     SOCKLAB_TRACE=json SOCKLAB_TRACE_FILE=client.jsonl cargo run --example line_client -- 127.0.0.1:7000
//!     cargo run --example merge_ladders -- client.jsonl server.jsonl
//!
//! The ends of one conversation are found by their addresses: what is local to one is the peer to the other, and TCP
//! itself knows a connection by nothing else. Then the steps are sorted by time. On one machine both processes read the
//! same clock. Two machines' clocks differ, and a read may seem to come before the write that fed it; since no effect
//! comes before its cause, that tells by how much one clock must at least be wrong.

mod arguments;
mod recorded;

use arguments::{Arguments, Failure};
use recorded::{Came, Recorded, What, read_all};
use socklab::trace::{Call, Drawing, Side};
use std::net::SocketAddr;
use std::time::{Duration, SystemTime};

const USAGE: &str = "merge_ladders CLIENT.jsonl SERVER.jsonl\n\
    Draws one ladder from the traces (SOCKLAB_TRACE=json) of both ends.";

fn main() -> Result<(), Failure> {
    let arguments = Arguments::read(USAGE, &[]);
    let [one, other] = &arguments.words[..] else {
        return Err(format!("two files are needed, and {} were given\n\n{USAGE}", arguments.words.len()).into());
    };
    let read = |file: &String| std::fs::read(file).map_err(|error| format!("{file}: {error}"));
    // A trace that shares its file with a program's own output may hold anything.
    let (first, second) = (read(one)?, read(other)?);
    print!("{}", merge([(one, &String::from_utf8_lossy(&first)), (other, &String::from_utf8_lossy(&second))])?);
    Ok(())
}

/// One end of one conversation, or a listening socket: all steps of one file with one number.
struct End {
    file: usize,
    number: u64,
    side: Side,
    /// The addresses of client and server, once both were known.
    addresses: Option<(SocketAddr, SocketAddr)>,
    steps: Vec<Recorded>,
}

/// The ladder of two traces, each given with the name of its file, in either order.
pub fn merge(files: [(&str, &str); 2]) -> Result<String, String> {
    let mut ends: Vec<End> = Vec::new();
    let mut out = String::new();
    for (file, (name, text)) in files.iter().enumerate() {
        let (steps, remark) = read_all(name, text)?;
        if steps.is_empty() {
            return Err(format!("{name} holds no step of a trace: was it written with SOCKLAB_TRACE=json?"));
        }
        out.extend(remark.map(|remark| remark + "\n"));
        for step in steps {
            sort_in(&mut ends, file, step);
        }
    }
    let (mut pairs, rest) = pair_up(ends);
    if pairs.is_empty() {
        return Err(no_match(&files.map(|(name, _)| name), &rest));
    }
    let shift = shift(&pairs, &rest);
    out.push_str(&heading(&files.map(|(name, _)| name), &pairs, &shift));

    let mut steps: Vec<Recorded> = Vec::new();
    for (place, (client, server)) in pairs.iter_mut().enumerate() {
        let addresses = client.addresses;
        for end in [client, server] {
            for mut step in end.steps.drain(..) {
                step.connection = place as u64 + 1;
                // Before the connect succeeded the client did not know its own address. The heading should.
                if let Some((client, server)) = addresses {
                    let (own, other) = if step.side == Side::Client { (client, server) } else { (server, client) };
                    step.local.get_or_insert(own);
                    step.peer.get_or_insert(other);
                }
                steps.push(step);
            }
        }
    }
    let clients: Vec<SocketAddr> = pairs.iter().filter_map(|(client, _)| client.addresses).map(|both| both.0).collect();
    steps.extend(rest.into_iter().filter(is_listener).flat_map(|listener| of_interest(listener, &clients)));
    for step in steps.iter_mut().filter(|step| step.side == Side::Server) {
        step.at = shift.apply(step.at);
    }
    // Stable: of two steps of one thread in the same microsecond, the first stays the first.
    steps.sort_by_key(|step| step.step().moment());
    let mut drawing = Drawing::of_both_ends();
    out.extend(steps.iter().map(|step| drawing.draw(&step.step())));
    Ok(out)
}

fn sort_in(ends: &mut Vec<End>, file: usize, step: Recorded) {
    let (number, side) = (step.connection, step.side);
    let place = ends.iter().position(|end| end.file == file && end.number == number).unwrap_or_else(|| {
        ends.push(End { file, number, side, addresses: None, steps: Vec::new() });
        ends.len() - 1
    });
    let end = &mut ends[place];
    if let (None, Some(local), Some(peer)) = (end.addresses, step.local, step.peer) {
        // A server on [::] sees an IPv4 client as ::ffff:127.0.0.1, which is the same address in other words.
        let [local, peer] = [local, peer].map(|known| SocketAddr::new(known.ip().to_canonical(), known.port()));
        end.addresses = Some(if side == Side::Client { (local, peer) } else { (peer, local) });
    }
    end.steps.push(step);
}

/// The conversations of which both ends are here, and what is left over.
fn pair_up(ends: Vec<End>) -> (Vec<(End, End)>, Vec<End>) {
    let (mut clients, mut others): (Vec<End>, Vec<End>) = ends.into_iter().partition(|end| end.side == Side::Client);
    let mut pairs = Vec::new();
    let mut alone = Vec::new();
    for client in clients.drain(..) {
        let twin = |server: &End| server.addresses.is_some() && server.addresses == client.addresses;
        match others.iter().position(twin) {
            Some(place) => pairs.push((client, others.remove(place))),
            None => alone.push(client),
        }
    }
    alone.extend(others);
    (pairs, alone)
}

fn no_match(files: &[&str; 2], ends: &[End]) -> String {
    let mut out = String::from("no conversation is in both traces: no pair of addresses is the same\n");
    for (file, name) in files.iter().enumerate() {
        out.push_str(&format!("\n{name}:\n"));
        for end in ends.iter().filter(|end| end.file == file) {
            out.push_str(&match (end.addresses, end.side) {
                (Some((client, server)), Side::Client) => format!("  client {client} to server {server}\n"),
                (Some((client, server)), Side::Server) => format!("  server {server} with client {client}\n"),
                (None, Side::Client) => format!("  #{}: a client that never connected\n", end.number),
                (None, Side::Server) => format!("  #{}: a server's listening socket\n", end.number),
            });
        }
    }
    out.push_str(
        "\nAre they traces of the same run? Between two networks an address may be translated on the way (NAT).",
    );
    out
}

fn heading(files: &[&str; 2], pairs: &[(End, End)], shift: &Shift) -> String {
    let count =
        if pairs.len() == 1 { "one conversation".to_string() } else { format!("{} conversations", pairs.len()) };
    let (client, server) = (files[pairs[0].0.file], files[pairs[0].1.file]);
    let mut out = format!("{count}: the client as {client} tells it, the server as {server} does\n");
    out.push_str(&match shift {
        Shift::None => String::new(),
        Shift::Later(by) => format!(
            "the clocks differ: the server's times are drawn {} ms later, the least that lets no effect precede its cause\n",
            milliseconds(*by)
        ),
        Shift::Earlier(by) => format!(
            "the clocks differ: the server's times are drawn {} ms earlier, the least that lets no effect precede its cause\n",
            milliseconds(*by)
        ),
        Shift::Impossible => "the clocks differ, and no one shift puts every cause before its effect: times as recorded\n".into(),
    });
    out
}

fn milliseconds(by: Duration) -> String {
    format!("{}.{:03}", by.as_millis(), by.as_micros() % 1000)
}

/// A listening socket has no peer.
fn is_listener(end: &End) -> bool {
    end.side == Side::Server && end.addresses.is_none()
}

/// Of a listener: its beginning, and the accepts of the clients that are drawn, each with its wait.
fn of_interest(listener: End, clients: &[SocketAddr]) -> Vec<Recorded> {
    let mut chosen = Vec::new();
    let mut waiting = None;
    for mut step in listener.steps {
        step.connection = 0;
        match &step.what {
            What::Call { call: Call::Listen, .. } => chosen.push(step),
            What::Wait { call: Call::Accept, .. } => waiting = Some(step),
            What::Call { came: Came::Accepted { peer, .. }, .. } if is_among(clients, *peer) => {
                chosen.extend(waiting.take());
                chosen.push(step);
            }
            _ => {}
        }
    }
    if chosen.iter().any(|step| matches!(step.what, What::Call { call: Call::Accept, .. })) {
        chosen
    } else {
        Vec::new()
    }
}

fn is_among(clients: &[SocketAddr], peer: SocketAddr) -> bool {
    clients.contains(&SocketAddr::new(peer.ip().to_canonical(), peer.port()))
}

/// By how much the server's times are moved.
#[derive(Debug, PartialEq)]
enum Shift {
    None,
    Later(Duration),
    Earlier(Duration),
    Impossible,
}

impl Shift {
    fn apply(&self, at: SystemTime) -> SystemTime {
        match self {
            Shift::Later(by) => at + *by,
            Shift::Earlier(by) => at.checked_sub(*by).unwrap_or(at),
            Shift::None | Shift::Impossible => at,
        }
    }
}

/// Each effect that one side saw gives a bound on how far the other's clock may be off. All in microseconds that are
/// added to the server's times: at least `lowest`, so that what the client caused comes after its cause, and at most
/// `highest`, so that what the server caused does. An effect comes at least a microsecond later, or they would be drawn in
/// any order.
fn shift(pairs: &[(End, End)], rest: &[End]) -> Shift {
    let (mut lowest, mut highest) = (i64::MIN, i64::MAX);
    for (client, server) in pairs {
        if client.file == server.file {
            continue; // One process, one clock.
        }
        for (cause, effect) in causes(client, server) {
            lowest = lowest.max(cause - effect + 1);
        }
        for (cause, effect) in causes(server, client) {
            highest = highest.min(effect - cause - 1);
        }
        // An accept is the listener's step, and its cause is the client's connect.
        let accepts = rest.iter().filter(|end| is_listener(end)).flat_map(|listener| &listener.steps);
        let accepted = accepts.filter_map(|step| match &step.what {
            What::Call { came: Came::Accepted { peer, .. }, .. } => Some((ended(step), *peer)),
            _ => None,
        });
        let own = client.addresses.map(|both| both.0);
        if let Some((effect, _)) = accepted.into_iter().find(|(_, peer)| is_among(own.as_slice(), *peer)) {
            let connects =
                client.steps.iter().filter(|step| matches!(step.what, What::Call { call: Call::Connect, .. }));
            lowest = connects.map(began).next_back().map_or(lowest, |cause| lowest.max(cause - effect + 1));
        }
    }
    let micros = |number: i64| Duration::from_micros(number.unsigned_abs());
    match (lowest, highest) {
        _ if lowest > highest => Shift::Impossible,
        _ if lowest > 0 => Shift::Later(micros(lowest)),
        _ if highest < 0 => Shift::Earlier(micros(highest)),
        _ => Shift::None,
    }
}

/// For each read of `to`: when the write of `from` began that holds its last byte, and when the read returned. The end
/// is caused by a shutdown or a close.
fn causes(from: &End, to: &End) -> Vec<(i64, i64)> {
    let mut written = Vec::new();
    let mut end = None;
    let mut count = 0;
    for step in &from.steps {
        match &step.what {
            What::Call { call: Call::Write, came: Came::Bytes(bytes) } => {
                count += bytes.len();
                written.push((count, began(step)));
            }
            What::Call { call: Call::Shutdown | Call::Close, came: Came::Done } => end = end.or(Some(began(step))),
            _ => {}
        }
    }
    let mut count = 0;
    let mut found = Vec::new();
    for step in &to.steps {
        let cause = match &step.what {
            What::Call { call: Call::Read, came: Came::Bytes(bytes) } => {
                count += bytes.len();
                written.get(written.partition_point(|(until, _)| *until < count)).map(|(_, began)| *began)
            }
            What::Call { call: Call::Read, came: Came::End } => end,
            _ => None,
        };
        found.extend(cause.map(|cause| (cause, ended(step))));
    }
    found
}

fn began(step: &Recorded) -> i64 {
    step.at.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_micros() as i64)
}

fn ended(step: &Recorded) -> i64 {
    began(step).saturating_add(step.took.as_micros() as i64)
}
