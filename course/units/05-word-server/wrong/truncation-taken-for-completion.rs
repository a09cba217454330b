//! Wrong on purpose: `read_to_end` behind `take` fetches the payload, and is content with what there is when the stream ends.

use std::io::{self, BufReader, Read, Write};
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
    let mut reader = BufReader::new(stream);
    loop {
        let length = match mode {
            Mode::Binary => binary_length(&mut reader)?,
            Mode::Decimal => decimal_size(&mut reader)?,
        };
        let Ok(length) = length else {
            return stream.write_all(&message(b"error bad length", mode));
        };
        let mut text = Vec::new();
        (&mut reader).take(length as u64).read_to_end(&mut text)?;
        stream.write_all(&answer(&text, mode))?;
    }
}

fn binary_length(reader: &mut impl Read) -> io::Result<Result<usize, BadLength>> {
    let mut mark = [0; 4];
    reader.read_exact(&mut mark)?;
    Ok(limited(u32::from_be_bytes(mark) as usize))
}

fn decimal_size(reader: &mut impl Read) -> io::Result<Result<usize, BadLength>> {
    let mut length = 0;
    for digits in 0..=DIGITS {
        let mut byte = [0];
        reader.read_exact(&mut byte)?;
        match byte[0] {
            digit @ b'0'..=b'9' if digits < DIGITS => length = 10 * length + usize::from(digit - b'0'),
            b'\r' if digits > 0 => {
                reader.read_exact(&mut byte)?;
                return Ok(if byte[0] == b'\n' { limited(length) } else { Err(BadLength) });
            }
            _ => return Ok(Err(BadLength)),
        }
    }
    Ok(Err(BadLength))
}

fn limited(length: usize) -> Result<usize, BadLength> {
    if length > LIMIT { Err(BadLength) } else { Ok(length) }
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
