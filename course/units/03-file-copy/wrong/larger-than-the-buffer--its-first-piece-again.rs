//! Wrong on purpose: begins at the beginning of the file for each piece.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::net::{Shutdown, TcpStream};
use std::{env, thread};

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
    if sent != received {
        return Err(io::Error::other("the copy differs from what was sent"));
    }
    Ok(())
}

struct Checksum {
    sum: u32,
    sum_of_sums: u32,
}

impl Checksum {
    fn new() -> Self {
        Self { sum: 1, sum_of_sums: 0 }
    }

    fn add(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.sum = (self.sum + u32::from(*byte)) % 65_521;
            self.sum_of_sums = (self.sum_of_sums + self.sum) % 65_521;
        }
    }

    fn value(&self) -> u32 {
        self.sum_of_sums << 16 | self.sum
    }
}

fn send(stream: &TcpStream, mut original: &File) -> io::Result<u32> {
    let mut checksum = Checksum::new();
    let mut piece = [0; PIECE];
    let mut missing = original.metadata()?.len();
    while missing > 0 {
        original.rewind()?;
        let count = original.read(&mut piece)?.min(missing as usize);
        missing -= count as u64;
        checksum.add(&piece[..count]);
        write_whole(stream, &piece[..count])?;
    }
    Ok(checksum.value())
}

fn write_whole(mut stream: &TcpStream, bytes: &[u8]) -> io::Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let count = stream.write(rest)?;
        rest = &rest[count..];
    }
    Ok(())
}

fn receive(mut stream: &TcpStream, mut copy: &File, length: u64) -> io::Result<u32> {
    let mut checksum = Checksum::new();
    let mut piece = [0; PIECE];
    let mut missing = length;
    while missing > 0 {
        let count = stream.read(&mut piece)?;
        if count == 0 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("{missing} bytes did not come back")));
        }
        checksum.add(&piece[..count]);
        copy.write_all(&piece[..count])?;
        missing = missing.saturating_sub(count as u64);
    }
    Ok(checksum.value())
}

fn copy_through(stream: &TcpStream, original: &File, copy: &File, length: u64) -> io::Result<(u32, u32)> {
    thread::scope(|scope| {
        let sender = scope.spawn(|| send(stream, original));
        let received = receive(stream, copy, length);
        if received.is_err() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        let sent = sender.join().map_err(|_| io::Error::other("the sending thread panicked"))?;
        let received = received?;
        Ok((sent?, received))
    })
}
