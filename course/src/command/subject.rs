//! Which program is meant: one that was named, one file of source, or what cargo builds in the student's folder.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Problem;
use crate::program::Recipe;
use crate::progress::{self, Progress};
use crate::source;
use crate::units::Unit;

/// A program that can be run, or the compiler's complaint.
pub enum Found {
    Program(Recipe),
    DoesNotCompile(String),
}

/// # Errors
///
/// There is neither a program nor a folder.
pub fn find(unit: &Unit, folder: Option<&Path>, program: &[OsString]) -> Result<Found, Problem> {
    program_alone()?;
    if let [word] = program {
        if let Some(file) = file_of(unit, Path::new(word)) {
            return Ok(match source::compile_file(&file)? {
                Ok(recipe) => Found::Program(recipe),
                Err(complaint) => Found::DoesNotCompile(complaint),
            });
        }
    }
    if !program.is_empty() {
        return Ok(Found::Program(Recipe::new(program)));
    }
    let folder = folder_of(unit, folder);
    if !folder.join("Cargo.toml").is_file() {
        return Err(format!(
            "there is no program in {}: `cargo lab start {n}` writes a starter, and `cargo lab check {n} -- COMMAND {{port}}` \
             takes a program of any language",
            folder.display(),
            n = unit.number
        )
        .into());
    }
    build(unit, &folder)
}

/// This process builds, then runs, one after the other. Once is enough, and a second time is refused.
fn program_alone() -> Result<(), Problem> {
    static DONE: std::sync::Once = std::sync::Once::new();
    let mut result = Ok(());
    DONE.call_once(|| result = crate::program::sole());
    Ok(result?)
}

/// A file of source, here or among those of the unit: `wrong/unbounded-line` is one of them.
fn file_of(unit: &Unit, word: &Path) -> Option<PathBuf> {
    let of_the_unit = unit.folder().join(word);
    let candidates = [word.to_path_buf(), of_the_unit.clone(), of_the_unit.with_extension("rs")];
    candidates.into_iter().find(|file| source::language(file).is_some() && file.is_file())
}

/// The one that was named, or that `start` wrote, or where it would write. Seen from the root: cargo is started in it, and
/// what is seen from here is somewhere else from there.
pub fn folder_of(unit: &Unit, named: Option<&Path>) -> PathBuf {
    let folder = match named {
        Some(folder) => folder.to_path_buf(),
        None => Progress::load().unit(unit.number).folder.unwrap_or_else(|| progress::labs().join(unit.label())),
    };
    std::path::absolute(&folder).unwrap_or(folder)
}

fn build(unit: &Unit, folder: &Path) -> Result<Found, Problem> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let target = folder.join("target");
    let built = Command::new(cargo)
        .args(["build", "--quiet", "--offline", "--target-dir"])
        .arg(&target)
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cargo could not be started: {error}"))?;
    let said = String::from_utf8_lossy(&built.stderr).into_owned();
    if !built.status.success() {
        return Ok(Found::DoesNotCompile(said));
    }
    // A warning is the compiler's hint; it does not fail a check. Of what only the holes would use it warns a page long,
    // and that is no hint.
    let source = std::fs::read_to_string(folder.join("src/main.rs")).unwrap_or_default();
    if !source.contains("todo!(\"hole ") {
        eprint!("{said}");
    }
    let program = target.join("debug").join(format!("{}{}", unit.name, std::env::consts::EXE_SUFFIX));
    Ok(Found::Program(Recipe::new([program.as_os_str(), "{port}".as_ref()])))
}
