//! `cargo lab doctor`: what is missing on this machine, before thirty people find out together.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Command, Stdio};

use super::Problem;
use crate::output::say;
use crate::{catalogue, progress, system};

/// Without it the course does not work at all, or only something is missing.
#[derive(PartialEq)]
enum Weight {
    Needed,
    Useful,
}

struct Finding {
    what: &'static str,
    weight: Weight,
    /// What was found, or what to do.
    result: Result<String, String>,
}

pub fn run() -> Result<bool, Problem> {
    let cargo = std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned());
    let findings = [
        finding("rustc", Weight::Needed, version("rustc", "install Rust 1.85 or newer: https://rustup.rs")),
        finding("a linker", Weight::Needed, version("cc", "install a C compiler: Rust links with it (Debian: gcc)")),
        finding("crates, offline", Weight::Needed, offline(&cargo)),
        finding("loopback", Weight::Needed, loopback()),
        finding("the lab folder", Weight::Needed, writable()),
        finding("to see what a program reads", Weight::Useful, visible()),
        finding("python3", Weight::Useful, version("python3", "only for labs in Python")),
    ];
    for finding in &findings {
        let (word, text) = match (&finding.result, &finding.weight) {
            (Ok(text), _) => ("ok", text),
            (Err(text), Weight::Needed) => ("MISSING", text),
            (Err(text), Weight::Useful) => ("without", text),
        };
        say!("  {word:<8} {:<28} {text}", finding.what);
    }
    let well = findings.iter().all(|finding| finding.result.is_ok() || finding.weight == Weight::Useful);
    say!("\n{}", if well { "This machine is ready, with or without a network." } else { "Something is missing." });
    Ok(well)
}

fn finding(what: &'static str, weight: Weight, result: Result<String, String>) -> Finding {
    Finding { what, weight, result }
}

fn version(program: &str, advice: &str) -> Result<String, String> {
    let output = Command::new(program).arg("--version").stdin(Stdio::null()).output().map_err(|_| advice.to_owned())?;
    let text = String::from_utf8_lossy(&output.stdout).lines().next().unwrap_or_default().to_owned();
    if output.status.success() { Ok(text) } else { Err(advice.to_owned()) }
}

/// Every crate that a build on this machine takes is in cargo's cache or vendored. The lock file has those for other systems as
/// well; a build fetches none of them, and nobody here misses them.
fn offline(cargo: &str) -> Result<String, String> {
    let advice = "run `cargo fetch --locked` once with a network, or `cargo lab room DIR` on a machine that has one";
    let output = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(catalogue::course().join("..")).stdin(Stdio::null());
        command.output().map_err(|_| format!("{program} does not start"))
    };
    let host = output("rustc", &["--print", "host-tuple"])?;
    let host = String::from_utf8_lossy(&host.stdout);
    let only_ours = ["metadata", "--offline", "--locked", "--format-version", "1", "--filter-platform", host.trim()];
    if output(cargo, &only_ours)?.status.success() { Ok("all are here".to_owned()) } else { Err(advice.to_owned()) }
}

/// A byte there and back, over a port that the system gives.
fn loopback() -> Result<String, String> {
    let there_and_back = || {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let mut ours = TcpStream::connect(listener.local_addr()?)?;
        let (mut theirs, _) = listener.accept()?;
        let mut byte = [0];
        ours.write_all(b"!")?;
        theirs.read_exact(&mut byte)
    };
    let told = |error: std::io::Error| format!("{error}: does a firewall forbid connections to 127.0.0.1?");
    there_and_back().map(|()| "127.0.0.1 answers, and ports are free".to_owned()).map_err(told)
}

fn writable() -> Result<String, String> {
    let folder = progress::labs();
    let told = |error: std::io::Error| format!("{} cannot be written: {error}; set LAB_FOLDER", folder.display());
    std::fs::create_dir_all(&folder).map_err(told)?;
    let file = folder.join(".doctor");
    std::fs::write(&file, "").and_then(|()| std::fs::remove_file(&file)).map_err(told)?;
    Ok(folder.display().to_string())
}

fn visible() -> Result<String, String> {
    match system::activity(&[std::process::id()]) {
        Some(_) => Ok("/proc shows it".to_owned()),
        None => {
            Err("pieces are kept apart by a pause of 20 ms, and a program is bounded in time and output alone"
                .to_owned())
        }
    }
}
