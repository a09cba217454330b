//! What does a server do, step by step?
//!
//! It waits, lets one client in, answers until the client is done, and waits for the next. Start two clients at once,
//! and see that the second one is connected and yet gets no answer until the first has left.
//!
//!     cargo run --example simple_server -- --listen 127.0.0.1:7000
//!     cargo run --example line_client -- 127.0.0.1:7000

mod arguments;

use arguments::{Arguments, Failure};
use socklab::{Framing, Received, Settings, SimpleServer};

const USAGE: &str = "simple_server [--listen ADDR:PORT]\nAnswers each line with the same line, one client at a time.";

fn main() -> Result<(), Failure> {
    let address = Arguments::read(USAGE, &["listen"]).listen("127.0.0.1:7000");
    let settings = Settings { framing: Framing::lines(), ..Settings::default() };
    let mut server = SimpleServer::bind_with(&address, &settings)?;
    println!("listening on {}", server.local_address());

    loop {
        let mut connection = server.accept()?;
        let peer = connection.peer_address()?;
        println!("{peer} came");
        let how = loop {
            match connection.receive() {
                Ok(Received::Message(line)) => {
                    if let Err(error) = connection.send(line) {
                        break error.to_string();
                    }
                }
                Ok(Received::Nothing) => break "said nothing for too long".to_owned(),
                Ok(Received::Closed) => break "said goodbye".to_owned(),
                // One client's mistake is no reason to stop serving the next.
                Err(error) => break error.to_string(),
            }
        };
        connection.close();
        println!("{peer}: {how}");
    }
}
