//! Do build servers and Gradescope understand what is written for them?
//!
//! Asked of programs that nobody here wrote: lxml with the schema of Jenkins' xunit plugin, fastjsonschema with the form
//! that Gradescope documents, and gslocal, which runs Gradescope's autograders on one's own machine.
//!
//!     tests/peers/install.sh target/peers
//!     SOCKLAB_PEERS=$PWD/target/peers cargo test -p lab --test forms -- --ignored

use lab::catalogue::{Catalogue, course};
use lab::output::{gradescope, junit};
use lab::program::Recipe;
use lab::report::Report;
use lab::run::{Options, check, not_built};
use lab::units::{UNITS, Unit};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A run that passes, one that fails in many ways, one that was not built, and a complaint that no XML can hold.
fn reports() -> Vec<Report> {
    let catalogue = Catalogue::load().unwrap();
    let unit = UNITS.iter().find(|unit| unit.number == 4).unwrap();
    let run = |file: &str| {
        let recipe = lab::source::compile_file(&unit.folder().join(file)).unwrap().unwrap();
        graded(unit, &recipe, &catalogue)
    };
    let mut complains = not_built(unit, &catalogue, 1, "escape \u{1b}[31m, null \0, <tag> & ]]> \u{fffe}".to_owned());
    complains.answers[1].name = "\"quotes\" <and> & \u{e4}\u{1f980}".to_owned();
    vec![run("solution.rs"), run("wrong/one-read-is-one-message.rs"), complains]
}

fn graded(unit: &Unit, recipe: &Recipe, catalogue: &Catalogue) -> Report {
    check(unit, recipe, catalogue, &Options { all: true, ..Options::seed(1) }, |_, _| ())
}

fn read_by_others(form: &str, name: &str, text: &str) -> Output {
    let peers = std::env::var_os("SOCKLAB_PEERS").map(PathBuf::from);
    let peers = peers.expect("SOCKLAB_PEERS names no folder: run tests/peers/install.sh target/peers");
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::write(&file, text).unwrap();
    let mut python = Command::new(peers.join("python/bin/python"));
    python.arg(course().join("tests/forms/validate.py")).arg(form).arg(file).output().expect("the peers' Python runs")
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
#[ignore = "needs Python with lxml: tests/peers/install.sh"]
fn junit_is_what_jenkins_publishes() {
    let text = junit::text(&reports()).unwrap();
    let output = read_by_others("junit", "junit.xml", &text);
    assert!(output.status.success(), "{}\n{text}", said(&output));
    for (right, wrong) in
        [("failures=", "failed="), ("<skipped/>", "<left-out/>"), ("<testcase name", "<testcase called")]
    {
        assert!(text.contains(right), "{right}");
        let output = read_by_others("junit", "junit-wrong.xml", &text.replace(right, wrong));
        assert!(!output.status.success(), "{wrong} was accepted");
    }
}

#[test]
#[ignore = "needs Python with fastjsonschema and gslocal: tests/peers/install.sh"]
fn gradescope_is_what_gradescope_documents() {
    let reports = reports();
    let text = gradescope::text(&reports);
    let output = read_by_others("gradescope", "results.json", &text);
    assert!(output.status.success(), "{}\n{text}", said(&output));
    let points: u32 = reports.iter().map(|report| report.points).sum();
    let out_of: u32 = reports.iter().map(|report| report.out_of).sum();
    let understood = format!("{points}.00 / {out_of}.00");
    assert!(said(&output).contains(&understood), "{understood}, but gslocal understood:\n{}", said(&output));
    for (right, wrong) in [("\"passed\"", "\"maybe\""), ("after_published", "never"), ("\"max_score\"", "\"out_of\"")] {
        assert!(text.contains(right), "{right}");
        let output = read_by_others("gradescope", "results-wrong.json", &text.replace(right, wrong));
        assert!(!output.status.success(), "{wrong} was accepted");
    }
}
