//! How does a program prove who it is, and whom does it believe?
//!
//! Who wants to prove it has an [`Identity`]: a certificate, which says "this public key belongs to this name" and is signed
//! by somebody, and the private key that goes with it. Who is to believe it has [`Roots`]: the authorities whose signature
//! it takes for the truth. Between the two there may be a chain: each certificate signed by the next one's key.
//!
//! Both come in PEM files: Base64 between two lines of dashes, one block for each certificate or key (RFC 7468).
//!
//! # In production
//!
//! Identities are renewed every few weeks by a program (ACME, RFC 8555), and a key that must not be stolen lies in hardware.

use super::error::TlsError;
use rustls::RootCertStore;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use std::path::Path;
use std::sync::Arc;

/// A certificate, the chain that leads from it to an authority, and the private key.
///
/// ```no_run
/// use socklab::{Identity, ServerTls, Settings};
///
/// let identity = Identity::from_files("server.pem", "server-key.pem")?;
/// let settings = Settings { server_tls: Some(ServerTls::new(&identity)), ..Settings::default() };
/// # drop(settings);
/// # Ok::<(), socklab::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Identity(pub(super) Arc<CertifiedKey>);

impl Identity {
    /// Reads the chain, the own certificate first, and the private key (PKCS#8, SEC1 or PKCS#1) from files in PEM. They may
    /// be the same file.
    ///
    /// Error: [`TlsError::Pem`] for a file that cannot be read, holds no certificate or no key; [`TlsError::WrongKey`]
    /// for a key that does not fit.
    pub fn from_files(chain: impl AsRef<Path>, key: impl AsRef<Path>) -> Result<Identity, TlsError> {
        let (chain, key) = (chain.as_ref(), key.as_ref());
        Identity::new(read(chain)?, &chain.display().to_string(), read(key)?, &key.display().to_string())
    }

    /// The same from memory.
    pub fn from_pem(chain: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Result<Identity, TlsError> {
        Identity::new(chain.as_ref().to_vec(), "the chain", key.as_ref().to_vec(), "the private key")
    }

    fn new(chain: Vec<u8>, chain_name: &str, given: Vec<u8>, key_name: &str) -> Result<Identity, TlsError> {
        let chain = certificates(&chain, chain_name)?;
        let key = PrivateKeyDer::from_pem_slice(&given).map_err(|error| match error {
            pem::Error::NoItemsFound => bad(key_name, &format!("holds no private key{}", but_what(&given))),
            error => bad(key_name, &no_pem(error)),
        })?;
        let key = CertifiedKey::from_der(chain, key, &default_provider()).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => TlsError::WrongKey,
            // What looked like PEM holds something else.
            rustls::Error::InvalidCertificate(_) => bad(chain_name, "begins with what only looks like a certificate"),
            error => bad(key_name, &format!("holds a key that cannot be used: {error}")),
        })?;
        Ok(Identity(Arc::new(key)))
    }
}

/// The authorities that are believed.
#[derive(Debug, Clone)]
pub struct Roots(pub(super) Arc<RootCertStore>);

impl Roots {
    /// Those that browsers believe (Mozilla's list, by the crate `webpki-roots`).
    pub fn public() -> Roots {
        Roots(Arc::new(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }))
    }

    /// An authority of one's own, or several, from a file in PEM, and no others.
    ///
    /// Error: [`TlsError::Pem`] for a file that cannot be read or holds no certificate.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Roots, TlsError> {
        let path = path.as_ref();
        Roots::new(&read(path)?, &path.display().to_string())
    }

    /// The same from memory.
    pub fn from_pem(pem: impl AsRef<[u8]>) -> Result<Roots, TlsError> {
        Roots::new(pem.as_ref(), "the roots")
    }

    fn new(pem: &[u8], name: &str) -> Result<Roots, TlsError> {
        let mut store = RootCertStore::empty();
        for certificate in certificates(pem, name)? {
            store.add(certificate).map_err(|_| bad(name, "holds what only looks like a certificate"))?;
        }
        Ok(Roots(Arc::new(store)))
    }
}

fn read(path: &Path) -> Result<Vec<u8>, TlsError> {
    std::fs::read(path).map_err(|error| bad(&path.display().to_string(), &format!("cannot be read: {error}")))
}

fn certificates(pem: &[u8], name: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    let found = found.map_err(|error| bad(name, &no_pem(error)))?;
    if found.is_empty() {
        return Err(bad(name, &format!("holds no certificate{}", but_what(pem))));
    }
    Ok(found)
}

/// The two files are easily mixed up, and everything in PEM says what it is.
fn but_what(pem: &[u8]) -> &'static str {
    let holds = |label: &str| {
        String::from_utf8_lossy(pem).lines().any(|line| line.starts_with("-----BEGIN") && line.contains(label))
    };
    match (pem.iter().all(u8::is_ascii_whitespace), holds("PRIVATE KEY"), holds("CERTIFICATE")) {
        (true, ..) => ": it is empty",
        (_, true, _) => ", but a private key: are the two mixed up?",
        (_, _, true) => ", but a certificate: are the two mixed up?",
        _ => ": it is not in PEM (-----BEGIN ...), or holds something else",
    }
}

fn no_pem(error: pem::Error) -> String {
    match error {
        pem::Error::MissingSectionEnd { end_marker } => {
            format!("is cut off: the line -----END {}----- is missing", String::from_utf8_lossy(&end_marker))
        }
        pem::Error::Base64Decode(_) => "holds something between its dashes that is no Base64".to_owned(),
        error => format!("is no valid PEM: {error}"),
    }
}

fn bad(name: &str, what: &str) -> TlsError {
    TlsError::Pem { what: format!("{name} {what}") }
}
