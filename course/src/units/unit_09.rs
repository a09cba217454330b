//! Notice board: what may one client's business be to another?
//!
//! The protocol is defined in `course/units/09-notice-board/unit.md`. The probes go the way of the unit: one client, the next
//! one after it, and then many at a time, who are slow, who meet a bug, who are too many, who are gone already. What is asked
//! each time is whether another client notices. The last ones stand in `door`: there it is the accept loop that notices.

use super::{Role, Unit};
use crate::peer::{Failure, Peer};
use crate::probe::Probe;
use crate::stage::Stage;
use crate::transcript::shown;

mod door;
mod together;

pub const UNIT: Unit = Unit {
    number: 9,
    name: "notice-board",
    title: "One client, then threads: a notice board",
    role: Role::Server,
    probes: &[
        Probe::visible("a client puts up a note and reads it", 1, "message-without-its-end", one_client),
        Probe::visible("a line that is no command is answered", 1, "work-not-answered", no_command),
        Probe::visible("a line may come in two pieces", 1, "one-read-is-one-message", in_two_pieces),
        Probe::visible("two lines may come in one segment", 1, "rest-of-the-read-lost", two_in_one),
        Probe::visible("who has finished is let go", 1, "end-of-the-stream-ignored", let_go),
        Probe::visible("the next client is served as well", 1, "ends-after-the-first-client", the_next_client),
        Probe::visible("the next client has no name yet", 1, "state-leaked-between-clients", no_name_yet),
        Probe::visible("a client that says nothing stops nobody", 4, "one-slow-client-stops-all", says_nothing),
        Probe::visible("two clients have two names", 1, "state-shared-between-clients", together::two_names),
        Probe::visible("what one puts up, all can read", 1, "copy-instead-of-shared", together::all_can_read),
        Probe::visible("notes keep their order", 1, "order-of-arrival-lost", together::order),
        Probe::visible("a note remains when its author has left", 1, "gone-with-its-author", together::remains),
        Probe::visible("many clients that say nothing stop nobody", 1, "too-few-threads", together::many_say_nothing),
        Probe::visible(
            "a client that does not read stops nobody",
            2,
            "lock-held-while-writing",
            together::does_not_read,
        ),
        Probe::visible("who meets a bug is let go", 1, "failed-and-still-connected", together::a_bug_ends_it),
        Probe::visible("one client's bug is nobody else's", 2, "panic-stops-all", together::a_bug),
        Probe::visible("out of descriptors, the server goes on", 1, "accept-error-ends-the-server", door::goes_on),
        Probe::visible("out of descriptors, the server rests", 1, "accept-error-spins", door::rests),
        Probe::hidden(
            "a client that is gone already stops nobody",
            1,
            "gone-before-it-was-accepted",
            door::gone_already,
        ),
    ],
    next: &[
        "src/simple_server.rs, SimpleServer::serve: the server that this unit began with, whole",
        "src/standard_server.rs, StandardServer::serve: the one that it came to, with a cap and an orderly stop",
        "src/standard_server/clients.rs: what becomes of a thread that fails, panics, or cannot be started",
        "src/listener/failure.rs: which errors of accept concern one client, and which the whole server",
        "examples/02_simple_server.rs and examples/03_standard_server.rs: both in forty lines",
    ],
};

fn say(peer: &mut Peer, line: &str) -> Result<(), Failure> {
    peer.send(format!("{line}\n"))?;
    peer.expect_line("ok")
}

fn lists(peer: &mut Peer, notes: &[String]) -> Result<(), Failure> {
    peer.send("list\n")?;
    notes.iter().try_for_each(|note| peer.expect_line(note))?;
    peer.expect_line("end")
}

/// Has finished, and the server has closed: whoever comes now is the next.
fn leaves(mut peer: Peer) -> Result<(), Failure> {
    peer.finish();
    peer.expect_end()
}

fn one_client(stage: &mut Stage) -> Result<(), Failure> {
    stage.start_server()?;
    let mut anna = stage.connect("Anna")?;
    let (first, second) = (stage.adversary.sentence(), stage.adversary.sentence());
    say(&mut anna, "name Anna")?;
    say(&mut anna, &format!("put {first}"))?;
    say(&mut anna, &format!("put {second}"))?;
    lists(&mut anna, &[format!("Anna: {first}"), format!("Anna: {second}")])
}

/// The conversation goes on.
fn no_command(stage: &mut Stage) -> Result<(), Failure> {
    stage.start_server()?;
    let mut anna = stage.connect("Anna")?;
    anna.send(format!("say {}\n", stage.adversary.sentence()))?;
    anna.expect_line("error unknown command")?;
    say(&mut anna, "name Anna")
}

/// What is said to the second half for itself comes before what is said to the next line.
fn in_two_pieces(stage: &mut Stage) -> Result<(), Failure> {
    stage.start_server()?;
    let mut anna = stage.connect("Anna")?;
    let line = format!("name {}", stage.adversary.sentence());
    let (head, tail) = stage.adversary.halves(line.as_bytes());
    anna.send_pieces([head, &[tail, b"\n"].concat()])?;
    anna.expect_line("ok")?;
    say(&mut anna, "name Anna")
}

fn two_in_one(stage: &mut Stage) -> Result<(), Failure> {
    stage.start_server()?;
    let mut anna = stage.connect("Anna")?;
    anna.send(format!("name Anna\nput {}\n", stage.adversary.sentence()))?;
    anna.expect_line("ok")?;
    anna.expect_line("ok")
}

fn let_go(stage: &mut Stage) -> Result<(), Failure> {
    stage.start_server()?;
    let mut anna = stage.connect("Anna")?;
    say(&mut anna, &format!("put {}", stage.adversary.sentence()))?;
    anna.finish();
    anna.expect_end_without_spinning("end-of-the-stream-ignored")
}

/// Neither has a name, and neither reads the board: both are asked later.
fn the_next_client(stage: &mut Stage) -> Result<(), Failure> {
    stage.start_server()?;
    for name in ["Anna", "Berta"] {
        let mut client = stage.connect(name)?;
        say(&mut client, &format!("put {}", stage.adversary.sentence()))?;
        leaves(client)?;
    }
    Ok(())
}

/// One has left as one should and one has vanished, for who cleans up may do it on one way out only. What they were called
/// may have been noted by their addresses, or by their descriptors: the first who comes has the same address as the one who
/// vanished, and two come, for Linux reserves the next descriptor before `accept` waits. Each reads her own note: that all
/// can read it is asked later.
fn no_name_yet(stage: &mut Stage) -> Result<(), Failure> {
    stage.start_server()?;
    let mut anna = stage.connect("Anna")?;
    say(&mut anna, "name Anna")?;
    leaves(anna)?;
    let address = stage.own_address()?;
    let mut dora = stage.connect_from("Dora", address)?;
    say(&mut dora, "name Dora")?;
    dora.reset();
    stage.until_at_rest();
    for name in ["Berta", "Carla"] {
        let mut client = match name {
            "Berta" => stage.connect_from(name, address)?,
            _ => stage.connect(name)?,
        };
        let note = stage.adversary.sentence();
        say(&mut client, &format!("put {note}"))?;
        client.send("list\n")?;
        let mut last = Vec::new();
        loop {
            let line = client.line("the notes, and the line \"end\"")?;
            if line == b"end" {
                break;
            }
            last = line;
        }
        let expected = format!("nobody: {note}");
        if last != expected.as_bytes() {
            let what = format!("{name} has not said what she is called, and is called something.");
            return Err(Failure::new(what, shown(expected.as_bytes()), shown(&last)));
        }
        leaves(client)?;
    }
    Ok(())
}

/// Nor does one who stops in the middle of a line.
fn says_nothing(stage: &mut Stage) -> Result<(), Failure> {
    stage.start_server()?;
    let _anna = stage.connect("Anna")?;
    let mut carla = stage.connect("Carla")?;
    let mut berta = stage.connect("Berta")?;
    say(&mut berta, "name Berta")?;
    carla.send("put half a")?;
    carla.taken()?;
    say(&mut berta, "name Berta again")
}
