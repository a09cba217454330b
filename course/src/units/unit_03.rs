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

mod endings;
mod loops;

pub const UNIT: Unit = Unit {
    number: 3,
    name: "file-copy",
    title: "Complete I/O: copy a file, hash it",
    role: Role::Client,
    probes: &[
        Probe::visible("a small file is sent, and its copy stored", 2, "file-not-copied", small_file),
        Probe::visible("without the end of the stream", 1, "both-sides-wait", without_the_end),
        Probe::visible("the checksums are those of the file", 1, "checksum-wrong", checksums),
        Probe::visible("not a byte more than the file is sent", 1, "old-bytes-in-the-buffer", nothing_more),
        Probe::visible("the checksum of a longer file", 1, "checksum-not-reduced", longer_checksum),
        Probe::visible("a file larger than a buffer is sent whole", 2, "larger-than-the-buffer", loops::larger_file),
        Probe::visible("it sends on before anything comes back", 1, "waits-for-each-answer", loops::sends_on),
        Probe::visible("a copy in pieces is one copy", 3, "short-read", loops::copy_in_pieces),
        Probe::visible("a file may hold any bytes", 1, "file-taken-for-text", any_bytes),
        Probe::visible("a write may take less than it was given", 3, "short-write", loops::write_cut_short),
        Probe::visible("it listens while it talks", 3, "both-sides-write", loops::real_echo),
        Probe::visible("a file is not read whole", 1, "file-read-whole", loops::larger_than_memory),
        Probe::visible("an end that comes too soon ends the program", 1, END_IGNORED, endings::end_too_soon),
        Probe::visible("an end that comes too soon is an error", 1, TRUNCATION, endings::truncation_told),
        Probe::visible(
            "an end that comes too soon ends the sending too",
            1,
            "sender-not-woken",
            endings::end_while_sending,
        ),
        Probe::visible("a copy that differs is an error", 1, "checksum-not-compared", endings::copy_differs),
        Probe::hidden("an empty file has a copy too", 1, "empty-file-waited-for", endings::empty_file),
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

fn stored(stage: &mut Stage, content: &[u8]) -> Result<(), Failure> {
    let copy = stage.written("copy")?;
    if copy.as_deref() != Some(content) {
        let got = copy.map_or("no such file".to_owned(), |copy| shown(&copy));
        return Err(Failure::new("The copy is not the file.", shown(content), got));
    }
    Ok(())
}

fn copied(stage: &mut Stage, content: &[u8]) -> Result<(), Failure> {
    let status = stage.expect_exit()?;
    stored(stage, content)?;
    if !status.success() {
        let got = format!("its end with {status}");
        return Err(Failure::new("The copy is the file, and the program reports a failure.", "exit status 0", got));
    }
    Ok(())
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

/// It may wait for whatever it likes: the service sends all of it back, and ends behind it. What the program thinks of the
/// copy is the checksums' question.
fn small_file(stage: &mut Stage) -> Result<(), Failure> {
    let content = stage.adversary.sentence().into_bytes();
    let mut echo = taken_and_sent_back(stage, &content)?;
    echo.finish();
    stage.expect_exit()?;
    stored(stage, &content)
}

fn without_the_end(stage: &mut Stage) -> Result<(), Failure> {
    let content = stage.adversary.sentence().into_bytes();
    let _echo = taken_and_sent_back(stage, &content)?;
    stage.expect_exit().map(|_| ())
}

/// Of so few bytes that the checksum begins with a zero.
fn checksums(stage: &mut Stage) -> Result<(), Failure> {
    let content = stage.adversary.word().into_bytes();
    let _echo = taken_and_sent_back(stage, &content)?;
    for direction in ["sent", "received"] {
        stage.expect_output_line(&format!("{direction} {} {:08x}", content.len(), adler32(&content)))?;
    }
    copied(stage, &content)
}

/// Long enough that both sums have to be reduced, and that the second overflows 32 bits if it never is. Whether the program
/// gets along with more than one buffer is the next probe's question.
fn longer_checksum(stage: &mut Stage) -> Result<(), Failure> {
    let length = stage.adversary.number(12_000..=14_000);
    let content = large(stage, length);
    let mut echo = start(stage, &content)?;
    match echo.echo(content.len()) {
        Err(failure) if failure.silent && echo.come()?.is_empty() => return Err(failure),
        Err(failure) if failure.silent => return Ok(()),
        _ => {}
    }
    stage.expect_output_line(&format!("sent {length} {:08x}", adler32(&content)))
}

fn nothing_more(stage: &mut Stage) -> Result<(), Failure> {
    let content = stage.adversary.sentence().into_bytes();
    let mut echo = taken_and_sent_back(stage, &content)?;
    echo.expect_end()
}

/// Each value that a byte has, among them those that are in no text, and a line's end that some would translate.
fn any_bytes(stage: &mut Stage) -> Result<(), Failure> {
    let first = stage.adversary.number(0..=255) as u8;
    let content: Vec<u8> = (0..=255).map(|byte: u8| byte.wrapping_add(first)).chain(*b"\r\n\0").collect();
    taken_and_sent_back(stage, &content)?;
    copied(stage, &content)
}
