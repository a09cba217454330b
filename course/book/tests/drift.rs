//! Does the book still show what the programs say, and the source what the book says of it?
//!
//! What is wrong here is put right by `cargo book refresh`, or by putting the program right.

#![allow(clippy::unwrap_used, clippy::expect_used)]

use book::{includes, outputs, places, tour};
use std::collections::BTreeSet;

#[test]
fn every_output_and_every_question_is_what_it_is_today() {
    for (name, text) in outputs::refreshed().unwrap() {
        let kept = places::read(&name).unwrap();
        let differs = kept.lines().zip(text.lines()).find(|(kept, made)| kept != made);
        assert!(
            kept == text,
            "{name} has drifted, first here:\n  it says  {:?}\n  it is    {:?}\nRun `cargo book refresh` and read what has changed.",
            differs.map(|(kept, _)| kept),
            differs.map(|(_, made)| made)
        );
    }
}

#[test]
fn the_tour_visits_each_file_of_the_source_once() {
    let visited = tour::visited().unwrap();
    let once: BTreeSet<&String> = visited.iter().collect();
    assert_eq!(once.len(), visited.len(), "a file is visited twice");
    let there = places::files_below("src").unwrap();
    let there: BTreeSet<&String> = there.iter().filter(|file| file.ends_with(".rs")).collect();
    let missing: Vec<_> = there.difference(&once).collect();
    assert!(missing.is_empty(), "{} does not visit {missing:?}", tour::TOUR);
    let gone: Vec<_> = once.difference(&there).collect();
    assert!(gone.is_empty(), "{} visits what is gone: {gone:?}", tour::TOUR);
}

/// A file with a question each, or a sentence: the first of its head.
#[test]
fn a_question_is_the_first_sentence_of_the_head() {
    assert_eq!(tour::question("src/framing.rs").unwrap(), "Where does one message end and the next begin?");
    assert!(tour::question("src/lib.rs").unwrap().starts_with("Sockets and WebSockets by hand"));
    assert!(tour::question("README.md").is_err());
}

/// The texts of units: what is Rust in them was compiled. Either it is included, or it stands so in a program of the unit, in
/// the source or in an example. A sketch says that it is one: `rust,ignore`.
#[test]
fn every_snippet_of_rust_is_compiled_code() {
    let mut compiled = String::new();
    for folder in ["src", "examples", "course/units", "course/tests/general"] {
        for file in places::files_below(folder).unwrap().iter().filter(|file| file.ends_with(".rs")) {
            compiled += &squeezed(&places::read(file).unwrap());
        }
    }
    let mut typed = Vec::new();
    for name in places::files_below("course/units").unwrap().iter().filter(|name| name.ends_with(".md")) {
        let text = places::read(name).unwrap();
        includes::expanded(name, &text).unwrap();
        for snippet in text.split("\n```rust\n").skip(1).filter_map(|rest| rest.split("\n```").next()) {
            if !snippet.contains("{{#include ") && !compiled.contains(&squeezed(snippet)) {
                typed.push(format!("{name}:\n{snippet}"));
            }
        }
    }
    let advice = "is in no compiled file: include it by an anchor, or call the fence ```rust,ignore if it is a sketch";
    assert!(typed.is_empty(), "{} {advice}", typed.join("\n\n"));
}

/// However it is indented.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ") + " "
}
