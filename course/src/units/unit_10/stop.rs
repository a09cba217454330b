//! How does a program end that is told to?
//!
//! It hears the order, and no other; it ends without anybody's help, as soon as nobody is inside and successfully; silent
//! clients leave, new ones are refused, and the port is free.

use super::{FAR, at_work, empty, enter, full, start};
use crate::peer::Failure;
use crate::stage::Stage;

fn said(stage: &mut Stage) {
    stage.feed(b"stop\n");
}

/// With the help of one more connection, if need be.
fn said_and_knocked(stage: &mut Stage) {
    said(stage);
    stage.until_at_rest();
    if let Ok(knock) = stage.connect("somebody") {
        knock.close();
    }
}

/// Whether it needs the help of a connection, and whether it ends, are the next questions.
pub fn heard(stage: &mut Stage) -> Result<(), Failure> {
    empty(stage)?;
    said_and_knocked(stage);
    stage.expect_refused()
}

/// All of them have been read when the program is at rest; then it lets somebody in as before.
pub fn other_lines(stage: &mut Stage) -> Result<(), Failure> {
    empty(stage)?;
    let word = stage.adversary.letters(5);
    stage.feed(format!("{word}\n\nstopwatch\n").as_bytes());
    stage.until_at_rest();
    enter(stage, "Berta").map(drop)
}

pub fn nobody_inside(stage: &mut Stage) -> Result<(), Failure> {
    empty(stage)?;
    said_and_knocked(stage);
    stage.expect_exit().map(drop)
}

pub fn by_itself(stage: &mut Stage) -> Result<(), Failure> {
    empty(stage)?;
    said(stage);
    stage.expect_exit().map(drop)
}

pub fn end_of_input(stage: &mut Stage) -> Result<(), Failure> {
    empty(stage)?;
    stage.close_input();
    stage.expect_exit().map(drop)
}

pub fn exit_status(stage: &mut Stage) -> Result<(), Failure> {
    empty(stage)?;
    said(stage);
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
pub fn port_again(stage: &mut Stage) -> Result<(), Failure> {
    start(stage, 1, FAR, FAR)?;
    let mut anna = enter(stage, "Anna")?;
    super::refused(stage, "Berta")?;
    anna.finish();
    anna.expect_end()?;
    anna.close();
    said(stage);
    stage.expect_exit()?;
    stage.start_again()?;
    let what = "Started once more, at the same port, the program cannot be used.".to_owned();
    enter(stage, "Carla").map(drop).map_err(|failure| Failure { what, ..failure })
}

/// Whether the program ends then is the next question; unless it ends when those whose connections it has closed say so:
/// then it has told them that it does not write any more, and still reads.
pub fn silent_clients(stage: &mut Stage) -> Result<(), Failure> {
    let mut inside = full(stage)?;
    said(stage);
    inside.iter_mut().try_for_each(|peer| peer.expect_end())?;
    let Err(still_runs) = stage.expect_exit() else { return Ok(()) };
    inside.iter_mut().for_each(|peer| peer.finish());
    match stage.expect_exit() {
        Ok(_) => Err(Failure { what: "The program waits until they close their side, too.".to_owned(), ..still_runs }),
        Err(_) => Ok(()),
    }
}

/// The last one leaves when the main thread has long been waiting for it: at once, it might leave before that, and nobody
/// would have to be told. Whatever the program does with whom it has worked for: she leaves by herself.
pub fn last_has_left(stage: &mut Stage) -> Result<(), Failure> {
    const WORK: u64 = 350;
    start(stage, 2, FAR, FAR)?;
    let _berta = enter(stage, "Berta")?;
    let mut anna = enter(stage, "Anna")?;
    anna.send_pieces([format!("work {WORK}\n").as_bytes()])?;
    anna.finish();
    said(stage);
    stage.expect_exit().map(drop)
}

/// Somebody's work keeps the program alive, for longer than this takes.
pub fn nobody_let_in(stage: &mut Stage) -> Result<(), Failure> {
    start(stage, 3, FAR, FAR)?;
    let _anna = at_work(stage, "Anna")?;
    said(stage);
    stage.expect_refused()
}

/// Somebody's work is no reason to keep who is silent.
pub fn not_kept(stage: &mut Stage) -> Result<(), Failure> {
    start(stage, 3, FAR, FAR)?;
    let _anna = at_work(stage, "Anna")?;
    let mut berta = enter(stage, "Berta")?;
    said(stage);
    berta.expect_end()
}
