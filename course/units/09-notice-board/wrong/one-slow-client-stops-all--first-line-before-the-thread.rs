//! Wrong on purpose: the accepting thread waits for the first byte of a client.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use std::{env, thread};

static BOARD: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn main() -> io::Result<()> {
    let port: u16 = env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(7000);
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    for stream in listener.incoming() {
        let started = stream.and_then(|stream| {
            stream.peek(&mut [0])?;
            thread::Builder::new().spawn(move || serve(&stream))
        });
        if let Err(error) = started {
            eprintln!("a client could not be let in: {error}");
            thread::sleep(Duration::from_millis(20));
        }
    }
    Ok(())
}

fn serve(stream: &TcpStream) {
    if let Err(error) = converse(stream) {
        eprintln!("a client: {error}");
    }
}

fn converse(mut stream: &TcpStream) -> io::Result<()> {
    let mut lines = BufReader::new(stream);
    let mut name = "nobody".to_owned();
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            return Ok(());
        }
        stream.write_all(answer(line.trim_end(), &mut name).as_bytes())?;
    }
}

fn answer(line: &str, name: &mut String) -> String {
    match line.split_once(' ').unwrap_or((line, "")) {
        ("name", new) => {
            *name = new.to_owned();
            "ok\n".to_owned()
        }
        ("put", text) => {
            let note = note(name, text);
            BOARD.lock().unwrap_or_else(PoisonError::into_inner).push(note);
            "ok\n".to_owned()
        }
        ("list", _) => {
            let board = BOARD.lock().unwrap_or_else(PoisonError::into_inner);
            let notes: String = board.iter().map(|note| format!("{note}\n")).collect();
            notes + "end\n"
        }
        _ => "error unknown command\n".to_owned(),
    }
}

fn note(name: &str, text: &str) -> String {
    assert!(text != "bug", "nobody had thought of this note");
    format!("{name}: {text}")
}
