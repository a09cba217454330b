//! Who says that a public key belongs to a name?
//!
//! An authority: somebody with a key of its own, whose certificate (the *root*) everybody in the room has been given
//! beforehand. It signs the certificates of the others, and whoever trusts the root believes what was signed.
//!
//! ```text
//!   root          "I am the class's authority"            signed with the root's key: by itself
//!    ├─ server    "this key belongs to localhost"         signed with the root's key
//!    └─ client    "this key belongs to a student"         signed with the root's key
//! ```
//!
//! Nothing in the root proves anything: it is trusted because somebody has put it into the list of those who are. So whoever
//! has the root's key can be any server of the world for these machines. Here that key lives as long as an [`Authority`],
//! in memory, and is never written down.
//!
//! # In production
//!
//! The root's key lies in hardware, offline, and signs a few intermediate authorities; those sign the servers, write each
//! certificate into a public log, and say which ones they have revoked.

pub mod folder;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose,
};
use time::{Duration, OffsetDateTime};

/// What a certificate is for. One that was made for a client is not believed of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    Server,
    Client,
}

/// A certificate and its private key, both in PEM.
#[derive(Debug, Clone)]
pub struct Signed {
    pub certificate: String,
    pub key: String,
}

/// A root: a certificate that signed itself, with the key that signs the others.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    /// A root that is valid for a year. The name is what a browser lists it under.
    pub fn new(name: &str) -> Result<Authority, rcgen::Error> {
        Authority::lasting(name, 365)
    }

    /// A root that is valid for so many days. What it signs ends with it: every certificate of a chain must be valid today.
    pub fn lasting(name: &str, days: i64) -> Result<Authority, rcgen::Error> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        // Who signed is looked up by name. Two authorities of one name would be taken for each other, and a stranger's
        // certificate would seem to be damaged: so a part of the key stands in the name.
        let part = params.key_identifier(&key).iter().take(6).map(|byte| format!("{byte:02x}")).collect::<String>();
        params.distinguished_name.push(DnType::OrganizationalUnitName, format!("key {part}"));
        // It may sign, and what it signs may not: without this line every server could sign certificates for any other
        // name (RFC 5280 section 4.2.1.9).
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        (params.not_before, params.not_after) = validity(days);
        Ok(Authority { issuer: CertifiedIssuer::self_signed(params, key)? })
    }

    /// A certificate that nobody has signed but its own key: what a server shows whose administrator was in a hurry.
    pub fn self_signed(names: &[&str]) -> Result<Signed, rcgen::Error> {
        let params = CertificateParams::new(names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())?;
        let key = KeyPair::generate()?;
        Ok(Signed { certificate: params.self_signed(&key)?.pem(), key: key.serialize_pem() })
    }

    /// The root in PEM: what everybody in the room is to trust.
    pub fn root(&self) -> String {
        self.issuer.pem()
    }

    // ANCHOR: sign
    /// A certificate for these names, valid from yesterday for so many days. A negative number has run out.
    pub fn sign(&self, purpose: Purpose, names: &[&str], days: i64) -> Result<Signed, rcgen::Error> {
        // Host names and addresses stand in the "subject alternative name": nobody reads the common name for them any more
        // (RFC 9525 section 2). A client has neither, only a name for people.
        let hosts = if purpose == Purpose::Server { names } else { &[] };
        let mut params = CertificateParams::new(hosts.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())?;
        params.distinguished_name.push(DnType::CommonName, names.first().copied().unwrap_or("nobody"));
        params.extended_key_usages = vec![match purpose {
            Purpose::Server => ExtendedKeyUsagePurpose::ServerAuth,
            Purpose::Client => ExtendedKeyUsagePurpose::ClientAuth,
        }];
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        // Which of the authority's keys has signed it.
        params.use_authority_key_identifier_extension = true;
        (params.not_before, params.not_after) = validity(days);
        // The authority never needs the key: it signs the public half. Who makes both saves the class a step.
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Signed { certificate: certificate.pem(), key: key.serialize_pem() })
    }
    // ANCHOR_END: sign
}

/// From yesterday on, for half of the room's clocks are a little wrong.
fn validity(days: i64) -> (OffsetDateTime, OffsetDateTime) {
    let now = OffsetDateTime::now_utc();
    let end = now + Duration::days(days);
    (now.min(end) - Duration::days(1), end)
}
