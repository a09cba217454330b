//! Bytes come in, as the network cut them: what do they say?
//!
//! The receiving direction of a connection. Whoever owns the socket puts what it read into [`space`](Incoming::space),
//! says how much it was with [`filled`](Incoming::filled), and then asks [`next`](Incoming::next) until it says `None`:
//! more bytes are needed. Nothing here waits, so nothing here can hang, and a test can cut a stream at every byte.
//!
//! The way of one frame:
//!
//! ```text
//!   bytes --> decode the header --> check it --> unmask what came --> is it text so far? --+
//!               |  (too few)          |            ^                    |                  | (the frame is not whole)
//!               v                     v            |                    v                  |
//!              None               Violation        +------ None <-------+------------------+
//!                                                                       | (it is)
//!                                                                       v
//!                             an event, or the end of one more frame of the message that is being collected
//! ```
//!
//! A short frame that is an event by itself and is all here goes the way in one step. Any other remembers how far it came
//! (`incoming/arriving.rs`).
//!
//! Invariant: after a Close frame, or after a broken rule, no byte is looked at again (RFC 6455 sections 1.4 and
//! 7.1.7).
//!
//! # In production
//!
//! Only whole messages are delivered, so the limit on a message is also a limit on memory. A library for large
//! transfers offers each message as a stream of its own.

mod arriving;

use super::event::{Event, frame_event, message_event};
use super::frame::FrameHeader;
use super::mask::mask;
use super::message::{Message, MessageKind};
use super::opcode::{Opcode, Role};
use super::violation::Violation;
use crate::buffer::Buffer;
use arriving::{Frame, stays_in_place};

/// What lies ready to be delivered, and where.
#[derive(Debug, Clone, Copy)]
enum Ready {
    /// A frame that is an event by itself: its payload is the last so many bytes taken from the buffer.
    Frame(Opcode, usize),
    /// The last piece of a message came.
    Message(MessageKind),
}

#[derive(Debug)]
enum Ending {
    NotYet,
    Closed,
    Failed(Violation),
}

/// The receiving direction of a connection: bytes in, events out.
///
/// ```
/// use socklab::websocket::protocol::{Event, Incoming, Role};
///
/// // A server reads "Hello" as a client sends it (RFC 6455 section 5.7), in two pieces.
/// let mut incoming = Incoming::new(Role::Server, 1024);
/// incoming.push(&[0x81, 0x85, 0x37, 0xfa, 0x21]);
/// assert_eq!(incoming.next(&mut |_, _| {})?, None);
/// incoming.push(&[0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
/// assert_eq!(incoming.next(&mut |_, _| {})?, Some(Event::Text("Hello")));
/// # Ok::<(), socklab::websocket::protocol::Violation>(())
/// ```
#[derive(Debug)]
pub struct Incoming {
    role: Role,
    max_message: usize,
    buffer: Buffer,
    frame: Option<Frame>,
    message: Message,
    ending: Ending,
}

impl Incoming {
    /// `role` is ours; `max_message` is the largest message we take, in bytes.
    pub fn new(role: Role, max_message: usize) -> Self {
        Incoming {
            role,
            max_message,
            buffer: Buffer::default(),
            frame: None,
            message: Message::default(),
            ending: Ending::NotYet,
        }
    }

    /// Where the next read may put its bytes: never empty, so a read of 0 bytes means the end and nothing else.
    pub fn space(&mut self) -> &mut [u8] {
        self.buffer.space()
    }

    /// The read put `count` bytes there.
    ///
    /// # Panics
    ///
    /// If the space was smaller than `count`.
    pub fn filled(&mut self, count: usize) {
        self.buffer.filled(count);
    }

    /// The plain form of the two above, for bytes that are elsewhere: those that came behind the HTTP head.
    pub fn push(&mut self, bytes: &[u8]) {
        self.buffer.push(bytes);
    }

    // ANCHOR: next
    /// The next event. `None`: read more bytes first, or nothing more will come (see [`is_ended`](Self::is_ended)).
    ///
    /// `see` is shown each frame once: when it is whole, its payload unmasked; or, if its header breaks a rule or its
    /// text goes wrong before it is whole, with what had come. (A length that cannot be read makes no header to show.)
    ///
    /// # Errors
    ///
    /// The broken rule; from then on the same one, for ever: nobody knows where the next frame would begin.
    pub fn next(&mut self, see: &mut impl FnMut(&FrameHeader, &[u8])) -> Result<Option<Event<'_>>, Violation> {
        match &self.ending {
            Ending::NotYet => {}
            Ending::Closed => return Ok(None),
            Ending::Failed(violation) => return Err(violation.clone()),
        }
        self.message.forget_whole();
        let event = match self.ready(see) {
            Ok(None) => return Ok(None),
            Ok(Some(Ready::Frame(opcode, length))) => frame_event(opcode, self.buffer.taken(length)),
            Ok(Some(Ready::Message(kind))) => message_event(kind, self.message.bytes()),
            Err(violation) => Err(violation),
        };
        match &event {
            Ok(Event::Close(_)) => self.ending = Ending::Closed,
            Ok(_) => {}
            Err(violation) => self.ending = Ending::Failed(violation.clone()),
        }
        event.map(Some)
    }
    // ANCHOR_END: next

    /// Have bytes come that are not yet part of an event? Then the peer is in the middle of something, and its time runs.
    pub fn is_inside_a_message(&self) -> bool {
        self.frame.is_some() || !self.buffer.unread().is_empty() || self.message.has_begun()
    }

    /// Has a message in fragments begun? Control frames that come between its fragments do not end it.
    pub fn has_begun_a_message(&self) -> bool {
        self.message.has_begun()
    }

    /// Will no more events come, because the peer sent its Close frame or broke a rule?
    pub fn is_ended(&self) -> bool {
        !matches!(self.ending, Ending::NotYet)
    }

    /// Takes frames until one of them makes something to deliver, or the bytes run out.
    fn ready(&mut self, see: &mut impl FnMut(&FrameHeader, &[u8])) -> Result<Option<Ready>, Violation> {
        loop {
            let frame = match &mut self.frame {
                Some(frame) => frame,
                None => {
                    let Some((header, length)) = self.take_header(see)? else { return Ok(None) };
                    if let Some(ready) = self.take_whole(&header, length, see) {
                        return Ok(Some(ready));
                    }
                    let frame = self.begin_frame(header, length);
                    self.frame.insert(frame)
                }
            };
            if !frame.receive(&mut self.message, &mut self.buffer, see)? {
                return Ok(None);
            }
            // The frame is whole: it is an event, or a piece of a message.
            let ready = if frame.in_place {
                self.buffer.take(frame.length);
                see(&frame.header, self.buffer.taken(frame.length));
                Some(Ready::Frame(frame.header.opcode, frame.length))
            } else {
                see(&frame.header, self.message.last(frame.length));
                self.message.end_frame(frame.header.fin)?.map(Ready::Message)
            };
            self.frame = None;
            if ready.is_some() {
                return Ok(ready);
            }
        }
    }

    /// Reads the next header, if it is all here, and judges it before a byte of the payload is waited for. Beside it stands
    /// the payload's length, which is known to fit.
    fn take_header(
        &mut self,
        see: &mut impl FnMut(&FrameHeader, &[u8]),
    ) -> Result<Option<(FrameHeader, usize)>, Violation> {
        let Some((header, size)) = FrameHeader::decode(self.buffer.unread())? else { return Ok(None) };
        self.buffer.take(size);
        let rules = header.check(self.role).and_then(|()| self.message.check(&header, self.max_message));
        // If the rules were kept the length fits: at most 125 for a control frame, at most `max_message` for any other.
        let length = usize::try_from(header.length).unwrap_or(usize::MAX);
        if let Err(violation) = rules {
            let arrived = self.buffer.unread_mut();
            let count = arrived.len().min(length);
            mask(&mut arrived[..count], header.mask.unwrap_or_default(), 0);
            see(&header, &arrived[..count]);
            return Err(violation);
        }
        Ok(Some((header, length)))
    }

    /// The short way, which most frames take: an event by itself that is all here leaves nothing to remember. The long way
    /// would come to the same, and `every_cut_of_the_bytes_gives_the_same_events` compares them.
    fn take_whole(
        &mut self,
        header: &FrameHeader,
        length: usize,
        see: &mut impl FnMut(&FrameHeader, &[u8]),
    ) -> Option<Ready> {
        let arrived = self.buffer.unread_mut();
        if !stays_in_place(header) || arrived.len() < length {
            return None;
        }
        let payload = &mut arrived[..length];
        if let Some(key) = header.mask {
            mask(payload, key, 0);
        }
        self.buffer.take(length);
        see(header, self.buffer.taken(length));
        Some(Ready::Frame(header.opcode, length))
    }

    /// The long way begins: not all of the payload is here, or the frame is a fragment, or too long for the read buffer.
    fn begin_frame(&mut self, header: FrameHeader, length: usize) -> Frame {
        let frame = Frame::begin(header, length);
        if !header.opcode.is_control() {
            self.message.begin_frame(&header, frame.in_place);
        }
        if frame.in_place {
            self.buffer.want(length);
        }
        frame
    }
}

#[cfg(test)]
mod tests {
    use super::arriving::LONGEST_IN_PLACE;
    use super::*;

    const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

    fn frame(masked: bool, fin: bool, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
        let mask_key = masked.then_some(KEY);
        let header = FrameHeader { fin, mask: mask_key, ..FrameHeader::new(opcode, payload.len() as u64) };
        let mut bytes = Vec::new();
        header.encode(&mut bytes);
        let start = bytes.len();
        bytes.extend_from_slice(payload);
        mask(&mut bytes[start..], mask_key.unwrap_or_default(), 0);
        bytes
    }

    /// From a client.
    fn masked(fin: bool, opcode: Opcode, payload: &[u8]) -> Vec<u8> {
        frame(true, fin, opcode, payload)
    }

    /// What came out, so that two runs can be compared.
    #[derive(Debug, Default, PartialEq)]
    struct Seen {
        frames: Vec<(Opcode, bool, Vec<u8>)>,
        events: Vec<String>,
        violation: Option<Violation>,
    }

    fn feed(incoming: &mut Incoming, bytes: &[u8], seen: &mut Seen) {
        incoming.push(bytes);
        loop {
            let frames = &mut seen.frames;
            let mut see = |header: &FrameHeader, payload: &[u8]| {
                frames.push((header.opcode, header.fin, payload.to_vec()));
            };
            match incoming.next(&mut see) {
                Ok(Some(event)) => seen.events.push(format!("{event:?}")),
                Ok(None) => return,
                Err(violation) => {
                    seen.violation = Some(violation);
                    return;
                }
            }
        }
    }

    fn run(role: Role, max: usize, pieces: &[&[u8]]) -> Seen {
        let mut incoming = Incoming::new(role, max);
        let mut seen = Seen::default();
        for piece in pieces {
            feed(&mut incoming, piece, &mut seen);
        }
        seen
    }

    fn server(bytes: &[u8]) -> Seen {
        run(Role::Server, 1_000_000, &[bytes])
    }

    fn code(seen: &Seen) -> u16 {
        seen.violation.as_ref().map_or(0, |violation| violation.code.0)
    }

    struct Xorshift(u64);

    impl Xorshift {
        fn below(&mut self, bound: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 % bound as u64) as usize
        }
    }

    fn long_conversation() -> Vec<u8> {
        let large: Vec<u8> = (0..150_000_u32).map(|number| (number * 7) as u8).collect();
        let text = "κόσμε 😀 ".repeat(3_000);
        let (one, two) = text.as_bytes().split_at(10_001);
        [
            masked(true, Opcode::TEXT, "héllo".as_bytes()),
            masked(true, Opcode::PING, b"are you there"),
            masked(false, Opcode::TEXT, one),
            masked(true, Opcode::PONG, b""),
            masked(false, Opcode::CONTINUATION, b""),
            masked(true, Opcode::PING, &[7; 125]),
            masked(true, Opcode::CONTINUATION, two),
            masked(true, Opcode::BINARY, &large),
            masked(true, Opcode::TEXT, text.as_bytes()),
            masked(false, Opcode::BINARY, &large[..300]),
            masked(true, Opcode::CONTINUATION, &large[300..70_000]),
            masked(true, Opcode::BINARY, b""),
            masked(true, Opcode::TEXT, b""),
            masked(true, Opcode::BINARY, &[1; 126]),
            masked(true, Opcode::CLOSE, b"\x03\xe8bye"),
            masked(true, Opcode::TEXT, b"nobody hears this"),
        ]
        .concat()
    }

    #[test]
    fn every_cut_of_the_bytes_gives_the_same_events() {
        let bytes = long_conversation();
        let whole = server(&bytes);
        assert_eq!(whole.violation, None);
        assert_eq!(whole.events.len(), 12);
        assert_eq!(whole.frames.len(), 15);
        assert_eq!(whole.events[0], "Text(\"héllo\")");
        assert_eq!(whole.events[11], "Close(Some(CloseReason { code: CloseCode(1000), reason: \"bye\" }))");

        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(run(Role::Server, 1_000_000, &single), whole);
        let mut random = Xorshift(0x9e37_79b9_7f4a_7c15);
        for _ in 0..40 {
            let largest = [3, 20, 500, 5_000, 100_000][random.below(5)];
            let mut rest = &bytes[..];
            let mut pieces = Vec::new();
            while !rest.is_empty() {
                let (piece, later) = rest.split_at((1 + random.below(largest)).min(rest.len()));
                pieces.push(piece);
                rest = later;
            }
            assert_eq!(run(Role::Server, 1_000_000, &pieces), whole, "pieces up to {largest}");
        }
    }

    #[test]
    fn every_cut_of_a_wrong_stream_ends_in_the_same_violation() {
        let good = masked(true, Opcode::TEXT, b"good");
        let wrong = [
            masked(true, Opcode::TEXT, b"\xce\xba\xe1\xbd\xb9\xf4\x90\x80\x80"),
            masked(false, Opcode::TEXT, b"\xc3"),
            frame(false, true, Opcode::TEXT, b"plain"),
            masked(true, Opcode::CONTINUATION, b"of what?"),
            masked(false, Opcode::PING, b""),
            masked(true, Opcode::from_bits(11), b"x"),
            masked(true, Opcode::CLOSE, b"\x03"),
        ];
        for bad in wrong {
            let end = masked(true, Opcode::CONTINUATION, b"\x41");
            let bytes = [&good[..], &bad, &end, &good].concat();
            let whole = server(&bytes);
            assert_ne!(code(&whole), 0, "{bad:x?}");
            assert_eq!(whole.events, ["Text(\"good\")"]);
            for cut in 0..bytes.len() {
                let seen = run(Role::Server, 1_000_000, &[&bytes[..cut], &bytes[cut..]]);
                assert_eq!((seen.events.len(), code(&seen)), (1, code(&whole)), "{bad:x?} cut at {cut}");
            }
        }
    }

    #[test]
    fn masks_are_asked_for_in_one_direction_only() {
        let seen = server(&frame(false, true, Opcode::TEXT, b"plain"));
        assert_eq!(code(&seen), 1002);
        assert_eq!(seen.frames, [(Opcode::TEXT, true, b"plain".to_vec())], "a trace can show what was refused");
        let seen = run(Role::Client, 100, &[&masked(true, Opcode::TEXT, b"hidden")]);
        assert_eq!(code(&seen), 1002);
        assert_eq!(seen.frames, [(Opcode::TEXT, true, b"hidden".to_vec())]);
        let seen = run(Role::Client, 100, &[&frame(false, true, Opcode::TEXT, b"plain")]);
        assert_eq!(seen.events, ["Text(\"plain\")"]);
    }

    #[test]
    fn half_a_close_code_is_refused_by_both_ends() {
        assert_eq!(code(&server(&masked(true, Opcode::CLOSE, b"\x03"))), 1002);
        assert_eq!(code(&run(Role::Client, 100, &[&frame(false, true, Opcode::CLOSE, b"\x03")])), 1002);
        assert_eq!(code(&server(&masked(true, Opcode::CLOSE, b"\x03\xed"))), 1002);
        assert_eq!(code(&server(&masked(true, Opcode::CLOSE, b"\x03\xe8\xff"))), 1007);
    }

    #[test]
    fn lengths_are_read_strictly() {
        assert_eq!(code(&server(&[0x82, 0x80 | 126, 0, 125])), 1002);
        assert_eq!(code(&server(&[0x82, 0xff, 0, 0, 0, 0, 0, 0, 0xff, 0xff])), 1002);
        assert_eq!(code(&server(&[0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0])), 1002);
    }

    #[test]
    fn wrong_text_is_refused_before_the_frame_is_whole() {
        let bytes = masked(true, Opcode::TEXT, &[b"ab\xff".as_slice(), &[b'c'; 1_000]].concat());
        let mut incoming = Incoming::new(Role::Server, 10_000);
        let mut seen = Seen::default();
        feed(&mut incoming, &bytes[..8 + 2], &mut seen);
        assert_eq!(code(&seen), 0);
        feed(&mut incoming, &bytes[10..11], &mut seen);
        assert_eq!(code(&seen), 1007);
        assert_eq!(seen.frames, [(Opcode::TEXT, true, b"ab\xff".to_vec())]);

        // Autobahn 6.4.3: valid, then impossible, in one fragment and the pieces of it.
        let first = masked(false, Opcode::TEXT, b"\xce\xba");
        let second = masked(false, Opcode::CONTINUATION, b"\xf4\x90\x80");
        assert_eq!(code(&server(&[&first[..], &second[..8]].concat())), 1007);
        assert_eq!(code(&server(&[&first[..], &second[..7]].concat())), 0, "F4 could still become valid");
    }

    #[test]
    fn text_cut_in_a_character_is_refused_at_the_end_of_the_message() {
        assert_eq!(code(&server(&masked(true, Opcode::TEXT, b"\xc3"))), 1007);
        let first = masked(false, Opcode::TEXT, b"\xc3");
        assert_eq!(
            server(&[&first[..], &masked(true, Opcode::CONTINUATION, b"\xa9")].concat()).events,
            ["Text(\"é\")"]
        );
        assert_eq!(code(&server(&[&first[..], &masked(true, Opcode::CONTINUATION, b"")].concat())), 1007);
        // The state of one message must not reach the next.
        let ping = masked(true, Opcode::PING, b"\xff");
        let rest = masked(true, Opcode::CONTINUATION, b"\xa9");
        let next = masked(true, Opcode::TEXT, b"next");
        assert_eq!(server(&[first, ping, rest, next].concat()).events.len(), 3);
    }

    #[test]
    fn one_message_leaves_nothing_behind_for_the_next() {
        // A whole text, cut inside its character by a read, and then texts in fragments.
        let whole = masked(true, Opcode::TEXT, "é".as_bytes());
        let pieces = |one: &[u8], two: &[u8]| {
            [masked(false, Opcode::TEXT, one), masked(true, Opcode::CONTINUATION, two)].concat()
        };
        let later = [pieces(b"a", b"b"), pieces(b"", "é".as_bytes()), pieces(b"c", b"")].concat();
        let seen = run(Role::Server, 4, &[&whole[..7], &whole[7..], &later]);
        assert_eq!(seen.violation, None);
        let texts = [r#"Text("é")"#, r#"Text("ab")"#, r#"Text("é")"#, r#"Text("c")"#];
        assert_eq!(seen.events, texts);
    }

    #[test]
    fn no_bytes_make_it_panic() {
        let mut random = Xorshift(42);
        for round in 0..20_000 {
            let mut bytes: Vec<u8> = (0..random.below(40)).map(|_| random.below(256) as u8).collect();
            if let [first, ..] = &mut bytes[..] {
                // Most opcodes are reserved: without this, little would get past the first byte.
                *first &= 0x8b;
            }
            let role = if round % 2 == 0 { Role::Server } else { Role::Client };
            let cut = random.below(bytes.len() + 1);
            assert_eq!(code(&run(role, 30, &[&bytes[..cut], &bytes[cut..]])), code(&run(role, 30, &[&bytes])));
        }
    }

    /// Around the size where a frame stays in place no longer: the same events, however it is cut.
    #[test]
    fn in_place_or_collected_is_told_apart_by_nobody() {
        let text = "κόσμε".repeat(7_000);
        for length in [LONGEST_IN_PLACE - 1, LONGEST_IN_PLACE, LONGEST_IN_PLACE + 1] {
            let mut end = length;
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            let frames = [
                masked(true, Opcode::BINARY, &text.as_bytes()[..length]),
                masked(true, Opcode::TEXT, &text.as_bytes()[..end]),
                masked(true, Opcode::PING, b"?"),
            ];
            let seen = server(&frames.concat());
            assert_eq!((seen.violation, seen.events.len()), (None, 3));
            assert_eq!(seen.frames[0].2, &text.as_bytes()[..length]);
            assert_eq!(seen.events[1], format!("Text({:?})", &text[..end]));
            let cut = run(Role::Server, 1_000_000, &frames.concat().chunks(1_999).collect::<Vec<_>>());
            assert_eq!((seen.frames, seen.events), (cut.frames, cut.events));
            // A character that the end cuts through.
            let wrong = masked(true, Opcode::TEXT, &[&text.as_bytes()[..end], b"\xce"].concat());
            assert_eq!(code(&server(&wrong)), 1007);
        }
    }

    #[test]
    fn the_memory_of_a_message_is_at_most_four_times_what_came() {
        let bytes = masked(true, Opcode::BINARY, &vec![1; 1_000_000]);
        let mut incoming = Incoming::new(Role::Server, 1_000_000);
        let mut came = 0;
        for piece in bytes[..bytes.len() - 1].chunks(3_000) {
            incoming.push(piece);
            came += piece.len();
            assert_eq!(incoming.next(&mut |_, _| {}), Ok(None));
            assert!(incoming.message.capacity() <= 4 * came);
            assert!(incoming.space().len() <= LONGEST_IN_PLACE + 1024);
        }
    }

    #[test]
    fn the_limit_is_on_the_message_and_known_from_the_header() {
        let at = |max, bytes: &[u8]| code(&run(Role::Server, max, &[bytes]));
        assert_eq!(at(5, &masked(true, Opcode::TEXT, b"12345")), 0);
        assert_eq!(at(5, &masked(true, Opcode::TEXT, b"123456")[..6]), 1009);
        let first = masked(false, Opcode::BINARY, b"123");
        assert_eq!(at(5, &[&first[..], &masked(true, Opcode::CONTINUATION, b"45")].concat()), 0);
        assert_eq!(at(5, &[&first[..], &masked(false, Opcode::CONTINUATION, b"456")[..6]].concat()), 1009);
        assert_eq!(at(5, &masked(true, Opcode::PING, b"more than five")), 0, "a control frame is no message");
    }

    #[test]
    fn a_hostile_length_allocates_nothing() {
        let mut bytes = vec![0x82, 0xff, 0x7f, 255, 255, 255, 255, 255, 255, 255];
        bytes.extend_from_slice(&KEY);
        let mut incoming = Incoming::new(Role::Server, usize::MAX);
        incoming.push(&bytes);
        assert_eq!(incoming.next(&mut |_, _| {}), Ok(None));
        assert!(incoming.space().len() <= 4096);
    }

    #[test]
    fn nothing_after_a_close_is_looked_at() {
        let bytes = [masked(true, Opcode::CLOSE, b""), vec![0xff; 20]].concat();
        let mut incoming = Incoming::new(Role::Server, 100);
        incoming.push(&bytes);
        assert_eq!(incoming.next(&mut |_, _| {}), Ok(Some(Event::Close(None))));
        assert!(incoming.is_ended());
        assert_eq!(incoming.next(&mut |_, _| panic!("a frame after the Close")), Ok(None));
    }

    #[test]
    fn a_broken_rule_stays_broken() {
        let mut incoming = Incoming::new(Role::Server, 100);
        incoming.push(&frame(false, true, Opcode::TEXT, b""));
        let violation = incoming.next(&mut |_, _| {}).unwrap_err();
        incoming.push(&masked(true, Opcode::TEXT, b"good"));
        assert_eq!(incoming.next(&mut |_, _| panic!("a frame after the end")), Err(violation));
        assert!(incoming.is_ended());
    }
}
