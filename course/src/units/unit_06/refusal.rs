//! What does a client hear that sends more than is taken?
//!
//! The refusal, then the end, and no reset; and what it does afterwards is for half a second the program's business and then
//! nobody's. Half a second is short on a busy machine: where a question took too much of it, it is asked again.

use std::time::{Duration, Instant};

use super::{LIMIT, large, served, start};
use crate::peer::{Failure, Peer};
use crate::stage::Stage;

/// As many bytes as are allowed, with their trailer.
const ALLOWED: usize = LIMIT + 4;

/// What is on its way behind them: more than a read brings, and little enough to be sent in no time.
const BEHIND: usize = 256 * 1024;

const TOO_LARGE: &str = "too large";

/// So long the program drains what a refused client still sends.
const LINGER: Duration = Duration::from_millis(500);

/// A busy machine may spoil a question about time. It is asked again then.
const ATTEMPTS: usize = 6;

/// One byte more than can be complete, and no end: all of it has been read when the program can know.
pub fn at_once(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = start(stage)?;
    let content = large(stage, ALLOWED + 1);
    anna.send(&content)?;
    anna.expect_line(TOO_LARGE)
}

/// Who was refused has not finished: it waits for the program's end, and that comes half a second late if the program waits
/// for the client's first, and then closes.
pub fn end_said(stage: &mut Stage) -> Result<(), Failure> {
    let content = large(stage, ALLOWED + 1);
    let mut least = Duration::MAX;
    for _ in 0..ATTEMPTS {
        stage.start_server_afresh()?;
        let mut anna = stage.connect("Anna")?;
        anna.send(&content)?;
        anna.expect_line(TOO_LARGE)?;
        let told = Instant::now();
        anna.expect_end()?;
        least = least.min(told.elapsed());
        if least < LINGER / 2 {
            return Ok(());
        }
    }
    let what = "Anna was refused, and got the end only when the program had waited for hers.";
    Err(Failure::new(what, "the end of the stream, at once", format!("the end after {:.1} s", least.as_secs_f64())))
}

/// Much is on its way when the program has seen enough, and more comes when it has said so. Half a second after its refusal
/// it may close, whatever still comes: an answer to what came too late is none.
pub fn arrives(stage: &mut Stage) -> Result<(), Failure> {
    let content = large(stage, ALLOWED + BEHIND);
    let small = stage.adversary.sentence().into_bytes();
    let mut heard = Ok(());
    let mut well_asked = 0;
    for _ in 0..ATTEMPTS {
        stage.start_server_afresh()?;
        let mut anna = stage.connect("Anna")?;
        anna.send(&content[..ALLOWED])?;
        let begun = Instant::now();
        let sent = sends_on(&mut anna, stage, &content[ALLOWED..]);
        well_asked += usize::from(begun.elapsed() < LINGER / 2);
        heard = sent.and_then(|()| anna.taken()).and_then(|()| {
            // It has let go of Anna when it serves the next one. Whether it does is another question.
            let _ = served(stage, "Berta", &small);
            anna.expect_no_reset()
        });
        if heard.is_ok() || well_asked == 2 {
            break;
        }
    }
    heard
}

/// All of `behind`, as a client does that knows nothing of the limit; and when it has heard the refusal and the end, a piece
/// that was under way.
fn sends_on(anna: &mut Peer, stage: &Stage, behind: &[u8]) -> Result<(), Failure> {
    anna.send(behind)?;
    anna.expect_line(TOO_LARGE)?;
    anna.until_end()?;
    stage.until_at_rest();
    anna.send("and more")
}

pub fn one_stays(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = start(stage)?;
    let content = large(stage, ALLOWED + 1);
    let small = stage.adversary.sentence().into_bytes();
    anna.send(&content)?;
    anna.expect_line(TOO_LARGE)?;
    served(stage, "Berta", &small)
}

/// Each byte ends a read long before the half second is over, and begins another.
pub fn one_trickles(stage: &mut Stage) -> Result<(), Failure> {
    const PAUSE: Duration = Duration::from_millis(75);
    let content = large(stage, ALLOWED + 1);
    let more = stage.adversary.letters(40);
    for _ in 0..ATTEMPTS {
        stage.start_server_afresh()?;
        let mut anna = stage.connect("Anna")?;
        anna.send(&content)?;
        anna.expect_line(TOO_LARGE)?;
        let poured = anna.pour(more.as_bytes(), PAUSE, Duration::ZERO);
        if poured.given_up {
            return Ok(());
        }
        // A longer pause may be the end of a program that has no limit but that of a read.
        if poured.longest_pause < LINGER / 2 {
            break;
        }
    }
    let got = format!("it has read {} bytes more in 3 s", more.len());
    Err(Failure::new("The program goes on reading what a refused client sends.", "its end after half a second", got))
}
