//! Notice board: what may one client's business be to another?
//!
//! The protocol is defined in `course/units/09-notice-board/unit.md`. The probes go the way of the unit: one client, the next
//! one after it, and then many at a time, who are slow, who meet a bug, who are too many, who are gone already. What is asked
//! each time is whether another client notices.

use super::{Role, Unit};
use crate::peer::{Failure, Peer};
use crate::probe::Probe;
use crate::stage::{Exhaustion, Stage};
use crate::transcript::shown;

pub const UNIT: Unit = Unit {
    number: 9,
    name: "notice-board",
    title: "One client, then threads: a notice board",
    role: Role::Server,
    probes: &[
        Probe::visible("a client puts up a note and reads it", 2, "message-without-its-end", one_client),
        Probe::visible("the next client is served as well", 1, "ends-after-the-first-client", the_next_client),
        Probe::visible("the next client has no name yet", 1, "state-leaked-between-clients", no_name_yet),
        Probe::visible("a client that says nothing stops nobody", 4, "one-slow-client-stops-all", says_nothing),
        Probe::visible("two clients have two names", 1, "state-shared-between-clients", two_names),
        Probe::visible("what one puts up, all can read", 2, "copy-instead-of-shared", all_can_read),
        Probe::visible("many clients that say nothing stop nobody", 1, "too-few-threads", many_say_nothing),
        Probe::visible("a client that does not read stops nobody", 2, "lock-held-while-writing", does_not_read),
        Probe::visible("a bug that one client meets is nobody else's", 3, "panic-stops-all", a_bug),
        Probe::visible("out of descriptors, the server goes on", 1, "accept-error-ends-the-server", out_of_descriptors),
        Probe::visible("and rests until a client leaves", 1, "accept-error-spins", rests),
        Probe::hidden("a client that is gone already stops nobody", 1, "gone-before-it-was-accepted", gone_already),
    ],
    next: &[
        "src/simple_server.rs, SimpleServer::serve: the server that this unit began with, whole",
        "src/standard_server.rs, StandardServer::serve: the one that it came to, with a cap and an orderly stop",
        "src/standard_server/clients.rs: what becomes of a thread that fails, panics, or cannot be started",
        "src/listener/failure.rs: which errors of accept concern one client, and which the whole server",
        "examples/02_simple_server.rs and examples/03_standard_server.rs: both in forty lines",
    ],
};

const END_IGNORED: &str = "end-of-the-stream-ignored";

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
    peer.expect_end_without_spinning(END_IGNORED)
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

/// Two come after her: Linux reserves the next descriptor before `accept` waits, so it is the second of them who gets hers.
/// Each reads her own note: that all can read Anna's is asked later.
fn no_name_yet(stage: &mut Stage) -> Result<(), Failure> {
    stage.start_server()?;
    let mut anna = stage.connect("Anna")?;
    say(&mut anna, "name Anna")?;
    leaves(anna)?;
    for name in ["Berta", "Carla"] {
        let mut client = stage.connect(name)?;
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

fn says_nothing(stage: &mut Stage) -> Result<(), Failure> {
    stage.start_server()?;
    let _anna = stage.connect("Anna")?;
    let mut berta = stage.connect("Berta")?;
    say(&mut berta, "name Berta")
}

fn two_names(stage: &mut Stage) -> Result<(), Failure> {
    stage.start_server()?;
    let (mut anna, mut berta) = (stage.connect("Anna")?, stage.connect("Berta")?);
    let note = stage.adversary.sentence();
    say(&mut anna, "name Anna")?;
    say(&mut berta, "name Berta")?;
    say(&mut anna, &format!("put {note}"))?;
    lists(&mut anna, &[format!("Anna: {note}")])
}

/// Both are being served before there is a note.
fn all_can_read(stage: &mut Stage) -> Result<(), Failure> {
    stage.start_server()?;
    let (mut anna, mut berta) = (stage.connect("Anna")?, stage.connect("Berta")?);
    let (first, second) = (stage.adversary.sentence(), stage.adversary.sentence());
    say(&mut anna, "name Anna")?;
    say(&mut berta, "name Berta")?;
    say(&mut anna, &format!("put {first}"))?;
    say(&mut berta, &format!("put {second}"))?;
    lists(&mut anna, &[format!("Anna: {first}"), format!("Berta: {second}")])
}

fn many_say_nothing(stage: &mut Stage) -> Result<(), Failure> {
    stage.start_server()?;
    let mut anna = stage.connect("Anna")?;
    say(&mut anna, "name Anna")?;
    let _crowd = stage.connect_crowd(100)?;
    let mut berta = stage.connect("Berta")?;
    say(&mut berta, "name Berta")
}

/// Who does not read what was asked for is served until its buffers are full; then the server's `write` waits for it, for
/// ever. Twelve megabytes are more than any system keeps for one connection.
fn does_not_read(stage: &mut Stage) -> Result<(), Failure> {
    stage.start_server()?;
    let mut anna = stage.connect("Anna")?;
    say(&mut anna, "name Anna")?;
    let mut notes = Vec::new();
    for _ in 0..3 {
        let note = stage.adversary.letters(20_000);
        say(&mut anna, &format!("put {note}"))?;
        notes.push(format!("Anna: {note}"));
    }
    let mut carla = stage.connect_narrow("Carla (who never reads)")?;
    carla.send("list\n".repeat(200))?;
    stage.until_at_rest();
    let note = stage.adversary.sentence();
    say(&mut anna, &format!("put {note}"))?;
    notes.push(format!("Anna: {note}"));
    lists(&mut anna, &notes)
}

/// Whether it happens under the lock of the board, and what then becomes of the lock, is the program's business.
fn a_bug(stage: &mut Stage) -> Result<(), Failure> {
    stage.start_server()?;
    let (mut anna, mut berta) = (stage.connect("Anna")?, stage.connect("Berta")?);
    let note = stage.adversary.sentence();
    say(&mut anna, "name Anna")?;
    say(&mut berta, "name Berta")?;
    berta.send("put bug\n")?;
    berta.expect_end()?;
    say(&mut anna, &format!("put {note}"))?;
    lists(&mut anna, &[format!("Anna: {note}")])?;
    let mut carla = stage.connect("Carla")?;
    lists(&mut carla, &[format!("Anna: {note}")])
}

/// Forty come, and there is room for sixteen: `accept` fails, as long as none of them leaves.
fn full(stage: &mut Stage) -> Result<(Peer, Exhaustion), Failure> {
    stage.start_server()?;
    let mut anna = stage.connect("Anna")?;
    say(&mut anna, "name Anna")?;
    let limit = stage.leave_descriptors(16);
    let crowd = stage.connect_crowd(40)?;
    let exhaustion = stage.exhaust_descriptors(limit);
    crowd.leave();
    Ok((anna, exhaustion))
}

fn out_of_descriptors(stage: &mut Stage) -> Result<(), Failure> {
    let (mut anna, _) = full(stage)?;
    let mut berta = stage.connect("Berta")?;
    say(&mut berta, "name Berta")?;
    say(&mut anna, "name Anna again")
}

fn rests(stage: &mut Stage) -> Result<(), Failure> {
    match full(stage)?.1 {
        Exhaustion::Rests | Exhaustion::Unseen => Ok(()),
        Exhaustion::Spins => Err(Failure::new(
            "The server has no descriptor left for the next client, and asks for it again and again.",
            "a server that waits a moment, or closes something",
            "a whole processor used, though nobody says anything",
        )),
    }
}

/// While the program stands still, so that they have come and gone before it accepts the first of them.
fn gone_already(stage: &mut Stage) -> Result<(), Failure> {
    stage.start_server()?;
    let mut anna = stage.connect("Anna")?;
    say(&mut anna, "name Anna")?;
    stage.pause_program();
    let result = (0..4).map(|_| stage.connect("one who goes at once")).collect::<Result<Vec<_>, _>>();
    let result = result.map(|crowd| crowd.into_iter().for_each(Peer::reset));
    stage.resume_program();
    result?;
    let mut berta = stage.connect("Berta")?;
    say(&mut berta, "name Berta")?;
    say(&mut anna, "name Anna again")
}
