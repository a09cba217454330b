//! Does every unit keep what the course promises?
//!
//! A test for each file: a new unit adds files, and no test is written for it.
//!
//!     cargo test -p lab --test proof                    all of it
//!     cargo test -p lab --test proof -- "unit 04"       one unit
//!     cargo test -p lab --test proof -- unbounded       what concerns one mistake
//!
//! For each unit: the starter compiles and fails with `hole-left-open`, and with no other diagnosis. The solution passes,
//! with 50 seeds. Each file of `wrong/` fails with the diagnosis that it is named after, with 20 seeds. (Unless
//! `LAB_ALL_SEEDS` is set, a quarter of them.) Each probe is needed: with it made content with anything, its wrong program
//! gets another diagnosis, or none. And the programs of `general/`, which are wrong in any unit, get theirs.
//!
//! `wrong/unbounded-line.rs` is the smallest wrong program of the mistake `unbounded-line`; a second one for the same
//! mistake is called `unbounded-line--by-another-way.rs`.

mod support;

use lab::catalogue::{Catalogue, course};
use lab::holes::{Language, starter};
use lab::program::Recipe;
use lab::run::{Options, check};
use lab::transcript::Sent;
use lab::units::{Role, UNITS, Unit};
use libtest_mimic::{Arguments, Failed, Trial};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use support::{compiled, in_parallel};

const SOLUTION_SEEDS: u64 = 50;
const WRONG_SEEDS: u64 = 20;

/// All of them are some seven thousand checks, a quarter of an hour: `.ci/run` asks for them. Otherwise a quarter of them.
fn seeds(all: u64) -> u64 {
    if std::env::var_os("LAB_ALL_SEEDS").is_some() { all } else { all.div_ceil(4) }
}

fn main() {
    let mut arguments = Arguments::from_args();
    // What a check does is mostly to wait; `support` bounds how many do it at once.
    arguments.test_threads = arguments.test_threads.or(Some(8));
    let mut trials = vec![Trial::test("the catalogue is whole", catalogue_is_whole)];
    for unit in UNITS {
        trials.extend(trials_of(unit));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

fn trials_of(unit: &'static Unit) -> Vec<Trial> {
    let mut trials = Vec::new();
    let name = |what: String| format!("unit {:02}: {what}", unit.number);
    trials.push(Trial::test(name("is whole".into()), move || is_whole(unit)));
    for (language, solution, wrong) in languages(unit) {
        if !solution.exists() {
            continue;
        }
        let kind = format!("{language:?}").to_lowercase();
        // Rust and a C compiler are what the README asks for; Python is a peer, and .ci/run brings it.
        let mut add = |what: String, test: Box<dyn FnOnce() -> Result<(), Failed> + Send>| {
            trials.push(Trial::test(name(what), test).with_ignored_flag(language == Language::Python));
        };
        let source = solution.clone();
        add(format!("the {kind} starter has holes"), Box::new(move || fails_at_its_holes(unit, language, &source)));
        let source = solution.clone();
        add(format!("the {kind} solution passes"), Box::new(move || passes(unit, language, &source)));
        for file in files(&wrong) {
            let slug = slug(&file);
            let (source, mistake) = (file.clone(), slug.clone());
            let told = format!("{kind}, wrong: {}", stem(&file));
            add(told, Box::new(move || fails_with(unit, language, &source, &mistake, seeds(WRONG_SEEDS))));
            if language == Language::Rust {
                let told = format!("the probe is needed: {}", stem(&file));
                add(told, Box::new(move || is_needed(unit, &file, &slug)));
            }
        }
    }
    trials.push(Trial::test(name("a seed plays the same run again".into()), move || plays_again(unit)));
    let demonstration = unit.folder().join("demonstration.rs");
    if demonstration.exists() {
        trials.push(Trial::test(name("the demonstration compiles".into()), move || {
            compiled(Language::Rust, &fs::read_to_string(&demonstration)?, "demonstration").map(drop)
        }));
    }
    let role = if unit.role == Role::Server { "server" } else { "client" };
    for folder in ["any", role] {
        for file in files(&course().join("tests/general").join(folder)) {
            let told = name(format!("general: {}", stem(&file)));
            trials.push(Trial::test(told, move || fails_with(unit, Language::Rust, &file, &slug(&file), 1)));
        }
    }
    trials
}

/// Language, solution, folder of wrong programs.
fn languages(unit: &Unit) -> [(Language, PathBuf, PathBuf); 3] {
    let folder = unit.folder();
    [
        (Language::Rust, folder.join("solution.rs"), folder.join("wrong")),
        (Language::Python, folder.join("python/solution.py"), folder.join("python/wrong")),
        (Language::C, folder.join("c/solution.c"), folder.join("c/wrong")),
    ]
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path()).collect();
    files.retain(|file| {
        file.extension().is_some_and(|extension| ["rs", "py", "c"].iter().any(|known| extension == *known))
    });
    files.sort();
    files
}

fn stem(file: &Path) -> String {
    file.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// The diagnosis that a wrong program is named after.
fn slug(file: &Path) -> String {
    stem(file).split("--").next().unwrap_or_default().to_owned()
}

// --- what must hold ---------------------------------------------------------------------------------

/// Read once, and not for each of some thousand checks.
fn catalogue() -> Result<&'static Catalogue, Failed> {
    static CATALOGUE: LazyLock<Result<Catalogue, String>> =
        LazyLock::new(|| Catalogue::load().map_err(|error| error.to_string()));
    CATALOGUE.as_ref().map_err(|error| error.clone().into())
}

fn catalogue_is_whole() -> Result<(), Failed> {
    let catalogue = catalogue()?;
    let general = ["any", "server", "client"].map(|folder| files(&course().join("tests/general").join(folder)));
    let general: Vec<String> = general.iter().flatten().map(|file| slug(file)).collect();
    for mistake in &general {
        if !catalogue.contains(mistake) {
            return Err(format!("course/mistakes/{mistake}.md is missing").into());
        }
    }
    // What the runner itself names, and no program is wrong enough to show in a test: see `named_by_the_runner`.
    let known = |slug: &str| {
        general.iter().any(|mistake| mistake == slug)
            || lab::run::named_by_the_runner().contains(&slug)
            || UNITS.iter().flat_map(|unit| unit.probes).any(|probe| probe.mistake == slug)
    };
    for slug in lab::run::named_by_the_runner() {
        if !catalogue.contains(slug) {
            return Err(format!("course/mistakes/{slug}.md is missing").into());
        }
    }
    match catalogue.iter().find(|mistake| !known(&mistake.slug)) {
        Some(orphan) => Err(format!("course/mistakes/{}.md: no probe diagnoses it", orphan.slug).into()),
        None => Ok(()),
    }
}

/// The texts are there, and each probe's mistake has its entry and its smallest wrong program.
fn is_whole(unit: &Unit) -> Result<(), Failed> {
    let catalogue = catalogue()?;
    let wrong = files(&unit.folder().join("wrong"));
    for probe in unit.probes {
        if !catalogue.contains(probe.mistake) {
            return Err(format!("course/mistakes/{}.md is missing", probe.mistake).into());
        }
        if !wrong.iter().any(|file| slug(file) == probe.mistake) {
            return Err(format!(
                "wrong/{}.rs is missing: the probe {:?} is never seen to fail",
                probe.mistake, probe.name
            )
            .into());
        }
    }
    for text in ["unit.md", "lecturer.md", "hints.md", "slides.md"] {
        if fs::read_to_string(unit.folder().join(text)).unwrap_or_default().trim().is_empty() {
            return Err(format!("{} is missing", unit.folder().join(text).display()).into());
        }
    }
    let points: u32 = unit.probes.iter().map(|probe| probe.points).sum();
    let command = format!("`cargo lab grade {}`", unit.number);
    let says_so = |line: &str| line.contains(&command) && line.split(' ').any(|word| word == points.to_string());
    if !fs::read_to_string(unit.folder().join("lecturer.md"))?.lines().any(says_so) {
        return Err(format!("lecturer.md has no line that says of {command} that it gives {points}").into());
    }
    let text = fs::read_to_string(unit.folder().join("unit.md"))?;
    for section in SECTIONS {
        if !text.lines().any(|line| line == format!("## {section}")) {
            return Err(format!("unit.md has no section {section:?}").into());
        }
    }
    Ok(())
}

/// Of `unit.md`, in this order, `Minutes:` at its head.
const SECTIONS: [&str; 6] = ["Predict", "Lesson", "Lab", "Break it and predict", "After the pass", "Stretch"];

fn fails_at_its_holes(unit: &Unit, language: Language, solution: &Path) -> Result<(), Failed> {
    let text = starter(&fs::read_to_string(solution)?, language)
        .map_err(|error| format!("{}: {error}", solution.display()))?;
    let recipe = compiled(language, &text, "starter")?;
    expect(unit, &recipe, &Options::seed(1), Some("hole-left-open"))
}

fn passes(unit: &Unit, language: Language, solution: &Path) -> Result<(), Failed> {
    let recipe = compiled(language, &fs::read_to_string(solution)?, "solution")?;
    in_parallel(seeds(SOLUTION_SEEDS), |seed| expect(unit, &recipe, &Options::seed(seed), None))
}

fn fails_with(unit: &Unit, language: Language, file: &Path, mistake: &str, seeds: u64) -> Result<(), Failed> {
    let recipe = compiled(language, &fs::read_to_string(file)?, &stem(file))?;
    in_parallel(seeds, |seed| expect(unit, &recipe, &Options::seed(seed), Some(mistake)))
}

/// The same bytes over the same connections with the same seed, and others with another.
fn plays_again(unit: &Unit) -> Result<(), Failed> {
    let recipe = compiled(Language::Rust, &fs::read_to_string(unit.folder().join("solution.rs"))?, "solution")?;
    let sent = |seed| -> Result<Vec<Vec<Sent>>, Failed> {
        let report = check(unit, &recipe, catalogue()?, &Options::seed(seed), |_, _| ());
        Ok(report.answers.iter().map(|answer| answer.transcript.all_sent()).collect())
    };
    let (first, second, other) = (sent(11)?, sent(11)?, sent(12)?);
    for (probe, (first, second)) in unit.probes.iter().zip(first.iter().zip(&second)) {
        if first != second {
            return Err(format!("{:?} sent {first:?}, and with the same seed {second:?}", probe.name).into());
        }
    }
    if first == other { Err("another seed changes nothing".into()) } else { Ok(()) }
}

/// Without this probe nothing names this mistake.
fn is_needed(unit: &Unit, file: &Path, mistake: &str) -> Result<(), Failed> {
    let recipe = compiled(Language::Rust, &fs::read_to_string(file)?, &stem(file))?;
    let index = unit.probes.iter().position(|probe| probe.mistake == mistake).ok_or("no probe has this mistake")?;
    in_parallel(1, |seed| {
        let report =
            check(unit, &recipe, catalogue()?, &Options { content: Some(index), ..Options::seed(seed) }, |_, _| ());
        match report.mistake() {
            Some(found) if found == mistake => {
                Err(format!("another probe finds {mistake} too: one of the two is not needed").into())
            }
            _ => Ok(()),
        }
    })
}

/// `None` is a pass.
fn expect(unit: &Unit, recipe: &Recipe, options: &Options, mistake: Option<&str>) -> Result<(), Failed> {
    let report = check(unit, recipe, catalogue()?, options, |_, _| ());
    if report.mistake() == mistake && report.passed == mistake.is_none() {
        return Ok(());
    }
    let told = lab::output::terminal::text(&report, unit, lab::output::terminal::Style::plain(), "");
    let expected = mistake.unwrap_or("a pass");
    Err(format!("seed {}: expected {expected}, got {}\n{told}", options.seed, report.mistake().unwrap_or("a pass"))
        .into())
}
