//! Who are the servers that speak TLS, for as long as they are measured?

use authority::{Authority, Purpose};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Makes a root and a server's certificate for 127.0.0.1, as files in a folder: `root.pem`, `server.pem`, `server-key.pem`.
pub fn make(folder: &Path) -> io::Result<PathBuf> {
    let folder = folder.join("certificates");
    fs::create_dir_all(&folder)?;
    let authority = Authority::new("socklab's benchmarks").map_err(io::Error::other)?;
    let signed = authority.sign(Purpose::Server, &["127.0.0.1", "localhost"], 2).map_err(io::Error::other)?;
    fs::write(folder.join("root.pem"), authority.root())?;
    fs::write(folder.join("server.pem"), signed.certificate)?;
    fs::write(folder.join("server-key.pem"), signed.key)?;
    Ok(folder)
}
