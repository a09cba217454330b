//! What have the two sides agreed on, and who is the other?

use crate::trace::SecuredStep;
use rustls::{Connection, HandshakeKind, ProtocolVersion};

/// What came of a TLS handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Secured {
    /// `TLS 1.2` or `TLS 1.3`.
    pub version: &'static str,
    /// The cipher suite's name in the RFCs, such as `TLS13_AES_256_GCM_SHA384`.
    pub cipher: String,
    /// The name: as a client the server's, verified unless [`Secured::verified`] is false; as a server the one that the
    /// client asked for, if it said one (SNI).
    pub name: Option<String>,
    /// Whether the peer has proved who it is. Always true for a client that verifies; for a server only if the client has
    /// shown a certificate.
    pub verified: bool,
    /// The peer's certificates in DER, its own first. Empty for a client without one.
    pub chain: Vec<Vec<u8>>,
    /// The protocol that both chose for what comes above (ALPN).
    pub protocol: Option<String>,
    /// An earlier session was taken up again, without certificates.
    pub resumed: bool,
}

impl Secured {
    pub(super) fn of(session: &Connection, asked: Option<&str>, verifies: bool) -> Secured {
        let version = match session.protocol_version() {
            Some(ProtocolVersion::TLSv1_2) => "TLS 1.2",
            _ => "TLS 1.3",
        };
        let cipher = session.negotiated_cipher_suite().map(|suite| format!("{:?}", suite.suite())).unwrap_or_default();
        let (name, verified) = match session {
            Connection::Client(_) => (asked.map(str::to_owned), verifies),
            Connection::Server(server) => {
                (server.server_name().map(str::to_owned), server.peer_certificates().is_some())
            }
        };
        let chain = session.peer_certificates().unwrap_or_default().iter().map(|own| own.to_vec()).collect();
        let protocol = session.alpn_protocol().map(|name| String::from_utf8_lossy(name).into_owned());
        let resumed = session.handshake_kind() == Some(HandshakeKind::Resumed);
        Secured { version, cipher, name, verified, chain, protocol, resumed }
    }

    /// As the trace tells it.
    pub(super) fn step(&self) -> SecuredStep<'_> {
        SecuredStep {
            version: self.version,
            cipher: &self.cipher,
            name: self.name.as_deref(),
            verified: self.verified,
            chain: self.chain.len(),
            protocol: self.protocol.as_deref(),
            resumed: self.resumed,
        }
    }
}
