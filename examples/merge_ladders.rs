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
mod clocks;
mod recorded;

use arguments::{Arguments, Failure};
use clocks::{Shift, shift};
use recorded::{Came, Recorded, What, read_all};
use socklab::trace::{Call, Drawing, Side};
use std::net::SocketAddr;
use std::time::Duration;

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
    let moved = |by: Duration, whither: &str| {
        let by = format!("{}.{:03} ms {whither}", by.as_millis(), by.as_micros() % 1000);
        format!(
            "the clocks differ: the server's times are drawn {by}, the least that lets no effect precede its cause\n"
        )
    };
    out.push_str(&match shift {
        Shift::None => String::new(),
        Shift::Later(by) => moved(*by, "later"),
        Shift::Earlier(by) => moved(*by, "earlier"),
        Shift::Impossible => {
            "the clocks differ, and no one shift puts every cause before its effect: times as recorded\n".to_string()
        }
    });
    out
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
