//! Notice board: a server that many use at the same time, std::net alone.
//!
//! What one client puts on the board, all can read: "Anna: the lecture begins at ten". The protocol is in unit.md.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use std::{env, thread};

/// Every note, in the order in which they were put up. One board for all.
static BOARD: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn main() -> io::Result<()> {
    let port: u16 = env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(7000);
    let listener = TcpListener::bind(("127.0.0.1", port))?;
    // `incoming` is `accept` in a loop, for ever.
    for stream in listener.incoming() {
        // HOLE Serve this client. Whatever happens to it, the loop goes on at once.
        // Nothing here waits for a client, and nothing ends the loop: no `?`, no `unwrap`.
        // `thread::spawn` would panic where the system has no thread left; `Builder` returns an error.
        let started = stream.and_then(|stream| thread::Builder::new().spawn(move || serve(&stream)));
        if let Err(error) = started {
            eprintln!("a client could not be let in: {error}");
            // Out of descriptors, `accept` fails at once, and again, until a client leaves: the loop would spin.
            thread::sleep(Duration::from_millis(20));
        }
        // END
    }
    Ok(())
}

/// One client, from its first line to its last. When this returns its connection is closed.
fn serve(stream: &TcpStream) {
    if let Err(error) = converse(stream) {
        eprintln!("a client: {error}");
    }
}

fn converse(mut stream: &TcpStream) -> io::Result<()> {
    let mut lines = BufReader::new(stream);
    // HOLE Answer each line, until the client has finished. `answer` says how.
    //  What this client is called is known here, and to nobody else.
    let mut name = "nobody".to_owned();
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line)? == 0 {
            return Ok(());
        }
        // The whole answer in one write, and no lock is held while it waits for this client to read.
        stream.write_all(answer(line.trim_end(), &mut name).as_bytes())?;
    }
    // END
}

/// What the protocol says to one line.
fn answer(line: &str, name: &mut String) -> String {
    match line.split_once(' ').unwrap_or((line, "")) {
        ("name", new) => {
            *name = new.to_owned();
            "ok\n".to_owned()
        }
        ("put", text) => {
            // HOLE Put the note on the board.
            // It is written before the board is touched: a bug in `note` finds the lock open, and the board whole.
            let note = note(name, text);
            BOARD.lock().unwrap_or_else(PoisonError::into_inner).push(note);
            // END
            "ok\n".to_owned()
        }
        ("list", _) => {
            // HOLE All notes, each as a line, and then the line "end".
            let board = BOARD.lock().unwrap_or_else(PoisonError::into_inner);
            let notes: String = board.iter().map(|note| format!("{note}\n")).collect();
            notes + "end\n"
            // END
        }
        _ => "error unknown command\n".to_owned(),
    }
}

/// As it stands on the board. Somebody else wrote this function, and it has a bug, as code has. Leave it in: the server has to
/// live with bugs that nobody knows yet.
fn note(name: &str, text: &str) -> String {
    assert!(text != "bug", "nobody had thought of this note");
    format!("{name}: {text}")
}
