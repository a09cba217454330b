//! How do two threads of the load generator share one TLS connection?
//!
//! The lock is held for rustls's own work and never across a call that can wait for the server: with one lock around
//! everything, the writer and the reader of a large message would wait for each other.

use crate::link::{write_all, write_some};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};
use std::cell::RefCell;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

thread_local! {
    /// Encrypted bytes on their way in. One for each thread, not for each of ten thousand links.
    static CAME: RefCell<Vec<u8>> = RefCell::new(vec![0; 64 * 1024]);
    /// Encrypted bytes on their way out.
    static LEAVES: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// One connection under TLS.
pub struct TlsLink {
    socket: TcpStream,
    session: Mutex<ClientConnection>,
    /// Decrypted, and more than the last receive had room for. Only the reading thread touches it.
    left: Mutex<Vec<u8>>,
    /// Encrypted, and not yet written: bytes, and how many of them have left.
    unsent: Mutex<(Vec<u8>, usize)>,
}

/// Trusts the root in this file, and remembers no session: every handshake is a whole one.
pub fn trusting(root: &Path) -> io::Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(root).map_err(io::Error::other)?).map_err(io::Error::other)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let mut config = builder.map_err(io::Error::other)?.with_root_certificates(roots).with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    Ok(Arc::new(config))
}

impl TlsLink {
    pub fn shake_hands(socket: TcpStream, config: &Arc<ClientConfig>) -> io::Result<TlsLink> {
        let name = ServerName::try_from("127.0.0.1").map_err(io::Error::other)?;
        let mut session = ClientConnection::new(config.clone(), name).map_err(io::Error::other)?;
        while session.is_handshaking() {
            session.complete_io(&mut &socket)?;
        }
        while session.wants_write() {
            session.write_tls(&mut &socket)?;
        }
        Ok(TlsLink { socket, session: Mutex::new(session), left: Mutex::default(), unsent: Mutex::default() })
    }

    pub fn socket(&self) -> &TcpStream {
        &self.socket
    }

    pub fn send(&self, mut bytes: &[u8]) -> io::Result<()> {
        LEAVES.with_borrow_mut(|leaves| {
            while !bytes.is_empty() {
                leaves.clear();
                let mut session = enter(&self.session);
                // It takes no more than its buffer holds, 64 KiB.
                let taken = session.writer().write(bytes)?;
                while session.wants_write() {
                    session.write_tls(leaves)?;
                }
                drop(session);
                write_all(&self.socket, leaves)?;
                bytes = &bytes[taken..];
            }
            Ok(())
        })
    }

    /// Takes what rustls has room for, once all that was taken before is written, and writes what the socket has room for.
    pub fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        let mut unsent = enter(&self.unsent);
        let (encrypted, written) = &mut *unsent;
        let mut taken = 0;
        if *written == encrypted.len() {
            encrypted.clear();
            *written = 0;
            let mut session = enter(&self.session);
            taken = session.writer().write(bytes)?;
            while session.wants_write() {
                session.write_tls(encrypted)?;
            }
        }
        if *written < encrypted.len() {
            *written += write_some(&self.socket, &encrypted[*written..])?;
        }
        Ok(taken)
    }

    pub fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut left = enter(&self.left);
        if !left.is_empty() {
            let count = left.len().min(buffer.len());
            buffer[..count].copy_from_slice(&left[..count]);
            left.drain(..count);
            return Ok(count);
        }
        CAME.with_borrow_mut(|came| {
            loop {
                let count = (&self.socket).read(came)?;
                let mut encrypted = &came[..count];
                let mut filled = 0;
                let mut session = enter(&self.session);
                loop {
                    // With nothing to feed this is how it is told of the end.
                    session.read_tls(&mut encrypted)?;
                    let state = session.process_new_packets().map_err(io::Error::other)?;
                    filled += take(&mut session, &mut buffer[filled..], &mut left)?;
                    if count == 0 || state.peer_has_closed() {
                        return Ok(filled);
                    }
                    if encrypted.is_empty() {
                        break;
                    }
                }
                if filled > 0 {
                    return Ok(filled);
                }
            }
        })
    }
}

/// Takes all that is decrypted: into the buffer what fits, and the rest behind it.
fn take(session: &mut ClientConnection, buffer: &mut [u8], left: &mut Vec<u8>) -> io::Result<usize> {
    let mut filled = 0;
    loop {
        if filled == buffer.len() {
            match session.reader().read_to_end(left) {
                Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error),
                _ => return Ok(filled),
            }
        }
        match session.reader().read(&mut buffer[filled..]) {
            Ok(0) => return Ok(filled),
            Ok(count) => filled += count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(filled),
            Err(error) => return Err(error),
        }
    }
}

fn enter<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}
