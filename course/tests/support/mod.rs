//! Compiling each program once, and checking many at the same time.

use lab::holes::Language;
use lab::program::Recipe;
use libtest_mimic::Failed;
use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::fs;
use std::hash::{Hash, Hasher};
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Checks at the same time. Each waits most of its time, and a processor for each would sleep.
const AT_ONCE: usize = 10;

/// Runs `check` with the seeds 1 to `seeds`, several at once over all tests together. The first failure is the answer.
pub fn in_parallel(seeds: u64, check: impl Fn(u64) -> Result<(), Failed> + Sync) -> Result<(), Failed> {
    let results: Vec<Result<(), Failed>> = std::thread::scope(|scope| {
        let check = &check;
        let start = |seed| {
            scope.spawn(move || {
                let _permit = Permit::take();
                check(seed)
            })
        };
        let running: Vec<_> = (1..=seeds).map(start).collect();
        running.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err("the check panicked".into()))).collect()
    });
    let failed = results.iter().filter(|result| result.is_err()).count();
    match results.into_iter().find_map(Result::err) {
        Some(first) => Err(format!("{failed} of {seeds} seeds: {}", first.message().unwrap_or_default()).into()),
        None => Ok(()),
    }
}

static TAKEN: Mutex<usize> = Mutex::new(0);
static GIVEN_BACK: Condvar = Condvar::new();

struct Permit;

impl Permit {
    fn take() -> Self {
        let mut taken = TAKEN.lock().unwrap_or_else(PoisonError::into_inner);
        while *taken >= AT_ONCE {
            taken = GIVEN_BACK.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
        *taken += 1;
        Self
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        *TAKEN.lock().unwrap_or_else(PoisonError::into_inner) -= 1;
        GIVEN_BACK.notify_one();
    }
}

/// A program that runs, from its text. What was compiled once, with this compiler, is found again by its content.
pub fn compiled(language: Language, text: &str, name: &str) -> Result<Recipe, Failed> {
    let (compiler, extension): (&[&str], &str) = match language {
        Language::Rust => (
            &[
                "rustc",
                "--edition",
                "2024",
                "--crate-name",
                "program",
                "-C",
                "debuginfo=0",
                "--cap-lints",
                "allow",
                "-o",
            ],
            "rs",
        ),
        Language::C => (&["cc", "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Werror", "-pthread", "-o"], "c"),
        Language::Python => (&[], "py"),
    };
    let mut hasher = DefaultHasher::new();
    (text, compiler, version(compiler)).hash(&mut hasher);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("programs");
    fs::create_dir_all(&folder)?;
    let program = folder.join(format!("{name}-{:016x}", hasher.finish()));
    let source = program.with_extension(extension);
    if language == Language::Python {
        fs::write(&source, text)?;
        return Ok(Recipe::new(["python3".as_ref(), source.as_os_str(), "{port}".as_ref()]));
    }
    // Two tests may want the same program: the second waits for the first.
    let turn = Arc::clone(TURNS.lock().unwrap_or_else(PoisonError::into_inner).entry(program.clone()).or_default());
    let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
    if !program.exists() {
        let _permit = Permit::take();
        fs::write(&source, text)?;
        // Under another name until it is whole: what was interrupted is not found again.
        let fresh = program.with_extension("new");
        let output = Command::new(compiler[0]).args(&compiler[1..]).arg(&fresh).arg(&source).output()?;
        if !output.status.success() {
            return Err(format!("{name} does not compile:\n{}", String::from_utf8_lossy(&output.stderr)).into());
        }
        fs::rename(fresh, &program)?;
    }
    Ok(Recipe::new([program.as_os_str(), "{port}".as_ref()]))
}

static TURNS: Mutex<BTreeMap<PathBuf, Arc<Mutex<()>>>> = Mutex::new(BTreeMap::new());

fn version(compiler: &[&str]) -> Vec<u8> {
    let Some(name) = compiler.first() else { return Vec::new() };
    Command::new(name).arg("--version").output().map(|output| output.stdout).unwrap_or_default()
}
