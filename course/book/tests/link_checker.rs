//! What does a link checker say that nobody here wrote?
//!
//!     SOCKLAB_PEERS=$PWD/target/peers cargo test -p book --test link_checker -- --ignored

#![allow(clippy::unwrap_used, clippy::expect_used)]

#[path = "../../../tests/support/mod.rs"]
mod browsing;
mod making;

use making::made;
use std::fs;
use std::path::Path;

/// What it has printed, and whether it found nothing wrong.
fn says(page: &Path) -> (bool, String) {
    let output = browsing::with(browsing::python("link_checker.py"), [page]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    (output.status.success(), text)
}

#[test]
#[ignore = "needs the link checker: tests/peers/install.sh installs it"]
fn it_finds_nothing_wrong_in_the_book_and_the_slides() {
    let made = made("checked");
    let (well, text) = says(&made.join("index.html"));
    assert!(well, "{text}");
    // "That's it. 464 links in 464 URLs checked. 0 warnings found. 0 errors found."
    let checked = text.lines().find(|line| line.starts_with("That's it.")).unwrap_or_else(|| panic!("{text}"));
    let numbers: Vec<u32> = checked.split(' ').filter_map(|word| word.parse().ok()).collect();
    assert!(numbers[0] > 300 && checked.contains("0 warnings found. 0 errors found."), "{checked}");
}

/// It would find it: a page that leads to what is not there.
#[test]
#[ignore = "needs the link checker: tests/peers/install.sh installs it"]
fn it_finds_a_link_and_an_anchor_that_lead_to_nothing() {
    let folder = browsing::empty_folder("link-checker");
    fs::write(folder.join("other.html"), "<p id=\"here\">other</p>").unwrap();
    for (link, found) in [("other.html#here", true), ("other.html#there", false), ("another.html", false)] {
        fs::write(folder.join("index.html"), format!("<a href=\"{link}\">a link</a>")).unwrap();
        let (well, text) = says(&folder.join("index.html"));
        let well = well && !text.contains("not found");
        assert_eq!(well, found, "{link}: {text}");
    }
}
