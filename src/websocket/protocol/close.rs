//! What does a Close frame say?
//!
//! Nothing, or a code of two bytes and then a reason in UTF-8 (RFC 6455 section 5.5.1). A payload of one byte is half a
//! code, and wrong. The whole payload is that of a control frame, 125 bytes, so 123 are left for the reason.
//!
//! # In production
//!
//! Do not show the reason to a user without thought: whoever is at the other end wrote it.

use std::error::Error;
use std::fmt;
use std::str;

use super::close_code::CloseCode;
use super::frame::MAX_CONTROL_PAYLOAD;
use super::violation::Violation;

/// What fits beside the two bytes of the code.
pub const MAX_REASON: usize = MAX_CONTROL_PAYLOAD - 2;

/// Why a connection is closed: a number for programs, a sentence for people.
///
/// ```
/// use socklab::websocket::protocol::{CloseCode, CloseReason};
///
/// let reason = CloseReason::new(CloseCode::GOING_AWAY, "the lesson is over");
/// let payload = reason.encode()?;
/// assert_eq!(payload[..2], [0x03, 0xe9]); // 1001, the high byte first
/// assert_eq!(CloseReason::decode(&payload)?, Some(reason));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CloseReason {
    /// The number.
    pub code: CloseCode,
    /// The sentence; often empty.
    pub reason: String,
}

/// Why a Close frame of ours cannot be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CloseError {
    /// The code is one that never travels.
    CodeMustNotBeSent(CloseCode),
    /// The reason has more than 123 bytes. Bytes, not characters.
    ReasonTooLong(usize),
}

impl CloseReason {
    /// A code and a sentence. Neither is checked yet: [`encode`](Self::encode) does.
    pub fn new(code: CloseCode, reason: impl Into<String>) -> Self {
        CloseReason { code, reason: reason.into() }
    }

    /// The same, its sentence cut to what fits, at the end of a character: for texts whose length nobody controls.
    pub fn shortened(code: CloseCode, reason: &str) -> Self {
        let mut end = reason.len().min(MAX_REASON);
        while !reason.is_char_boundary(end) {
            end -= 1;
        }
        CloseReason::new(code, &reason[..end])
    }

    /// The payload of the Close frame, checked as strictly as a peer's.
    ///
    /// # Errors
    ///
    /// A code that must not be sent, or a reason that does not fit.
    pub fn encode(&self) -> Result<Vec<u8>, CloseError> {
        if !self.code.may_be_sent() {
            return Err(CloseError::CodeMustNotBeSent(self.code));
        }
        if self.reason.len() > MAX_REASON {
            return Err(CloseError::ReasonTooLong(self.reason.len()));
        }
        Ok([&self.code.0.to_be_bytes(), self.reason.as_bytes()].concat())
    }

    // ANCHOR: decode
    /// Reads the payload of a Close frame. An empty one is fine and says nothing.
    ///
    /// # Errors
    ///
    /// Half a code or one that never travels (1002), a reason that is not UTF-8 (1007).
    pub fn decode(payload: &[u8]) -> Result<Option<CloseReason>, Violation> {
        let (code, reason) = match payload {
            [] => return Ok(None),
            [_] => {
                let what = "the peer sent a Close frame with one byte: half a close code";
                return Err(Violation::protocol("RFC 6455 section 5.5.1", what));
            }
            [high, low, reason @ ..] => (CloseCode(u16::from_be_bytes([*high, *low])), reason),
        };
        if !code.may_be_sent() {
            let what = format!("the peer closed with code {code}, which must not be in a Close frame");
            return Err(Violation::protocol("RFC 6455 section 7.4", what));
        }
        match str::from_utf8(reason) {
            Ok(reason) => Ok(Some(CloseReason::new(code, reason))),
            Err(_) => Err(Violation::payload("the reason in the peer's Close frame is not UTF-8")),
        }
    }
    // ANCHOR_END: decode
}

impl fmt::Display for CloseReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.reason.is_empty() {
            write!(formatter, "{}", self.code)
        } else {
            write!(formatter, "{}: {:?}", self.code, self.reason)
        }
    }
}

impl fmt::Display for CloseError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CloseError::CodeMustNotBeSent(code) => {
                write!(formatter, "close code {code} must not be sent; use 1000, 1001, 1008, 1011 or 4000 to 4999")
            }
            CloseError::ReasonTooLong(length) => {
                write!(formatter, "a close reason of {length} bytes does not fit; {MAX_REASON} is the limit")
            }
        }
    }
}

impl Error for CloseError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_payload_says_nothing_and_one_byte_is_half_a_code() {
        assert_eq!(CloseReason::decode(&[]), Ok(None));
        let violation = CloseReason::decode(&[3]).unwrap_err();
        assert_eq!((violation.code.0, violation.section), (1002, "RFC 6455 section 5.5.1"));
    }

    #[test]
    fn codes_are_judged_both_ways() {
        for number in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535_u16] {
            let violation = CloseReason::decode(&number.to_be_bytes()).unwrap_err();
            assert_eq!(violation.code.0, 1002, "{number}");
            let ours = CloseReason::new(CloseCode(number), "");
            assert_eq!(ours.encode(), Err(CloseError::CodeMustNotBeSent(CloseCode(number))));
        }
        for number in [1000, 1003, 1007, 1014, 3000, 4999_u16] {
            let reason = CloseReason::decode(&number.to_be_bytes()).unwrap().unwrap();
            assert_eq!(reason.encode().unwrap(), number.to_be_bytes());
        }
    }

    #[test]
    fn a_reason_is_utf8_and_fits() {
        let violation = CloseReason::decode(b"\x03\xe8\xce\xba\xff").unwrap_err();
        assert_eq!(violation.code.0, 1007);
        let long = CloseReason::new(CloseCode::NORMAL, "x".repeat(124));
        assert_eq!(long.encode(), Err(CloseError::ReasonTooLong(124)));
        assert_eq!(CloseReason::new(CloseCode::NORMAL, "x".repeat(123)).encode().unwrap().len(), 125);
    }

    #[test]
    fn a_long_reason_is_cut_at_a_character() {
        let cut = CloseReason::shortened(CloseCode::NORMAL, &"€".repeat(50));
        assert_eq!(cut.reason, "€".repeat(41));
        assert_eq!(CloseReason::shortened(CloseCode::NORMAL, &format!("x{}", "€".repeat(50))).reason.len(), 121);
    }
}
