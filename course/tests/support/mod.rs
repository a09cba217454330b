//! Compiling each program once, and checking many at the same time.

use lab::holes::Language;
use lab::program::Recipe;
use lab::source;
use libtest_mimic::Failed;
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

/// Checks at the same time. Each waits most of its time, and a processor for each would sleep.
const AT_ONCE: usize = 16;

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

/// A program that runs, from its text.
pub fn compiled(language: Language, text: &str, name: &str) -> Result<Recipe, Failed> {
    // Two tests may want the same program: the second waits for the first.
    let turn = Arc::clone(TURNS.lock().unwrap_or_else(PoisonError::into_inner).entry(text.to_owned()).or_default());
    let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
    let _permit = Permit::take();
    source::compile(language, text, name)?.map_err(|complaint| format!("{name} does not compile:\n{complaint}").into())
}

static TURNS: Mutex<BTreeMap<String, Arc<Mutex<()>>>> = Mutex::new(BTreeMap::new());
