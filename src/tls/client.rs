//! Whom does a client believe that it has reached the right server?
//!
//! The server shows a certificate. A client believes it if an authority that it trusts has signed it, if the name in it is
//! the one that the client asked for, and if today is within its dates. Leave out one of the three and an attacker in
//! between can be the server: without the name, any certificate will do, and everybody can have one.
//!
//! # In production
//!
//! Browsers also ask whether the certificate was revoked, and whether it stands in a public log.

use super::error::TlsError;
use super::identity::{Identity, Roots};
use super::unverified::Unverified;
use rustls::crypto::ring::default_provider;
use rustls::pki_types::ServerName;
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, ClientConnection, KeyLogFile};
use std::sync::{Arc, OnceLock};

/// How a client speaks TLS 1.2 or 1.3. WLanguage: `SocketConnectSSL` (in French `SocketConnecteSSL`),
/// `WebSocketClientConnectSSL` (`WebSocketClientConnecteSSL`).
///
/// Cheap to clone. Connections that are made with one of its clones remember the servers together, and a second connection
/// to the same server takes up the session of the first, without certificates (RFC 8446 section 2.2).
///
/// If the variable `SSLKEYLOGFILE` names a file, the keys of each connection are written there, and Wireshark can open what
/// it recorded. Whoever has that file can read everything: it is for a class.
///
/// ```
/// use socklab::{ClientTls, Settings};
///
/// // Public roots, the name verified: what `https` means in a browser.
/// let settings = Settings { client_tls: Some(ClientTls::new()), ..Settings::default() };
/// # drop(settings);
/// ```
#[derive(Debug, Clone)]
pub struct ClientTls {
    /// `None` believes everybody.
    roots: Option<Roots>,
    identity: Option<Identity>,
    protocols: Vec<Vec<u8>>,
    /// The name that the certificate must be for, where it is not that of the target.
    name: Option<String>,
    /// All this as rustls wants it, made once: it also holds the sessions that can be taken up again.
    config: Arc<OnceLock<Arc<ClientConfig>>>,
}

impl Default for ClientTls {
    fn default() -> ClientTls {
        ClientTls::new()
    }
}

impl ClientTls {
    /// Believes the public authorities that browsers believe.
    pub fn new() -> ClientTls {
        // One for the whole process, so that a session can be taken up again by whoever connects next.
        static PUBLIC: OnceLock<ClientTls> = OnceLock::new();
        PUBLIC.get_or_init(|| ClientTls::with(Some(Roots::public()))).clone()
    }

    /// Believes these roots and no others: a class's own authority, say.
    pub fn trusting(roots: &Roots) -> ClientTls {
        ClientTls::with(Some(roots.clone()))
    }

    /// Believes **everybody**. What is sent is encrypted, and nobody knows for whom: whoever sits in between can show a
    /// certificate of its own and read it all. For the lesson that shows this, and for nothing else.
    pub fn dangerously_without_verification() -> ClientTls {
        ClientTls::with(None)
    }

    fn with(roots: Option<Roots>) -> ClientTls {
        ClientTls { roots, identity: None, protocols: Vec::new(), name: None, config: Arc::default() }
    }

    /// Shows this certificate to a server that asks its clients for one.
    pub fn identity(self, identity: &Identity) -> ClientTls {
        ClientTls { identity: Some(identity.clone()), config: Arc::default(), ..self }
    }

    /// Offers these protocols for what comes above TLS, the best first (ALPN, RFC 7301): `http/1.1`, say.
    pub fn protocols(self, names: &[&str]) -> ClientTls {
        let protocols = names.iter().map(|name| name.as_bytes().to_vec()).collect();
        ClientTls { protocols, config: Arc::default(), ..self }
    }

    /// The certificate must be for this name, and not for the host that the client connects to: for a server that is
    /// reached by another way than its name.
    pub fn expecting(self, name: &str) -> ClientTls {
        ClientTls { name: Some(name.to_owned()), ..self }
    }

    /// What a new connection to this host begins with.
    pub(super) fn session(&self, host: &str) -> Result<ClientConnection, TlsError> {
        let name = self.name(host).to_owned();
        let server = ServerName::try_from(name.clone()).map_err(|_| TlsError::Name { given: name })?;
        ClientConnection::new(self.config()?, server).map_err(|error| TlsError::new(error, &[]))
    }

    /// The name that is verified.
    pub(super) fn name<'a>(&'a self, host: &'a str) -> &'a str {
        self.name.as_deref().unwrap_or(host)
    }

    pub(super) fn verifies(&self) -> bool {
        self.roots.is_some()
    }

    fn config(&self) -> Result<Arc<ClientConfig>, TlsError> {
        if let Some(config) = self.config.get() {
            return Ok(config.clone());
        }
        let provider = Arc::new(default_provider());
        let builder = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::new(error, &[]))?;
        let builder = match &self.roots {
            Some(roots) => builder.with_root_certificates(roots.0.clone()),
            None => builder.dangerous().with_custom_certificate_verifier(Arc::new(Unverified(provider))),
        };
        let mut config = match &self.identity {
            Some(identity) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity.0.clone()))),
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols.clone_from(&self.protocols);
        config.key_log = Arc::new(KeyLogFile::new());
        Ok(self.config.get_or_init(|| Arc::new(config)).clone())
    }
}
