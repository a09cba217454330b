//! How does one file of source become a program?
//!
//! By the compiler of its language alone, without a package around it: a lab of units 1 to 10 is one file of std::net.
//! What was compiled once is found again by its content, so that the tests, the book and a lecturer's demonstration wait
//! for a compiler only after a change.
//!
//! # In production
//!
//! A build tool knows what a program depends on. Here it depends on one file and on the compiler's version.

use std::collections::hash_map::DefaultHasher;
use std::ffi::OsStr;
use std::hash::{Hash, Hasher};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::{fs, io};

use crate::catalogue;
use crate::holes::Language;
use crate::program::Recipe;

/// What came of it: how to run the program, or what the compiler complained of.
pub type Compiled = Result<Recipe, String>;

/// The language of a file, by its ending.
pub fn language(file: &Path) -> Option<Language> {
    match file.extension().and_then(OsStr::to_str)? {
        "rs" => Some(Language::Rust),
        "py" => Some(Language::Python),
        "c" => Some(Language::C),
        _ => None,
    }
}

/// Below `target/`, where git looks at nothing and `cargo clean` takes it away.
pub fn cache() -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
    target.unwrap_or_else(|| catalogue::course().with_file_name("target")).join("lab")
}

/// Compiles the file, or finds what was compiled before.
///
/// # Errors
///
/// It cannot be read, the cache cannot be written, or there is no compiler. That it does not compile is no error here.
pub fn compile_file(file: &Path) -> io::Result<Compiled> {
    let language = language(file).ok_or_else(|| io::Error::other(format!("{}: no .rs, .c or .py", file.display())))?;
    let text = fs::read_to_string(file).map_err(|error| io::Error::other(format!("{}: {error}", file.display())))?;
    compile(language, &text, &file.file_stem().unwrap_or_default().to_string_lossy())
}

/// The same for a text; its complaints and its panics call it `name`.
pub fn compile(language: Language, text: &str, name: &str) -> io::Result<Compiled> {
    let (compiler, extension): (&[&str], &str) = match language {
        Language::Rust => (
            &["rustc", "--edition", "2024", "--crate-name", "program", "-C", "debuginfo=0", "--cap-lints", "allow"],
            "rs",
        ),
        Language::C => (&["cc", "-std=c11", "-D_GNU_SOURCE", "-Wall", "-pthread"], "c"),
        Language::Python => (&["python3"], "py"),
    };
    let version = version(compiler[0])?;
    let mut hasher = DefaultHasher::new();
    (text, compiler, &version).hash(&mut hasher);
    let folder = cache().join(format!("{name}-{:016x}", hasher.finish()));
    let (source, program) = (folder.join(format!("{name}.{extension}")), folder.join("program"));
    fs::create_dir_all(&folder)?;
    if language == Language::Python {
        whole(&source, |fresh| fs::write(fresh, text))?;
        let interpreter = OsStr::new(version.trim_end());
        return Ok(Ok(Recipe::new([interpreter, source.as_os_str(), "{port}".as_ref()])));
    }
    if !program.exists() {
        whole(&source, |fresh| fs::write(fresh, text))?;
        let mut complaint = None;
        whole(&program, |fresh| {
            // In its folder, by its name alone: what a panic says does not depend on where the checkout lies.
            let mut command = Command::new(compiler[0]);
            command.args(&compiler[1..]).arg("-o").arg(fresh).arg(source.file_name().unwrap_or_default());
            let output = command.current_dir(&folder).stdin(Stdio::null()).output()?;
            if !output.status.success() {
                complaint = Some(String::from_utf8_lossy(&output.stderr).into_owned());
            }
            Ok(())
        })?;
        if let Some(complaint) = complaint {
            return Ok(Err(complaint));
        }
    }
    Ok(Ok(Recipe::new([program.as_os_str(), "{port}".as_ref()])))
}

/// Made under another name and renamed: what was interrupted is not found again, and two who make it do not meet.
fn whole(file: &Path, make: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let fresh = file.with_extension(format!("{}-{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed)));
    make(&fresh)?;
    match fs::rename(&fresh, file) {
        // The compiler complained and wrote nothing.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Asked once for each compiler. Python says where it is: what is called `python3` may be a launcher, slower than itself.
fn version(compiler: &str) -> io::Result<String> {
    static KNOWN: Mutex<Vec<(String, String)>> = Mutex::new(Vec::new());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, version)) = known.iter().find(|(name, _)| name == compiler) {
        return Ok(version.clone());
    }
    let question: &[&str] = match compiler {
        "python3" => &["-c", "import sys; print(sys.executable)"],
        _ => &["--version"],
    };
    let output = Command::new(compiler).args(question).stdin(Stdio::null()).output();
    let output = output.map_err(|error| io::Error::other(format!("{compiler} cannot be run: {error}")))?;
    let version = String::from_utf8_lossy(&output.stdout).into_owned();
    known.push((compiler.to_owned(), version.clone()));
    Ok(version)
}
