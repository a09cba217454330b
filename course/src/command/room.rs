//! `cargo lab room DIR`: one folder with everything, for thirty machines without a network.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Problem;
use crate::catalogue;
use crate::output::say;

pub fn run(folder: &Path) -> Result<bool, Problem> {
    let root = fs::canonicalize(catalogue::course().join(".."))?;
    let folder = std::path::absolute(folder)?.join("socklab");
    if folder.exists() {
        return Err(format!("{} is there already: name a new folder", folder.display()).into());
    }
    say!("Copying the checkout ...");
    for file in files(&root)? {
        let to = folder.join(&file);
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::copy(root.join(&file), to)?;
    }
    say!("Fetching the crates ...");
    vendor(&folder)?;
    say!("\nReady: {}", folder.display());
    say!("On each machine, which needs Rust and a C compiler and no network:");
    say!("  1. copy the folder `socklab`, to a place where the student may write");
    say!("  2. in it: cargo lab doctor      (builds the runner; after it everything is there)");
    say!("  3. in it: cargo lab start N     (a unit that `cargo lab list` shows)");
    say!("To build only once: do step 2 in one copy, at the very path that the students will use, and copy that.");
    Ok(true)
}

/// What belongs to the checkout: what git knows, or, in a copy without git, all but what was built.
fn files(root: &Path) -> Result<Vec<PathBuf>, Problem> {
    let listed = Command::new("git").args(["ls-files", "-z"]).current_dir(root).stdin(Stdio::null()).output();
    if let Ok(output) = listed {
        if output.status.success() && root.join(".git").exists() {
            let names = String::from_utf8_lossy(&output.stdout).into_owned();
            let names = names.split('\0').filter(|name| !name.is_empty()).map(PathBuf::from);
            return Ok(names.filter(|name| root.join(name).is_file()).collect());
        }
    }
    let mut files = Vec::new();
    walk(root, Path::new(""), &mut files)?;
    Ok(files)
}

fn walk(root: &Path, below: &Path, files: &mut Vec<PathBuf>) -> Result<(), Problem> {
    const BUILT: [&str; 4] = [".git", "target", "labs", "vendor"];
    for entry in fs::read_dir(root.join(below))? {
        let entry = entry?;
        let path = below.join(entry.file_name());
        if !entry.file_type()?.is_dir() {
            files.push(path);
        } else if !BUILT.iter().any(|built| entry.file_name() == *built) {
            walk(root, &path, files)?;
        }
    }
    Ok(())
}

/// `cargo vendor` prints what a configuration must say to use what it wrote, unless it is told to be quiet.
fn vendor(folder: &Path) -> Result<(), Problem> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output =
        Command::new(cargo).args(["vendor", "--locked", "vendor"]).current_dir(folder).stdin(Stdio::null()).output()?;
    let configured = String::from_utf8_lossy(&output.stdout).contains("[source.");
    if !output.status.success() || !configured {
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
        return Err("cargo vendor did not succeed: it needs a network once".into());
    }
    let configuration = folder.join(".cargo").join("config.toml");
    let mut file = fs::OpenOptions::new().append(true).open(configuration)?;
    file.write_all(b"\n# Everything is in vendor/: no network is needed.\n")?;
    Ok(file.write_all(&output.stdout)?)
}
