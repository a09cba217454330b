//! The tools of the other tests, tried on themselves: a test that waits for the wrong thing, or leaves a program
//! behind, says nothing about socklab.
#![allow(clippy::unwrap_used, clippy::expect_used)]

mod support;

use serde_json::json;
use std::path::Path;
use support::page::Page;
use support::webdriver::{Browser, Theme, key};
use support::{Program, empty_folder};

#[cfg(target_os = "linux")]
#[test]
fn a_program_dies_with_its_test() {
    use std::process::Command;
    use support::with;
    let alive = |id: &str| Path::new("/proc").join(id).exists();

    let sleeper = || with(Command::new("sh"), ["-c", "echo $$; exec sleep 1000"]);
    let mut program = Program::start("sleeper", sleeper());
    let id = program.line();
    assert!(alive(&id));
    drop(program);
    assert!(!alive(&id), "it was reaped");

    // One that starts others takes them with it. Its child is not ours to reap: until init does, it is a zombie.
    let family = with(Command::new("sh"), ["-c", "sleep 1000 & echo $!; wait"]);
    let mut program = Program::start_group("family", family);
    let child = program.line();
    assert!(alive(&child));
    drop(program);
    let deadline = std::time::Instant::now() + support::SOON;
    let state = || std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
    while !state().is_empty() && !state().contains(") Z ") {
        assert!(std::time::Instant::now() < deadline, "the child goes on: {}", state());
        std::thread::yield_now();
    }
}

#[cfg(unix)]
#[test]
#[should_panic(expected = "has not ended within")]
fn a_wait_has_an_end() {
    let sleeper = support::with(std::process::Command::new("sleep"), ["1000"]);
    Program::start("sleeper", sleeper).finish(std::time::Duration::from_millis(50));
}

const PAGE: &str = "<!doctype html><html lang=en><meta charset=utf-8><meta name=color-scheme content='light dark'>
<title>harness</title>
<body style='height: 3000px; margin: 0'>
<input id=name value=old> <button id=greet onclick='greet()'>Greet</button> <p id=said></p>
<script>
    function greet() { setTimeout(() => said.textContent = 'Hello, ' + document.getElementById('name').value, 100); }
</script>";

#[test]
#[ignore = "needs Chromium and its driver: .ci/run installs them"]
fn a_browser_does_what_one_does() {
    let page = Page::serve(PAGE);
    let shots = empty_folder("harness");
    let browser = Browser::open();
    browser.viewport(1000, 600);
    browser.visit(&page.url());
    assert_eq!(browser.run("return [innerWidth, innerHeight, document.title]"), json!([1000, 600, "harness"]));

    browser.type_into("#name", "Zoë");
    browser.click("#greet");
    browser.wait_until("the greeting", "said.textContent");
    assert_eq!(browser.text("#said"), "Hello, Zoë");

    // With the keyboard alone: from the field to the button, and back.
    browser.click("#name");
    browser.press(&[key::TAB]);
    assert_eq!(browser.run("return document.activeElement.id"), "greet");
    browser.run("said.textContent = ''");
    browser.press(&[key::ENTER]);
    browser.wait_until("the greeting", "said.textContent === 'Hello, Zoë'");
    browser.press(&[key::SHIFT, key::TAB]);
    assert_eq!(browser.run("return document.activeElement.id"), "name");

    let is_dark = "return matchMedia('(prefers-color-scheme: dark)').matches";
    for (theme, dark) in [(Theme::Dark, true), (Theme::Light, false)] {
        browser.theme(theme);
        assert_eq!(browser.run(is_dark), dark);
        browser.screenshot(&shots.join(format!("{theme:?}.png")));
    }
    browser.screenshot_of_page(&shots.join("page.png"));
    assert_eq!(size_of_png(&shots.join("Dark.png")), (1000, 600));
    assert_eq!(size_of_png(&shots.join("page.png")), (1000, 3000));

    let first = browser.tab();
    let second = browser.new_tab();
    assert_eq!(browser.tab(), second);
    browser.visit(&page.url());
    browser.run("document.title = 'second'");
    browser.switch_to(&first);
    assert_eq!(browser.run("return document.title"), "harness");
    browser.switch_to(&second);
    assert_eq!(browser.run("return document.title"), "second");
    browser.close_tab();
    browser.switch_to(&first);

    assert_eq!(browser.errors(), Vec::<String>::new());
    browser.run("setTimeout(() => { throw new Error('on purpose') })");
    browser.run("return new Promise((done) => setTimeout(done, 50))");
    let errors = browser.errors();
    assert!(errors.len() == 1 && errors[0].contains("on purpose"), "{errors:?}");
}

#[test]
#[ignore = "needs Chromium and its driver: .ci/run installs them"]
#[should_panic(expected = "not within 300ms: a miracle")]
fn a_browser_does_not_wait_for_ever() {
    let page = Page::serve(PAGE);
    let browser = Browser::open();
    browser.visit(&page.url());
    browser.wait_within(std::time::Duration::from_millis(300), "a miracle", "document.title === 'miracle'");
}

/// Width and height stand behind the signature and the head of the first chunk.
fn size_of_png(file: &Path) -> (u32, u32) {
    let bytes = std::fs::read(file).unwrap();
    assert_eq!(&bytes[..8], b"\x89PNG\r\n\x1a\n");
    let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}
