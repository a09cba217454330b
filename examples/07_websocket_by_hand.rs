//! How does HTTP become a WebSocket, and what does a frame look like?
//!
//! Everything by hand, for one text message: the key that is answered with a hash, the switch of protocols, one frame
//! in, one frame out, goodbye. Compare with `ws_echo_server`, which does the same in two lines and does it for every
//! case that RFC 6455 knows.
//!
//!     cargo run --example websocket_by_hand -- --listen 127.0.0.1:8000
//!     then, in the console of a browser:  w = new WebSocket("ws://127.0.0.1:8000/");
//!                                         w.onmessage = m => console.log(m.data); w.onopen = () => w.send("Hello");

mod arguments;

use arguments::{Arguments, Failure};
use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use sha1::{Digest, Sha1};
use socklab::{Connection, Framing, HandlerResult, Received, Settings, StandardServer};

const USAGE: &str = "websocket_by_hand [--listen ADDR:PORT]\nAnswers one short WebSocket text message, byte by byte.";

/// RFC 6455 section 1.3. No HTTP server answers with the hash of a key and this text by accident, so the client knows
/// that it has reached one that speaks WebSocket.
const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

fn main() -> Result<(), Failure> {
    let address = Arguments::read(USAGE, &["listen"]).listen("127.0.0.1:8000");
    let settings = Settings { framing: Framing::internet_lines(), max_message: 8 * 1024, ..Settings::default() };
    let server = StandardServer::bind_with(&address, &settings)?;
    println!("listening on {}", server.local_address());
    server.serve(|mut connection| {
        shake_hands(&mut connection)?;
        let text = receive_text(&mut connection)?;
        println!("it says {text:?}");
        send_text(&mut connection, &format!("You said {text:?}"))
    })?;
    Ok(())
}

/// Section 4.2: the request, and the 101 answer.
fn shake_hands(connection: &mut Connection) -> HandlerResult {
    let mut key = None;
    while let Received::Message(line) = connection.receive()? {
        let line = String::from_utf8(line)?;
        println!("< {line}");
        match line.split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("Sec-WebSocket-Key") => key = Some(value.to_owned()),
            _ if line.is_empty() => break,
            _ => {}
        }
    }
    let key = key.ok_or("the request has no Sec-WebSocket-Key: it did not come from a WebSocket client")?;
    let hash = Sha1::digest(format!("{key}{GUID}"));
    let accept = BASE64.encode(hash);
    println!("{key} + {GUID} -> SHA-1 -> {} -> base64 -> {accept}", hex(&hash));

    connection.set_framing(Framing::Raw);
    connection.send(format!(
        "HTTP/1.1 101 Switching Protocols\r\n\
         Upgrade: websocket\r\n\
         Connection: Upgrade\r\n\
         Sec-WebSocket-Accept: {accept}\r\n\r\n"
    ))?;
    Ok(())
}

/// Section 5.2: one frame, in its simplest form.
fn receive_text(connection: &mut Connection) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let mut frame = Vec::new();
    // One read may bring less than a frame: ask until the header and what it announces are there.
    while frame.len() < 6 || frame.len() < 6 + usize::from(frame[1] & 0x7f) {
        match connection.receive()? {
            Received::Message(bytes) => frame.extend(bytes),
            Received::Nothing | Received::Closed => return Err("no frame came".into()),
        }
    }
    println!("< {}", hex(&frame));
    let (fin, opcode) = (frame[0] >> 7 == 1, frame[0] & 0x0f);
    let (masked, length) = (frame[1] >> 7 == 1, usize::from(frame[1] & 0x7f));
    println!("  FIN {fin}, opcode {opcode}, mask {masked}, length {length}");
    if !fin || opcode != 1 || !masked || length > 125 {
        return Err("this example understands one short, masked text frame only".into());
    }
    // Section 5.3: each payload byte is combined with one of the four bytes of the key, in turn.
    let key = &frame[2..6];
    let payload = frame[6..6 + length].iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key);
    Ok(String::from_utf8(payload.collect())?)
}

/// A server's frame is not masked: two bytes of header, and the text. Then a Close frame with code 1000 (section 5.5.1).
fn send_text(connection: &mut Connection, text: &str) -> HandlerResult {
    let length = u8::try_from(text.len()).ok().filter(|&length| length <= 125).ok_or("longer than 125 bytes")?;
    let mut frame = vec![0x81, length];
    frame.extend(text.as_bytes());
    println!("> {}", hex(&frame));
    connection.send(&frame)?;
    connection.send([0x88, 2, 0x03, 0xe8])?;
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
}
