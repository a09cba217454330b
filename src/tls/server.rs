//! How does a server show who it is, and ask the same of its clients?
//!
//! It sends its certificate and the chain behind it, and proves with a signature that the key is its own. It may ask the
//! client for a certificate, too: then it knows who calls before a single byte of the program's own has been read.
//!
//! # In production
//!
//! One server has many names, and picks the certificate by the one that the client asks for (SNI); and it takes up a new
//! certificate without a restart.

use super::error::TlsError;
use super::identity::{Identity, Roots};
use rustls::crypto::ring::default_provider;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::sign::SingleCertAndKey;
use rustls::{KeyLogFile, ServerConfig, ServerConnection};
use std::sync::{Arc, OnceLock};

/// How a server speaks TLS 1.2 or 1.3. WLanguage: `SocketCreateSSL` (in French `SocketCréeSSL`), whose certificate lies in
/// Windows' own store.
///
/// Cheap to clone. Clients may take up their sessions again at any server that was made with one of its clones.
/// `SSLKEYLOGFILE` works as it does for [`ClientTls`](super::ClientTls).
#[derive(Debug, Clone)]
pub struct ServerTls {
    identity: Identity,
    asks: Asks,
    protocols: Vec<Vec<u8>>,
    /// Whether a client may take up an earlier session again.
    resumes: bool,
    /// All this as rustls wants it, made once: it also holds the sessions that can be taken up again.
    config: Arc<OnceLock<Arc<ServerConfig>>>,
}

/// What is asked of a client.
#[derive(Debug, Clone)]
enum Asks {
    Nothing,
    /// A certificate, signed by one of these; but it may have none.
    Request(Roots),
    /// A certificate, signed by one of these.
    Require(Roots),
}

impl ServerTls {
    /// Shows this certificate, and lets in whoever comes.
    pub fn new(identity: &Identity) -> ServerTls {
        ServerTls {
            identity: identity.clone(),
            asks: Asks::Nothing,
            protocols: Vec::new(),
            resumes: true,
            config: Arc::default(),
        }
    }

    /// Asks each client for a certificate that one of these authorities has signed. Who shows none is let in all the same:
    /// [`Connection::tls`](crate::Connection::tls) says who it is.
    pub fn request_client_certificates(self, roots: &Roots) -> ServerTls {
        ServerTls { asks: Asks::Request(roots.clone()), config: Arc::default(), ..self }
    }

    /// Lets in only who shows a certificate that one of these authorities has signed. Under TLS 1.3 a client that is
    /// refused learns it at its first receive: its own handshake ends before the server has looked at its certificate.
    pub fn require_client_certificates(self, roots: &Roots) -> ServerTls {
        ServerTls { asks: Asks::Require(roots.clone()), config: Arc::default(), ..self }
    }

    /// Speaks these protocols above TLS, the best first (ALPN, RFC 7301). A client that offers others only is refused.
    pub fn protocols(self, names: &[&str]) -> ServerTls {
        let protocols = names.iter().map(|name| name.as_bytes().to_vec()).collect();
        ServerTls { protocols, config: Arc::default(), ..self }
    }

    /// Takes no session up again: every connection begins with the whole handshake, certificate and all. It costs a
    /// signature for each, and is for those who want to look at it.
    pub fn without_resumption(self) -> ServerTls {
        ServerTls { resumes: false, config: Arc::default(), ..self }
    }

    /// What a new connection begins with.
    pub(super) fn session(&self) -> Result<ServerConnection, TlsError> {
        ServerConnection::new(self.config()?).map_err(|error| TlsError::new(error, &[]))
    }

    fn config(&self) -> Result<Arc<ServerConfig>, TlsError> {
        if let Some(config) = self.config.get() {
            return Ok(config.clone());
        }
        let provider = Arc::new(default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(|error| TlsError::new(error, &[]))?;
        let verifier = |roots: &Roots| WebPkiClientVerifier::builder_with_provider(roots.0.clone(), provider.clone());
        let builder = match &self.asks {
            Asks::Nothing => builder.with_no_client_auth(),
            Asks::Request(roots) => {
                builder.with_client_cert_verifier(verifier(roots).allow_unauthenticated().build().map_err(no_verifier)?)
            }
            Asks::Require(roots) => builder.with_client_cert_verifier(verifier(roots).build().map_err(no_verifier)?),
        };
        let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(self.identity.0.clone())));
        config.alpn_protocols.clone_from(&self.protocols);
        config.key_log = Arc::new(KeyLogFile::new());
        if !self.resumes {
            // TLS 1.3 hands out tickets; 1.2 remembers the session at the server.
            config.send_tls13_tickets = 0;
            config.session_storage = Arc::new(NoServerSessionStorage {});
        }
        Ok(self.config.get_or_init(|| Arc::new(config)).clone())
    }
}

fn no_verifier(error: impl std::fmt::Display) -> TlsError {
    TlsError::Pem { what: format!("the roots for client certificates cannot be used: {error}") }
}
