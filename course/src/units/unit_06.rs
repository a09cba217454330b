//! Upload: how does a conversation end, so that both know that it did, and whether it was complete?
//!
//! The protocol is defined in `course/units/06-upload/unit.md`. First a client that ends in order, with the reply still to
//! come. Then ends that lie: too soon, too late, by a reset, and the end of the server itself.

use super::unit_03::{adler32, large};
use super::{Role, Unit};
use crate::peer::{Failure, Peer};
use crate::probe::Probe;
use crate::stage::Stage;
use crate::transcript::shown;

mod refusal;

pub const UNIT: Unit = Unit {
    number: 6,
    name: "upload",
    title: "Endings: upload, half-close, reply",
    role: Role::Server,
    probes: &[
        Probe::visible("the end of an upload is noticed", 1, END_IGNORED, end_noticed),
        Probe::visible("a reply comes after the half-close", 2, "half-close-taken-for-the-end", replies),
        Probe::visible("a reply has the agreed form", 1, "reply-in-another-form", agreed_form),
        Probe::visible("a whole upload is called complete", 1, "completion-taken-for-truncation", called_complete),
        Probe::visible("the reply tells what was uploaded", 2, "trailer-taken-for-content", tells_what_came),
        Probe::visible("the next client is served as well", 1, "ends-after-the-first-client", the_next_client),
        Probe::visible("an upload in pieces is one upload", 2, "short-read", in_pieces),
        Probe::visible("an upload may contain another", 1, "end-guessed-from-the-checksum", contains_another),
        Probe::visible("an upload that was cut short is told", 2, "truncation-taken-for-completion", cut_short),
        Probe::visible("no upload is too short for a reply", 1, "shortest-input-forgotten", shortest),
        Probe::visible("a client that vanishes harms nobody", 2, "vanished-client-stops-others", vanishes),
        Probe::visible("1048576 bytes are not too large", 1, "limit-off-by-one", exactly_the_limit),
        Probe::visible("one byte more is refused before its end", 1, "refused-only-at-the-end", refusal::at_once),
        Probe::visible("behind its reply it says its own end", 1, "end-not-said", refusal::end_said),
        Probe::visible("the refusal reaches a client that still sends", 3, RESET, refusal::arrives),
        Probe::visible("a refused client that stays harms nobody", 1, "drained-for-ever", refusal::one_stays),
        Probe::visible(
            "a refused client that goes on byte by byte harms nobody",
            1,
            "limit-over-each-read",
            refusal::one_trickles,
        ),
        Probe::visible("it can be started again at once", 1, "address-in-use", started_again),
    ],
    next: &[
        "src/transport.rs: Transport::close, the same three steps: stop writing, drain to a deadline, drop",
        "src/connection.rs: Connection::finish_sending, the half-close, and Received::Closed, the peer's",
        "src/tls/stream.rs: say_goodbye, TLS's own end (close_notify): a FIN can be forged by anybody between the two",
    ],
};

/// The most bytes of a content.
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
fn served(stage: &mut Stage, name: &str, content: &[u8]) -> Result<(), Failure> {
    let mut client = stage.connect(name)?;
    client.send(upload(content))?;
    client.finish();
    client.expect_line(&complete(content))
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

/// Anything. What it ought to be is asked next.
fn replies(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = start(stage)?;
    let content = stage.adversary.sentence().into_bytes();
    anna.send(upload(&content))?;
    anna.finish();
    anna.bytes(1, "a reply").map(drop)
}

/// The checksum of so short a content has fewer than eight digits without its zeros, and a letter among them. Whether the
/// reply is true is not asked.
fn agreed_form(stage: &mut Stage) -> Result<(), Failure> {
    const FORM: &str = "\"complete\", the length and eight digits from 0 to f, or \"truncated\"; and LF";
    let mut anna = start(stage)?;
    let mut content = stage.adversary.word().into_bytes();
    while !format!("{:x}", adler32(&content)).contains(|digit: char| digit.is_ascii_lowercase()) {
        content = stage.adversary.word().into_bytes();
    }
    anna.send(upload(&content))?;
    anna.finish();
    let line = anna.line(FORM)?;
    let text = String::from_utf8_lossy(&line);
    let agreed = match text.split(' ').collect::<Vec<_>>()[..] {
        ["truncated"] => true,
        ["complete", _, checksum] => {
            checksum.len() == 8 && checksum.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
        }
        _ => false,
    };
    match agreed {
        true => Ok(()),
        false => {
            Err(Failure::new("The reply has another form than agreed.", FORM, shown(&[&line[..], b"\n"].concat())))
        }
    }
}

fn called_complete(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = start(stage)?;
    let content = stage.adversary.sentence().into_bytes();
    anna.send(upload(&content))?;
    anna.finish();
    anna.expect(b"complete ")
}

/// The content is no text: one byte of it is no UTF-8, and two are one character.
fn tells_what_came(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = start(stage)?;
    let content = [stage.adversary.sentence().as_bytes(), b"\xff\xc3\xbc"].concat();
    anna.send(upload(&content))?;
    anna.finish();
    anna.expect_line(&complete(&content))
}

fn the_next_client(stage: &mut Stage) -> Result<(), Failure> {
    stage.start_server()?;
    let content = stage.adversary.sentence().into_bytes();
    served(stage, "Anna", &content)?;
    served(stage, "Berta", &content)
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

/// What an upload ends with may stand in its middle as well, and be the last that has come by now.
fn contains_another(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = start(stage)?;
    let another = upload(stage.adversary.sentence().as_bytes());
    let content = [&another[..], stage.adversary.sentence().as_bytes()].concat();
    anna.send_pieces([&another[..], &upload(&content)[another.len()..]])?;
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
    anna.expect_line("truncated")
}

/// Half a trailer, nothing at all, and a trailer with nothing before it, which is a whole upload.
fn shortest(stage: &mut Stage) -> Result<(), Failure> {
    stage.start_server()?;
    let half = stage.adversary.word().into_bytes();
    let half = &half[..stage.adversary.number(1..=3)];
    let whole = upload(b"");
    for (name, bytes, reply) in [
        ("Anna", half, "truncated".to_owned()),
        ("Berta", b"", "truncated".to_owned()),
        ("Carla", &whole, complete(b"")),
    ] {
        let mut client = stage.connect(name)?;
        if !bytes.is_empty() {
            client.send(bytes)?;
        }
        client.finish();
        client.expect_line(&reply)?;
    }
    Ok(())
}

fn exactly_the_limit(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = start(stage)?;
    let content = large(stage, LIMIT);
    anna.send(upload(&content))?;
    anna.finish();
    anna.expect_line(&complete(&content))
}

/// Something of it has been read: the program is in the middle of this upload when it is over.
fn vanishes(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = start(stage)?;
    let content = stage.adversary.sentence().into_bytes();
    anna.send_pieces([&content[..]])?;
    anna.reset();
    served(stage, "Berta", &content)
}

/// Anna's connection outlives the program that served her: its system has said the end, and waits for hers.
fn started_again(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = start(stage)?;
    let content = stage.adversary.sentence().into_bytes();
    anna.send_pieces([&content[..]])?;
    stage.restart_server()?;
    served(stage, "Berta", &content)
}
