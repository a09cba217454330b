//! What did the peer do that it must not do?
//!
//! The RFC says what to do when a rule is broken: "Fail the WebSocket Connection" (section 7.1.7), that is, send a
//! Close frame that says why, then let the connection go. So a broken rule is more than an error text: it holds the
//! code which that Close frame will carry, and the section to open when you do not believe it.
//!
//! # In production
//!
//! A server on the open internet tells a stranger less than this and logs more; a laboratory wants the reason on both
//! ends.

use std::error::Error;
use std::fmt;

use super::close_code::CloseCode;

/// A rule of RFC 6455 that the peer broke.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// What our Close frame will say: 1002 for a broken rule, 1007 for text that is not UTF-8, 1009 for too much.
    pub code: CloseCode,
    /// What the peer did, and where to look.
    pub what: String,
    /// The rule, such as "RFC 6455 section 5.3".
    pub section: &'static str,
}

// Cold, for rules are seldom broken: the compiler moves these calls out of the way that every frame takes.
impl Violation {
    /// A broken rule of the protocol itself: the code will be 1002.
    #[cold]
    pub(super) fn protocol(section: &'static str, what: impl Into<String>) -> Self {
        Violation { code: CloseCode::PROTOCOL_ERROR, what: what.into(), section }
    }

    /// Text that is not UTF-8: the code will be 1007.
    #[cold]
    pub(super) fn payload(what: impl Into<String>) -> Self {
        Violation { code: CloseCode::INVALID_PAYLOAD, what: what.into(), section: "RFC 6455 section 8.1" }
    }

    /// More than we take: the code will be 1009.
    #[cold]
    pub(super) fn too_big(what: impl Into<String>) -> Self {
        Violation { code: CloseCode::TOO_BIG, what: what.into(), section: "RFC 6455 section 10.4" }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({}; close code {})", self.what, self.section, self.code)
    }
}

impl Error for Violation {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_violation_names_the_deed_the_rule_and_the_code() {
        let violation = Violation::protocol("RFC 6455 section 5.1", "the client did not mask a frame");
        assert_eq!(
            violation.to_string(),
            "the client did not mask a frame (RFC 6455 section 5.1; close code 1002 (protocol error))"
        );
        assert_eq!(Violation::payload("").code, CloseCode(1007));
        assert_eq!(Violation::too_big("").code, CloseCode(1009));
    }
}
