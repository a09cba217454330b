//! Do the two scripts that Gradescope runs do what the lecturer's page says of them?
//!
//! They are run here as there, with `/autograder` elsewhere. The runner is the one that was built with
//! this test; what `setup.sh` installs is not tried, for on this machine it is there.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used)]

use lab::catalogue::course;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What Gradescope has laid out, in a folder of this test.
struct Autograder(PathBuf);

impl Autograder {
    fn for_unit(unit: u8, name: &str) -> Self {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("autograder-{name}"));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(folder.join("source")).unwrap();
        fs::create_dir_all(folder.join("submission")).unwrap();
        std::os::unix::fs::symlink(course().join(".."), folder.join("source/socklab")).unwrap();
        fs::write(folder.join("source/unit"), format!("{unit}\n")).unwrap();
        Self(folder)
    }

    fn hand_in(&self, name: &str, text: &str) {
        let file = self.0.join("submission").join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    fn run(&self, script: &str) -> String {
        let script = course().join("gradescope").join(script);
        let output = Command::new("bash")
            .arg(script)
            .env("AUTOGRADER", &self.0)
            .env("LAB", env!("CARGO_BIN_EXE_lab"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{said}");
        said
    }

    fn results(&self) -> Value {
        let said = self.run("run_autograder");
        let text =
            fs::read_to_string(self.0.join("results/results.json")).unwrap_or_else(|error| panic!("{error}\n{said}"));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }
}

fn of_unit_4(file: &str) -> String {
    fs::read_to_string(course().join("units/04-line-chat").join(file)).unwrap()
}

/// The points of unit 4.
fn all() -> u64 {
    u64::from(lab::units::Unit::find(4).unwrap().points())
}

#[test]
fn the_machine_is_prepared() {
    let said = Autograder::for_unit(4, "setup").run("setup.sh");
    assert!(said.contains("This machine is ready"), "{said}");
}

#[test]
fn the_solution_gets_all_points() {
    let autograder = Autograder::for_unit(4, "solution");
    autograder.hand_in("main.rs", &of_unit_4("solution.rs"));
    let results = autograder.results();
    assert_eq!(results["score"], all(), "{results:#}");
}

#[test]
fn a_wrong_program_gets_points_for_what_it_does_and_a_name_for_what_it_does_not() {
    let autograder = Autograder::for_unit(4, "wrong");
    autograder.hand_in("src/main.rs", &of_unit_4("wrong/carriage-return-kept.rs"));
    let results = autograder.results();
    let score = results["score"].as_u64().unwrap();
    assert!(0 < score && score < all(), "{results:#}");
    let tests = results["tests"].as_array().unwrap();
    let failed = tests.iter().find(|test| test["status"] == "failed").unwrap();
    assert!(failed["output"].as_str().unwrap().contains("carriage-return-kept"), "{failed:#}");
}

#[test]
fn what_cannot_be_checked_gets_results_all_the_same() {
    for (name, text, says) in [
        ("main.rs", "fn main( {", "program-does-not-compile"),
        ("server.c", "int main(", "does not compile"),
        ("notes.txt", "", "There is no program here"),
    ] {
        let autograder = Autograder::for_unit(4, name);
        autograder.hand_in(name, text);
        let results = autograder.results();
        assert_eq!(results["score"], 0, "{results:#}");
        assert!(results.to_string().contains(says), "{name}: {results:#}");
    }
}

/// A Cargo.toml would bring a build script along, which runs while the results are written.
#[test]
fn a_build_script_that_was_handed_in_is_not_run() {
    let autograder = Autograder::for_unit(4, "build-script");
    let trace = autograder.0.join("it-ran");
    autograder.hand_in("src/main.rs", "fn main() {}");
    autograder.hand_in("build.rs", &format!("fn main() {{ std::fs::write({trace:?}, \"\").unwrap() }}"));
    autograder.hand_in("Cargo.toml", "[package]\nname = \"line-chat\"\nversion = \"0.1.0\"\nedition = \"2024\"\n");
    let results = autograder.results();
    assert_eq!(results["score"], 0, "{results:#}");
    assert!(!trace.exists());
}
