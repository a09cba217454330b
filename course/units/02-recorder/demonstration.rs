//! How many reads does it take to read 500 writes of one byte each?
//!
//!     rustc --edition 2024 -O -o target/writes course/units/02-recorder/demonstration.rs
//!     target/writes
//!
//! Both sides are in this program, a thread each. The writer does not use Nagle's algorithm: each write goes out at once.

use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::{Duration, Instant};

const WRITES: usize = 500;

fn main() -> io::Result<()> {
    println!("pause between two writes    reads for {WRITES} writes of one byte    the longest read");
    for microseconds in [0, 5, 20, 100] {
        let reads = count(Duration::from_micros(microseconds))?;
        let longest = reads.iter().max().copied().unwrap_or(0);
        println!("{microseconds:>5} microseconds {:>31} {longest:>30} bytes", reads.len());
    }
    Ok(())
}

/// What each read brought.
fn count(pause: Duration) -> io::Result<Vec<usize>> {
    let listener = TcpListener::bind(("127.0.0.1", 0))?;
    let address = listener.local_addr()?;
    let writer = thread::spawn(move || write(TcpStream::connect(address)?, pause));
    let (mut stream, _) = listener.accept()?;
    // ANCHOR: reads
    let mut buffer = [0; 4096];
    let mut reads = Vec::new();
    loop {
        match stream.read(&mut buffer)? {
            0 => break,
            count => reads.push(count),
        }
    }
    // ANCHOR_END: reads
    writer.join().map_err(|_| io::Error::other("the writer panicked"))??;
    Ok(reads)
}

fn write(mut stream: TcpStream, pause: Duration) -> io::Result<()> {
    stream.set_nodelay(true)?;
    for _ in 0..WRITES {
        stream.write_all(b"x")?;
        // Awake all the while: a sleep takes 50 microseconds and more, whatever it was asked for.
        let begun = Instant::now();
        while begun.elapsed() < pause {
            std::hint::spin_loop();
        }
    }
    Ok(())
}
