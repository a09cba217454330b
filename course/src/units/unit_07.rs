//! Meter readings: how long does one wait, for whom, and who waits for whom?
//!
//! The protocol is defined in `course/units/07-meter-readings/unit.md`; the check is its server. First whose turn it is, then
//! what unit 4 was about, then a server that says nothing, thinks, closes, drips, and at last one that does not read.

use std::time::{Duration, Instant};

use super::{Role, Unit};
use crate::peer::{Failure, Peer};
use crate::probe::Probe;
use crate::stage::Stage;

pub const UNIT: Unit = Unit {
    number: 7,
    name: "meter-readings",
    title: "Waiting: meter readings",
    role: Role::Client,
    probes: &[
        Probe::visible("it speaks when it is its turn", 2, BOTH_WAIT, its_turn),
        Probe::visible("the readings are delivered", 2, "readings-not-delivered", delivered),
        Probe::visible("readings may be acknowledged in groups", 2, EACH_ANSWER, in_groups),
        Probe::visible("an answer may come in two pieces", 1, "one-read-is-one-message", in_two_pieces),
        Probe::visible("answers may come in one segment", 1, "two-messages-in-one-segment", in_one_segment),
        Probe::visible("a server that says nothing is given up", 2, "no-time-limit", says_nothing),
        Probe::visible("a server that thinks is waited for", 1, "given-up-too-early", thinks),
        Probe::visible("the end is not taken for silence", 1, "time-out-and-end-alike", closes),
        Probe::visible("a limit is for all of an answer", 2, "limit-over-each-read", drips),
        Probe::visible("each answer has the whole limit", 1, "limit-over-the-whole-conversation", each_anew),
        Probe::visible("both sides may send at the same time", 2, "both-sides-write", both_write),
        Probe::hidden("a server that does not read is given up", 1, "no-time-limit-for-writing", does_not_read),
    ],
    next: &[
        "src/deadline.rs: Deadline, a point in time that is handed down, and TimeOut, which spares the call where it can",
        "src/connection.rs: Connection::receive and Received, where a message, nothing and the end are three values",
        "src/settings.rs: what can wait for a peer, and how long it does if nobody says otherwise",
        "examples/13_news_client.rs: a server that somebody else wrote, whose document says whose turn it is",
    ],
};

const BOTH_WAIT: &str = "both-sides-wait";
const EACH_ANSWER: &str = "waits-for-each-answer";
/// Five hours, for probes that are not about time.
const AMPLE: u64 = 20_000_000;
/// Milliseconds. Short, because each probe that waits for it costs as much.
const SHORT: u64 = 150;
/// A busy machine may spoil a question about time. It is asked again then.
const ATTEMPTS: usize = 6;

fn start(stage: &mut Stage, limit: u64, count: usize) -> Result<Peer, Failure> {
    stage.arguments([limit.to_string(), count.to_string()]);
    stage.start_client()?;
    stage.accept("the meter")
}

fn reading(number: usize) -> String {
    format!("{number}{}\n", " 230.1".repeat(32))
}

fn readings(numbers: std::ops::RangeInclusive<usize>) -> String {
    numbers.map(reading).collect()
}

fn stored(number: usize) -> String {
    format!("stored {number}\n")
}

/// The client says what it has, and is told to go ahead. A remark behind the word is for people.
fn opening(stage: &mut Stage, meter: &mut Peer, count: usize) -> Result<(), Failure> {
    meter.expect_line(&format!("readings {count}"))?;
    meter.send(format!("ready {}\n", stage.adversary.sentence()))
}

/// What it prints, and that it has ended then.
fn outcome(stage: &mut Stage, line: &str) -> Result<(), Failure> {
    stage.expect_output_line(line)?;
    stage.expect_exit().map(drop)
}

/// What it says is the next question; here it is only when. A program that gave up waiting has waited in vain as well.
fn its_turn(stage: &mut Stage) -> Result<(), Failure> {
    let mut meter = start(stage, AMPLE, 1)?;
    let turns = |meter: &mut Peer| {
        meter.line("its first line, for the client begins, and a line ends with a line feed")?;
        meter.send("ready\n")?;
        meter.line("the reading, as a line").map(drop)
    };
    turns(&mut meter).map_err(|failure| if failure.silent { failure.is(BOTH_WAIT) } else { failure })
}

fn delivered(stage: &mut Stage) -> Result<(), Failure> {
    let count = stage.adversary.number(2..=5);
    let mut meter = start(stage, AMPLE, count)?;
    opening(stage, &mut meter, count)?;
    for number in 1..=count {
        meter.expect(reading(number).as_bytes())?;
        meter.send_pieces([stored(number).as_bytes()])?;
    }
    outcome(stage, &format!("stored {count} of {count}"))
}

fn in_groups(stage: &mut Stage) -> Result<(), Failure> {
    let count = stage.adversary.number(3..=9);
    let mut meter = start(stage, AMPLE, count)?;
    opening(stage, &mut meter, count)?;
    meter.expect(readings(1..=count).as_bytes())?;
    for number in 1..=count {
        meter.send_pieces([stored(number).as_bytes()])?;
    }
    outcome(stage, &format!("stored {count} of {count}"))
}

fn in_two_pieces(stage: &mut Stage) -> Result<(), Failure> {
    let mut meter = start(stage, AMPLE, 1)?;
    opening(stage, &mut meter, 1)?;
    meter.expect(reading(1).as_bytes())?;
    // Cut before its number is whole: what comes first is no answer in itself.
    let (head, tail) = stage.adversary.halves(b"stored 1");
    meter.send_pieces([head, &[tail, b"\n"].concat()])?;
    outcome(stage, "stored 1 of 1")
}

fn in_one_segment(stage: &mut Stage) -> Result<(), Failure> {
    let count = stage.adversary.number(2..=9);
    let mut meter = start(stage, AMPLE, count)?;
    opening(stage, &mut meter, count)?;
    meter.expect(readings(1..=count).as_bytes())?;
    meter.send((1..=count).map(stored).collect::<String>())?;
    outcome(stage, &format!("stored {count} of {count}"))
}

fn says_nothing(stage: &mut Stage) -> Result<(), Failure> {
    let count = stage.adversary.number(1..=9);
    let mut meter = start(stage, SHORT, count)?;
    meter.expect_line(&format!("readings {count}"))?;
    outcome(stage, &format!("stored 0 of {count}, then nothing for {SHORT} ms"))
}

fn thinks(stage: &mut Stage) -> Result<(), Failure> {
    let mut meter = start(stage, 10_000, 1)?;
    meter.expect_line("readings 1")?;
    meter.think(Duration::from_millis(SHORT));
    meter.send("ready\n")?;
    meter.expect(reading(1).as_bytes())?;
    meter.send(stored(1))?;
    outcome(stage, "stored 1 of 1")
}

/// When all has been read: to close with something unread would be a reset (unit 6).
fn closes(stage: &mut Stage) -> Result<(), Failure> {
    let count = stage.adversary.number(2..=9);
    let done = stage.adversary.number(0..=count - 1);
    let mut meter = start(stage, AMPLE, count)?;
    opening(stage, &mut meter, count)?;
    meter.expect(readings(1..=count).as_bytes())?;
    (1..=done).try_for_each(|number| meter.send(stored(number)))?;
    meter.finish();
    outcome(stage, &format!("stored {done} of {count}, then the end"))
}

/// For four times the limit. A pause as long as half of the limit says nothing about which limit ended it.
fn drips(stage: &mut Stage) -> Result<(), Failure> {
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

/// Together they take longer than the limit, and none of them does.
fn each_anew(stage: &mut Stage) -> Result<(), Failure> {
    const LIMIT: u64 = 600;
    let count = 3;
    stage.arguments([LIMIT.to_string(), count.to_string()]);
    let mut result = Ok(());
    for _ in 0..ATTEMPTS {
        stage.start_client()?;
        let mut meter = stage.accept("the meter")?;
        let mut longest = Duration::ZERO;
        result = slowly(&mut meter, count, &mut longest).and_then(|()| outcome(stage, "stored 3 of 3"));
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

/// The server takes in a first group, and does not read on until its acknowledgements have been taken. They do not fit
/// into the buffers between the two, and neither do the readings that are left.
fn both_write(stage: &mut Stage) -> Result<(), Failure> {
    const GROUP: usize = 2_500;
    // What is read of the first group lets the program's send buffer grow, to four times as much and more.
    const GROWTH: usize = 4 << 20;
    let count = GROUP + (stage.more_than_fits() + GROWTH) / reading(1).len();
    stage.arguments([AMPLE.to_string(), count.to_string()]);
    stage.start_narrow_client()?;
    let mut meter = stage.accept("the meter")?;
    opening(stage, &mut meter, count)?;
    expect_all(&mut meter, 1..=GROUP)
        .map_err(|failure| if failure.silent { failure.is(EACH_ANSWER) } else { failure })?;
    let remark = stage.adversary.letters(150);
    meter.send((1..=GROUP).map(|number| format!("stored {number} {remark}\n")).collect::<String>())?;
    expect_all(&mut meter, GROUP + 1..=count)?;
    meter.send((GROUP + 1..=count).map(stored).collect::<String>())?;
    outcome(stage, &format!("stored {count} of {count}"))
}

/// In parts, because what has come is compared from its beginning again each time.
fn expect_all(meter: &mut Peer, numbers: std::ops::RangeInclusive<usize>) -> Result<(), Failure> {
    readings(numbers).as_bytes().chunks(1 << 16).try_for_each(|part| meter.expect(part))
}

fn does_not_read(stage: &mut Stage) -> Result<(), Failure> {
    let count = stage.more_than_fits() / reading(1).len();
    stage.arguments([SHORT.to_string(), count.to_string()]);
    stage.start_narrow_client()?;
    let mut meter = stage.accept("the meter")?;
    opening(stage, &mut meter, count)?;
    outcome(stage, &format!("stored 0 of {count}, then nothing for {SHORT} ms"))
}
