//! What changes for a client when the socket is a WebSocket?
//!
//! Very little: it connects by a URL, and messages need no framing of ours, for the protocol has its own. What you type
//! goes out as a text message; every message that comes is printed.
//!
//!     cargo run --example ws_client -- ws://127.0.0.1:9000/
//!     SOCKLAB_TRACE=ladder cargo run --example ws_client -- ws://127.0.0.1:9000/
//!     cargo run --example ws_client -- --root target/class/root.pem wss://localhost:9000/

mod arguments;

use arguments::{Arguments, Failure};
use socklab::Settings;
use socklab::websocket::protocol::{CloseCode, CloseReason};
use socklab::websocket::{Message, Offer, Received, WebSocket};
use std::io::{self, BufRead};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

const USAGE: &str = "ws_client URL [--protocols mqtt,soap] [--root FILE]\n\
    Sends each line of standard input as a text message and prints each message that comes.\n\
    --root: with wss://, believe this authority (PEM) and not the public ones.";

fn main() -> Result<(), Failure> {
    let arguments = Arguments::read(USAGE, &["protocols", "root"]);
    let protocols = arguments.option("protocols", "");
    let offer = Offer {
        subprotocols: protocols.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect(),
        ..Offer::default()
    };
    let settings = Settings { client_tls: arguments.client_tls()?, ..Settings::default() };
    let mut socket = WebSocket::connect_with(&arguments.only_word(USAGE), &offer, &settings)?;
    if let Some(agreed) = socket.subprotocol() {
        eprintln!("the server chose the subprotocol {agreed}");
    }

    let sender = socket.sender();
    let (ends, ended) = mpsc::channel();
    let keyboard = thread::spawn(move || {
        for line in io::stdin().lock().split(b'\n').map_while(Result::ok) {
            // A text message must be UTF-8; what is not goes as the bytes that it is.
            let sent = match std::str::from_utf8(&line) {
                Ok(text) => sender.text(text),
                Err(_) => sender.binary(&line),
            };
            if let Err(error) = sent {
                eprintln!("{error}");
                return;
            }
        }
        // Our Close frame is the last that we send; the answers to what we sent before still come.
        ends.send(()).unwrap_or_default();
        let goodbye = CloseReason::new(CloseCode::NORMAL, "the keyboard has nothing more to say");
        if let Err(error) = sender.close(&goodbye) {
            eprintln!("{error}");
        }
    });

    loop {
        match socket.receive_within(Duration::MAX)? {
            Received::Message(Message::Text(text)) => println!("{text}"),
            Received::Message(Message::Binary(bytes)) => println!("{} bytes: {}", bytes.len(), bytes.escape_ascii()),
            Received::Nothing => {}
            Received::Closed(reason) => {
                match reason {
                    Some(reason) => eprintln!("closed: {reason}"),
                    None => eprintln!("closed, without a reason"),
                }
                break;
            }
        }
    }
    // As in `line_client`: a keyboard that is still being waited for cannot be interrupted, one that is done can be joined.
    if ended.try_recv().is_ok() {
        keyboard.join().map_err(|_| "the keyboard's thread panicked")?;
    }
    Ok(())
}
