//! Which numbers may say why a connection ended?
//!
//! A Close frame carries a 16-bit code (RFC 6455 section 7.4). Not every number is allowed there: some are only words
//! for a program to say to itself ("no code came", "the connection vanished"), and a peer that puts one of those on the
//! wire claims something that cannot be: a Close frame which says that there was no Close frame. So there are two
//! questions, and this file answers both: what does a code mean, and may it travel?
//!
//! # In production
//!
//! The registry at IANA grows (1012 to 1014 came after the RFC). We accept what is registered today; a library that
//! must live for ten years makes this a setting.

use std::fmt;

/// The number in a Close frame.
///
/// ```
/// use socklab::websocket::protocol::CloseCode;
///
/// assert!(CloseCode::NORMAL.may_be_sent());
/// assert!(!CloseCode::ABNORMAL.may_be_sent()); // means "no Close frame came": no frame can say so
/// assert!(CloseCode(4001).may_be_sent());      // yours to define
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CloseCode(pub u16);

impl CloseCode {
    /// 1000: the purpose of the connection is fulfilled.
    pub const NORMAL: CloseCode = CloseCode(1000);
    /// 1001: a server goes down, or a browser leaves the page.
    pub const GOING_AWAY: CloseCode = CloseCode(1001);
    /// 1002: the peer broke a rule of the protocol.
    pub const PROTOCOL_ERROR: CloseCode = CloseCode(1002);
    /// 1003: a kind of data that this end does not take, such as binary where only text makes sense.
    pub const UNSUPPORTED: CloseCode = CloseCode(1003);
    /// 1005: a Close frame came without a code. Never on the wire.
    pub const NO_CODE: CloseCode = CloseCode(1005);
    /// 1006: the connection ended without a Close frame. Never on the wire.
    pub const ABNORMAL: CloseCode = CloseCode(1006);
    /// 1007: the payload is not what it claims to be: text that is not UTF-8.
    pub const INVALID_PAYLOAD: CloseCode = CloseCode(1007);
    /// 1008: a policy of this end was broken, and no other code fits.
    pub const POLICY: CloseCode = CloseCode(1008);
    /// 1009: a message larger than this end takes.
    pub const TOO_BIG: CloseCode = CloseCode(1009);
    /// 1010: a client needed an extension that the server did not agree to.
    pub const MANDATORY_EXTENSION: CloseCode = CloseCode(1010);
    /// 1011: a server met a condition of its own that it did not expect: a panic, a full disk.
    pub const INTERNAL_ERROR: CloseCode = CloseCode(1011);
    /// 1012: the service restarts; come back.
    pub const SERVICE_RESTART: CloseCode = CloseCode(1012);
    /// 1013: the server is overloaded; come back later.
    pub const TRY_AGAIN_LATER: CloseCode = CloseCode(1013);
    /// 1014: a gateway got a bad answer from the server behind it.
    pub const BAD_GATEWAY: CloseCode = CloseCode(1014);
    /// 1015: the TLS handshake failed. Never on the wire.
    pub const TLS_FAILED: CloseCode = CloseCode(1015);

    /// May this code stand in a Close frame, ours or the peer's? (RFC 6455 sections 7.4.1 and 7.4.2.)
    pub const fn may_be_sent(self) -> bool {
        match self.0 {
            // 1004 was never given a meaning; 1005, 1006 and 1015 say that something did *not* come.
            1004..=1006 | 1015 => false,
            1000..=1014 => true,
            // 3000 to 3999 are registered by libraries, 4000 to 4999 agreed between two programs.
            3000..=4999 => true,
            // Below 1000 is unused, 1016 to 2999 is kept for later versions of the protocol, above is not defined.
            _ => false,
        }
    }

    /// What the code says, in a few words; empty for the numbers that only an application can explain.
    pub const fn meaning(self) -> &'static str {
        match self.0 {
            1000 => "normal closure",
            1001 => "going away",
            1002 => "protocol error",
            1003 => "unsupported data",
            1005 => "no code was given",
            1006 => "ended without a Close frame",
            1007 => "invalid payload",
            1008 => "policy violation",
            1009 => "message too big",
            1010 => "an extension is missing",
            1011 => "internal error",
            1012 => "service restart",
            1013 => "try again later",
            1014 => "bad gateway",
            1015 => "TLS handshake failed",
            _ => "",
        }
    }
}

impl fmt::Display for CloseCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.meaning() {
            "" => write!(formatter, "{}", self.0),
            meaning => write!(formatter, "{} ({meaning})", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_is_judged() {
        for number in 0..=u16::MAX {
            let allowed = matches!(number, 1000..=1003 | 1007..=1014 | 3000..=4999);
            assert_eq!(CloseCode(number).may_be_sent(), allowed, "{number}");
        }
    }

    #[test]
    fn a_code_shows_its_meaning_and_an_application_code_its_number() {
        assert_eq!(CloseCode::TOO_BIG.to_string(), "1009 (message too big)");
        assert_eq!(CloseCode(4000).to_string(), "4000");
    }
}
