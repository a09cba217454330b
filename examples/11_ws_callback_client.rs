//! How does a program listen whose main thread has something else to do?
//!
//! Twice the same conversation: once the callback runs on the client's own thread, as things happen; once the events wait,
//! and the main thread takes them when it comes by, as a user interface would in each turn of its loop.
//!
//!     cargo run --example ws_echo_server
//!     cargo run --example ws_callback_client -- ws://127.0.0.1:9000/

mod arguments;

use arguments::{Arguments, Failure};
use socklab::Settings;
use socklab::websocket::protocol::{CloseCode, CloseReason};
use socklab::websocket::{ClientEvent, Message, Offer, WebSocketClient};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

const USAGE: &str = "ws_callback_client URL [--root FILE]\n\
    Sends a greeting, prints what happens, and says goodbye after the answer.\n\
    --root: with wss://, believe this authority (PEM) and not the public ones.";

fn main() -> Result<(), Failure> {
    let arguments = Arguments::read(USAGE, &["root"]);
    let url = arguments.only_word(USAGE);
    let settings = Settings { client_tls: arguments.client_tls()?, ..Settings::default() };
    on_a_thread_of_its_own(&url, &settings)?;
    pumped_by_this_thread(&url, &settings)?;
    Ok(())
}

fn on_a_thread_of_its_own(url: &str, settings: &Settings) -> Result<(), Failure> {
    let (done, is_done) = mpsc::channel();
    let mut answer = None;
    let client = WebSocketClient::spawn(url, Offer::default(), settings.clone(), move |event| {
        let over = matches!(event, ClientEvent::Closing(_) | ClientEvent::Error(_));
        tell(event, &mut answer);
        if over {
            done.send(()).unwrap_or_default();
        }
    })?;
    // The main thread is free. This one has nothing better to do than to wait.
    is_done.recv_timeout(Duration::from_secs(30)).map_err(|_| "the server did not end the conversation")?;
    drop(client);
    Ok(())
}

fn pumped_by_this_thread(url: &str, settings: &Settings) -> Result<(), Failure> {
    let mut client = WebSocketClient::queued(url, Offer::default(), settings.clone())?;
    let (mut over, mut answer, mut turns) = (false, None, 0);
    while !over {
        turns += 1; // Here a user interface would draw, and look at the mouse.
        client.pump(Duration::from_millis(20), |event| {
            over = matches!(event, ClientEvent::Closing(_) | ClientEvent::Error(_));
            tell(event, &mut answer);
        });
    }
    println!("the main thread has had {turns} turns of its own loop");
    Ok(())
}

/// The same callback for both. `answer` keeps what it answers with from one event to the next.
fn tell(event: ClientEvent, answer: &mut Option<socklab::websocket::WebSocketSender>) {
    let thread = thread::current();
    print!("[{}] ", thread.name().unwrap_or("unnamed"));
    match event {
        ClientEvent::Opening { sender, .. } => {
            println!("opening");
            sender.text("Good morning").unwrap_or_else(|error| println!("{error}"));
            *answer = Some(sender);
        }
        ClientEvent::Message(Message::Text(text)) => {
            println!("message: {text}");
            // After the first answer we say goodbye; what still comes is told all the same.
            if let Some(sender) = answer.take() {
                let goodbye = CloseReason::new(CloseCode::NORMAL, "that was all");
                sender.close(&goodbye).unwrap_or_else(|error| println!("{error}"));
            }
        }
        ClientEvent::Message(Message::Binary(bytes)) => println!("message: {} bytes", bytes.len()),
        ClientEvent::Closing(Some(reason)) => println!("closing: {reason}"),
        ClientEvent::Closing(None) => println!("closing"),
        ClientEvent::Error(error) => println!("error: {error}"),
    }
}
