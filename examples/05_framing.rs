//! What do the framings look like on the wire?
//!
//! Two messages are sent in each framing, and a receiver without any framing shows the bytes that really crossed. Then
//! a receiver with the right framing gets the two messages back; then one with the wrong framing shows what a
//! misunderstanding looks like.
//!
//!     cargo run --example framing

mod arguments;

use arguments::{Arguments, Failure};
use socklab::{ByteOrder, Client, Connection, Error, Framing, LengthWidth, Received, Settings, SimpleServer};

const USAGE: &str = "framing\nSends two messages in each framing and shows the bytes that cross.";

fn main() -> Result<(), Failure> {
    Arguments::read(USAGE, &[]);
    let little_endian = Framing::BinaryLength { width: LengthWidth::Two, order: ByteOrder::LittleEndian };
    let framings = [
        ("Raw", Framing::Raw),
        ("Delimiter, LF", Framing::lines()),
        ("Delimiter, CR LF", Framing::internet_lines()),
        ("DecimalLength (WINDEV)", Framing::DecimalLength),
        ("BinaryLength, 4 bytes, big endian", Framing::length_prefix()),
        ("BinaryLength, 2 bytes, little endian", little_endian.clone()),
    ];
    for (name, framing) in &framings {
        println!("{name}");
        let mut wire = Vec::new();
        let mut raw = receiver_of_two_messages(framing, &Framing::Raw)?;
        while let Received::Message(bytes) = raw.receive()? {
            wire.extend(bytes);
        }
        println!("  on the wire  \"{}\"", wire.escape_ascii());
        show(receiver_of_two_messages(framing, framing)?);
    }
    println!("A receiver that takes four bytes in network order, and a sender that means two, the lower one first");
    show(receiver_of_two_messages(&little_endian, &Framing::length_prefix())?);
    Ok(())
}

/// Sends "Hello" and "World!" in one framing to a receiver that has another.
fn receiver_of_two_messages(sends: &Framing, receives: &Framing) -> Result<Connection, Error> {
    let settings = |framing: &Framing| Settings { framing: framing.clone(), ..Settings::default() };
    let mut server = SimpleServer::bind_with("127.0.0.1:0", &settings(receives))?;
    let mut client = Client::connect_with(&server.local_address().to_string(), &settings(sends))?;
    client.send("Hello")?;
    client.send("World!")?;
    client.finish_sending();
    server.accept()
}

fn show(mut connection: Connection) {
    loop {
        match connection.receive() {
            Ok(Received::Message(message)) => println!("  received     \"{}\"", message.escape_ascii()),
            Ok(Received::Nothing) => println!("  nothing came"),
            Ok(Received::Closed) => return,
            Err(error) => return println!("  error        {error}"),
        }
    }
}
