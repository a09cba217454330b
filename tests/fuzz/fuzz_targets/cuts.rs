//! How the network cuts a stream: the first bytes of the input say so.

/// Takes eight bytes from the front of the input; the rest of it is cut by them, over and over.
pub fn cut(input: &[u8]) -> Option<Vec<&[u8]>> {
    let (sizes, mut rest) = input.split_first_chunk::<8>()?;
    let mut pieces = vec![];
    for size in sizes.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        // Small pieces mostly, and with 255 all that is left.
        let size = if *size == 255 { rest.len() } else { usize::from(*size % 32) + 1 };
        let (piece, behind) = rest.split_at(size.min(rest.len()));
        pieces.push(piece);
        rest = behind;
    }
    Some(pieces)
}
