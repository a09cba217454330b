//! Bounded server: how many clients, for how long, and how does it end?
//!
//! The protocol is defined in `course/units/10-bounded-server/unit.md`. Three groups of probes: places (as many as were
//! agreed on, told when there is none, given back however a client leaves), time (a silent client goes), and the stop (it is
//! heard, it needs nobody's help, it lets finish what is at work, and not for ever, and the port is free afterwards).
//!
//! The limits are arguments of the program. So a limit is short in the probe that is about it, and far away in all others.

use super::{Role, Unit};
use crate::peer::{Failure, Peer};
use crate::probe::Probe;
use crate::stage::Stage;

pub const UNIT: Unit = Unit {
    number: 10,
    name: "bounded-server",
    title: "Limits and shutdown: a bounded server",
    role: Role::Server,
    probes: &[
        Probe::visible("work is done and answered", 2, "work-not-answered", work_is_answered),
        Probe::visible("as many as agreed are let in", 1, "last-place-not-given", as_many_as_agreed),
        Probe::visible("one more is not let in", 2, "thread-for-each-client-without-a-bound", one_more),
        Probe::visible("who is too many is told so at once", 1, "full-server-says-nothing", told_at_once),
        Probe::visible("who was told \"busy\" is let go", 1, "told-busy-and-let-in", let_go),
        Probe::visible("a place is given back", 2, "place-not-given-back", given_back),
        Probe::hidden(
            "a client that vanishes gives its place back",
            1,
            "place-lost-by-an-error",
            given_back_by_an_error,
        ),
        Probe::visible("a line on standard input ends it", 1, "stop-not-heard", stop_is_heard),
        Probe::visible("though nobody connects any more", 2, "stop-waits-for-a-connection", stop_by_itself),
        Probe::visible("the end of standard input ends it too", 1, "end-of-input-is-no-stop", end_of_input),
        Probe::visible("a stop is no failure: exit status 0", 1, "stop-ends-as-a-failure", exit_status),
        Probe::visible("its port can be had again at once", 1, "address-in-use", port_again),
        Probe::visible("a stop does not wait for silent clients", 2, "stop-waits-for-silent-clients", silent_clients),
        Probe::visible("nobody is let in after the stop", 1, "listens-after-the-stop", not_after_the_stop),
        Probe::visible("the grace period has an end", 2, "grace-without-an-end", grace_ends),
        Probe::visible("a client that says nothing is let go", 2, "no-time-limit", idle_let_go),
        Probe::visible("what is at work at the stop is finished", 2, "stop-cuts-off-what-runs", finished),
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
/// Milliseconds that do.
const SOON: u64 = 100;
/// Long enough for a program on a busy machine to hear a stop meanwhile.
const WORK: u64 = 400;

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

// --- places -----------------------------------------------------------------------------------------

fn work_is_answered(stage: &mut Stage) -> Result<(), Failure> {
    start(stage, 2, FAR, FAR)?;
    let mut anna = enter(stage, "Anna")?;
    for time in [0, stage.adversary.number(1..=20) as u64] {
        work(&mut anna, time)?;
    }
    Ok(())
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
    let mut inside = full(stage)?;
    let mut extra = stage.connect("one more")?;
    extra.expect_line("busy")?;
    extra.expect_end()?;
    work(&mut inside[0], 0)
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

fn given_back(stage: &mut Stage) -> Result<(), Failure> {
    let inside = full(stage)?;
    let places = inside.len();
    for mut peer in inside {
        peer.finish();
        peer.expect_end()?;
    }
    // Those who come now stay, so each of them needs a place of its own.
    let _inside: Vec<Peer> =
        (1..=places).map(|number| enter_freed(stage, &format!("successor {number}"))).collect::<Result<_, _>>()?;
    Ok(())
}

fn given_back_by_an_error(stage: &mut Stage) -> Result<(), Failure> {
    let inside = full(stage)?;
    let places = inside.len();
    inside.into_iter().for_each(Peer::reset);
    stage.until_at_rest();
    let _inside: Vec<Peer> =
        (1..=places).map(|number| enter_freed(stage, &format!("successor {number}"))).collect::<Result<_, _>>()?;
    Ok(())
}

// --- the stop ---------------------------------------------------------------------------------------

fn said_stop(stage: &mut Stage) {
    stage.feed(b"stop\n");
}

/// With the help of one more connection, if need be: whether it needs that is the next question.
fn stop_is_heard(stage: &mut Stage) -> Result<(), Failure> {
    empty(stage)?;
    said_stop(stage);
    stage.until_at_rest();
    if let Ok(knock) = stage.connect("somebody") {
        knock.close();
    }
    stage.expect_exit().map(drop)
}

fn stop_by_itself(stage: &mut Stage) -> Result<(), Failure> {
    empty(stage)?;
    said_stop(stage);
    stage.expect_exit().map(drop)
}

fn end_of_input(stage: &mut Stage) -> Result<(), Failure> {
    empty(stage)?;
    stage.close_input();
    stage.expect_exit().map(drop)
}

fn exit_status(stage: &mut Stage) -> Result<(), Failure> {
    empty(stage)?;
    said_stop(stage);
    let status = stage.expect_exit()?;
    match status.success() {
        true => Ok(()),
        false => {
            Err(Failure::new("The program stopped, and says that it failed.", "exit status: 0", status.to_string()))
        }
    }
}

/// Who was told "busy" was closed by the program first: its end of that connection is what stays in TIME_WAIT, for a
/// minute, at the port that is wanted again (RFC 9293 section 3.6).
fn port_again(stage: &mut Stage) -> Result<(), Failure> {
    start(stage, 1, FAR, FAR)?;
    let mut anna = enter(stage, "Anna")?;
    let mut berta = stage.connect("Berta")?;
    berta.expect_line("busy")?;
    berta.expect_end()?;
    berta.close();
    anna.finish();
    anna.expect_end()?;
    anna.close();
    said_stop(stage);
    stage.expect_exit()?;
    stage.start_again()?;
    let what = "Started once more, at the same port, the program cannot be used.".to_owned();
    enter(stage, "Carla").map(drop).map_err(|failure| Failure { what, ..failure })
}

fn silent_clients(stage: &mut Stage) -> Result<(), Failure> {
    let _inside = full(stage)?;
    said_stop(stage);
    stage.expect_exit().map(drop)
}

/// Somebody's work keeps the program alive, for longer than this takes.
fn not_after_the_stop(stage: &mut Stage) -> Result<(), Failure> {
    start(stage, 3, FAR, FAR)?;
    let mut anna = enter(stage, "Anna")?;
    anna.send_pieces([format!("work {FAR}\n").as_bytes()])?;
    said_stop(stage);
    stage.expect_refused()
}

fn grace_ends(stage: &mut Stage) -> Result<(), Failure> {
    start(stage, 3, FAR, SOON)?;
    let mut anna = enter(stage, "Anna")?;
    anna.send_pieces([format!("work {FAR}\n").as_bytes()])?;
    said_stop(stage);
    stage.expect_exit().map(drop)
}

/// It comes late because it takes its time, and not because it is the hardest.
fn idle_let_go(stage: &mut Stage) -> Result<(), Failure> {
    start(stage, 2, SOON, FAR)?;
    enter(stage, "Anna")?.expect_end()
}

/// Both are inside, and both are heard to the end.
fn finished(stage: &mut Stage) -> Result<(), Failure> {
    start(stage, 3, FAR, FAR)?;
    let (mut anna, mut berta) = (enter(stage, "Anna")?, enter(stage, "Berta")?);
    let time = WORK + stage.adversary.number(0..=50) as u64;
    for peer in [&mut anna, &mut berta] {
        peer.send_pieces([format!("work {time}\n").as_bytes()])?;
    }
    said_stop(stage);
    anna.expect_line(&format!("done {time}"))?;
    berta.expect_line(&format!("done {time}"))?;
    anna.expect_end()?;
    berta.expect_end()?;
    stage.expect_exit().map(drop)
}
