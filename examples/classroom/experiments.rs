//! What can one send that a browser cannot?
//!
//! A browser's script says "send this text", and everything else is the browser's own affair: it masks, it never sets a
//! reserved bit, it pings when it likes. Each experiment here is a few frames put together by hand, legal or not, and what
//! RFC 6455 asks of a server that gets them.
//!
//! # In production
//!
//! The Autobahn test suite does this, in five hundred cases.

use socklab::websocket::protocol::{FrameHeader, Opcode};

pub struct Experiment {
    pub name: &'static str,
    pub opening: Opening,
    /// What follows once the server has agreed.
    pub frames: Vec<Frame>,
    pub expected: Expected,
}

/// How the handshake is asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Opening {
    AsItShould,
    /// One write for each byte.
    InSingleBytes,
    WithoutUpgrade,
    OfVersion12,
}

/// What a server must do.
pub enum Expected {
    /// Send the text back, as one message.
    Echo(&'static str),
    /// Answer with a Pong of this payload.
    Pong(&'static [u8]),
    /// Both.
    PongThenEcho(&'static [u8], &'static str),
    /// Close with this code.
    Close(u16),
    /// Answer the request with one of these, and not with 101.
    Status(&'static [u16]),
}

/// A frame before it is masked.
pub struct Frame {
    /// The header as it will cross the wire, but for the masking key.
    pub header: Vec<u8>,
    pub masked: bool,
    pub payload: Vec<u8>,
}

/// The names are those of the buttons on the page.
pub fn find(name: &str) -> Option<Experiment> {
    all().into_iter().find(|experiment| experiment.name == name)
}

fn all() -> [Experiment; 12] {
    use Expected::*;
    let whole = |opcode, payload: &[u8]| Frame::new(FrameHeader::new(opcode, payload.len() as u64), payload);
    let part = |opcode, payload: &[u8]| {
        Frame::new(FrameHeader { fin: false, ..FrameHeader::new(opcode, payload.len() as u64) }, payload)
    };
    let hello = || whole(Opcode::TEXT, b"Hello");
    [
        // Legal, but not for a browser's script.
        said(
            "fragmented",
            PongThenEcho(b"between", "one message, three frames"),
            vec![
                part(Opcode::TEXT, b"one message"),
                whole(Opcode::PING, b"between"),
                part(Opcode::CONTINUATION, b", three "),
                whole(Opcode::CONTINUATION, b"frames"),
            ],
        ),
        said("ping", Pong(b"are you there?"), vec![whole(Opcode::PING, b"are you there?")]),
        asked("single_bytes", Opening::InSingleBytes, Echo("Hello"), vec![hello()]),
        // Against a rule of frames.
        said("unmasked", Close(1002), vec![Frame { masked: false, ..hello() }.with_header(&[0x81, 5])]),
        said("reserved_opcode", Close(1002), vec![whole(Opcode::from_bits(3), b"?")]),
        said(
            "rsv",
            Close(1002),
            vec![Frame::new(FrameHeader { rsv: 0b100, ..FrameHeader::new(Opcode::TEXT, 5) }, b"Hello")],
        ),
        // 0xff is no byte of any UTF-8 text.
        said("invalid_utf8", Close(1007), vec![whole(Opcode::TEXT, b"Hell\xff")]),
        said("close_one_byte", Close(1002), vec![whole(Opcode::CLOSE, b"\x03")]),
        said("long_control", Close(1002), vec![whole(Opcode::PING, &[b'x'; 126])]),
        // 7 bits hold a 5, and here it stands in 16. `FrameHeader::encode` knows only the shortest form.
        said("long_length", Close(1002), vec![hello().with_header(&[0x81, 0x80 | 126, 0, 5])]),
        // Against a rule of the handshake.
        asked("no_upgrade", Opening::WithoutUpgrade, Status(&[400, 426]), vec![]),
        asked("wrong_version", Opening::OfVersion12, Status(&[426]), vec![]),
    ]
}

fn said(name: &'static str, expected: Expected, frames: Vec<Frame>) -> Experiment {
    asked(name, Opening::AsItShould, expected, frames)
}

fn asked(name: &'static str, opening: Opening, expected: Expected, frames: Vec<Frame>) -> Experiment {
    Experiment { name, opening, frames, expected }
}

impl Frame {
    /// Masked, as a client's must be.
    pub fn new(header: FrameHeader, payload: &[u8]) -> Frame {
        let mut bytes = Vec::new();
        FrameHeader { mask: Some([0; 4]), ..header }.encode(&mut bytes);
        // The key is drawn when the frame is sent.
        bytes.truncate(bytes.len() - 4);
        Frame { header: bytes, masked: true, payload: payload.to_vec() }
    }

    fn with_header(self, header: &[u8]) -> Frame {
        Frame { header: header.to_vec(), ..self }
    }
}
