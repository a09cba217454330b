//! Wrong on purpose: a read is thought to bring as many whole writes as there is room for.

use std::collections::VecDeque;
use std::env;
use std::io::{self, BufRead, Read, Write};
use std::net::TcpStream;

fn main() -> io::Result<()> {
    let port: u16 = env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(7000);
    let mut stream = TcpStream::connect(("127.0.0.1", port))?;
    let mut queue = Queue { writes: VecDeque::new(), ended: false };
    for line in io::stdin().lock().lines() {
        let line = line?;
        let (command, rest) = line.split_once(' ').unwrap_or((&line, ""));
        match command {
            "arrived" => queue.writes.push_back(number(rest)?),
            "ended" => queue.ended = true,
            "read" => {
                let room = number(rest)?;
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

struct Queue {
    writes: VecDeque<usize>,
    ended: bool,
}

impl Queue {
    fn predict(&mut self, room: usize) -> String {
        let mut count = 0;
        while let Some(write) = self.writes.front().filter(|write| count + **write <= room) {
            count += write;
            self.writes.pop_front();
        }
        match self.writes.front_mut() {
            Some(write) if count == 0 => {
                *write -= room;
                room.to_string()
            }
            _ if count > 0 => count.to_string(),
            _ if self.ended => "end".to_owned(),
            _ => "wait".to_owned(),
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
