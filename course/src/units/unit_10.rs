//! Bounded server: how many clients, for how long, and how does it end?
//!
//! The protocol is defined in `course/units/10-bounded-server/unit.md`. Three groups of probes: places, here (as many as were
//! agreed on, told when there is none, given back however a client leaves); the stop (it is heard, it needs nobody's help,
//! and the port is free afterwards); and limits (a silent client goes, and what is at work is finished, but not for ever).
//!
//! The limits are arguments of the program. So a limit is short in the probe that is about it, and far away in all others.

use super::{Role, Unit};
use crate::peer::{Failure, Peer};
use crate::probe::Probe;
use crate::stage::Stage;

mod limits;
mod stop;

pub const UNIT: Unit = Unit {
    number: 10,
    name: "bounded-server",
    title: "Limits and shutdown: a bounded server",
    role: Role::Server,
    probes: &[
        Probe::visible("work is done and answered", 2, "work-not-answered", work_is_answered),
        Probe::visible("waiting takes no processor", 1, "wait-that-spins", limits::rests),
        Probe::visible("nobody waits for another's work", 1, "one-slow-client-stops-all", side_by_side),
        Probe::visible("as many as agreed are let in", 1, "last-place-not-given", as_many_as_agreed),
        Probe::visible("one more is not let in", 2, "thread-for-each-client-without-a-bound", one_more),
        Probe::visible("who is too many is told so at once", 1, "full-server-says-nothing", told_at_once),
        Probe::visible("who was told \"busy\" is let go", 1, "told-busy-and-let-in", let_go),
        Probe::visible("a place is given back", 2, "place-not-given-back", given_back),
        Probe::visible("who has finished is let go", 1, "connection-kept-open", closed),
        Probe::hidden(
            "a client that vanishes gives its place back",
            1,
            "place-lost-by-an-error",
            given_back_by_an_error,
        ),
        Probe::visible("who was refused takes no place", 1, "refused-client-keeps-a-place", refused_has_no_place),
        Probe::visible("a place is given back once", 1, "place-given-back-twice", given_back_once),
        Probe::visible("a line on standard input is a stop", 1, "stop-not-heard", stop::heard),
        Probe::visible("other lines mean nothing", 1, "any-line-is-a-stop", stop::other_lines),
        Probe::visible("with nobody inside it ends at once", 1, "waits-though-nobody-is-inside", stop::nobody_inside),
        Probe::visible("a stop needs nobody to connect", 2, "stop-waits-for-a-connection", stop::by_itself),
        Probe::visible("the end of standard input ends it too", 1, "end-of-input-is-no-stop", stop::end_of_input),
        Probe::visible("a stop is no failure: exit status 0", 1, "stop-ends-as-a-failure", stop::exit_status),
        Probe::visible("its port can be had again at once", 1, "address-in-use", stop::port_again),
        Probe::visible("silent clients are let go", 2, "stop-waits-for-silent-clients", stop::silent_clients),
        Probe::visible("when the last has left it ends", 1, "leaving-is-not-told", stop::last_has_left),
        Probe::visible("nobody is let in after the stop", 1, "listens-after-the-stop", stop::nobody_let_in),
        Probe::visible(
            "silent clients do not wait for those at work",
            1,
            "silent-client-kept-to-the-end",
            stop::not_kept,
        ),
        Probe::visible("the grace period has an end", 2, "grace-without-an-end", limits::grace_ends),
        Probe::visible("the grace period is one for all", 1, "grace-begins-anew", limits::grace_for_all),
        Probe::visible("a client that says nothing is let go", 2, "no-time-limit", limits::silence),
        Probe::visible("one that is worked for is kept", 1, "work-counted-as-silence", limits::work_is_no_silence),
        Probe::visible("one that does not read is let go", 1, "no-time-limit-for-writing", limits::does_not_read),
        Probe::visible("what is at work at the stop is finished", 2, "stop-cuts-off-what-runs", limits::finished),
        Probe::visible("who was worked for at the stop is let go", 1, "kept-after-its-work", limits::let_go_afterwards),
    ],
    next: &[
        "src/standard_server/clients.rs, Clients::stop: first gently, then firmly, and every thread is joined",
        "src/listener/linux.rs and src/listener/portable.rs: two ways to wake a thread that is blocked in accept",
        "src/listener.rs, turn_away_unheard: what a server does that has no descriptor left",
        "src/settings.rs: every limit of the library, with its default",
    ],
};

/// Milliseconds that do not pass within a probe.
const FAR: u64 = 25_000;
/// Places, and the two limits in milliseconds.
fn start(stage: &mut Stage, places: usize, idle: u64, grace: u64) -> Result<(), Failure> {
    stage.arguments([places.to_string(), idle.to_string(), grace.to_string()]);
    stage.start_server()
}

/// Who comes in is told so.
fn enter(stage: &mut Stage, name: &str) -> Result<Peer, Failure> {
    let mut peer = stage.connect(name)?;
    peer.expect_line("welcome")?;
    Ok(peer)
}

/// A server with all its places taken.
fn full(stage: &mut Stage) -> Result<Vec<Peer>, Failure> {
    let places = stage.adversary.number(2..=4);
    start(stage, places, FAR, FAR)?;
    (1..=places).map(|number| enter(stage, &format!("client {number}"))).collect()
}

/// A server with nobody in it, that works.
fn empty(stage: &mut Stage) -> Result<(), Failure> {
    start(stage, 2, FAR, FAR)?;
    let mut anna = enter(stage, "Anna")?;
    anna.finish();
    let _ = anna.expect_end();
    anna.close();
    Ok(())
}

fn work(peer: &mut Peer, time: u64) -> Result<(), Failure> {
    peer.send(format!("work {time}\n"))?;
    peer.expect_line(&format!("done {time}"))
}

/// Somebody for whom the program works for longer than a probe takes.
fn at_work(stage: &mut Stage, name: &str) -> Result<Peer, Failure> {
    let mut peer = enter(stage, name)?;
    peer.send_pieces([format!("work {FAR}\n").as_bytes()])?;
    Ok(peer)
}

// --- places -----------------------------------------------------------------------------------------

fn work_is_answered(stage: &mut Stage) -> Result<(), Failure> {
    start(stage, 2, FAR, FAR)?;
    let mut anna = enter(stage, "Anna")?;
    for time in [0, stage.adversary.number(1..=20) as u64] {
        work(&mut anna, time)?;
    }
    Ok(())
}

/// Anna's work is not done within this probe.
fn side_by_side(stage: &mut Stage) -> Result<(), Failure> {
    start(stage, 3, FAR, FAR)?;
    let _anna = at_work(stage, "Anna")?;
    let mut berta = enter(stage, "Berta")?;
    work(&mut berta, 0)
}

fn as_many_as_agreed(stage: &mut Stage) -> Result<(), Failure> {
    full(stage).map(drop)
}

/// Only whether it is let in. Whether it is told why not, and at once, is the next question.
fn one_more(stage: &mut Stage) -> Result<(), Failure> {
    let _inside = full(stage)?;
    let mut extra = stage.connect("one more")?;
    match extra.line("\"busy\"") {
        Ok(line) if line == b"welcome" => {
            Err(Failure::new("One client more than agreed was let in.", "\"busy\\n\"", "\"welcome\\n\""))
        }
        _ => Ok(()),
    }
}

fn told_at_once(stage: &mut Stage) -> Result<(), Failure> {
    let _inside = full(stage)?;
    stage.connect("one more")?.expect_line("busy")
}

fn let_go(stage: &mut Stage) -> Result<(), Failure> {
    let _inside = full(stage)?;
    refused(stage, "one more")
}

/// The program may close a connection before it gives the place back; so it is asked again when it has come to rest.
fn enter_freed(stage: &mut Stage, name: &str) -> Result<Peer, Failure> {
    match enter(stage, name) {
        Ok(peer) => Ok(peer),
        Err(_) => {
            stage.until_at_rest();
            enter(stage, name)
        }
    }
}

/// As many as there are places, one after the other. They stay, so each of them needs a place of its own.
fn successors(stage: &mut Stage, places: usize) -> Result<Vec<Peer>, Failure> {
    (1..=places).map(|number| enter_freed(stage, &format!("successor {number}"))).collect()
}

fn refused(stage: &mut Stage, name: &str) -> Result<(), Failure> {
    let mut extra = stage.connect(name)?;
    extra.expect_line("busy")?;
    extra.expect_end()?;
    extra.close();
    Ok(())
}

/// Whether their connections are closed, too, is the next question.
fn given_back(stage: &mut Stage) -> Result<(), Failure> {
    let mut inside = full(stage)?;
    for peer in &mut inside {
        peer.finish();
        let _ = peer.expect_end();
    }
    successors(stage, inside.len()).map(drop)
}

fn closed(stage: &mut Stage) -> Result<(), Failure> {
    let mut inside = full(stage)?;
    inside[0].finish();
    inside[0].expect_end()
}

fn given_back_by_an_error(stage: &mut Stage) -> Result<(), Failure> {
    let inside = full(stage)?;
    let places = inside.len();
    inside.into_iter().for_each(Peer::reset);
    stage.until_at_rest();
    successors(stage, places).map(drop)
}

fn refused_has_no_place(stage: &mut Stage) -> Result<(), Failure> {
    let mut inside = full(stage)?;
    refused(stage, "one more")?;
    inside[0].finish();
    inside[0].expect_end()?;
    enter_freed(stage, "successor").map(drop)
}

/// By those who have been refused, who had none, and by those who have left.
fn given_back_once(stage: &mut Stage) -> Result<(), Failure> {
    let mut inside = full(stage)?;
    refused(stage, "one more")?;
    refused(stage, "another one")?;
    for peer in &mut inside {
        peer.finish();
        peer.expect_end()?;
    }
    let _inside = successors(stage, inside.len())?;
    refused(stage, "one too many")
}
