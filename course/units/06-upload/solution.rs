//! Upload: a server that takes an upload, looks whether it is complete, and replies. std::net alone.
//!
//! With std::net alone, because the subject is what `shutdown`, `read` and closing do. One client after another, and no
//! time limit for an upload: both come later. The protocol is in unit.md.

use std::env;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::{Duration, Instant};

/// The content's bytes; the trailer comes on top.
const LIMIT: usize = 1024 * 1024;

/// The content's checksum behind it, in network byte order.
const TRAILER: usize = 4;

/// So long a client is given to take its reply and to end.
const LINGER: Duration = Duration::from_millis(500);

fn main() -> io::Result<()> {
    let port: u16 = env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(7000);
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    for stream in listener.incoming() {
        // HOLE Serve `stream`. What goes wrong with one client is no reason to end: the next one is waiting.
        if let Err(error) = stream.and_then(|stream| serve(&stream)) {
            eprintln!("one client: {error}");
        }
        // END
    }
    Ok(())
}

/// One client, from its first byte to its last.
fn serve(mut stream: &TcpStream) -> io::Result<()> {
    let reply = match receive(stream)? {
        Some(received) => judge(&received),
        None => "too large\n".to_owned(),
    };
    stream.write_all(reply.as_bytes())?;
    part(stream)
}

/// All that comes before the client's end; `None` as soon as it is too much.
fn receive(mut stream: &TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut received: Vec<u8> = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        // HOLE Read once, and keep what came. Return at the end of the stream, and as soon as it is too much.
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            // The client has finished sending. It has not left: it is waiting for the reply.
            return Ok(Some(received));
        }
        received.extend_from_slice(&buffer[..count]);
        if received.len() > LIMIT + TRAILER {
            return Ok(None);
        }
        // END
    }
}

/// The reply to an upload that has ended. How it ended, its last four bytes say, and not the end itself.
fn judge(received: &[u8]) -> String {
    // HOLE "complete LENGTH CHECKSUM" and a line feed, if the trailer is the checksum of all before it; else "truncated".
    //  An upload of fewer than four bytes has no trailer.
    let Some((content, trailer)) = received.split_last_chunk::<TRAILER>() else { return "truncated\n".to_owned() };
    let checksum = adler32(content);
    if checksum != u32::from_be_bytes(*trailer) {
        return "truncated\n".to_owned();
    }
    format!("complete {} {checksum:08x}\n", content.len())
    // END
}

/// Ends the connection so that the reply arrives.
fn part(mut stream: &TcpStream) -> io::Result<()> {
    // HOLE Finish sending. Then read, and forget, what is still on its way: until the client's end, or for LINGER.
    // Who closes with bytes unread sends a reset, and a reset may overtake the reply at the client.
    stream.shutdown(Shutdown::Write)?;
    let deadline = Instant::now() + LINGER;
    let mut buffer = [0; 4096];
    while let Some(left) = deadline.checked_duration_since(Instant::now()) {
        // One deadline for all reads: a client that sends a byte now and then does not extend it. (Zero means no limit.)
        stream.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(_) => {}
        }
    }
    Ok(())
    // END
}

/// Adler-32 (RFC 1950 section 8.2), as in unit 3.
fn adler32(bytes: &[u8]) -> u32 {
    let (mut sum, mut sum_of_sums) = (1_u32, 0_u32);
    for byte in bytes {
        sum = (sum + u32::from(*byte)) % 65_521;
        sum_of_sums = (sum_of_sums + sum) % 65_521;
    }
    sum_of_sums << 16 | sum
}
