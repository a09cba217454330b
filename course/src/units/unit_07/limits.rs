//! What is the program's limit a limit of?
//!
//! A server that says nothing shows whether there is one, and a server that thinks, whether it is too short. One whose
//! answer comes byte by byte, and one that takes its time for each of many answers, show what it is for.

use std::time::{Duration, Instant};

use super::{SHORT, outcome, reading, readings, start, stored};
use crate::peer::{Failure, Peer};
use crate::stage::Stage;

/// A busy machine may spoil a question about time. It is asked again then.
const ATTEMPTS: usize = 6;

/// Bytes come so close together that the limit is over when one has just been read, and not in a read: what is left is then
/// nothing. Where it ends up in a read all the same, because this process had to wait for its turn, it is asked again. A
/// program that goes on waiting is another question's.
pub fn pours(stage: &mut Stage) -> Result<(), Failure> {
    const LIMIT: u64 = 80;
    // A time-out of a system whose clock ticks each 4 ms is never shorter than that.
    const CLOSE: Duration = Duration::from_millis(3);
    let answer = format!("ready {}", stage.adversary.letters(190));
    stage.arguments([LIMIT.to_string(), "1".to_owned()]);
    let mut well_asked = 0;
    for _ in 0..2 * ATTEMPTS {
        stage.start_client()?;
        let mut meter = stage.accept("the meter")?;
        meter.expect_line("readings 1")?;
        let poured = meter.pour(answer.as_bytes(), Duration::from_micros(600), Duration::from_millis(2 * LIMIT));
        if !poured.given_up {
            return Ok(());
        }
        outcome(stage, &format!("stored 0 of 1, then nothing for {LIMIT} ms"))?;
        well_asked += usize::from(poured.longest_pause < CLOSE);
        if well_asked == 2 {
            break;
        }
    }
    Ok(())
}

pub fn says_nothing(stage: &mut Stage) -> Result<(), Failure> {
    let count = stage.adversary.number(1..=9);
    let mut meter = start(stage, SHORT, count)?;
    meter.expect_line(&format!("readings {count}"))?;
    outcome(stage, &format!("stored 0 of {count}, then nothing for {SHORT} ms"))
}

pub fn thinks(stage: &mut Stage) -> Result<(), Failure> {
    let mut meter = start(stage, 10_000, 1)?;
    meter.expect_line("readings 1")?;
    meter.think(Duration::from_millis(SHORT));
    meter.send("ready\n")?;
    meter.expect(reading(1).as_bytes())?;
    meter.send(stored(1))?;
    outcome(stage, "stored 1 of 1")
}

/// For four times the limit. A pause as long as half of the limit says nothing about which limit ended it.
pub fn drips(stage: &mut Stage) -> Result<(), Failure> {
    const LIMIT: u64 = 250;
    let limit = Duration::from_millis(LIMIT);
    let answer = format!("ready {}\n", stage.adversary.letters(190));
    stage.arguments([LIMIT.to_string(), "1".to_owned()]);
    let mut given_up = false;
    for _ in 0..ATTEMPTS {
        stage.start_client()?;
        let mut meter = stage.accept("the meter")?;
        let accepted = Instant::now();
        meter.expect_line("readings 1")?;
        let first_pause = accepted.elapsed();
        let drip = meter.drip(answer.as_bytes(), Duration::from_millis(20), 4 * limit);
        given_up = drip.given_up;
        if drip.longest_pause.max(first_pause) < limit / 2 {
            break;
        }
    }
    if given_up {
        return outcome(stage, &format!("stored 0 of 1, then nothing for {LIMIT} ms"));
    }
    let what = format!("The server sends its answer byte by byte, and the program still waits after {} ms.", 4 * LIMIT);
    Err(Failure::new(what, format!("that it gives up when its limit of {LIMIT} ms is over"), "it goes on waiting"))
}

/// Together they take longer than the limit, and so do the acknowledgements alone; none of them does.
pub fn each_anew(stage: &mut Stage) -> Result<(), Failure> {
    const LIMIT: u64 = 600;
    let count = 5;
    stage.arguments([LIMIT.to_string(), count.to_string()]);
    let mut result = Ok(());
    for _ in 0..ATTEMPTS {
        stage.start_client()?;
        let mut meter = stage.accept("the meter")?;
        let mut longest = Duration::ZERO;
        result = slowly(&mut meter, count, &mut longest).and_then(|()| outcome(stage, "stored 5 of 5"));
        if result.is_ok() || longest < Duration::from_millis(LIMIT / 2) {
            break;
        }
    }
    result
}

/// `longest` is the longest time that the program had to wait for an answer, seen from here.
fn slowly(meter: &mut Peer, count: usize, longest: &mut Duration) -> Result<(), Failure> {
    let mut last = Instant::now();
    let mut answer = |meter: &mut Peer, answer: String| {
        meter.think(Duration::from_millis(160));
        *longest = (*longest).max(last.elapsed());
        last = Instant::now();
        meter.send(answer)
    };
    meter.expect_line(&format!("readings {count}"))?;
    answer(meter, "ready\n".to_owned())?;
    meter.expect(readings(1..=count).as_bytes())?;
    (1..=count).try_for_each(|number| answer(meter, stored(number)))
}
