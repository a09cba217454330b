//! Which words does the trace speak about TLS?
//!
//! Three: a record crosses, and everybody on the way sees its kind and its length; the handshake is done, and both sides know
//! whom they talk to; and what the records held, which nobody but the two of them sees.
//!
//! # In production
//!
//! What the records held would never be written down.

use super::Direction;

/// What happened in the layer between a stream of bytes and a socket.
#[derive(Debug, Clone)]
pub enum TlsStep<'a> {
    /// A record crosses (RFC 8446 section 5.1). It is told when its header is complete: its body may still be on the way.
    Record {
        /// Whether we received or sent it.
        direction: Direction,
        /// Its header.
        record: RecordStep,
    },
    /// The handshake is done.
    Secured(SecuredStep<'a>),
    /// What the records held.
    Plaintext {
        /// Whether we decrypted or are encrypting it.
        direction: Direction,
        /// The program's own bytes.
        bytes: &'a [u8],
    },
}

/// The header of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordStep {
    /// What it holds: 20 change_cipher_spec, 21 alert, 22 handshake, 23 application_data.
    pub content_type: u8,
    /// The version that stands there. TLS 1.3 writes 0x0303 like 1.2, and 0x0301 in a ClientHello: what is new about it
    /// would be turned away by old boxes on the way, so it is said further inside (RFC 8446 section 5.1).
    pub version: u16,
    /// The bytes behind the header.
    pub length: u16,
    /// The type of the first handshake message in it, if it crosses in the clear: 1 is ClientHello, 2 ServerHello.
    pub handshake: Option<u8>,
}

impl RecordStep {
    /// The five bytes as they cross: they are never encrypted.
    ///
    /// ```
    /// use socklab::trace::RecordStep;
    ///
    /// let record = RecordStep { content_type: 23, version: 0x0303, length: 258, handshake: None };
    /// assert_eq!(record.header(), [23, 3, 3, 1, 2]);
    /// ```
    pub fn header(&self) -> [u8; 5] {
        let ([major, minor], [high, low]) = (self.version.to_be_bytes(), self.length.to_be_bytes());
        [self.content_type, major, minor, high, low]
    }

    /// The name of what it holds, as the RFCs write it. Under TLS 1.3 everything that is encrypted says "application_data",
    /// so that a listener cannot even tell an alert from a message.
    ///
    /// ```
    /// use socklab::trace::RecordStep;
    ///
    /// let first = RecordStep { content_type: 22, version: 0x0301, length: 230, handshake: Some(1) };
    /// assert_eq!(first.name(), "handshake: ClientHello");
    /// ```
    pub fn name(&self) -> String {
        match (self.content_type, self.handshake) {
            (20, _) => "change_cipher_spec".to_owned(),
            (21, _) => "alert".to_owned(),
            (22, None) => "handshake, encrypted".to_owned(),
            (22, Some(first)) => match message(first) {
                Some(name) => format!("handshake: {name}"),
                None => format!("handshake: message {first}"),
            },
            (23, _) => "application_data".to_owned(),
            (other, _) => format!("unknown type {other}"),
        }
    }
}

/// RFC 8446 section 4 and RFC 5246 section 7.4.
fn message(number: u8) -> Option<&'static str> {
    Some(match number {
        0 => "HelloRequest",
        1 => "ClientHello",
        2 => "ServerHello",
        4 => "NewSessionTicket",
        11 => "Certificate",
        12 => "ServerKeyExchange",
        13 => "CertificateRequest",
        14 => "ServerHelloDone",
        15 => "CertificateVerify",
        16 => "ClientKeyExchange",
        20 => "Finished",
        22 => "CertificateStatus",
        _ => return None,
    })
}

/// What came of a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SecuredStep<'a> {
    /// `TLS 1.2` or `TLS 1.3`.
    pub version: &'a str,
    /// The cipher suite's name in the RFCs.
    pub cipher: &'a str,
    /// The name that the client asked for.
    pub name: Option<&'a str>,
    /// Whether the peer has proved with a certificate who it is.
    pub verified: bool,
    /// How many certificates it has shown.
    pub chain: usize,
    /// The protocol for what comes above (ALPN).
    pub protocol: Option<&'a str>,
    /// An earlier session was taken up again.
    pub resumed: bool,
}
