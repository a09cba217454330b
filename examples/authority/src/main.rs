//! How does a class get certificates that its own machines believe?
//!
//! From an authority of its own, which lives as long as this program runs. It signs a certificate for the lecturer's machine
//! and one for a student, and its key is gone when the program ends; what stays is the root, for everybody to trust.
//!
//!     cargo run -p authority -- target/class
//!     cargo run --example classroom -- --listen 0.0.0.0:8080 --tls target/class

use authority::folder::{self, CLIENT, CLIENT_KEY, Order, ROOT, SERVER, SERVER_KEY};
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use time::OffsetDateTime;

const USAGE: &str = "authority DIR [--name NAME]... [--days N] [--force]\n\
    Makes an authority for a class, and signs a server's and a client's certificate with it: five PEM files in DIR.\n\
    NAME is a host name or an address of the server. Without it: localhost, 127.0.0.1, ::1, and this machine's own name\n\
    and addresses. All of it is valid for 120 days unless told otherwise. --force replaces files that are there.";

/// About a term.
const DAYS: i64 = 120;

struct Wish {
    folder: PathBuf,
    names: Vec<String>,
    days: i64,
    force: bool,
}

fn main() -> ExitCode {
    let wish = match read_arguments() {
        Ok(Some(wish)) => wish,
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Err(problem) => {
            eprintln!("{problem}\n\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    let names = if wish.names.is_empty() { names_of_this_machine() } else { wish.names };
    // With the day in it one tells this class's root from the last one's, in a long list.
    let root_name = format!("socklab class of {}", OffsetDateTime::now_utc().date());
    let order = Order { root_name, names, days: wish.days, force: wish.force };
    match folder::make(&wish.folder, &order) {
        Ok(()) => {
            println!("{}", instructions(&wish.folder.display().to_string(), &order));
            ExitCode::SUCCESS
        }
        Err(problem) => {
            eprintln!("{problem}");
            ExitCode::FAILURE
        }
    }
}

/// None: somebody asked for help.
fn read_arguments() -> Result<Option<Wish>, lexopt::Error> {
    use lexopt::prelude::*;
    let (mut folder, mut names, mut days, mut force) = (None, Vec::new(), DAYS, false);
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("help") | Short('h') => return Ok(None),
            Long("name") => names.push(parser.value()?.string()?),
            Long("days") => days = parser.value()?.parse()?,
            Long("force") => force = true,
            Value(path) if folder.is_none() => folder = Some(PathBuf::from(path)),
            other => return Err(other.unexpected()),
        }
    }
    let folder = folder.ok_or("a folder for the files is needed")?;
    Ok(Some(Wish { folder, names, days, force }))
}

/// Every name under which somebody may reach this machine: its own programs, and the room.
fn names_of_this_machine() -> Vec<String> {
    let mut names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).to_vec();
    if let Some(name) = host_name() {
        // Many home and lecture networks know a machine by this name without any server (RFC 6762).
        if !name.contains('.') {
            names.push(format!("{name}.local"));
        }
        names.push(name);
    }
    // The classroom tells the room to come to the first of these.
    names.extend(socklab::local_addresses().iter().map(ToString::to_string));
    names
}

/// std cannot ask for it. The program of that name exists on Linux, macOS and Windows; where it does not, one does without.
fn host_name() -> Option<String> {
    let output = Command::new("hostname").output().ok()?;
    let name = String::from_utf8(output.stdout).ok()?.trim().to_ascii_lowercase();
    (folder::is_host(&name) && name != "localhost").then_some(name)
}

/// What each file is for, how one comes to trust the root, and how one stops.
fn instructions(folder: &str, order: &Order) -> String {
    let (names, days, title) = (order.names.join(", "), order.days, &order.root_name);
    format!(
        "Made in {folder}, valid for {days} days:\n\
         \x20   {ROOT}                       the authority's certificate: for everybody who is to trust this class\n\
         \x20   {SERVER}, {SERVER_KEY}     the server's, for {names}\n\
         \x20   {CLIENT}, {CLIENT_KEY}     a client's, for a server that asks who its clients are\n\
         The keys are secret. The root's own key is already thrown away: nobody can sign anything more with it.\n\
         \n\
         Run it:          cargo run --example classroom -- --tls {folder}\n\
         Our programs:    --root {folder}/{ROOT}\n\
         curl:            curl --cacert {folder}/{ROOT} https://localhost:8080/\n\
         Firefox:         Settings, Certificates, Authorities: import {ROOT}, for websites\n\
         Chromium, Linux: certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n '{title}' -i {folder}/{ROOT}\n\
         macOS:           security add-trusted-cert -k ~/Library/Keychains/login.keychain-db {folder}/{ROOT}\n\
         Windows:         certutil -user -addstore Root {folder}\\{ROOT}\n\
         \n\
         Whoever has a root's key can be any server for the machines that trust it. So take this one out after the class:\n\
         Firefox:         in the same list, Delete or Distrust\n\
         Chromium, Linux: certutil -d sql:$HOME/.pki/nssdb -D -n '{title}'\n\
         macOS:           security delete-certificate -c '{title}'\n\
         Windows:         certutil -user -delstore Root \"{title}\""
    )
}
