//! The same with digits, which have no fixed width: where does a size end, and what is none?

use super::{BAD_LENGTH, LIMIT, answer, binary, mark, one};
use crate::peer::{Failure, Peer};
use crate::stage::Stage;

/// Digits, CR LF: WINDEV's default between two programs of its own.
fn sized(payload: &[u8]) -> Vec<u8> {
    [format!("{}\r\n", payload.len()).as_bytes(), payload].concat()
}

fn one_decimal(stage: &mut Stage) -> Result<Peer, Failure> {
    stage.arguments(["decimal"]);
    one(stage)
}

/// Both in what it reads and in what it writes. Whether it refuses what it ought to is asked later; if it does, then in
/// the agreed form.
pub fn agreed(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = one_decimal(stage)?;
    let text = stage.adversary.sentence();
    anna.send(sized(text.as_bytes()))?;
    anna.expect(&answer(&text, sized))?;
    anna.send("1000000\r\n")?;
    match anna.expect(&sized(BAD_LENGTH)) {
        Err(failure) if !failure.silent => Err(failure),
        _ => Ok(()),
    }
}

pub fn cut(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = one_decimal(stage)?;
    let text = stage.adversary.sentence();
    let message = sized(text.as_bytes());
    anna.send_pieces(stage.adversary.dribble(&message))?;
    anna.expect(&answer(&text, sized))
}

/// Zeros, because their number never exceeds any limit: what has to be bounded is how many there are. As many as a size and
/// its CR LF can have, for whoever waits for those.
pub fn endless(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = one_decimal(stage)?;
    anna.send("000000000000")?;
    anna.expect(&sized(BAD_LENGTH))
}

/// Ten digits, whole and with their CR LF cut in two: what is over the limit then is the bytes that have come, and not the
/// digits.
pub fn ten_digits(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = one_decimal(stage)?;
    let text = stage.adversary.sentence();
    let message = format!("{:010}\r\n{text}", text.len());
    anna.send(&message)?;
    anna.expect(&answer(&text, sized))?;
    let (head, tail) = message.as_bytes().split_at(11);
    anna.send_pieces([head, tail])?;
    anna.expect(&answer(&text, sized))?;
    anna.send("0\r\n")?;
    anna.expect(&answer("", sized))
}

pub fn limited(stage: &mut Stage) -> Result<(), Failure> {
    let mut anna = one_decimal(stage)?;
    anna.send(format!("{}\r\n", LIMIT + 1))?;
    anna.expect(&sized(BAD_LENGTH))
}

/// Five, for whoever keeps two bytes of it; negative in four with a sign; and one that is five again in any four.
pub fn large_numbers(stage: &mut Stage) -> Result<(), Failure> {
    stage.start_server()?;
    for (name, length) in [("Anna", 0x0001_0005), ("Berta", 0x8000_0005)] {
        let mut peer = stage.connect(name)?;
        peer.send(mark(length))?;
        peer.expect(&binary(BAD_LENGTH))?;
    }
    let mut carla = one_decimal(stage)?;
    carla.send("4294967301\r\n")?;
    carla.expect(&sized(BAD_LENGTH))
}

/// What functions that read numbers take all the same, and what those do that read lines. The word behind it is there:
/// whoever takes it for a size answers with it.
pub fn no_size(stage: &mut Stage) -> Result<(), Failure> {
    stage.arguments(["decimal"]);
    stage.start_server()?;
    let text = stage.adversary.word();
    let length = text.len();
    let sizes = [
        format!("+{length}\r\n"),
        format!(" {length}\r\n"),
        format!("{length}\n"),
        format!("{length}\r"),
        format!("{length:011}\r\n"),
        "\r\n".to_owned(),
    ];
    for (number, size) in (1..).zip(sizes) {
        let mut peer = stage.connect(&format!("client {number}"))?;
        peer.send(format!("{size}{text}"))?;
        peer.expect(&sized(BAD_LENGTH))?;
    }
    Ok(())
}
