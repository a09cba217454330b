//! What have the servers in common that socklab is measured beside?
//!
//! A plain accept loop of the standard library and a thread for each client, with Nagle off as socklab has it.

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::io;
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;

/// What the command line asks of such a server.
pub struct Way {
    pub tls: Option<Arc<ServerConfig>>,
    pub small_buffer: bool,
    pub broadcast: bool,
}

/// Reads the command line.
pub fn way() -> io::Result<Way> {
    let mut way = Way { tls: None, small_buffer: false, broadcast: false };
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next().map_err(io::Error::other)? {
        match argument {
            lexopt::Arg::Long("tls") => {
                let folder = parser.value().map_err(io::Error::other)?;
                way.tls = Some(identity(Path::new(&folder))?);
            }
            lexopt::Arg::Long("small-buffer") => way.small_buffer = true,
            lexopt::Arg::Long("broadcast") => way.broadcast = true,
            other => return Err(io::Error::other(other.unexpected())),
        }
    }
    Ok(way)
}

fn identity(folder: &Path) -> io::Result<Arc<ServerConfig>> {
    let chain = CertificateDer::pem_file_iter(folder.join("server.pem")).map_err(io::Error::other)?;
    let chain = chain.collect::<Result<Vec<_>, _>>().map_err(io::Error::other)?;
    let key = PrivateKeyDer::from_pem_file(folder.join("server-key.pem")).map_err(io::Error::other)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = builder.map_err(io::Error::other)?.with_no_client_auth().with_single_cert(chain, key);
    Ok(Arc::new(config.map_err(io::Error::other)?))
}

/// Listens on a free port of this machine alone, says on which, and gives each client a thread. Never returns but by an
/// error of the listener: whoever started it ends it.
pub fn each_client(serve: impl Fn(TcpStream) -> io::Result<()> + Send + Sync + 'static) -> io::Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("listening on {}", listener.local_addr()?);
    let serve = Arc::new(serve);
    loop {
        let (socket, peer) = listener.accept()?;
        let serve = serve.clone();
        thread::spawn(move || {
            if let Err(error) = socket.set_nodelay(true).and_then(|()| serve(socket)) {
                eprintln!("client {peer}: {error}");
            }
        });
    }
}
