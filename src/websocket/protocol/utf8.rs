//! Is this still the beginning of valid UTF-8?
//!
//! A text message must be UTF-8 (RFC 6455 section 8.1), but it arrives in pieces that are cut anywhere, even inside one
//! character. Waiting for the whole message before looking would be correct and slow to anger: a peer could send a
//! wrong byte first and megabytes after it. So the validator is fed piece by piece, and fails at the first octet after
//! which no continuation could make the text valid.
//!
//! The standard library does the hard part: the error of [`str::from_utf8`] tells "wrong" (`error_len` is `Some`) from
//! "cut off" (`None`). What was cut off is at most three bytes, and they wait here for the next piece.
//!
//! # In production
//!
//! simdutf8 validates text outside ASCII several times faster. The shape is the same: a carry between the pieces.

use std::error::Error;
use std::fmt;
use std::str;

/// Here the bytes stopped being UTF-8.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvalidUtf8 {
    /// Counted from the first byte of the message: the octet that made it impossible, or the end, if a character was
    /// cut.
    pub position: u64,
}

impl fmt::Display for InvalidUtf8 {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "byte {} is where the text stops being UTF-8", self.position)
    }
}

impl Error for InvalidUtf8 {}

/// A UTF-8 validator that is fed in pieces.
///
/// ```
/// use socklab::websocket::protocol::utf8::Utf8Validator;
///
/// let mut validator = Utf8Validator::default();
/// let euro = "€".as_bytes(); // three bytes
/// assert!(validator.feed(&euro[..1]).is_ok());
/// assert!(validator.feed(&euro[1..]).is_ok());
/// assert!(validator.finish().is_ok());
/// ```
#[derive(Debug, Clone, Default)]
pub struct Utf8Validator {
    /// The beginning of a character whose rest has not come. Invariant: `carry[..carried]` is empty or cut-off UTF-8.
    carry: [u8; 4],
    carried: usize,
    /// How many bytes came before those that are not yet judged.
    position: u64,
}

impl Utf8Validator {
    /// Takes the next piece.
    ///
    /// # Errors
    ///
    /// At the first octet that can no longer become valid, whatever follows.
    pub fn feed(&mut self, mut bytes: &[u8]) -> Result<(), InvalidUtf8> {
        // First the character that the last piece left open, one byte at a time: at most three rounds.
        while self.carried > 0 {
            let Some((&byte, rest)) = bytes.split_first() else { return Ok(()) };
            self.carry[self.carried] = byte;
            match str::from_utf8(&self.carry[..=self.carried]) {
                Ok(_) => self.carried = 0,
                Err(error) if error.error_len().is_none() => self.carried += 1,
                Err(_) => return Err(InvalidUtf8 { position: self.position }),
            }
            self.position += 1;
            bytes = rest;
        }
        let Err(error) = str::from_utf8(bytes) else {
            self.position += bytes.len() as u64;
            return Ok(());
        };
        let (valid, rest) = bytes.split_at(error.valid_up_to());
        if let Some(wrong) = error.error_len() {
            // `wrong` counts the bytes that began a character well, and the octet after them broke it; unless the very
            // first cannot begin a character at all.
            let well_begun = if begins_character(rest) { wrong } else { 0 };
            return Err(InvalidUtf8 { position: self.position + (valid.len() + well_begun) as u64 });
        }
        self.carry[..rest.len()].copy_from_slice(rest);
        self.carried = rest.len();
        self.position += bytes.len() as u64;
        Ok(())
    }

    /// The message is complete: is it complete in the middle of a character?
    ///
    /// # Errors
    ///
    /// A character was begun and not finished.
    pub fn finish(&self) -> Result<(), InvalidUtf8> {
        if self.carried > 0 { Err(InvalidUtf8 { position: self.position }) } else { Ok(()) }
    }
}

/// Could the first of these bytes be the first of several that make a character?
fn begins_character(bytes: &[u8]) -> bool {
    let first = &bytes[..bytes.len().min(1)];
    str::from_utf8(first).is_err_and(|error| error.error_len().is_none())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Strings at the borders of every range: the shortest and longest of each length, surrogates, overlong forms.
    fn samples() -> Vec<Vec<u8>> {
        let mut samples: Vec<Vec<u8>> =
            ["", "plain", "κόσμε", "a€b", "😀", "\u{80}\u{7ff}\u{800}\u{ffff}\u{10000}\u{10ffff}"]
                .iter()
                .map(|text| text.as_bytes().to_vec())
                .collect();
        let pieces: [&[u8]; 16] = [
            b"\x80",
            b"\xbf",
            b"\xc0\x80",
            b"\xc1\xbf",
            b"\xc2",
            b"\xc2\x41",
            b"\xe0\x80\x80",
            b"\xe0\xa0",
            b"\xed\xa0\x80",
            b"\xed\x9f\xbf",
            b"\xf0\x80\x80\x80",
            b"\xf0\x90\x80",
            b"\xf4\x8f\xbf\xbf",
            b"\xf4\x90\x80\x80",
            b"\xf5\x80",
            b"\xff",
        ];
        for piece in pieces {
            samples.push(piece.to_vec());
            samples.push([b"ab", piece, b"cd"].concat());
            samples.push([piece, "é€".as_bytes(), piece].concat());
        }
        // The text of Autobahn's cases 6.4: valid, then beyond U+10FFFF, then valid.
        samples.push(b"\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80\x65\x64".to_vec());
        samples
    }

    /// Slow and obvious: the first octet with which the text so far is wrong and not merely cut off.
    fn first_wrong(bytes: &[u8]) -> Option<u64> {
        (0..bytes.len())
            .find(|&last| str::from_utf8(&bytes[..=last]).is_err_and(|error| error.error_len().is_some()))
            .map(|position| position as u64)
    }

    fn run(pieces: &[&[u8]]) -> Result<(), InvalidUtf8> {
        let mut validator = Utf8Validator::default();
        for piece in pieces {
            validator.feed(piece)?;
        }
        validator.finish()
    }

    #[test]
    fn every_cut_in_three_agrees_with_the_whole_and_fails_at_the_earliest_octet() {
        for sample in samples() {
            let expected = match (first_wrong(&sample), str::from_utf8(&sample)) {
                (Some(position), _) => Err(InvalidUtf8 { position }),
                (None, Err(_)) => Err(InvalidUtf8 { position: sample.len() as u64 }),
                (None, Ok(_)) => Ok(()),
            };
            for one in 0..=sample.len() {
                for two in one..=sample.len() {
                    let pieces = [&sample[..one], &sample[one..two], &sample[two..]];
                    assert_eq!(run(&pieces), expected, "{sample:x?} cut at {one} and {two}");
                }
            }
            let single: Vec<&[u8]> = sample.chunks(1).collect();
            assert_eq!(run(&single), expected, "{sample:x?} byte by byte");
        }
    }

    #[test]
    fn the_failure_comes_with_the_octet_not_after_it() {
        let mut validator = Utf8Validator::default();
        assert!(validator.feed(b"\xf4").is_ok());
        assert_eq!(validator.feed(b"\x90"), Err(InvalidUtf8 { position: 1 }));
    }
}
