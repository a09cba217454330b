//! What does masking do to a payload, and how is it undone quickly?
//!
//! Byte `i` of the payload is combined with byte `i mod 4` of the key by exclusive or (RFC 6455 section 5.3). Doing it
//! twice gives the payload back, so one function masks and unmasks. It hides nothing from anyone who reads the frame,
//! for the key stands in front of it: it only makes the bytes on the wire unpredictable to whoever chose the payload.
//!
//! [`mask_plain`] is the definition, one byte at a time. [`mask`] is the one in use; a test holds the two together.
//!
//! # In production
//!
//! Libraries use SIMD instructions by name. The compiler makes them out of [`mask`]'s loop too, and the field notes
//! found it as fast as `memcpy`: unmasking is not where a server's time goes.

/// The definition: exclusive or with the key, one byte at a time. `offset` is how many bytes of the same payload came
/// before these, for a payload arrives in pieces and the key must go on where it stopped.
pub fn mask_plain(bytes: &mut [u8], key: [u8; 4], offset: usize) {
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte ^= key[offset.wrapping_add(index) % 4];
    }
}

// ANCHOR: mask
/// The same, eight bytes at a time.
///
/// ```
/// use socklab::websocket::protocol::mask::mask;
///
/// // The example of RFC 6455 section 5.7, in two pieces.
/// let mut payload = [0x7f, 0x9f, 0x4d, 0x51, 0x58];
/// let key = [0x37, 0xfa, 0x21, 0x3d];
/// mask(&mut payload[..2], key, 0);
/// mask(&mut payload[2..], key, 2);
/// assert_eq!(&payload, b"Hello");
/// ```
#[inline]
pub fn mask(bytes: &mut [u8], key: [u8; 4], offset: usize) {
    // The key as a number, its first byte the lowest, and rotated until the lowest is the one for our first byte: after
    // this the offset can be forgotten.
    let key = u32::from_le_bytes(key).rotate_right(8 * (offset % 4) as u32);
    let twice = u64::from(key) << 32 | u64::from(key);

    // Eight is a multiple of four, so every chunk meets the key at its first byte. The bytes become a number in the same
    // order as the key did; on most processors that is the machine's own, and the compiler sees plain loads and stores.
    let mut chunks = bytes.chunks_exact_mut(8);
    for chunk in &mut chunks {
        if let Ok(eight) = <&mut [u8; 8]>::try_from(chunk) {
            *eight = (u64::from_le_bytes(*eight) ^ twice).to_le_bytes();
        }
    }
    mask_plain(chunks.into_remainder(), key.to_le_bytes(), 0);
}
// ANCHOR_END: mask

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quick_way_agrees_with_the_plain_one_at_every_length_alignment_and_offset() {
        let key = [0x11, 0x52, 0xa3, 0xf4];
        let source: Vec<u8> = (0..100_u8).map(|number| number.wrapping_mul(73)).collect();
        for length in 0..=72 {
            for alignment in 0..16 {
                for offset in 0..8 {
                    let mut plain = source.clone();
                    let mut quick = source.clone();
                    mask_plain(&mut plain[alignment..alignment + length], key, offset);
                    mask(&mut quick[alignment..alignment + length], key, offset);
                    assert_eq!(plain, quick, "length {length}, alignment {alignment}, offset {offset}");
                }
            }
        }
    }

    #[test]
    fn masking_twice_gives_the_payload_back() {
        let mut bytes = *b"the same function both ways";
        mask(&mut bytes, [9, 8, 7, 6], 3);
        assert_ne!(&bytes, b"the same function both ways");
        mask(&mut bytes, [9, 8, 7, 6], 3);
        assert_eq!(&bytes, b"the same function both ways");
    }
}
