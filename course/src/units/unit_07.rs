//! Meter readings: how long does one wait, for whom, and who waits for whom?
//!
//! The protocol is defined in `course/units/07-meter-readings/unit.md`; the check is its server. First whose turn it is, then
//! what unit 4 was about, then a server that says nothing, thinks, closes, dies, drips, and at last one that does not read.

use super::{Role, Unit};
use crate::peer::{Failure, Peer};
use crate::probe::Probe;
use crate::stage::Stage;
use crate::transcript::shown;

mod limits;

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
        Probe::visible("a limit may be over between two bytes", 1, "zero-as-a-time-limit", limits::pours),
        Probe::visible("a server that says nothing is given up", 2, "no-time-limit", limits::says_nothing),
        Probe::visible("a server that thinks is waited for", 1, "given-up-too-early", limits::thinks),
        Probe::visible("the end is not taken for silence", 1, "time-out-and-end-alike", closes),
        Probe::visible("a reset does not take the count along", 1, "count-lost-by-an-error", resets),
        Probe::visible("a limit is for all of an answer", 2, "limit-over-each-read", limits::drips),
        Probe::visible("each answer has the whole limit", 1, "limit-over-the-whole-conversation", limits::each_anew),
        Probe::visible("both sides may send at the same time", 2, "both-sides-write", both_write),
        Probe::hidden("a server that does not read is given up", 1, "no-time-limit-for-writing", does_not_read),
        Probe::visible("who gives up says why", 1, "consequence-told-for-the-cause", says_why),
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

/// It dies when it has read everything and the program has read all of its answers: the reset is for a read, and for no
/// `write`. How the reset is called is the system's business; how many readings are stored is not.
fn resets(stage: &mut Stage) -> Result<(), Failure> {
    let count = stage.adversary.number(2..=9);
    let done = stage.adversary.number(1..=count - 1);
    let mut meter = start(stage, AMPLE, count)?;
    opening(stage, &mut meter, count)?;
    meter.expect(readings(1..=count).as_bytes())?;
    meter.send_pieces((1..=done).map(stored).collect::<Vec<_>>().iter().map(String::as_bytes))?;
    meter.reset();
    let begins = format!("stored {done} of {count}, then ");
    let expected = format!("\"{begins}an error: ...\"");
    let line = stage.output_line(&expected)?;
    if !line.starts_with(begins.as_bytes()) {
        let what = "The connection was reset, and the program does not say how many readings were acknowledged before.";
        return Err(Failure::new(what, expected, shown(&line)));
    }
    stage.expect_exit().map(drop)
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

/// A server that says `ready`, and then neither reads nor answers; and how many readings it was promised.
fn deaf(stage: &mut Stage) -> Result<usize, Failure> {
    let count = stage.more_than_fits() / reading(1).len();
    stage.arguments([SHORT.to_string(), count.to_string()]);
    stage.start_narrow_client()?;
    let mut meter = stage.accept("the meter")?;
    opening(stage, &mut meter, count)?;
    Ok(count)
}

/// That it ends, whatever it says: this is about the thread that is blocked in its `write`.
fn does_not_read(stage: &mut Stage) -> Result<(), Failure> {
    deaf(stage)?;
    stage.expect_exit().map(drop)
}

/// The thread that was woken by the program's own shutdown has an error to tell, and it is nobody's news.
fn says_why(stage: &mut Stage) -> Result<(), Failure> {
    let count = deaf(stage)?;
    outcome(stage, &format!("stored 0 of {count}, then nothing for {SHORT} ms")).map_err(|failure| Failure {
        what: "No answer came in time and the program gave up, but that is not what it says.".to_owned(),
        ..failure
    })
}
