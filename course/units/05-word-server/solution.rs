//! Word server: who sends a text gets each of its words back, in a message of its own. std::net alone.
//!
//! A message is a length and then so many bytes. The protocol, with its two ways to write a length, is in unit.md.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::{env, thread};

/// The most bytes that a message may have behind its length.
const LIMIT: usize = 4096;

/// The most digits of a decimal size: as many as the largest number of four bytes has.
const DIGITS: usize = 10;

/// How a length is written. Nothing on the wire says it, so both sides have to know.
#[derive(Clone, Copy)]
enum Mode {
    /// Four bytes, the most significant first.
    Binary,
    /// Decimal digits, CR, LF: the size mode of WINDEV.
    Decimal,
}

/// What came is no length, or one over `LIMIT`. Where the next message begins is unknown now.
struct BadLength;

fn main() -> io::Result<()> {
    let port: u16 = env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(7000);
    let mode = if env::args().nth(2).as_deref() == Some("decimal") { Mode::Decimal } else { Mode::Binary };
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    for stream in listener.incoming() {
        let stream = stream?;
        thread::spawn(move || {
            if let Err(error) = serve(&stream, mode) {
                eprintln!("a client: {error}");
            }
        });
    }
    Ok(())
}

/// One client, from its first byte to its last.
fn serve(mut stream: &TcpStream, mode: Mode) -> io::Result<()> {
    // What has come and is no whole message yet: perhaps half a length, perhaps a length and half of what it counts.
    let mut received: Vec<u8> = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        received.extend_from_slice(&buffer[..count]);

        // HOLE As long as `received` begins with a whole message, take it out and send its answer.
        //  `announced` says how long it is. A bad length: send the message "error bad length", and return.
        loop {
            let Ok(announced) = announced(&received, mode) else {
                return stream.write_all(&message(b"error bad length", mode));
            };
            let Some((mark, length)) = announced else { break };
            if received.len() < mark + length {
                break;
            }
            let whole: Vec<u8> = received.drain(..mark + length).collect();
            // The whole answer in one write: its parts would go as segments of their own.
            stream.write_all(&answer(&whole[mark..], mode))?;
        }
        // END
    }
}

// ANCHOR: announced
/// How many bytes the length at the beginning of `received` takes, and how many it announces. `None`: it is not all there.
///
/// The announced number is a stranger's word. It is compared with `LIMIT` before anything is done with it.
fn announced(received: &[u8], mode: Mode) -> Result<Option<(usize, usize)>, BadLength> {
    let found = match mode {
        Mode::Binary => binary_length(received),
        Mode::Decimal => decimal_size(received)?,
    };
    match found {
        Some((_, length)) if length > LIMIT => Err(BadLength),
        found => Ok(found),
    }
}
// ANCHOR_END: announced

fn binary_length(received: &[u8]) -> Option<(usize, usize)> {
    // HOLE Four bytes, the most significant first, are a number. Fewer are none yet.
    let mark = received.first_chunk::<4>()?;
    Some((4, u32::from_be_bytes(*mark) as usize))
    // END
}

fn decimal_size(received: &[u8]) -> Result<Option<(usize, usize)>, BadLength> {
    // HOLE One to DIGITS digits and CR LF are a size. What can still become one is none yet, what cannot is bad.
    let digits = received.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits > DIGITS {
        return Err(BadLength);
    }
    match &received[digits..] {
        [] | [b'\r'] if digits > 0 || received.is_empty() => Ok(None),
        [b'\r', b'\n', ..] if digits > 0 => {
            let length = received[..digits].iter().fold(0, |length, digit| 10 * length + usize::from(digit - b'0'));
            Ok(Some((digits + 2, length)))
        }
        _ => Err(BadLength),
    }
    // END
}

/// `payload` with its length in front.
fn message(payload: &[u8], mode: Mode) -> Vec<u8> {
    // HOLE Put the length in front, in the form of `mode`. It counts bytes.
    let mark = match mode {
        Mode::Binary => (payload.len() as u32).to_be_bytes().to_vec(),
        Mode::Decimal => format!("{}\r\n", payload.len()).into_bytes(),
    };
    [mark, payload.to_vec()].concat()
    // END
}

/// A message for each word of `text`, and one without bytes behind the last.
fn answer(text: &[u8], mode: Mode) -> Vec<u8> {
    // HOLE Words are what is between spaces. Between two spaces is none.
    let words = text.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let mut answer: Vec<u8> = words.flat_map(|word| message(word, mode)).collect();
    answer.extend(message(b"", mode));
    answer
    // END
}
