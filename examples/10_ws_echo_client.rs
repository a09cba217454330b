//! Does our client keep to the protocol when the server does its best to confuse it?
//!
//! The Autobahn test suite is such a server. It tells how many cases it has; for each we connect, send back whatever
//! comes, and the suite writes down how we behaved: with messages in fragments, with wrong text, with closes in the
//! middle of everything.
//!
//!     wstest -m fuzzingserver        (of the Autobahn test suite; it listens on port 9001)
//!     cargo run --example ws_echo_client -- ws://127.0.0.1:9001 --agent socklab

mod arguments;

use arguments::{Arguments, Failure};
use socklab::websocket::{Error, Message, Received, WebSocket};

const USAGE: &str = "ws_echo_client URL [--agent NAME]\nRuns all cases of an Autobahn fuzzing server.";

fn main() -> Result<(), Failure> {
    let arguments = Arguments::read(USAGE, &["agent"]);
    let (url, agent) = (arguments.only_word(USAGE), arguments.option("agent", "socklab"));
    let url = url.trim_end_matches('/');

    let mut socket = WebSocket::connect(&format!("{url}/getCaseCount"))?;
    let Received::Message(Message::Text(count)) = socket.receive()? else {
        return Err("the server did not say how many cases it has: is it an Autobahn fuzzing server?".into());
    };
    socket.close();
    let count: u32 = count.parse()?;
    for case in 1..=count {
        match echo(&format!("{url}/runCase?case={case}&agent={agent}")) {
            // These are what many cases are made to cause. Whether they were right is for the suite to say.
            Ok(()) | Err(Error::Violation(_) | Error::Vanished { .. }) => {}
            Err(error) => println!("case {case}: {error}"),
        }
        if case % 50 == 0 || case == count {
            println!("{case} of {count} cases done");
        }
    }
    let mut socket = WebSocket::connect(&format!("{url}/updateReports?agent={agent}"))?;
    while let Received::Message(_) = socket.receive()? {}
    Ok(())
}

fn echo(url: &str) -> Result<(), Error> {
    let mut socket = WebSocket::connect(url)?;
    socket.for_each_message(|message, replies| replies.send(message))?;
    socket.close();
    Ok(())
}
