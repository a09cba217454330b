//! The fast mask is the plain one, at any place in memory and from any offset, in one piece or two, and undoes itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use socklab::websocket::protocol::mask::{mask, mask_plain};

fuzz_target!(|input: &[u8]| {
    let Some((&[a, b, c, d, offset, start, cut, times], rest)) = input.split_first_chunk::<8>() else { return };
    let key = [a, b, c, d];
    // Long ones too, without a corpus of long ones.
    let bytes = rest.repeat(usize::from(times % 16) + 1);
    let bytes = &bytes[usize::from(start).min(bytes.len())..];
    let offset = if offset == 255 { usize::MAX - 2 } else { usize::from(offset) };
    let (mut plain, mut fast, mut pieces) = (bytes.to_vec(), bytes.to_vec(), bytes.to_vec());
    mask_plain(&mut plain, key, offset);
    mask(&mut fast, key, offset);
    assert_eq!(fast, plain);
    let (first, second) = pieces.split_at_mut(usize::from(cut).min(bytes.len()));
    let middle = offset.wrapping_add(first.len());
    mask(first, key, offset);
    mask(second, key, middle);
    assert_eq!(pieces, plain);
    mask(&mut fast, key, offset);
    assert_eq!(fast, bytes);
});
