//! Compiling each program once, and checking many at the same time.

use lab::holes::Language;
use lab::program::Recipe;
use lab::source;
use libtest_mimic::Failed;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock};

/// Checks at the same time. Each waits most of its time, and a processor for each would sleep.
const AT_ONCE: usize = 16;

/// Runs `check` with the seeds 1 to `seeds`, several at once over all tests together. The first failure is the answer.
///
/// A student's check has a machine to itself, and these have not: where it went wrong with one seed or two, these are asked
/// again alone. It is said, and what the crowd has to answer for must stay rare.
pub fn in_parallel(seeds: u64, check: impl Fn(u64) -> Result<(), Failed> + Sync) -> Result<(), Failed> {
    let results: Vec<Result<(), Failed>> = std::thread::scope(|scope| {
        let check = &check;
        let start = |seed| {
            scope.spawn(move || {
                let _permit = Permit::take();
                let _beside_others = MACHINE.read().unwrap_or_else(PoisonError::into_inner);
                check(seed)
            })
        };
        let running: Vec<_> = (1..=seeds).map(start).collect();
        running.into_iter().map(|thread| thread.join().unwrap_or_else(|_| Err("the check panicked".into()))).collect()
    });
    let failed: Vec<(u64, Failed)> =
        (1..=seeds).zip(results).filter_map(|(seed, result)| Some((seed, result.err()?))).collect();
    match &failed[..] {
        [(_, first), _, _, ..] => Err(format!("{} of {seeds} seeds: {}", failed.len(), told(first)).into()),
        few => few.iter().try_for_each(|(seed, failure)| alone(*seed, failure, &check)),
    }
}

/// So many in a whole proof, of some seven thousand, may be the crowd's doing.
const ASKED_AGAIN: usize = 8;

static MACHINE: RwLock<()> = RwLock::new(());

fn alone(seed: u64, failure: &Failed, check: impl Fn(u64) -> Result<(), Failed>) -> Result<(), Failed> {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let _alone = MACHINE.write().unwrap_or_else(PoisonError::into_inner);
    let before = ASKED.fetch_add(1, Ordering::Relaxed);
    eprintln!("# asked again, alone: {}", told(failure));
    if before >= ASKED_AGAIN {
        return Err(format!("too many had to be asked again: {}", told(failure)).into());
    }
    check(seed)
}

fn told(failure: &Failed) -> &str {
    failure.message().unwrap_or_default()
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
