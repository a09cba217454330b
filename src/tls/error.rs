//! Why do two programs not come to trust each other, or lose that trust?
//!
//! TLS fails more often than TCP, and for better reasons: a name that is not in the certificate is no nuisance but what it is
//! for. A student should hear which of the reasons it is, and what to look at; "handshake failure" says neither.

use rustls::{AlertDescription, CertificateError, HandshakeType, PeerIncompatible};
use std::fmt;
use std::time::Duration;

/// What can go wrong with TLS.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TlsError {
    /// A file in PEM cannot be read, or does not hold what it should.
    Pem {
        /// What is wrong, and where.
        what: String,
    },
    /// The private key does not belong to the certificate.
    WrongKey,
    /// What should be the name of a server is none.
    Name {
        /// What was given.
        given: String,
    },
    /// The peer's certificate does not convince us. It has been told so.
    Certificate {
        /// Why not.
        why: String,
    },
    /// The peer refused us, with one of TLS's alerts (RFC 8446 section 6.2).
    Refused {
        /// The alert's name in the RFC, such as `unknown_ca`.
        alert: String,
        /// What it usually means.
        advice: &'static str,
    },
    /// The peer does not speak TLS.
    NotTls {
        /// The first bytes that came from it.
        began: Vec<u8>,
    },
    /// The peer speaks TLS, and we do not.
    Unexpected,
    /// Both speak TLS, and have no version or no algorithm in common.
    Incompatible {
        /// What is missing.
        what: String,
    },
    /// The handshake was not finished in time.
    TooSlow {
        /// The limit that held.
        limit: Duration,
    },
    /// The peer ended the connection in the middle of the handshake.
    EndedInHandshake,
    /// The stream ended without TLS's own goodbye (`close_notify`): the peer, or somebody between us, cut it off, and what
    /// came before may not be all.
    Truncated,
    /// The peer broke a rule of TLS, or somebody changed its bytes on the way.
    Broken {
        /// What happened.
        what: String,
    },
}

impl TlsError {
    /// What rustls says, in our words. `began` are the first bytes that came from the peer.
    pub(super) fn new(error: rustls::Error, began: &[u8]) -> TlsError {
        use rustls::Error::*;
        match error {
            InvalidCertificate(error) => TlsError::Certificate { why: why_not_trusted(&error) },
            NoCertificatesPresented => {
                TlsError::Certificate { why: "it has shown none, and this server asks its clients for one".to_owned() }
            }
            AlertReceived(alert) => refused(alert),
            // Only clients send a ClientHello, and this one is our own.
            InappropriateHandshakeMessage { got_type: HandshakeType::ClientHello, .. } if is_client_hello(began) => {
                TlsError::NotTls { began: began.to_vec() }
            }
            // The first byte of a record says what it holds, 20 to 23, and the next that it is TLS at all, 3.
            InvalidMessage(_) if !looks_like_tls(began) => TlsError::NotTls { began: began.to_vec() },
            PeerIncompatible(why) => TlsError::Incompatible { what: what_is_missing(&why) },
            InvalidMessage(rustls::InvalidMessage::UnknownProtocolVersion) => {
                TlsError::Incompatible { what: "the peer speaks a version of TLS that nobody knows".to_owned() }
            }
            NoApplicationProtocol => TlsError::Incompatible {
                what: "the client offers protocols (ALPN), and this server speaks none of them".to_owned(),
            },
            InconsistentKeys(_) => TlsError::WrongKey,
            error => TlsError::Broken { what: error.to_string() },
        }
    }
}

/// A record begins with its type, 20 to 23, and a version whose first byte is 3 (RFC 8446 section 5.1).
fn looks_like_tls(began: &[u8]) -> bool {
    matches!(began, [] | [20..=23] | [20..=23, 3, ..])
}

/// What a peer begins with that speaks TLS: a handshake record with a ClientHello in it; or, as the answer to what it did not
/// understand, an alert: warning or fatal, and a number (RFC 8446 section 6).
pub(crate) fn is_tls(began: &[u8]) -> bool {
    is_client_hello(began) || matches!(began, [21, 3, _, 0, 2, 1 | 2, _, ..])
}

fn is_client_hello(began: &[u8]) -> bool {
    matches!(began, [22, 3, _, _, _, 1, ..])
}

fn why_not_trusted(error: &CertificateError) -> String {
    use CertificateError::*;
    match error {
        NotValidForName => "it is not for the name that we asked for".to_owned(),
        NotValidForNameContext { expected, presented } => format!(
            "it is not for {}, but for {}: is that the server that was meant?",
            expected.to_str(),
            if presented.is_empty() { "no name at all".to_owned() } else { names(presented) }
        ),
        Expired | ExpiredContext { .. } => {
            "it has expired: the server needs a new one, or this machine's clock is wrong".to_owned()
        }
        NotValidYet | NotValidYetContext { .. } => "it is not valid yet: is this machine's clock right?".to_owned(),
        UnknownIssuer => "nobody whom we trust has signed it: an authority of one's own, or a certificate that signed \
                          itself, must be given as a root"
            .to_owned(),
        BadSignature => "the authority in it has the name of one that we trust, and another key has signed: was the \
                         authority made anew, and is its old root still in use here?"
            .to_owned(),
        Revoked => "its authority has revoked it".to_owned(),
        InvalidPurpose | InvalidPurposeContext { .. } => {
            "it was made for another purpose: that of a client is not one for a server, and the other way round"
                .to_owned()
        }
        // A root serves as a server's own certificate only where somebody mixed up the files.
        Other(other) if other.to_string().contains("CaUsedAsEndEntity") => {
            "it is an authority's own certificate and not a server's: one that signed itself, or the wrong file"
                .to_owned()
        }
        other => format!("{other:?}"),
    }
}

/// `DnsName("localhost")` and `IpAddress(127.0.0.1)`, as rustls writes them, without the wrapping.
fn names(presented: &[String]) -> String {
    let bare = |name: &String| {
        let inner = name.split_once('(').and_then(|(_, inner)| inner.strip_suffix(')')).unwrap_or(name);
        inner.trim_matches('"').to_owned()
    };
    presented.iter().map(bare).collect::<Vec<_>>().join(", ")
}

/// A fatal alert, and what it usually means at the side that receives it.
fn refused(alert: AlertDescription) -> TlsError {
    use AlertDescription::*;
    let advice = match alert {
        CertificateRequired => {
            "it asks its clients for a certificate, and we have shown none: give ClientTls an identity"
        }
        UnknownCA => "it does not trust the authority that signed our certificate",
        // Of all that may be wrong, the name mostly is.
        BadCertificate | CertificateUnknown => {
            "our certificate does not convince it: is it for the name or address by which the peer reached us?"
        }
        UnsupportedCertificate => {
            "our certificate was made for another purpose: that of a client is not one for a server"
        }
        CertificateExpired => "our certificate has expired",
        ProtocolVersion => "it speaks no version of TLS that we speak, which are 1.2 and 1.3",
        HandshakeFailure => {
            "it found nothing in common with us, or wants a certificate that we have not shown (TLS 1.2 says no more)"
        }
        NoApplicationProtocol => "it speaks none of the protocols that we offer (ALPN)",
        UnrecognisedName => "it is not the server of the name that we asked for",
        DecryptError => {
            "a signature of ours is wrong to it: was the authority made anew, and does the peer still have the old root?"
        }
        _ => "what the peer itself reports may say more",
    };
    TlsError::Refused { alert: name_of(alert), advice }
}

/// `CertificateRequired` in Rust is `certificate_required` in the RFC.
fn name_of(alert: AlertDescription) -> String {
    // The few that are spelt otherwise there.
    match alert {
        AlertDescription::UnknownCA => return "unknown_ca".to_owned(),
        AlertDescription::UnrecognisedName => return "unrecognized_name".to_owned(),
        AlertDescription::UnknownPSKIdentity => return "unknown_psk_identity".to_owned(),
        AlertDescription::Unknown(number) => return format!("alert {number}"),
        _ => {}
    }
    let mut name = String::new();
    for character in format!("{alert:?}").chars() {
        if character.is_uppercase() && !name.is_empty() {
            name.push('_');
        }
        name.extend(character.to_lowercase());
    }
    name
}

fn what_is_missing(why: &PeerIncompatible) -> String {
    use PeerIncompatible::*;
    match why {
        // Clients offer these since 1.2, so rustls stumbles over their absence before it looks at the version.
        SignatureAlgorithmsExtensionRequired
        | Tls12NotOffered
        | Tls12NotOfferedOrEnabled
        | ServerDoesNotSupportTls12Or13
        | SupportedVersionsExtensionRequired => {
            "the peer speaks neither TLS 1.2 nor 1.3: what is older is broken and was given up (RFC 8996)".to_owned()
        }
        NoCipherSuitesInCommon => "the two sides have no cipher suite in common".to_owned(),
        NoKxGroupsInCommon => "the two sides have no way of exchanging keys in common".to_owned(),
        NoSignatureSchemesInCommon => "the two sides have no kind of signature in common".to_owned(),
        other => format!("{other:?}"),
    }
}

impl fmt::Display for TlsError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TlsError::Pem { what } => formatter.write_str(what),
            TlsError::WrongKey => formatter.write_str(
                "the private key does not belong to the certificate: the first certificate in the file must be the \
                 server's own, made for this key",
            ),
            TlsError::Name { given } => write!(
                formatter,
                "\"{given}\" is no name that a certificate could be for: give a host name or an IP address"
            ),
            TlsError::Certificate { why } => write!(formatter, "we do not trust the peer's certificate: {why}"),
            TlsError::Refused { alert, advice } => write!(formatter, "the peer refused TLS with us ({alert}): {advice}"),
            TlsError::NotTls { began } if is_client_hello(began) => formatter.write_str(
                "the peer does not speak TLS: it sent our own first message back, as an echo server does; is this the port \
                 for TLS, and do both sides use it?",
            ),
            TlsError::NotTls { began } => write!(
                formatter,
                "the peer does not speak TLS: it began with \"{}\"; is this the port for TLS, and do both sides use it?",
                began[..began.len().min(16)].escape_ascii()
            ),
            TlsError::Unexpected => formatter.write_str(
                "the peer speaks TLS, and we do not: what it began with is no message but a record of TLS; either both sides \
                 use it (wss, https, client_tls and server_tls in the Settings) or neither (ws, http)",
            ),
            TlsError::Incompatible { what } => formatter.write_str(what),
            TlsError::TooSlow { limit } => write!(
                formatter,
                "the TLS handshake was not finished within {limit:?}: is the peer slow, stuck, or waiting because it does \
                 not speak TLS?"
            ),
            TlsError::EndedInHandshake => formatter.write_str(
                "the peer ended the connection in the middle of the TLS handshake: does it speak TLS on this port, and do \
                 its own messages say why it left?",
            ),
            TlsError::Truncated => formatter.write_str(
                "the stream ended without TLS's goodbye (close_notify): the peer was killed, or somebody cut the \
                 connection, and what came before may not be all",
            ),
            TlsError::Broken { what } => write!(formatter, "TLS broke down: {what}"),
        }
    }
}

impl std::error::Error for TlsError {}

impl From<TlsError> for std::io::Error {
    fn from(error: TlsError) -> std::io::Error {
        std::io::Error::new(std::io::ErrorKind::InvalidData, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustls::InvalidMessage;

    #[test]
    fn alerts_have_the_names_of_the_rfc() {
        let name = |alert| match refused(alert) {
            TlsError::Refused { alert, .. } => alert,
            other => panic!("{other}"),
        };
        assert_eq!(name(AlertDescription::CertificateRequired), "certificate_required");
        assert_eq!(name(AlertDescription::UnknownCA), "unknown_ca");
        assert_eq!(name(AlertDescription::ProtocolVersion), "protocol_version");
        assert_eq!(name(AlertDescription::UnrecognisedName), "unrecognized_name");
        assert_eq!(name(AlertDescription::UnknownPSKIdentity), "unknown_psk_identity");
        assert_eq!(name(AlertDescription::from(99)), "alert 99");
    }

    #[test]
    fn an_authority_that_was_made_anew_under_its_old_name_is_suspected_on_both_sides() {
        let error = TlsError::new(rustls::Error::InvalidCertificate(CertificateError::BadSignature), &[]);
        assert!(error.to_string().contains("made anew"), "{error}");
        let error = refused(AlertDescription::DecryptError);
        assert!(error.to_string().contains("made anew"), "{error}");
    }

    #[test]
    fn what_is_no_tls_is_cited() {
        let error =
            TlsError::new(rustls::Error::InvalidMessage(InvalidMessage::InvalidContentType), b"HTTP/1.1 400 Bad\r\n");
        assert!(matches!(&error, TlsError::NotTls { .. }), "{error:?}");
        assert!(error.to_string().contains("\"HTTP/1.1 400 Bad\""), "{error}");
    }
}
