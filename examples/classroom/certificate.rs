//! What does a server show to whoever asks who it is?
//!
//! A chain of certificates, its own first. Each has a *fingerprint*: the SHA-256 of its bytes, which nobody can make twice.
//! A browser shows it in its certificate viewer, the page shows what this server has in its file; if the two are the same,
//! nobody sat in between and showed another.
//!
//! # In production
//!
//! Nobody compares fingerprints by eye, but for the few places where a person accepts a key for the first time (ssh).

use crate::arguments::Failure;
use rustls::crypto::ring::cipher_suite::TLS13_AES_128_GCM_SHA256;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::{Value, json};
use socklab::{ClientTls, Roots};
use std::path::Path;

/// What this server has of its own.
pub struct Certificate {
    /// For the page: the fingerprint of each certificate in the chain.
    pub shown: Value,
    /// How a client of this machine believes it: the second client, which is as strict as any other.
    pub believed: ClientTls,
}

impl Certificate {
    /// From the folder that the authority has filled.
    pub fn read(folder: &str) -> Result<Certificate, Failure> {
        let explain = |error: &dyn std::fmt::Display| {
            format!("--tls {folder}: {error}\nThis makes the files: cargo run -p authority -- {folder}")
        };
        let roots = Roots::from_file(Path::new(folder).join("root.pem")).map_err(|error| explain(&error))?;
        let chain = CertificateDer::pem_file_iter(Path::new(folder).join("server.pem"));
        let chain: Result<Vec<_>, _> = chain.and_then(Iterator::collect);
        let prints = chain.map_err(|error| explain(&error))?.iter().map(|each| fingerprint(each)).collect::<Vec<_>>();
        let believed = ClientTls::trusting(&roots).protocols(&["http/1.1"]);
        Ok(Certificate { shown: json!({"fingerprints": prints}), believed })
    }
}

/// SHA-256 in hex. TLS has a hash of its own in each cipher suite, and this is that of the commonest one.
fn fingerprint(certificate: &[u8]) -> Option<String> {
    let hash = TLS13_AES_128_GCM_SHA256.tls13()?.common.hash_provider.hash(certificate);
    Some(hash.as_ref().iter().map(|byte| format!("{byte:02x}")).collect())
}
