//! Wrong on purpose: a thread reads whatever comes, and the reads that were asked for get it from its store.

use std::env;
use std::io::{self, BufRead, Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{self, Receiver};
use std::thread;

fn main() -> io::Result<()> {
    let port: u16 = env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(7000);
    let stream = TcpStream::connect(("127.0.0.1", port))?;
    let (sender, store) = mpsc::channel();
    let mut reader = stream.try_clone()?;
    thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(count) = reader.read(&mut buffer) {
            if count == 0 || sender.send(buffer[..count].to_vec()).is_err() {
                break;
            }
        }
    });
    let mut stored = Vec::new();
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
                println!("{}", record(&store, &mut stored, room));
            }
            "write" => (&stream).write_all(rest.as_bytes())?,
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

fn record(store: &Receiver<Vec<u8>>, stored: &mut Vec<u8>, room: usize) -> String {
    if stored.is_empty() {
        stored.extend(store.recv().unwrap_or_default());
    }
    stored.extend(store.try_iter().flatten());
    if stored.is_empty() {
        return "end".to_owned();
    }
    let bytes: Vec<u8> = stored.drain(..room.min(stored.len())).collect();
    format!("read {}: {}", bytes.len(), bytes.escape_ascii())
}
