//! The whole protocol on cut input: what the receiver understands is what a much simpler program understands, and what it
//! answers is what the peer then hears.
#![no_main]

mod cuts;

use libfuzzer_sys::fuzz_target;
use properties::heard::{Happened, hear};
use properties::shadow::shadow;
use socklab::websocket::protocol::mask::mask_plain;
use socklab::websocket::protocol::{
    CloseReason, Event, FrameHeader, Incoming, MaskKeys, Opcode, Outgoing, Role, answer, answer_violation,
};

/// Noise breaks a rule in its first frame. So every other input is read as a list of frames that are right but for what
/// their first byte, the one on the wire, says.
fn frames(role: Role, mut input: &[u8]) -> Vec<u8> {
    let mut wire = vec![];
    while let [first, size, rest @ ..] = input {
        let (payload, behind) = rest.split_at(usize::from(*size).min(rest.len()));
        // And some that are long, for a length is spelt in three ways.
        let mut payload = payload.repeat(if *size == 251 { 300 } else { 1 });
        let key = (role == Role::Server).then_some([*size, 2, 3, 4]);
        let mut header = FrameHeader::new(Opcode::from_bits(*first), payload.len() as u64);
        (header.fin, header.rsv, header.mask) = (first & 0x80 != 0, if first & 0x70 == 0x70 { 0b111 } else { 0 }, key);
        header.encode(&mut wire);
        mask_plain(&mut payload, key.unwrap_or_default(), 0);
        wire.extend(payload);
        input = behind;
    }
    wire
}

/// Our answers to all of it, in the order in which they leave.
fn answers(role: Role, limit: usize, pieces: &[&[u8]]) -> Vec<u8> {
    let keys = MaskKeys::new(|block| {
        block.fill(0x5a);
        Ok(())
    });
    let mut outgoing = if role == Role::Server { Outgoing::server() } else { Outgoing::client(keys) };
    let mut incoming = Incoming::new(role, limit);
    for mut piece in pieces.iter().copied() {
        // As a socket fills it: no more than there is room for.
        while !piece.is_empty() {
            let space = incoming.space();
            let count = space.len().min(piece.len());
            assert!(count > 0, "no room for a read");
            space[..count].copy_from_slice(&piece[..count]);
            incoming.filled(count);
            piece = &piece[count..];
            loop {
                match incoming.next(&mut |_, _| {}) {
                    Ok(None) => break,
                    Ok(Some(event)) => {
                        answer(&event, &mut outgoing).unwrap();
                        if let Event::Close(_) = event {
                            return outgoing.take();
                        }
                    }
                    Err(violation) => {
                        answer_violation(&violation, &mut outgoing).unwrap();
                        return outgoing.take();
                    }
                }
            }
        }
    }
    outgoing.take()
}

fuzz_target!(|input: &[u8]| {
    let Some((first, rest)) = input.split_first() else { return };
    let (role, peer) = if first & 1 == 0 { (Role::Server, Role::Client) } else { (Role::Client, Role::Server) };
    let limit = [20, 1_000, 1 << 20, usize::MAX][usize::from(first >> 2 & 3)];
    let Some((cuts, rest)) = rest.split_first_chunk::<8>() else { return };
    let stream = if first & 2 == 0 { rest.to_vec() } else { frames(role, rest) };
    let input = [&cuts[..], &stream].concat();
    let Some(pieces) = cuts::cut(&input) else { return };

    let expected = shadow(role, limit, &stream);
    let (events, _) = hear(role, limit, &pieces);
    assert_eq!(events, expected);
    assert_eq!(hear(role, limit, &[&stream]).0, expected);

    let due: Vec<_> = expected
        .into_iter()
        .filter_map(|event| match event {
            Happened::Ping(payload) => Some(Happened::Pong(payload)),
            Happened::Close(reason) => Some(Happened::Close(reason.map(|reason| CloseReason::new(reason.code, "")))),
            // Its words are for people.
            Happened::Broken(code, _) => Some(Happened::Broken(code, "")),
            _ => None,
        })
        .collect();
    let answered = hear(peer, 1_000, &[&answers(role, limit, &pieces)]).0;
    assert_eq!(answered.len(), due.len());
    for (answered, due) in answered.iter().zip(&due) {
        match (answered, due) {
            (Happened::Close(Some(reason)), Happened::Broken(code, _)) => assert_eq!(reason.code.0, *code),
            _ => assert_eq!(answered, due),
        }
    }
});
