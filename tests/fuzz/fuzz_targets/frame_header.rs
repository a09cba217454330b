//! What decodes encodes to the same bytes; no part of a header is one; a queue of frames is seen without a byte too many.
#![no_main]

mod cuts;

use libfuzzer_sys::fuzz_target;
use socklab::websocket::protocol::utf8::Utf8Validator;
use socklab::websocket::protocol::{CloseReason, FrameHeader, Role, see_frames};

fuzz_target!(|input: &[u8]| {
    if let Ok(Some((header, size))) = FrameHeader::decode(input) {
        let mut wire = vec![];
        header.encode(&mut wire);
        assert_eq!(wire, input[..size]);
        (0..size).for_each(|part| assert_eq!(FrameHeader::decode(&input[..part]), Ok(None)));
        // A mask is right in one direction only.
        assert!(header.check(Role::Server).is_err() || header.check(Role::Client).is_err());
    }
    let mut seen = 0;
    see_frames(input, &mut |_, payload| seen += payload.len());
    assert!(seen <= input.len());
    if let Ok(Some(reason)) = CloseReason::decode(input) {
        match reason.encode() {
            Ok(payload) => assert_eq!(payload, input),
            Err(_) => assert!(input.len() > 125),
        }
    }
    // Text is valid or not however it is cut, and invalid as soon as nothing can make it valid.
    let Some(pieces) = cuts::cut(input) else { return };
    let bytes = pieces.concat();
    let mut validator = Utf8Validator::default();
    let cut_valid = pieces.iter().try_for_each(|piece| validator.feed(piece)).and_then(|()| validator.finish());
    assert_eq!(cut_valid.is_ok(), std::str::from_utf8(&bytes).is_ok());
    let mut whole = Utf8Validator::default();
    assert_eq!(whole.feed(&bytes).and_then(|()| whole.finish()), cut_valid);
});
