//! Wrong on purpose: what `split` finds behind the last line feed is taken for a line.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Mutex, PoisonError};
use std::{env, thread};

const LIMIT: usize = 1024;

static CLIENTS: Mutex<BTreeMap<u32, TcpStream>> = Mutex::new(BTreeMap::new());

fn main() -> io::Result<()> {
    let port: u16 = env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(7000);
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    println!("listening at 127.0.0.1:{port}");
    for (number, stream) in (1..).zip(listener.incoming()) {
        let stream = stream?;
        thread::spawn(move || serve(number, &stream));
    }
    Ok(())
}

fn serve(number: u32, stream: &TcpStream) {
    let result = enter(number, stream).and_then(|()| converse(number, stream));
    CLIENTS.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
    if let Err(error) = result {
        eprintln!("client {number}: {error}");
    }
}

fn enter(number: u32, mut stream: &TcpStream) -> io::Result<()> {
    let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
    clients.insert(number, stream.try_clone()?);
    stream.write_all(format!("welcome {number}\n").as_bytes())
}

fn converse(number: u32, mut stream: &TcpStream) -> io::Result<()> {
    let mut received: Vec<u8> = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            return Ok(());
        }
        received.extend_from_slice(&buffer[..count]);

        if let Some(end) = received.iter().rposition(|byte| *byte == b'\n') {
            let lines: Vec<u8> = received.drain(..=end).collect();
            for line in lines.split(|byte| *byte == b'\n') {
                let line = line.strip_suffix(b"\r").unwrap_or(line);
                if line.len() > LIMIT {
                    return refuse(stream);
                }
                pass_on(number, line);
            }
        }

        if received.len() > LIMIT + 1 {
            return refuse(stream);
        }
    }
}

fn pass_on(number: u32, line: &[u8]) {
    let told = [format!("{number}: ").as_bytes(), line, b"\n"].concat();
    let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
    for (other, stream) in clients.iter_mut() {
        if *other != number {
            let _ = stream.write_all(&told);
        }
    }
}

fn refuse(mut stream: &TcpStream) -> io::Result<()> {
    stream.write_all(b"error line too long\n")
}
