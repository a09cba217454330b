//! How does a program talk to a server that somebody else wrote?
//!
//! Any server that speaks in lines will do: `cargo run --example standard_server` in another window, or a mail server.
//! What you type goes out as a line; what comes back is printed. Both at once: one thread waits for the keyboard, and
//! one for the server, for nobody knows who will speak next. That is in the server's specification, not in the socket.
//!
//!     cargo run --example line_client -- 127.0.0.1:7000
//!     SOCKLAB_TRACE=ladder cargo run --example line_client -- 127.0.0.1:7000
//!
//! With `--root PEM-FILE` it speaks TLS, and believes the authority whose certificate that is.

mod arguments;

use arguments::{Arguments, Failure};
use socklab::{Client, Framing, Received, Settings};
use std::io::{self, BufRead};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

const USAGE: &str = "line_client HOST:PORT [--end lf|crlf] [--root PEM-FILE]\n\
    Sends each line of standard input and prints each line that comes back.";

fn main() -> Result<(), Failure> {
    let arguments = Arguments::read(USAGE, &["end", "root"]);
    let framing = match arguments.option("end", "lf").as_str() {
        "lf" => Framing::lines(),
        "crlf" => Framing::internet_lines(),
        other => return Err(format!("--end {other} is not known: use lf or crlf").into()),
    };
    let settings = Settings { framing, client_tls: arguments.client_tls()?, ..Settings::default() };
    let mut client = Client::connect_with(&arguments.only_word(USAGE), &settings)?;

    let sender = client.sender();
    let (ends, ended) = mpsc::channel();
    let keyboard = thread::spawn(move || {
        // Bytes, and not text: what the server makes of them is its affair.
        for line in io::stdin().lock().split(b'\n').map_while(Result::ok) {
            if let Err(error) = sender.send(&line) {
                eprintln!("{error}");
                return;
            }
        }
        // The keyboard has nothing more to say, and the server may still be answering: end one direction only.
        ends.send(()).unwrap_or_default();
        sender.finish_sending();
    });

    loop {
        match client.receive_within(Duration::MAX)? {
            Received::Message(line) => println!("{}", String::from_utf8_lossy(&line)),
            Received::Nothing => {}
            Received::Closed => break,
        }
    }
    // Where the server ended first, the keyboard is still being waited for, and nobody can interrupt that: the program ends
    // around it. Else it is about to end, and we let it.
    if ended.try_recv().is_ok() {
        keyboard.join().map_err(|_| "the keyboard's thread panicked")?;
    }
    Ok(())
}
