//! File copy: when has all of it been written, and when has all of it come?
//!
//! The protocol is defined in `course/units/03-file-copy/unit.md`. The check is the echo service. First it is kind: a small
//! file, taken whole and sent back whole. Then the file grows, what comes back comes in pieces, the program's `write` is
//! made to take less than it was given, and at last the service answers while it is still being written to.

use super::{Role, Unit};
use crate::peer::{Failure, Peer};
use crate::probe::Probe;
use crate::stage::Stage;
use crate::transcript::shown;

pub const UNIT: Unit = Unit {
    number: 3,
    name: "file-copy",
    title: "Complete I/O: copy a file, hash it",
    role: Role::Client,
    probes: &[
        Probe::visible("a small file is sent, and its copy stored", 3, "file-not-copied", small_file),
        Probe::visible("the checksums are those of the file", 1, "checksum-wrong", checksums),
        Probe::visible("not a byte more than the file is sent", 1, "old-bytes-in-the-buffer", nothing_more),
        Probe::visible("a file larger than a buffer is sent whole", 2, "larger-than-the-buffer", larger_file),
        Probe::visible("a copy in pieces is one copy", 3, "short-read", copy_in_pieces),
        Probe::visible("a write may take less than it was given", 3, "short-write", write_cut_short),
        Probe::visible("it listens while it talks", 3, "both-sides-write", real_echo),
        Probe::visible("an end that comes too soon ends the program", 1, END_IGNORED, end_too_soon),
        Probe::visible("an end that comes too soon is an error", 1, TRUNCATION, truncation_told),
        Probe::visible("a copy that differs is an error", 1, "checksum-not-compared", copy_differs),
        Probe::hidden("an empty file has a copy too", 1, "empty-file-waited-for", empty_file),
    ],
    next: &[
        "src/wire.rs: Wire::write, the same loop under a deadline, and what becomes of Interrupted",
        "src/transport.rs: Transport::write_all, which makes an error of less than all",
        "src/sender.rs: Sender, so that one thread sends while another receives",
    ],
};

const END_IGNORED: &str = "end-of-the-stream-ignored";
const TRUNCATION: &str = "truncation-taken-for-completion";

/// The program gets the file's path and the copy's, and connects to us.
fn start(stage: &mut Stage, content: &[u8]) -> Result<Peer, Failure> {
    give_paths(stage, content)?;
    stage.start_client()?;
    stage.accept("Echo")
}

fn give_paths(stage: &mut Stage, content: &[u8]) -> Result<(), Failure> {
    let from = stage.file("original", content)?;
    let to = stage.path("copy")?.into();
    stage.arguments([from, to]);
    Ok(())
}

/// Takes all of it before a byte goes back: the kindest of services, and one that needs a file small enough for that.
fn taken_and_sent_back(stage: &mut Stage, content: &[u8]) -> Result<Peer, Failure> {
    let mut echo = start(stage, content)?;
    echo.expect(content)?;
    echo.send(content)?;
    Ok(echo)
}

fn copied(stage: &mut Stage, content: &[u8]) -> Result<(), Failure> {
    let status = stage.expect_exit()?;
    let copy = stage.written("copy")?;
    if copy.as_deref() != Some(content) {
        let got = copy.map_or("no such file".to_owned(), |copy| shown(&copy));
        return Err(Failure::new("The copy is not the file.", shown(content), got));
    }
    if !status.success() {
        let got = format!("its end with {status}");
        return Err(Failure::new("The copy is the file, and the program reports a failure.", "exit status 0", got));
    }
    Ok(())
}

/// It must not end as if all were well.
fn reported(status: std::process::ExitStatus, what: &str) -> Result<(), Failure> {
    match status.success() {
        false => Ok(()),
        true => Err(Failure::new(what, "another exit status than 0", "exit status 0: as if all were well")),
    }
}

/// Large, and not equal to itself when a piece of it is left out or sent twice: 1009 is prime, so no buffer is a
/// multiple of it.
pub(super) fn large(stage: &mut Stage, length: usize) -> Vec<u8> {
    let mut content = stage.adversary.letters(1009).into_bytes().repeat(length.div_ceil(1009));
    content.truncate(length);
    content
}

/// RFC 1950 section 8.2.
pub(super) fn adler32(bytes: &[u8]) -> u32 {
    let add = |(a, b): (u32, u32), byte: &u8| {
        let a = (a + u32::from(*byte)) % 65_521;
        (a, (b + a) % 65_521)
    };
    let (a, b) = bytes.iter().fold((1, 0), add);
    b << 16 | a
}

// --- the probes -------------------------------------------------------------------------------------

fn small_file(stage: &mut Stage) -> Result<(), Failure> {
    let content = stage.adversary.sentence().into_bytes();
    taken_and_sent_back(stage, &content)?;
    copied(stage, &content)
}

fn checksums(stage: &mut Stage) -> Result<(), Failure> {
    let content = stage.adversary.sentence().into_bytes();
    let _echo = taken_and_sent_back(stage, &content)?;
    for direction in ["sent", "received"] {
        stage.expect_output_line(&format!("{direction} {} {:08x}", content.len(), adler32(&content)))?;
    }
    Ok(())
}

fn nothing_more(stage: &mut Stage) -> Result<(), Failure> {
    let content = stage.adversary.sentence().into_bytes();
    let mut echo = taken_and_sent_back(stage, &content)?;
    echo.expect_end()
}

/// Too large for one buffer, and small enough to be kept by the two systems until we read.
fn larger_file(stage: &mut Stage) -> Result<(), Failure> {
    let length = stage.adversary.number(300_000..=400_000);
    let content = large(stage, length);
    let mut echo = start(stage, &content)?;
    whole(&mut echo, &content)
}

/// As `expect`, without comparing from the beginning each time that something comes.
fn whole(echo: &mut Peer, content: &[u8]) -> Result<(), Failure> {
    let came = echo.bytes(content.len(), &format!("the file's {} bytes", content.len()))?;
    if came == content {
        return Ok(());
    }
    let place = came.iter().zip(content).take_while(|(ours, theirs)| ours == theirs).count();
    let around = |bytes: &[u8]| shown(&bytes[place..bytes.len().min(place + 24)]);
    let what = format!("What was sent differs from the file, from byte {} on.", place + 1);
    Err(Failure::new(what, around(content), around(&came)))
}

fn copy_in_pieces(stage: &mut Stage) -> Result<(), Failure> {
    let content = stage.adversary.sentence().into_bytes();
    let mut echo = start(stage, &content)?;
    echo.expect(&content)?;
    let (first, second) = stage.adversary.halves(&content);
    echo.send_pieces([first, second])?;
    copied(stage, &content)
}

/// Nobody reads, until all buffers are full and the program is blocked in its `write`. Then it is stopped and goes on,
/// and the `write` returns with what it had taken. Three times, at three places of the file.
fn write_cut_short(stage: &mut Stage) -> Result<(), Failure> {
    let content = large(stage, stage.more_than_fits() / 2);
    give_paths(stage, &content)?;
    stage.start_narrow_client()?;
    let mut echo = stage.accept("Echo")?;
    for _ in 0..3 {
        stage.interrupt_its_call();
        echo.take_in(100_000)?;
    }
    whole(&mut echo, &content)
}

/// An echo service as one finds it: it sends back each piece before it reads the next.
fn real_echo(stage: &mut Stage) -> Result<(), Failure> {
    let content = large(stage, stage.more_than_fits() + (1 << 20));
    give_paths(stage, &content)?;
    stage.start_narrow_client()?;
    let mut echo = stage.accept("Echo")?;
    echo.echo(content.len())?;
    copied(stage, &content)
}

/// Some of it goes back, and then the service is done with us.
fn cut_short(stage: &mut Stage) -> Result<Peer, Failure> {
    let content = stage.adversary.sentence().into_bytes();
    let mut echo = start(stage, &content)?;
    echo.expect(&content)?;
    let (first, _) = stage.adversary.halves(&content);
    echo.send_pieces([first])?;
    echo.finish();
    Ok(echo)
}

fn end_too_soon(stage: &mut Stage) -> Result<(), Failure> {
    let _echo = cut_short(stage)?;
    stage.expect_exit_without_spinning(END_IGNORED).map(|_| ())
}

fn truncation_told(stage: &mut Stage) -> Result<(), Failure> {
    let _echo = cut_short(stage)?;
    let status = stage.expect_exit_without_spinning(TRUNCATION)?;
    reported(status, "Only a part of the copy came, and the program is content.")
}

fn copy_differs(stage: &mut Stage) -> Result<(), Failure> {
    let content = stage.adversary.sentence().into_bytes();
    let mut echo = start(stage, &content)?;
    echo.expect(&content)?;
    let mut other = content.clone();
    let place = stage.adversary.number(0..=other.len() - 1);
    // Another character, so that the copy is as long as the file, and text.
    other[place] ^= 1;
    echo.send(&other)?;
    let status = stage.expect_exit()?;
    reported(status, "The copy differs from the file in one byte, and the program is content.")
}

fn empty_file(stage: &mut Stage) -> Result<(), Failure> {
    let _echo = start(stage, b"")?;
    copied(stage, b"")
}
