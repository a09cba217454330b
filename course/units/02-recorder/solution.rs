//! A recorder: says what the next read will bring, and then what it brought. std::net alone.
//!
//!     recorder PORT
//!
//! It connects, and takes commands from standard input: `arrived 5`, `ended`, `read 100`, `write hello`. They are in
//! unit.md.

use std::env;
use std::io::{self, BufRead, Read, Write};
use std::net::TcpStream;

fn main() -> io::Result<()> {
    let port: u16 = env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(7000);
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    let mut queue = Queue { waiting: 0, ended: false };
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (command, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match command {
            "arrived" => queue.waiting += number(rest)?,
            "ended" => queue.ended = true,
            "read" => {
                let room = number(rest)?;
                // Said before the read, which may wait for ever: a prediction that comes afterwards is none.
                println!("predicted {}", queue.predict(room));
                println!("{}", record(&mut stream, room)?);
            }
            "write" => stream.write_all(rest.as_bytes())?,
            other => eprintln!("recorder: {other:?} is none of arrived, ended, read, write"),
        }
    }
    Ok(())
}

fn number(text: &str) -> io::Result<usize> {
    text.trim().parse().map_err(|_| io::Error::other(format!("recorder: {text:?} is not a number")))
}

/// What the system keeps for us until we read it, as far as we have been told.
struct Queue {
    waiting: usize,
    /// The other side has said that it sends no more.
    ended: bool,
}

impl Queue {
    /// What one read with room for `room` bytes will bring: a number of bytes, "end", or "wait".
    fn predict(&mut self, room: usize) -> String {
        // HOLE Predict. What will be read does not wait any more: take it off.
        // Not one word in here about who wrote how much at a time: the queue is bytes, and does not know it.
        if self.waiting > 0 {
            let count = self.waiting.min(room);
            self.waiting -= count;
            count.to_string()
        } else if self.ended {
            // The end is behind all the bytes, and it stays there: each further read says it again.
            "end".to_owned()
        } else {
            "wait".to_owned()
        }
        // END
    }
}

/// One read with room for `room` bytes, told as "read 5: hello" or "end".
fn record(stream: &mut TcpStream, room: usize) -> io::Result<String> {
    // HOLE Call `read` once, with a buffer of `room` bytes. Tell how many came, and which, by `escape_ascii`.
    let mut buffer = vec![0; room];
    let count = stream.read(&mut buffer)?;
    if count == 0 {
        return Ok("end".to_owned());
    }
    // Only `count` bytes of the buffer are from this read. They are bytes: a character may be cut in two.
    Ok(format!("read {count}: {}", buffer[..count].escape_ascii()))
    // END
}
