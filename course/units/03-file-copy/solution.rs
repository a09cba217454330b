//! File copy: a client that sends a file to an echo service and stores what comes back. std::net alone.
//!
//! With std::net alone, because the subject is what one `read` and one `write` do. The protocol is in unit.md.

use std::fs::File;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::{env, thread};

/// So much of the file is in memory at once, in each direction, however long the file is.
const PIECE: usize = 16 * 1024;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [port, from, to] = &arguments[..] else { return Err(io::Error::other("usage: file-copy PORT FROM TO")) };
    let port: u16 = port.parse().map_err(io::Error::other)?;
    let original = File::open(from)?;
    let length = original.metadata()?.len();
    let copy = File::create(to)?;
    let stream = TcpStream::connect(("127.0.0.1", port))?;

    let (sent, received) = copy_through(&stream, &original, &copy, length)?;
    println!("sent {length} {sent:08x}");
    println!("received {length} {received:08x}");
    // HOLE End with an error if the copy is not what was sent.
    if sent != received {
        return Err(io::Error::other("the copy differs from what was sent"));
    }
    // END
    Ok(())
}

/// Adler-32 (RFC 1950 section 8.2). It is fed piece by piece, and does not see where one ends and the next begins.
struct Checksum {
    sum: u32,
    sum_of_sums: u32,
}

impl Checksum {
    fn new() -> Self {
        Self { sum: 1, sum_of_sums: 0 }
    }

    fn add(&mut self, bytes: &[u8]) {
        // HOLE Add each byte to `sum`, and the new `sum` to `sum_of_sums`; both modulo 65521.
        for byte in bytes {
            self.sum = (self.sum + u32::from(*byte)) % 65_521;
            self.sum_of_sums = (self.sum_of_sums + self.sum) % 65_521;
        }
        // END
    }

    fn value(&self) -> u32 {
        self.sum_of_sums << 16 | self.sum
    }
}

/// The whole file, and the checksum of what was sent.
fn send(stream: &TcpStream, mut original: &File) -> io::Result<u32> {
    let mut checksum = Checksum::new();
    let mut piece = [0; PIECE];
    loop {
        // HOLE Read the next piece of the file, and give it to `checksum` and to `write_whole`.
        //  At the end of the file, return the checksum.
        let count = original.read(&mut piece)?;
        if count == 0 {
            return Ok(checksum.value());
        }
        // Behind `count` is what an earlier read has left there.
        checksum.add(&piece[..count]);
        write_whole(stream, &piece[..count])?;
        // END
    }
}

/// All of `bytes`: what std calls `write_all`. Written by hand once.
fn write_whole(mut stream: &TcpStream, bytes: &[u8]) -> io::Result<()> {
    // HOLE Write, as long as something is left. `write` says how many bytes it took: go on behind them.
    let mut rest = bytes;
    while !rest.is_empty() {
        let count = stream.write(rest)?;
        rest = &rest[count..];
    }
    // END
    Ok(())
}

/// Exactly `length` bytes into `copy`, and their checksum.
fn receive(mut stream: &TcpStream, mut copy: &File, length: u64) -> io::Result<u32> {
    let mut checksum = Checksum::new();
    let mut piece = [0; PIECE];
    let mut missing = length;
    // HOLE Read, as long as something is missing; hash and store what came.
    //  An end before that is an error: io::ErrorKind::UnexpectedEof.
    // Asked before the first read: of an empty file nothing comes back, not even an end.
    while missing > 0 {
        let count = stream.read(&mut piece)?;
        if count == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("{missing} bytes did not come back")));
        }
        checksum.add(&piece[..count]);
        copy.write_all(&piece[..count])?;
        // A service that sends more than it was sent is no echo; it must not make us count below zero.
        missing = missing.saturating_sub(count as u64);
    }
    // END
    Ok(checksum.value())
}

/// Sends and receives; the two checksums.
fn copy_through(stream: &TcpStream, original: &File, copy: &File, length: u64) -> io::Result<(u32, u32)> {
    // HOLE Call `send` and `receive`: first one after the other; the check will say when that is not enough.
    thread::scope(|scope| {
        // One descriptor serves two threads: reading and writing need `&TcpStream` only.
        let sender = scope.spawn(|| send(stream, original));
        let received = receive(stream, copy, length);
        if received.is_err() {
            // Nobody will read what comes back, so the sender may be blocked for ever: this ends its write.
            let _ = stream.shutdown(Shutdown::Both);
        }
        let sent = sender.join().map_err(|_| io::Error::other("the sending thread panicked"))?;
        // Why nothing comes is the better explanation of why nothing goes.
        let received = received?;
        Ok((sent?, received))
    })
    // END
}
