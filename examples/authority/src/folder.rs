//! Where do the certificates and keys lie, and who may read them?
//!
//! Five files. The certificates are public: they are shown to everybody who connects. The keys are what makes them worth
//! something, so nobody but their owner may read them, from the moment at which the file exists. There is no file for the
//! root's key.
//!
//! # In production
//!
//! A key never leaves the machine on which it was made, and the authority gets a request to sign (PKCS #10) instead.

use crate::{Authority, Purpose};
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

pub const ROOT: &str = "root.pem";
pub const SERVER: &str = "server.pem";
pub const SERVER_KEY: &str = "server-key.pem";
pub const CLIENT: &str = "client.pem";
pub const CLIENT_KEY: &str = "client-key.pem";

const ALL: [&str; 5] = [ROOT, SERVER, SERVER_KEY, CLIENT, CLIENT_KEY];

/// Some systems believe no server's certificate for longer, whoever has signed it.
pub const MOST_DAYS: i64 = 825;

/// What is to be made.
pub struct Order {
    /// What the root is called in a browser's list.
    pub root_name: String,
    /// The names and addresses under which the server is reached.
    pub names: Vec<String>,
    /// How long all of it is valid.
    pub days: i64,
    /// Whether files of an earlier class may be replaced.
    pub force: bool,
}

/// Makes an authority, has it sign a server's and a client's certificate, and writes all but the authority's key.
pub fn make(folder: &Path, order: &Order) -> Result<(), Problem> {
    if !(1..=MOST_DAYS).contains(&order.days) {
        return Err(Problem::Days(order.days));
    }
    if order.names.is_empty() {
        return Err(Problem::NoName);
    }
    if let Some(name) = order.names.iter().find(|name| !is_host(name)) {
        return Err(Problem::Name(name.clone()));
    }
    // All or none: a key that does not belong to the certificate beside it is a riddle for whoever comes next.
    let existing = ALL.map(|name| folder.join(name)).into_iter().find(|path| path.symlink_metadata().is_ok());
    if let Some(path) = existing.filter(|_| !order.force) {
        return Err(Problem::Exists(path));
    }

    let authority = Authority::lasting(&order.root_name, order.days).map_err(Problem::Certificate)?;
    let names: Vec<&str> = order.names.iter().map(String::as_str).collect();
    let server = authority.sign(Purpose::Server, &names, order.days).map_err(Problem::Certificate)?;
    let client = authority.sign(Purpose::Client, &["a student"], order.days).map_err(Problem::Certificate)?;

    fs::create_dir_all(folder).map_err(|error| Problem::File(folder.to_owned(), error))?;
    let files: [(&str, &str, Readers); 5] = [
        (ROOT, &authority.root(), Readers::All),
        (SERVER, &server.certificate, Readers::All),
        (SERVER_KEY, &server.key, Readers::Owner),
        (CLIENT, &client.certificate, Readers::All),
        (CLIENT_KEY, &client.key, Readers::Owner),
    ];
    for (name, content, readers) in files {
        let path = folder.join(name);
        write(&path, content, readers).map_err(|error| Problem::File(path, error))?;
    }
    // Here the authority ends, and its key with it.
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Readers {
    All,
    Owner,
}

fn write(path: &Path, content: &str, readers: Readers) -> io::Result<()> {
    // An older file would keep its own permissions, and a link would lead elsewhere: so it goes first.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    if readers == Readers::Owner {
        owner_only(&mut options);
    }
    options.open(path)?.write_all(content.as_bytes())
}

/// Set when the file is made: to forbid reading afterwards leaves a moment in which it was allowed.
#[cfg(unix)]
fn owner_only(options: &mut OpenOptions) {
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
}

/// On Windows a file has the permissions of its folder, and a folder of one's own is one's own.
#[cfg(not(unix))]
fn owner_only(_options: &mut OpenOptions) {}

/// Whether a certificate can be for this: an address, or a name of letters, digits, hyphens and dots, perhaps with `*.` in
/// front. (A name in other letters has a form in these: "münchen.example" is "xn--mnchen-3ya.example".)
pub fn is_host(name: &str) -> bool {
    let is_label = |label: &str| {
        let fits = (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-');
        fits && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    // What consists of digits and dots and is no address is a mistake in one.
    let is_name = |name: &str| {
        name.len() <= 253 && name.split('.').all(is_label) && name.bytes().any(|byte| byte.is_ascii_alphabetic())
    };
    name.parse::<IpAddr>().is_ok() || is_name(name.strip_prefix("*.").unwrap_or(name))
}

/// Why nothing was made.
#[derive(Debug)]
pub enum Problem {
    Days(i64),
    NoName,
    Name(String),
    Exists(PathBuf),
    Certificate(rcgen::Error),
    File(PathBuf, io::Error),
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Days(days) => write!(
                formatter,
                "--days {days}: a whole number from 1 to {MOST_DAYS} is needed; some systems believe no server for longer"
            ),
            Problem::NoName => {
                formatter.write_str("a server's certificate is for a name, and none was given: --name NAME")
            }
            Problem::Name(name) => write!(
                formatter,
                "\"{name}\" is neither a host name nor an address: give lab.example or 192.0.2.7, without https:// and \
                 without a port"
            ),
            Problem::Exists(path) => write!(
                formatter,
                "{} is there already, and whoever trusts its root would not trust a new one: take another folder, or \
                 --force to replace all five files",
                path.display()
            ),
            Problem::Certificate(error) => write!(formatter, "the certificates could not be made: {error}"),
            Problem::File(path, error) => write!(formatter, "{} could not be written: {error}", path.display()),
        }
    }
}

impl std::error::Error for Problem {}
