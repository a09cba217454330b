//! Wrong on purpose: what was read stays in a buffer until the program ends.

use std::env;
use std::io::{self, BufRead, Read, Write};
use std::net::TcpStream;

fn main() -> io::Result<()> {
    let port: u16 = env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(7000);
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    let mut recorded = io::BufWriter::new(io::stdout());
    let mut queue = Queue { waiting: 0, ended: false };
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (command, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match command {
            "arrived" => queue.waiting += number(rest)?,
            "ended" => queue.ended = true,
            "read" => {
                let room = number(rest)?;
                println!("predicted {}", queue.predict(room));
                writeln!(recorded, "{}", record(&mut stream, room)?)?;
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

struct Queue {
    waiting: usize,
    ended: bool,
}

impl Queue {
    fn predict(&mut self, room: usize) -> String {
        if self.waiting > 0 {
            let count = self.waiting.min(room);
            self.waiting -= count;
            count.to_string()
        } else if self.ended {
            "end".to_owned()
        } else {
            "wait".to_owned()
        }
    }
}

fn record(stream: &mut TcpStream, room: usize) -> io::Result<String> {
    let mut buffer = vec![0; room];
    let count = stream.read(&mut buffer)?;
    if count == 0 {
        return Ok("end".to_owned());
    }
    Ok(format!("read {count}: {}", buffer[..count].escape_ascii()))
}
