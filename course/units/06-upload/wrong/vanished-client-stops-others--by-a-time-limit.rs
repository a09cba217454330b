//! Wrong on purpose: what ends its wait for one client's end ends the server.

use std::env;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::{Duration, Instant};

const LIMIT: usize = 1024 * 1024;

const TRAILER: usize = 4;

const LINGER: Duration = Duration::from_millis(500);

fn main() -> io::Result<()> {
    let port: u16 = env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(7000);
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    for stream in listener.incoming() {
        serve(&stream?)?;
    }
    Ok(())
}

fn serve(mut stream: &TcpStream) -> io::Result<()> {
    let reply = match receive(stream)? {
        Some(received) => judge(&received),
        None => "too large\n".to_owned(),
    };
    stream.write_all(reply.as_bytes())?;
    part(stream)
}

fn receive(mut stream: &TcpStream) -> io::Result<Option<Vec<u8>>> {
    let mut received: Vec<u8> = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Ok(Some(received));
        }
        received.extend_from_slice(&buffer[..count]);
        if received.len() > LIMIT + TRAILER {
            return Ok(None);
        }
    }
}

fn judge(received: &[u8]) -> String {
    let Some((content, trailer)) = received.split_last_chunk::<TRAILER>() else { return "truncated\n".to_owned() };
    let checksum = adler32(content);
    if checksum != u32::from_be_bytes(*trailer) {
        return "truncated\n".to_owned();
    }
    format!("complete {} {checksum:08x}\n", content.len())
}

fn part(mut stream: &TcpStream) -> io::Result<()> {
    stream.shutdown(Shutdown::Write)?;
    let deadline = Instant::now() + LINGER;
    let mut buffer = [0; 4096];
    while let Some(left) = deadline.checked_duration_since(Instant::now()) {
        stream.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        if stream.read(&mut buffer)? == 0 {
            break;
        }
    }
    Ok(())
}

fn adler32(bytes: &[u8]) -> u32 {
    let (mut sum, mut sum_of_sums) = (1_u32, 0_u32);
    for byte in bytes {
        sum = (sum + u32::from(*byte)) % 65_521;
        sum_of_sums = (sum_of_sums + sum) % 65_521;
    }
    sum_of_sums << 16 | sum
}
