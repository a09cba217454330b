//! Word server: how does one know how long a message is before it has come?
//!
//! It says so itself, in front. The protocol is defined in `course/units/05-word-server/unit.md`. The probes go from a kind
//! network to cuts in every part of a message, then to lengths that nobody should believe, then all of it to lengths in
//! decimal.

use super::{Role, Unit};
use crate::peer::{Failure, Peer};
use crate::probe::Probe;
use crate::stage::Stage;
use crate::transcript::shown;

mod decimal;
mod limits;

pub const UNIT: Unit = Unit {
    number: 5,
    name: "word-server",
    title: "Length framing: word server",
    role: Role::Server,
    probes: &[
        Probe::visible("a text is answered with its words", 1, "wrong-words", words_told),
        Probe::visible("a length is in network order", 2, "byte-order-of-a-length", network_order),
        Probe::visible("between two spaces is no word", 1, "nothing-taken-for-a-word", spaces),
        Probe::visible("a length and its payload may come apart", 2, "one-read-is-one-message", apart),
        Probe::visible("a payload may come in two pieces", 1, "payload-cut-in-two", payload_cut),
        Probe::visible("a length may come in two pieces", 1, "length-cut-in-two", length_cut),
        Probe::visible("two messages in one segment are two messages", 2, "two-messages-in-one-segment", two_in_one),
        Probe::visible("the beginning of a second message is kept", 1, "rest-of-the-read-lost", beginning_kept),
        Probe::visible("a message without bytes is a message", 1, "zero-length-taken-for-the-end", zero_length),
        Probe::visible("a length over the limit is refused at once", 2, "hostile-length-allocated", limits::hostile),
        Probe::visible("a refusal is a message", 1, "refusal-is-no-message", limits::refusal),
        Probe::visible("who is refused is let go", 1, "refused-and-kept", limits::let_go),
        Probe::visible(
            "a refusal is one client's business",
            1,
            "refusal-ends-the-server",
            limits::others_notice_nothing,
        ),
        Probe::visible("what came before a bad length is answered", 1, "work-not-answered", limits::before_it),
        Probe::visible("4096 bytes are a message, and 4097 are none", 1, "limit-off-by-one", limits::exactly),
        Probe::visible("a length counts bytes", 1, "characters-counted-instead-of-bytes", counts_bytes),
        Probe::visible("a word may have any bytes but spaces", 1, "bytes-taken-for-text", any_bytes),
        Probe::visible("half a length holds nobody up", 1, "one-slow-client-stops-all", at_the_same_time),
        Probe::visible("the end of the stream is noticed", 1, END_IGNORED, end_noticed),
        Probe::visible("half a message at the end is none", 1, "truncation-taken-for-completion", half_a_message),
        Probe::visible("sizes are decimal when that was agreed", 1, "framings-differ", decimal::agreed),
        Probe::visible("a decimal size may come digit by digit", 1, "digits-cut-in-two", decimal::cut),
        Probe::visible("digits without end are refused", 1, "endless-size", decimal::endless),
        Probe::visible("ten digits are a size", 1, "size-read-too-strictly", decimal::ten_digits),
        Probe::visible("a decimal size has the same limit", 1, "limit-in-one-mode-alone", decimal::limited),
        Probe::visible("a large number is no small one", 1, "number-does-not-fit", decimal::large_numbers),
        Probe::hidden("what is no size is refused", 1, "size-read-too-generously", decimal::no_size),
    ],
    next: &[
        "src/framing/decoder.rs: announced, the same function for every width and order, and Decoder around it",
        "src/framing.rs: Framing, whose two length modes are this lab; a test there cuts every framing at every place",
        "src/buffer.rs: Buffer, where a message is taken out without moving what is behind it",
        "examples/05_framing.rs: what a receiver with another framing makes of the same bytes",
    ],
};

/// The most bytes of a payload.
const LIMIT: usize = 4096;
const END_IGNORED: &str = "end-of-the-stream-ignored";
const BAD_LENGTH: &[u8] = b"error bad length";

/// How a payload becomes a message.
type Mode = fn(&[u8]) -> Vec<u8>;

/// Four bytes, the most significant first: the order of transmission of RFC 791, appendix B.
fn binary(payload: &[u8]) -> Vec<u8> {
    [&mark(payload.len()), payload].concat()
}

fn mark(length: usize) -> [u8; 4] {
    u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes()
}

/// What ought to come back: the words, and a message without bytes.
fn answer(text: impl AsRef<[u8]>, mode: Mode) -> Vec<u8> {
    let words = text.as_ref().split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    words.chain([&b""[..]]).flat_map(mode).collect()
}

fn one(stage: &mut Stage) -> Result<Peer, Failure> {
    stage.start_server()?;
    stage.connect("Anna")
}

/// `text` goes out in these pieces, and its words come back.
fn answered(peer: &mut Peer, text: &str, pieces: &[&[u8]]) -> Result<(), Failure> {
    peer.send_pieces(pieces.iter().copied())?;
    peer.expect(&answer(text, binary))
}

/// Still served: whatever somebody else did.
fn still_served(peer: &mut Peer, mode: Mode) -> Result<(), Failure> {
    peer.send(mode(b"still here"))?;
    peer.expect(&answer("still here", mode))
}

/// Which byte of a length comes first is the next question, so either order will do here, on either way.
fn words_told(stage: &mut Stage) -> Result<(), Failure> {
    stage.start_server()?;
    let text = stage.adversary.sentence();
    let mut anna = stage.connect("Anna")?;
    anna.send(binary(text.as_bytes()))?;
    let Err(failure) = same_words(&mut anna, &text) else { return Ok(()) };
    let Ok(mut berta) = stage.connect("Berta, lengths reversed") else { return Err(failure) };
    let mut reversed = binary(text.as_bytes());
    reversed[..4].reverse();
    match berta.send(reversed).and_then(|()| same_words(&mut berta, &text)) {
        Ok(()) => Ok(()),
        Err(_) => Err(failure),
    }
}

fn same_words(peer: &mut Peer, text: &str) -> Result<(), Failure> {
    let mut came = Vec::new();
    for word in text.split(' ').chain([""]) {
        let mark: [u8; 4] = peer.bytes(4, "the length of a message")?.try_into().unwrap_or_default();
        let length = u32::from_be_bytes(mark).min(u32::from_le_bytes(mark)) as usize;
        let payload = peer.bytes(length.min(LIMIT), &format!("a message of {length} bytes, as announced"))?;
        let same = payload == word.as_bytes();
        came.extend(payload);
        came.push(b' ');
        if !same {
            let what = format!("{} got other words than those of the text.", peer.name());
            return Err(Failure::new(what, format!("a message with {}", shown(word.as_bytes())), shown(&came)));
        }
    }
    Ok(())
}

fn network_order(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = one(stage)?;
    let text = stage.adversary.sentence();
    anna.send(binary(text.as_bytes()))?;
    anna.expect(&answer(&text, binary))
}

/// One or more, in front and behind as well; and nothing but spaces.
fn spaces(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = one(stage)?;
    let words = [stage.adversary.word(), stage.adversary.word()];
    let [before, between, behind] = [0; 3].map(|_| " ".repeat(stage.adversary.number(1..=3)));
    let text = format!("{before}{} {between}{}{behind}", words[0], words[1]);
    for text in [&text, &before] {
        anna.send(binary(text.as_bytes()))?;
        anna.expect(&answer(text, binary))?;
    }
    Ok(())
}

fn apart(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = one(stage)?;
    let text = stage.adversary.sentence();
    answered(&mut anna, &text, &[&mark(text.len()), text.as_bytes()])
}

/// Somewhere; and then so that a single byte is missing, which is fewer than a length has.
fn payload_cut(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = one(stage)?;
    for somewhere in [true, false] {
        let text = stage.adversary.sentence();
        let (head, tail) = match somewhere {
            true => stage.adversary.halves(text.as_bytes()),
            false => text.as_bytes().split_at(text.len() - 1),
        };
        answered(&mut anna, &text, &[&[&mark(text.len()), head].concat(), tail])?;
    }
    Ok(())
}

fn length_cut(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = one(stage)?;
    let text = stage.adversary.sentence();
    let message = binary(text.as_bytes());
    let (head, tail) = message.split_at(stage.adversary.number(1..=3));
    answered(&mut anna, &text, &[head, tail])
}

fn two_in_one(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = one(stage)?;
    let (first, second) = (stage.adversary.sentence(), stage.adversary.sentence());
    anna.send([binary(first.as_bytes()), binary(second.as_bytes())].concat())?;
    anna.expect(&answer(&first, binary))?;
    anna.expect(&answer(&second, binary))
}

fn beginning_kept(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = one(stage)?;
    let (first, second) = (stage.adversary.sentence(), stage.adversary.sentence());
    let message = binary(second.as_bytes());
    let (head, tail) = stage.adversary.halves(&message);
    anna.send_pieces([&[&binary(first.as_bytes()), head].concat()[..], tail])?;
    anna.expect(&answer(&first, binary))?;
    anna.expect(&answer(&second, binary))
}

fn zero_length(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = one(stage)?;
    anna.send(binary(b""))?;
    anna.expect(&binary(b""))?;
    still_served(&mut anna, binary)
}

fn counts_bytes(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = one(stage)?;
    // Two, three and four bytes in UTF-8 (RFC 3629 section 3), and one character each.
    let character = ["\u{e4}", "\u{20ac}", "\u{1f980}"][stage.adversary.number(0..=2)];
    let text = format!("{}{character} {character}{}", stage.adversary.word(), stage.adversary.word());
    anna.send(binary(text.as_bytes()))?;
    anna.expect(&answer(&text, binary))
}

/// What a function for texts would cut at, stop at, or replace: a tab, a line feed, a zero, and what is no UTF-8.
fn any_bytes(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = one(stage)?;
    let (first, second) = (stage.adversary.word(), stage.adversary.word());
    let words = [b"\t", b"\n", b"\0", b"\xff", b"\r"]
        .map(|byte| [byte, first.as_bytes(), byte, second.as_bytes(), byte].concat());
    let text = words.join(&b' ');
    anna.send(binary(&text))?;
    anna.expect(&answer(&text, binary))
}

/// Whoever waits for the rest of Anna's length serves nobody else meanwhile, unless it waits in a thread of hers.
fn at_the_same_time(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = one(stage)?;
    let mut berta = stage.connect("Berta")?;
    anna.send_pieces([&mark(LIMIT)[..2]])?;
    still_served(&mut berta, binary)
}

fn end_noticed(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = one(stage)?;
    still_served(&mut anna, binary)?;
    anna.finish();
    anna.expect_end_without_spinning(END_IGNORED)
}

/// A client that was killed in the middle of a message looks like this, too.
fn half_a_message(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = one(stage)?;
    let text = stage.adversary.sentence();
    let message = binary(text.as_bytes());
    let come = stage.adversary.number(mark(0).len() + 1..=message.len() - 1);
    anna.send(&message[..come])?;
    anna.finish();
    anna.expect_end()
}
