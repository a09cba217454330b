//! Upload: how does a conversation end, so that both know that it did, and whether it was complete?
//!
//! The protocol is defined in `course/units/06-upload/unit.md`. First a client that ends in order, with the reply still to
//! come. Then ends that lie: too soon, too late, by a reset, and the end of the server itself.

use super::unit_03::{adler32, large};
use super::{Role, Unit};
use crate::peer::{Failure, Peer};
use crate::probe::Probe;
use crate::stage::Stage;

pub const UNIT: Unit = Unit {
    number: 6,
    name: "upload",
    title: "Endings: upload, half-close, reply",
    role: Role::Server,
    probes: &[
        Probe::visible("the end of an upload is noticed", 1, END_IGNORED, end_noticed),
        Probe::visible("a reply comes after the half-close", 3, "half-close-taken-for-the-end", replies),
        Probe::visible("the reply tells what was uploaded", 2, "trailer-taken-for-content", tells_what_came),
        Probe::visible("an upload in pieces is one upload", 2, "short-read", in_pieces),
        Probe::visible("an upload that was cut short is told", 3, "truncation-taken-for-completion", cut_short),
        Probe::visible("1048576 bytes are not too large", 1, "limit-off-by-one", exactly_the_limit),
        Probe::visible("one byte more is refused before its end", 1, "refused-only-at-the-end", refused_at_once),
        Probe::visible("the refusal reaches a client that still sends", 3, RESET, refusal_arrives),
        Probe::visible("a refused client that stays harms nobody", 1, "drained-for-ever", refused_one_stays),
        Probe::visible("a client that vanishes harms nobody", 2, "vanished-client-stops-others", vanishes),
        Probe::visible("it can be started again at once", 1, "address-in-use", started_again),
    ],
    next: &[
        "src/transport.rs: Transport::close, the same three steps: stop writing, drain to a deadline, drop",
        "src/connection.rs: Connection::finish_sending, the half-close, and Received::Closed, the peer's",
        "src/tls/stream.rs: say_goodbye, TLS's own end (close_notify): a FIN can be forged by anybody between the two",
    ],
};

const LIMIT: usize = 1024 * 1024;
const END_IGNORED: &str = "end-of-the-stream-ignored";
const RESET: &str = "reset-by-unread-data";

/// The content, and behind it the trailer that says that it is whole.
fn upload(content: &[u8]) -> Vec<u8> {
    [content, &adler32(content).to_be_bytes()].concat()
}

fn complete(content: &[u8]) -> String {
    format!("complete {} {:08x}", content.len(), adler32(content))
}

fn start(stage: &mut Stage) -> Result<Peer, Failure> {
    stage.start_server()?;
    stage.connect("Anna")
}

/// A whole upload, as a client makes it that knows the rules: to see that the program still serves.
fn served(stage: &mut Stage, name: &str) -> Result<(), Failure> {
    let content = stage.adversary.sentence().into_bytes();
    let mut client = stage.connect(name)?;
    client.send(upload(&content))?;
    client.finish();
    client.expect_line(&complete(&content))
}

// --- the probes -------------------------------------------------------------------------------------

/// Whatever the program does at the end, it does something, and goes to sleep.
fn end_noticed(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = start(stage)?;
    let content = stage.adversary.sentence().into_bytes();
    anna.send(upload(&content))?;
    anna.finish();
    anna.expect_something_without_spinning(END_IGNORED)
}

fn replies(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = start(stage)?;
    let content = stage.adversary.sentence().into_bytes();
    anna.send(upload(&content))?;
    anna.finish();
    anna.line("a line: the reply").map(|_| ())
}

fn tells_what_came(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = start(stage)?;
    let content = stage.adversary.sentence().into_bytes();
    anna.send(upload(&content))?;
    anna.finish();
    anna.expect_line(&complete(&content))?;
    anna.expect_end()
}

fn in_pieces(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = start(stage)?;
    let content = stage.adversary.sentence().into_bytes();
    let bytes = upload(&content);
    let (first, second) = stage.adversary.halves(&bytes);
    anna.send_pieces([first, second])?;
    anna.finish();
    anna.expect_line(&complete(&content))
}

/// The client's program dies, and its system closes the connection in order: the end looks like any other.
fn cut_short(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = start(stage)?;
    let content = stage.adversary.sentence().into_bytes();
    let bytes = upload(&content);
    // At least four bytes come, so that there is something to take for a trailer.
    let length = stage.adversary.number(4..=bytes.len() - 1);
    anna.send(&bytes[..length])?;
    anna.finish();
    anna.expect_line("truncated")?;
    served(stage, "Berta")
}

fn exactly_the_limit(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = start(stage)?;
    let content = large(stage, LIMIT);
    anna.send(upload(&content))?;
    anna.finish();
    anna.expect_line(&complete(&content))
}

/// One byte more than can be complete, and no end: all of it has been read when the program can know.
fn refused_at_once(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = start(stage)?;
    let content = large(stage, LIMIT + 5);
    anna.send(&content)?;
    anna.expect_line("too large")
}

/// Another megabyte is on its way when the program has seen enough. All of it is sent before the client looks for a reply,
/// as a client does that knows nothing of the limit, and it waits for the program's end before it says its own.
fn refusal_arrives(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = start(stage)?;
    let content = large(stage, 2 * LIMIT);
    anna.send(&content)?;
    anna.expect_line("too large")?;
    anna.until_end()?;
    // Whatever the program does behind its end, it has done it when it sleeps: draining, or waiting for the next client.
    stage.until_at_rest();
    anna.expect_no_reset()
}

fn refused_one_stays(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = start(stage)?;
    let content = large(stage, LIMIT + 5);
    anna.send(&content)?;
    anna.expect_line("too large")?;
    served(stage, "Berta")
}

/// Something of it has been read: the program is in the middle of this upload when it is over.
fn vanishes(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = start(stage)?;
    let content = stage.adversary.sentence().into_bytes();
    anna.send_pieces([&content[..]])?;
    anna.reset();
    served(stage, "Berta")
}

/// Anna's connection outlives the program that served her: its system has said the end, and waits for hers.
fn started_again(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = start(stage)?;
    let content = stage.adversary.sentence().into_bytes();
    anna.send_pieces([&content[..]])?;
    stage.restart_server()?;
    served(stage, "Berta")
}
