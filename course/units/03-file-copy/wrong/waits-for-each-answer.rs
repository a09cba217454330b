//! Wrong on purpose: sends a piece, and waits until it is back before it sends the next.

use std::env;
use std::fs::File;
use std::io::{self, Read, Write};
use std::net::TcpStream;

const PIECE: usize = 16 * 1024;

fn main() -> io::Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [port, from, to] = &arguments[..] else { return Err(io::Error::other("usage: file-copy PORT FROM TO")) };
    let port: u16 = port.parse().map_err(io::Error::other)?;
    let original = File::open(from)?;
    let length = original.metadata()?.len();
    let copy = File::create(to)?;
    let stream = TcpStream::connect(("127.0.0.1", port))?;

    let (sent, received) = copy_through(&stream, &original, &copy)?;
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

fn write_whole(mut stream: &TcpStream, bytes: &[u8]) -> io::Result<()> {
    let mut rest = bytes;
    while !rest.is_empty() {
        let count = stream.write(rest)?;
        rest = &rest[count..];
    }
    Ok(())
}

fn receive(mut stream: &TcpStream, mut copy: &File, length: u64, checksum: &mut Checksum) -> io::Result<()> {
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
    Ok(())
}

fn copy_through(stream: &TcpStream, mut original: &File, copy: &File) -> io::Result<(u32, u32)> {
    let (mut sent, mut received) = (Checksum::new(), Checksum::new());
    let mut piece = [0; PIECE];
    loop {
        let count = original.read(&mut piece)?;
        if count == 0 {
            return Ok((sent.value(), received.value()));
        }
        sent.add(&piece[..count]);
        write_whole(stream, &piece[..count])?;
        receive(stream, copy, count as u64, &mut received)?;
    }
}
