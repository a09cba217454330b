//! What does the load generator say, without a WebSocket library?
//!
//! The little that a client needs of RFC 6455, by hand, so that neither side is measured with its own code: a request whose
//! answer is known beforehand, masked frames, and the frames in which they come back. All are made before the clock runs.
//!
//! A raw TCP loop is given the very same masked frames, as bytes that mean nothing to it, and must send the very same bytes
//! back. A WebSocket server sends them back unmasked, with a header that is four bytes shorter.

use crate::bytes::{Bytes, PERIOD, noise};
use crate::contender::Speaks;

/// What is sent, and what must come back.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub request: Bytes,
    pub reply: Bytes,
}

/// The upgrade, with the example key of RFC 6455 section 1.3.
pub const UPGRADE: &[u8] = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

/// Is this the whole answer to it?
pub fn is_agreement(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    let accepts = |line: &str| {
        let (name, value) = line.split_once(':').unwrap_or_default();
        name.eq_ignore_ascii_case("Sec-WebSocket-Accept") && value.trim() == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    };
    text.starts_with("HTTP/1.1 101 ") && text.lines().any(accepts)
}

/// A Close frame with 1000, masked, and the one that must answer it.
pub const GOODBYE: [u8; 8] = [0x88, 0x82, 1, 2, 3, 4, 0x03 ^ 1, 0xe8 ^ 2];
pub const GOODBYE_ANSWER: [u8; 4] = [0x88, 0x02, 0x03, 0xe8];

/// What a raw loop that tells everybody says to a client once that one is in its list.
pub const LISTED: &[u8] = b".";

/// A Ping without a payload, masked, and the Pong that must answer it.
pub const PING: [u8; 6] = [0x89, 0x80, 1, 2, 3, 4];
pub const PONG: [u8; 2] = [0x8a, 0x00];

/// One message of so many bytes, and its echo.
pub fn message(speaks: Speaks, size: usize, seed: u64) -> Exchange {
    let key = <[u8; 4]>::try_from(&noise(seed ^ 0xffff, 4)[..]).unwrap_or_default();
    let plain = noise(seed, size.min(PERIOD));
    let masked: Vec<u8> = plain.iter().zip(key.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
    let request = Bytes::new(&[header(size, 0x80), key.to_vec()].concat(), &masked, size);
    let reply = match speaks {
        Speaks::Raw => request.clone(),
        Speaks::WebSocket => Bytes::new(&header(size, 0), &plain, size),
    };
    Exchange { request, reply }
}

/// Many messages that leave together, and their echoes in order. Each is small enough to be laid out.
pub fn batch(speaks: Speaks, size: usize, count: usize, seed: u64) -> Exchange {
    let each: Vec<Exchange> = (0..count as u64).map(|index| message(speaks, size, seed * 1000 + index)).collect();
    let lay_out = |of: fn(&Exchange) -> &Bytes| Bytes::once(each.iter().flat_map(|one| of(one).whole()).collect());
    Exchange { request: lay_out(|one| &one.request), reply: lay_out(|one| &one.reply) }
}

/// A whole binary message in one frame (RFC 6455 section 5.2).
fn header(size: usize, masked: u8) -> Vec<u8> {
    let mut header = vec![0x82];
    match size {
        0..=125 => header.push(masked | size as u8),
        126..=0xffff => {
            header.push(masked | 126);
            header.extend((size as u16).to_be_bytes());
        }
        _ => {
            header.push(masked | 127);
            header.extend((size as u64).to_be_bytes());
        }
    }
    header
}

#[cfg(test)]
mod tests {
    use super::*;
    use tungstenite::protocol::Role;
    use tungstenite::{Message, WebSocket};

    /// A stream that gives what it was made of, and keeps what is written.
    struct Both(std::io::Cursor<Vec<u8>>, Vec<u8>);

    impl std::io::Read for Both {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            self.0.read(buffer)
        }
    }

    impl std::io::Write for Both {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.1.write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_library_reads_our_frames_and_writes_what_we_expect() {
        for size in [0, 32, 125, 126, 1024, 65_535, 65_536, 1024 * 1024] {
            let exchange = message(Speaks::WebSocket, size, 7);
            let stream = Both(std::io::Cursor::new(exchange.request.whole()), Vec::new());
            let mut socket = WebSocket::from_raw_socket(stream, Role::Server, None);
            let came = socket.read().unwrap();
            assert!(matches!(&came, Message::Binary(bytes) if bytes.len() == size));
            socket.send(came).unwrap();
            assert!(socket.get_ref().1 == exchange.reply.whole(), "{size} bytes");
        }
    }

    #[test]
    fn a_library_says_goodbye_as_we_expect() {
        let stream = Both(std::io::Cursor::new(GOODBYE.to_vec()), Vec::new());
        let mut socket = WebSocket::from_raw_socket(stream, Role::Server, None);
        assert!(matches!(socket.read().unwrap(), Message::Close(_)));
        let _ = socket.flush();
        assert_eq!(socket.get_ref().1, GOODBYE_ANSWER);
    }

    #[test]
    fn only_the_right_answer_is_one() {
        let right = "HTTP/1.1 101 Switching Protocols\r\nsec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
        assert!(is_agreement(right.as_bytes()));
        assert!(!is_agreement(right.replace("xOo", "xOO").as_bytes()));
        assert!(!is_agreement(right.replace("101", "503").as_bytes()));
    }
}
