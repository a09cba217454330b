//! How long is long enough, and for whom?
//!
//! For work at the stop: until it is done, and not for ever. For a client: as long as it asks and reads. These take real
//! time, so they come last.

use super::{FAR, at_work, enter, start, work};
use crate::peer::Failure;
use crate::stage::Stage;

/// Milliseconds that pass within a probe.
const SOON: u64 = 100;
/// Long enough for a program on a busy machine to hear a stop meanwhile.
const WORK: u64 = 400;
/// A busy machine may keep us from asking in time. It is asked again then.
const ATTEMPTS: usize = 4;

pub fn grace_ends(stage: &mut Stage) -> Result<(), Failure> {
    start(stage, 3, FAR, SOON)?;
    let _anna = at_work(stage, "Anna")?;
    stage.feed(b"stop\n");
    stage.expect_exit().map(drop)
}

/// Every 200 ms somebody's work is done, and somebody leaves: a program that waits 800 ms for the *next* who leaves is still
/// there when all have left, and one that waits 800 ms for all is long gone. A machine that stands still for a second may
/// spoil either answer, so the same answer has to come twice.
pub fn grace_for_all(stage: &mut Stage) -> Result<(), Failure> {
    stage.arguments([CLIENTS.to_string(), FAR.to_string(), GRACE.to_string()]);
    let mut rounds = 0;
    loop {
        rounds += 1;
        let first = waited_for_all(stage)?;
        let second = waited_for_all(stage)?;
        match (first, second) {
            (None, None) => return Ok(()),
            (Some(_), Some(failure)) => return Err(failure),
            (Some(failure), None) | (None, Some(failure)) if rounds == 3 => return Err(failure),
            _ => {}
        }
    }
}

const GRACE: u64 = 800;
const STEP: u64 = 200;
const CLIENTS: u64 = 10;

fn waited_for_all(stage: &mut Stage) -> Result<Option<Failure>, Failure> {
    stage.start_server()?;
    let mut last = None;
    for number in 1..=CLIENTS {
        let mut peer = enter(stage, &format!("client {number}"))?;
        peer.send_pieces([format!("work {}\n", number * STEP).as_bytes()])?;
        last = Some(peer);
    }
    stage.feed(b"stop\n");
    stage.expect_exit()?;
    let told = last.as_mut().and_then(|last| last.until_end().ok()).unwrap_or_default();
    let what = format!("With {GRACE} ms of grace, work of {} ms was waited for.", CLIENTS * STEP);
    let failure =
        || Failure::new(what, "the end of the program, before that work was done", crate::transcript::shown(&told));
    Ok((!told.is_empty()).then(failure))
}

/// One that has said something before, so that a limit for its first line alone is none.
pub fn silence(stage: &mut Stage) -> Result<(), Failure> {
    stage.arguments(["2".to_owned(), (2 * SOON).to_string(), FAR.to_string()]);
    let mut asked = Ok(());
    for _ in 0..ATTEMPTS {
        stage.start_server()?;
        let mut anna = enter(stage, "Anna")?;
        asked = work(&mut anna, 0);
        if asked.is_ok() {
            return anna.expect_end();
        }
    }
    asked
}

pub fn work_is_no_silence(stage: &mut Stage) -> Result<(), Failure> {
    let (idle, time) = (250, 500 + stage.adversary.number(0..=50) as u64);
    stage.arguments(["2".to_owned(), idle.to_string(), FAR.to_string()]);
    let mut asked = Ok(());
    for _ in 0..ATTEMPTS {
        stage.start_server()?;
        let mut anna = enter(stage, "Anna")?;
        asked = work(&mut anna, time);
        if asked.is_ok() {
            break;
        }
    }
    asked
}

/// It asks for more and more, until the program cannot get rid of its answers. A program with a limit closes the connection
/// while it is still being asked; one without sleeps in its `write`.
pub fn does_not_read(stage: &mut Stage) -> Result<(), Failure> {
    start(stage, 1, 2 * SOON, FAR)?;
    let mut anna = stage.connect_narrow("Anna")?;
    anna.expect_line("welcome")?;
    anna.insist(b"work 0\n")
}

/// A silent client, a client at work, a listener, and then the grace period: nothing of it is done by asking again and again.
/// Early, since a program that spins makes all that comes after it slow. Whether the stop works is another question.
pub fn rests(stage: &mut Stage) -> Result<(), Failure> {
    start(stage, 3, FAR, FAR)?;
    let _anna = enter(stage, "Anna")?;
    stage.expect_rest("While nobody wants anything from it, the program is busy.")?;
    let _berta = at_work(stage, "Berta")?;
    stage.feed(b"stop\n");
    stage.expect_rest("While it waits for work that was begun, the program is busy.")
}

/// Both are inside, and both are heard to the end: also Berta, who is still being worked for when Anna has long left.
pub fn finished(stage: &mut Stage) -> Result<(), Failure> {
    start(stage, 3, FAR, FAR)?;
    let (mut anna, mut berta) = (enter(stage, "Anna")?, enter(stage, "Berta")?);
    let time = WORK + stage.adversary.number(0..=50) as u64;
    let times = [time, time + 300];
    for (peer, time) in [&mut anna, &mut berta].into_iter().zip(times) {
        peer.send_pieces([format!("work {time}\n").as_bytes()])?;
    }
    stage.feed(b"stop\n");
    for (peer, time) in [&mut anna, &mut berta].into_iter().zip(times) {
        peer.expect_line(&format!("done {time}"))?;
    }
    Ok(())
}

/// It has been heard to the end, and nobody waits for its next line.
pub fn let_go_afterwards(stage: &mut Stage) -> Result<(), Failure> {
    start(stage, 3, FAR, FAR)?;
    let mut anna = enter(stage, "Anna")?;
    anna.send_pieces([format!("work {WORK}\n").as_bytes()])?;
    stage.feed(b"stop\n");
    anna.expect_line(&format!("done {WORK}"))?;
    anna.expect_end()
}
