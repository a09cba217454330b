//! Meter readings: a client that waits for nobody longer than it was told to. std::net alone.
//!
//! It delivers readings to a server, which acknowledges each of them when it is stored. The protocol is in unit.md.

use std::io::{self, BufWriter, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};
use std::{env, thread};

/// What became of waiting for an answer: three things, and none looks like another.
enum Received {
    Answer(String),
    /// It did not come in time, or not all of it.
    Nothing,
    /// The server has closed the connection: it will never come.
    End,
}

fn main() -> io::Result<()> {
    let number =
        |at: usize, otherwise: u64| env::args().nth(at).and_then(|text| text.parse().ok()).unwrap_or(otherwise);
    let (limit, count) = (Duration::from_millis(number(2, 2000)), number(3, 5));
    let server = SocketAddr::from(([127, 0, 0, 1], number(1, 7000) as u16));
    // `connect` alone waits as long as the system likes, two minutes and more when nothing answers.
    let stream = TcpStream::connect_timeout(&server, limit)?;
    let mut stored = 0;
    match deliver(&stream, limit, count, &mut stored) {
        Ok(Received::Answer(_)) if stored == count => println!("stored {stored} of {count}"),
        Ok(Received::Answer(other)) => println!("stored {stored} of {count}, then an error: {other}"),
        Ok(Received::Nothing) => println!("stored {stored} of {count}, then nothing for {} ms", limit.as_millis()),
        Ok(Received::End) => println!("stored {stored} of {count}, then the end"),
        // A server that died: a reset, or what else the system calls it. What it had stored is stored all the same.
        Err(error) => println!("stored {stored} of {count}, then an error: {error}"),
    }
    Ok(())
}

/// The whole conversation. What is certainly stored is counted; what it ended with is the answer.
fn deliver(mut stream: &TcpStream, limit: Duration, count: u64, stored: &mut u64) -> io::Result<Received> {
    // What has come and is no whole answer yet.
    let mut received: Vec<u8> = Vec::new();
    // HOLE It is our turn: say "readings COUNT". Then wait for "ready".
    //  If something else comes, or nothing, or the end, that is how it ended.
    stream.write_all(format!("readings {count}\n").as_bytes())?;
    match answer(stream, &mut received, limit)? {
        Received::Answer(text) if says(&text, "ready") => {}
        other => return Ok(other),
    }
    // END
    thread::scope(|scope| {
        // HOLE Send the readings and receive the acknowledgements, both at the same time.
        //  The scope ends when its threads have: what if one is blocked in a write then?
        //  What was received, or why nothing was, is the outcome: what the sending thread met is none.
        // So what it returns is dropped: that the pipe is broken is no news to the one who has broken it.
        scope.spawn(|| send_readings(stream, count));
        let last = acknowledgements(stream, &mut received, limit, count, stored);
        // Whatever came of it: a thread that is blocked in a write to this connection is woken by this, and by nothing else.
        // On a connection that was reset it fails, and that is no news either.
        let _ = stream.shutdown(Shutdown::Both);
        last
        // END
    })
}

/// All readings, in an order that nobody waits for.
fn send_readings(stream: &TcpStream, count: u64) -> io::Result<()> {
    let mut stream = BufWriter::new(stream);
    for number in 1..=count {
        stream.write_all(reading(number).as_bytes())?;
    }
    // What is still in the buffer has been told to nobody.
    stream.flush()
}

/// Reading 17 is its number and 32 voltages, all the same: this meter is a poor one.
fn reading(number: u64) -> String {
    format!("{number}{}\n", " 230.1".repeat(32))
}

/// Counts the acknowledgements until all have come. The last answer, or what came instead of it, is returned.
fn acknowledgements(
    stream: &TcpStream,
    received: &mut Vec<u8>,
    limit: Duration,
    count: u64,
    stored: &mut u64,
) -> io::Result<Received> {
    loop {
        // HOLE Wait for "stored N", where N is the next number, and count it.
        //  Return the answer if it was the last, and whatever else comes at once.
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
        // END
    }
}

/// Whether an answer is this one. There may be a remark behind it, for people.
fn says(answer: &str, expected: &str) -> bool {
    answer.strip_prefix(expected).is_some_and(|remark| remark.is_empty() || remark.starts_with(' '))
}

/// The next line from the server, if all of it comes within `limit` from now.
fn answer(mut stream: &TcpStream, received: &mut Vec<u8>, limit: Duration) -> io::Result<Received> {
    // HOLE Read until `received` has a whole line, and take it out.
    //  However many reads that takes: when the limit is over, it is over.
    let deadline = Instant::now() + limit;
    let mut buffer = [0; 4096];
    loop {
        if let Some(end) = received.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = received.drain(..=end).collect();
            return Ok(Received::Answer(String::from_utf8_lossy(&line[..end]).into_owned()));
        }
        let left = deadline.saturating_duration_since(Instant::now());
        // A time-out of zero would mean none at all, and std refuses it.
        if left.is_zero() {
            return Ok(Received::Nothing);
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut buffer) {
            Ok(0) => return Ok(Received::End),
            Ok(count) => received.extend_from_slice(&buffer[..count]),
            // How a time-out is called depends on the system. The loop looks at the clock.
            Err(error)
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted) => {}
            Err(error) => return Err(error),
        }
    }
    // END
}
