//! Wrong on purpose: what one read returns is taken for one answer.

use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use std::{env, thread};

enum Received {
    Answer(String),
    Nothing,
    End,
}

fn main() -> io::Result<()> {
    let number =
        |at: usize, otherwise: u64| env::args().nth(at).and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    let (limit, count) = (Duration::from_millis(number(2, 2000)), number(3, 5));
    let server = SocketAddr::from(([127, 0, 0, 1], number(1, 7000) as u16));
    let stream = TcpStream::connect_timeout(&server, limit)?;
    let mut stored = 0;
    match deliver(&stream, limit, count, &mut stored) {
        Ok(Received::Answer(_)) if stored == count => println!("stored {stored} of {count}"),
        Ok(Received::Answer(other)) => println!("stored {stored} of {count}, then an error: {other}"),
        Ok(Received::Nothing) => println!("stored {stored} of {count}, then nothing for {} ms", limit.as_millis()),
        Ok(Received::End) => println!("stored {stored} of {count}, then the end"),
        Err(error) => println!("stored {stored} of {count}, then an error: {error}"),
    }
    Ok(())
}

fn deliver(mut stream: &TcpStream, limit: Duration, count: u64, stored: &mut u64) -> io::Result<Received> {
    let mut received: Vec<u8> = Vec::new();
    stream.write_all(format!("readings {count}\n").as_bytes())?;
    match answer(stream, &mut received, limit)? {
        Received::Answer(text) if says(&text, "ready") => {}
        other => return Ok(other),
    }
    thread::scope(|scope| {
        scope.spawn(|| send_readings(stream, count));
        let last = acknowledgements(stream, &mut received, limit, count, stored);
        let _ = stream.shutdown(Shutdown::Both);
        last
    })
}

fn send_readings(stream: &TcpStream, count: u64) -> io::Result<()> {
    let mut stream = BufWriter::new(stream);
    for number in 1..=count {
        stream.write_all(reading(number).as_bytes())?;
    }
    stream.flush()
}

fn reading(number: u64) -> String {
    format!("{number}{}\n", " 230.1".repeat(32))
}

fn acknowledgements(
    stream: &TcpStream,
    received: &mut Vec<u8>,
    limit: Duration,
    count: u64,
    stored: &mut u64,
) -> io::Result<Received> {
    loop {
        let expected = format!("stored {}", *stored + 1);
        match answer(stream, received, limit)? {
            Received::Answer(text) if says(&text, &expected) => {
                *stored += 1;
                if *stored == count {
                    return Ok(Received::Answer(text));
                }
            }
            other => return Ok(other),
        }
    }
}

fn says(answer: &str, expected: &str) -> bool {
    answer.strip_prefix(expected).is_some_and(|remark| remark.is_empty() || remark.starts_with(' '))
}

fn answer(mut stream: &TcpStream, received: &mut Vec<u8>, limit: Duration) -> io::Result<Received> {
    let deadline = Instant::now() + limit;
    let mut buffer = [0; 4096];
    loop {
        if let Some(end) = received.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = received.drain(..=end).collect();
            return Ok(Received::Answer(String::from_utf8_lossy(&line[..end]).into_owned()));
        }
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(Received::Nothing);
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(Received::End),
            Ok(count) => {
                received.extend_from_slice(&buffer[..count]);
                if !received.ends_with(b"\n") {
                    received.push(b'\n');
                }
            }
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
    }
}
