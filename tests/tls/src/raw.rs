//! An independent peer: rustls by itself, on one thread, with the socket in the test's own hands.

use crate::{Signed, World};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::server::WebPkiClientVerifier;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    SupportedProtocolVersion,
};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// No test waits longer than this for a peer that hangs.
pub const SOON: Duration = Duration::from_secs(20);

pub type RawServer = StreamOwned<ServerConnection, TcpStream>;
pub type RawClient = StreamOwned<ClientConnection, TcpStream>;

/// Either version, each by itself.
pub const VERSIONS: [(&str, &SupportedProtocolVersion); 2] =
    [("TLS 1.2", &rustls::version::TLS12), ("TLS 1.3", &rustls::version::TLS13)];

pub fn server_config(files: &Signed, versions: &[&'static SupportedProtocolVersion]) -> ServerConfig {
    ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(certificates(&files.certificate), key(&files.key))
        .unwrap()
}

/// A server that lets in only clients of the authority.
pub fn demanding(world: &World, versions: &[&'static SupportedProtocolVersion]) -> ServerConfig {
    let provider = Arc::new(default_provider());
    let roots = Arc::new(roots(&world.authority.root()));
    let verifier = WebPkiClientVerifier::builder_with_provider(roots, provider.clone()).build().unwrap();
    ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_client_cert_verifier(verifier)
        .with_single_cert(certificates(&world.server_files.certificate), key(&world.server_files.key))
        .unwrap()
}

pub fn client_config(world: &World, versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
    ClientConfig::builder_with_provider(Arc::new(default_provider()))
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots(&world.authority.root()))
        .with_no_client_auth()
}

pub fn roots(pem: &str) -> RootCertStore {
    let mut store = RootCertStore::empty();
    for certificate in certificates(pem) {
        store.add(certificate).unwrap();
    }
    store
}

pub fn certificates(pem: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem.as_bytes()).map(Result::unwrap).collect()
}

pub fn key(pem: &str) -> PrivateKeyDer<'static> {
    PrivateKeyDer::from_pem_slice(pem.as_bytes()).unwrap()
}

/// Any free port, and the address of it.
pub fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

/// The next client, with time-outs so that a test fails instead of hanging.
pub fn take(listener: &TcpListener) -> TcpStream {
    patient(listener.accept().unwrap().0)
}

pub fn plain(address: SocketAddr) -> TcpStream {
    patient(TcpStream::connect_timeout(&address, SOON).unwrap())
}

fn patient(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(SOON)).unwrap();
    stream.set_write_timeout(Some(SOON)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Takes the next client and makes the handshake with it.
pub fn accept(listener: &TcpListener, config: ServerConfig) -> RawServer {
    let mut stream = take(listener);
    let mut session = ServerConnection::new(Arc::new(config)).unwrap();
    while session.is_handshaking() {
        session.complete_io(&mut stream).unwrap();
    }
    StreamOwned::new(session, stream)
}

/// Connects and makes the handshake.
pub fn connect(address: SocketAddr, config: ClientConfig) -> RawClient {
    let mut stream = plain(address);
    let mut session = client_session(config);
    while session.is_handshaking() {
        session.complete_io(&mut stream).unwrap();
    }
    StreamOwned::new(session, stream)
}

pub fn client_session(config: ClientConfig) -> ClientConnection {
    ClientConnection::new(Arc::new(config), ServerName::try_from("localhost").unwrap()).unwrap()
}
