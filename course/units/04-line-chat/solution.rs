//! Line chat: a server, a thread for each client, std::net alone.
//!
//! What a client says in a line, all others are told: "1: hello". The protocol is in unit.md.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Mutex, PoisonError};
use std::{env, thread};

/// A line's bytes, without the LF or CR LF that ends it.
const LIMIT: usize = 1024;

/// Everybody who is in, by number, with a handle to write to. A thread that panics while it holds the lock poisons it, and
/// `lock` tells the others. Here nobody leaves the table half changed, so they take it all the same: `into_inner` (unit 9 has more).
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

/// One client, from its first byte to its last.
fn serve(number: u32, stream: &TcpStream) {
    let result = enter(number, stream).and_then(|()| converse(number, stream));
    // A connection is closed when its last handle is: the one in the table, and then this thread's.
    CLIENTS.lock().unwrap_or_else(PoisonError::into_inner).remove(&number);
    if let Err(error) = result {
        eprintln!("client {number}: {error}");
    }
}

/// Into the table and greeted under one lock, so that nobody's line comes before the greeting.
fn enter(number: u32, mut stream: &TcpStream) -> io::Result<()> {
    let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
    clients.insert(number, stream.try_clone()?);
    stream.write_all(format!("welcome {number}\n").as_bytes())
}

fn converse(number: u32, mut stream: &TcpStream) -> io::Result<()> {
    // What has come and is no whole line yet. Bytes, not text: a read may end in the middle of a character.
    let mut received: Vec<u8> = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        // HOLE Read what there is into `buffer`, and put it behind what has come before.
        //  When the client has finished, return: there will never be more.
        let count = stream.read(&mut buffer)?;
        if count == 0 {
            // What is left over is half a line, and half a line is none.
            return Ok(());
        }
        received.extend_from_slice(&buffer[..count]);
        // END

        // HOLE Take every whole line out of `received`, without its ending, and pass it on.
        //  It ends with LF or CR LF. One of more than LIMIT bytes is refused.
        while let Some(end) = received.iter().position(|byte| *byte == b'\n') {
            let mut line: Vec<u8> = received.drain(..=end).collect();
            line.pop();
            if line.last() == Some(&b'\r') {
                line.pop();
            }
            if line.len() > LIMIT {
                return refuse(stream);
            }
            pass_on(number, &line);
        }
        // END

        // HOLE Refuse a line that is too long already, though its end has not come.
        //  One more than LIMIT may be the CR of a line that is just not too long.
        if received.len() > LIMIT + 1 {
            return refuse(stream);
        }
        // END
    }
}

/// "1: hello" to everybody but the client who said it.
fn pass_on(number: u32, line: &[u8]) {
    let told = [format!("{number}: ").as_bytes(), line, b"\n"].concat();
    // HOLE Write `told` to all clients in the table but `number`.
    //  One who has left must not keep the others from hearing it.
    let mut clients = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
    for (other, stream) in clients.iter_mut() {
        if *other != number {
            // Who cannot be written to has left; its own thread notices and takes it out.
            let _ = stream.write_all(&told);
        }
    }
    // END
}

fn refuse(mut stream: &TcpStream) -> io::Result<()> {
    stream.write_all(b"error line too long\n")
}
