//! Wrong on purpose: a CR behind ten digits is one byte too many for it.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::{env, thread};

const LIMIT: usize = 4096;

const DIGITS: usize = 10;

#[derive(Clone, Copy)]
enum Mode {
    Binary,
    Decimal,
}

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

fn serve(mut stream: &TcpStream, mode: Mode) -> io::Result<()> {
    let mut received: Vec<u8> = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        received.extend_from_slice(&buffer[..count]);

        loop {
            let Ok(announced) = announced(&received, mode) else {
                return stream.write_all(&message(b"error bad length", mode));
            };
            let Some((mark, length)) = announced else { break };
            if received.len() < mark + length {
                break;
            }
            let whole: Vec<u8> = received.drain(..mark + length).collect();
            stream.write_all(&answer(&whole[mark..], mode))?;
        }
    }
}

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

fn binary_length(received: &[u8]) -> Option<(usize, usize)> {
    let mark = received.first_chunk::<4>()?;
    Some((4, u32::from_be_bytes(*mark) as usize))
}

fn decimal_size(received: &[u8]) -> Result<Option<(usize, usize)>, BadLength> {
    let digits = received.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if digits > DIGITS {
        return Err(BadLength);
    }
    match &received[digits..] {
        [] | [b'\r'] if received.len() > DIGITS => Err(BadLength),
        [] | [b'\r'] if digits > 0 || received.is_empty() => Ok(None),
        [b'\r', b'\n', ..] if digits > 0 => {
            let length = received[..digits].iter().fold(0, |length, digit| 10 * length + usize::from(digit - b'0'));
            Ok(Some((digits + 2, length)))
        }
        _ => Err(BadLength),
    }
}

fn message(payload: &[u8], mode: Mode) -> Vec<u8> {
    let mark = match mode {
        Mode::Binary => (payload.len() as u32).to_be_bytes().to_vec(),
        Mode::Decimal => format!("{}\r\n", payload.len()).into_bytes(),
    };
    [mark, payload.to_vec()].concat()
}

fn answer(text: &[u8], mode: Mode) -> Vec<u8> {
    let words = text.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let mut answer: Vec<u8> = words.flat_map(|word| message(word, mode)).collect();
    answer.extend(message(b"", mode));
    answer
}
