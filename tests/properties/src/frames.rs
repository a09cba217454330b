//! However the same bytes are cut into reads, the same events come out; and what is encoded decodes to itself.

use crate::cuts::{Cut, payload};
pub(crate) use crate::heard::{Happened, hear};
use crate::shadow::shadow;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use socklab::websocket::protocol::mask::{mask, mask_plain};
use socklab::websocket::protocol::{CloseCode, CloseReason, FrameHeader, Opcode, Role, see_frames};

pub(crate) fn role() -> impl Strategy<Value = Role> {
    prop::sample::select(vec![Role::Client, Role::Server])
}

prop_compose! {
    fn header()(
        fin in any::<bool>(),
        rsv in 0..8_u8,
        bits in 0..16_u8,
        mask in any::<Option<[u8; 4]>>(),
        length in prop_oneof![0..200_u64, 65_000..66_000_u64, 0..=(u64::MAX >> 1)],
    ) -> FrameHeader {
        FrameHeader { fin, rsv, opcode: Opcode::from_bits(bits), mask, length }
    }
}

/// A frame that keeps the rules more often than not: what breaks them at once tries nothing behind it.
fn frame(role: Role) -> impl Strategy<Value = Vec<u8>> {
    let opcode = prop::sample::select(vec![0, 0, 0, 1, 1, 2, 2, 8, 9, 9, 10, 3]);
    let text = prop::sample::select(vec!["", "plain", "gr\u{fc}\u{df}e", "\u{20ac}\u{1f600}"]);
    let bytes = prop_oneof![
        4 => text.prop_map(|text| text.as_bytes().to_vec()),
        1 => payload(70_000),
        // Characters that are cut, and never finished; a close code.
        1 => prop::sample::select(vec![b"\xe2\x82".to_vec(), b"\xac".to_vec(), b"\xff".to_vec(), vec![3, 232]]),
    ];
    let flags = (prop::bool::weighted(0.6), prop::bool::weighted(0.02), prop::bool::weighted(0.98));
    (opcode, bytes, any::<[u8; 4]>(), flags).prop_map(move |(bits, mut bytes, key, (fin, reserved, right))| {
        let mask = ((role == Role::Server) == right).then_some(key);
        let rsv = if reserved { 0b100 } else { 0 };
        let header = FrameHeader { fin, rsv, mask, ..FrameHeader::new(Opcode::from_bits(bits), bytes.len() as u64) };
        let mut wire = vec![];
        header.encode(&mut wire);
        mask_plain(&mut bytes, mask.unwrap_or_default(), 0);
        wire.extend(bytes);
        wire
    })
}

fn stream() -> impl Strategy<Value = (Role, Vec<u8>)> {
    role().prop_flat_map(|role| {
        let piece = prop_oneof![20 => frame(role), 1 => vec(any::<u8>(), 0..9)];
        vec(piece, 0..12).prop_map(move |pieces| (role, pieces.concat()))
    })
}

proptest! {
    #![proptest_config(crate::cases(1000))]

    #[test]
    fn any_cut_of_the_same_bytes_gives_the_same_events(
        (role, bytes) in stream(),
        limit in prop::sample::select(vec![20_usize, 1 << 20, usize::MAX]),
        cut in Cut::any(),
    ) {
        let (events, frames) = hear(role, limit, &[&bytes]);
        let (events_cut, frames_cut) = hear(role, limit, &cut.pieces(&bytes, 2_000));
        prop_assert_eq!(&events_cut, &events);
        // Of the frame that broke a rule, the observer sees what had come of it.
        let broken = matches!(events.last(), Some(Happened::Broken(..)));
        let whole = frames.len().saturating_sub(usize::from(broken));
        prop_assert_eq!(&frames_cut[..whole.min(frames_cut.len())], &frames[..whole]);
    }

    #[test]
    fn a_much_simpler_program_understands_the_same(
        (role, bytes) in stream(),
        limit in prop::sample::select(vec![20_usize, 1 << 20, usize::MAX]),
        cut in Cut::any(),
    ) {
        let (events, _) = hear(role, limit, &cut.pieces(&bytes, 2_000));
        prop_assert_eq!(events, shadow(role, limit, &bytes));
    }

    #[test]
    fn a_header_decodes_to_itself_and_no_part_of_it_does(header in header(), behind in vec(any::<u8>(), 0..4)) {
        let mut wire = vec![];
        header.encode(&mut wire);
        let size = wire.len();
        for part in 0..size {
            prop_assert_eq!(FrameHeader::decode(&wire[..part]), Ok(None), "{} of {}", part, size);
        }
        wire.extend(behind);
        prop_assert_eq!(FrameHeader::decode(&wire), Ok(Some((header, size))));
    }

    #[test]
    fn a_close_reason_decodes_to_itself_or_is_refused(code: u16, reason in ".{0,40}") {
        let reason = CloseReason::new(CloseCode(code), reason);
        match reason.encode() {
            Ok(payload) => {
                prop_assert!(payload.len() <= 125);
                prop_assert_eq!(CloseReason::decode(&payload), Ok(Some(reason)));
            }
            Err(_) => prop_assert!(!reason.code.may_be_sent() || reason.reason.len() > 123),
        }
    }

    #[test]
    fn a_shortened_reason_can_always_be_sent(reason in ".{0,200}") {
        let shortened = CloseReason::shortened(CloseCode::NORMAL, &reason);
        prop_assert!(shortened.encode().is_ok() && reason.starts_with(&shortened.reason));
        prop_assert!(shortened.reason.len() == reason.len() || shortened.reason.len() > 119);
    }

    #[test]
    fn the_fast_mask_is_the_plain_one_and_undoes_itself(
        bytes in payload(5_000),
        key: [u8; 4],
        offset: usize,
        start: Index,
        cut: Index,
    ) {
        // Begin anywhere, for the fast one works on whole words.
        let bytes = &bytes[start.index(bytes.len() + 1)..];
        let (mut plain, mut fast, mut pieces) = (bytes.to_vec(), bytes.to_vec(), bytes.to_vec());
        mask_plain(&mut plain, key, offset);
        mask(&mut fast, key, offset);
        prop_assert_eq!(&fast, &plain);
        let (first, second) = pieces.split_at_mut(cut.index(bytes.len() + 1));
        let middle = offset.wrapping_add(first.len());
        mask(first, key, offset);
        mask(second, key, middle);
        prop_assert_eq!(&pieces, &plain);
        mask(&mut fast, key, offset);
        prop_assert_eq!(&fast, bytes);
    }

    #[test]
    fn what_is_seen_of_a_queue_is_what_a_receiver_sees((role, bytes) in stream()) {
        let (_, received) = hear(role, usize::MAX, &[&bytes]);
        let mut seen = vec![];
        see_frames(&bytes, &mut |header, payload| seen.push((*header, payload.to_vec())));
        // A receiver stops at what is wrong, and shows of the last frame what it looked at.
        let whole = received.len().saturating_sub(1);
        prop_assert_eq!(&seen[..whole], &received[..whole]);
    }
}
