//! Is the book whole, do its links lead somewhere, and does it need nobody's network?

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod making;

use book::chapters::{Entry, chapters};
use lab::catalogue::Catalogue;
use lab::units::UNITS;
use making::{made, pages};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn each_unit_and_each_mistake_has_its_pages_in_order() {
    let made = made("whole");
    let chapters = chapters().unwrap();
    let paths: Vec<&str> = chapters.pages().map(|page| page.path.as_str()).collect();
    let mut expected = vec!["index.md".to_owned()];
    for unit in UNITS {
        if unit.folder().join("unit.md").is_file() {
            expected.push(format!("units/{}/unit.md", unit.label()));
        }
    }
    assert_eq!(paths[..expected.len()], expected);
    for mistake in Catalogue::load().unwrap().iter() {
        assert!(paths.contains(&format!("mistakes/{}.md", mistake.slug).as_str()), "{}", mistake.slug);
    }
    for path in &paths {
        assert!(made.join(path).with_extension("html").is_file(), "{path} was not made");
    }
    let parts = chapters.entries.iter().filter(|entry| matches!(entry, Entry::Part(_))).count();
    assert_eq!(parts, 3, "units, what one looks up, the lecturer's");
}

#[test]
fn a_mistakes_page_has_its_program_and_the_command_that_shows_it() {
    // A mistake that unit 4 alone has.
    let page = text(&made("whole").join("mistakes/heard-by-its-sender.html"));
    for part in [
        "cargo lab check 4 --seed 1 -- wrong/heard-by-its-sender\n",
        "+        let _ = (other, stream.write_all(&amp;told));",
        "-        if *other != number {",
    ] {
        assert!(page.contains(part), "{part:?} is missing");
    }
}

#[test]
fn the_page_for_paper_has_every_chapter() {
    let paper = text(&made("whole").join("print.html"));
    for page in chapters().unwrap().pages() {
        let heading = page.text.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or(&page.title);
        let plain: String = heading.chars().take_while(|c| c.is_alphanumeric() || *c == ' ').collect();
        assert!(paper.contains(plain.trim()), "{heading:?} is not in print.html");
    }
}

/// In the table of contents a reader sees titles; by the files' names the mistakes stood in no order at all.
#[test]
fn the_mistakes_stand_in_the_order_of_the_units_that_meet_them() {
    let chapters = chapters().unwrap();
    let overview = chapters.pages().find(|page| page.path == "mistakes/index.md").unwrap();
    let told: Vec<&str> = overview
        .text
        .lines()
        .filter_map(|line| line.strip_prefix("| [")?.split_once("](")?.1.split_once(") |").map(|(file, _)| file))
        .collect();
    let stand: Vec<&str> = chapters
        .pages()
        .filter_map(|page| page.path.strip_prefix("mistakes/"))
        .filter(|file| *file != "index.md")
        .collect();
    assert_eq!(stand.len(), Catalogue::load().unwrap().iter().count());
    assert_eq!(stand, told);
}

/// What only the maker of the book understands is not for its readers.
#[test]
fn no_page_shows_the_marks_of_what_is_included() {
    for path in pages(made("whole")) {
        let page = text(&path);
        for mark in ["ANCHOR: ", "ANCHOR_END: ", "{{#include"] {
            assert!(!page.contains(mark), "{} shows {mark:?}", path.display());
        }
    }
}

/// What a page asks for or leads to, by its attributes.
fn attributes(page: &str, name: &str) -> Vec<String> {
    let mark = format!(" {name}=\"");
    page.match_indices(&mark)
        .filter_map(|(index, _)| {
            let value = &page[index + mark.len()..];
            value.find('"').map(|end| value[..end].replace("&amp;", "&"))
        })
        .collect()
}

fn is_external(says: &str) -> bool {
    ["http:", "https:", "mailto:", "data:", "javascript:"].iter().any(|scheme| says.starts_with(scheme))
}

#[test]
fn every_link_leads_to_a_file_and_every_fragment_to_an_element() {
    let pages = pages(made("whole"));
    let texts: BTreeMap<PathBuf, String> = pages.iter().map(|path| (path.clone(), text(path))).collect();
    let elements: BTreeMap<&PathBuf, BTreeSet<String>> =
        texts.iter().map(|(path, page)| (path, attributes(page, "id").into_iter().collect())).collect();
    let (mut wrong, mut looked_at) = (Vec::new(), 0);
    for (path, page) in &texts {
        let is_slides = path.parent().is_some_and(|folder| folder.ends_with("slides"));
        for says in attributes(page, "href").into_iter().chain(attributes(page, "src")) {
            if is_external(&says) {
                continue;
            }
            looked_at += 1;
            let (file, fragment) = says.split_at(says.find('#').unwrap_or(says.len()));
            let to = if file.is_empty() { path.clone() } else { path.parent().unwrap().join(file) };
            let Ok(to) = to.canonicalize() else {
                wrong.push(format!("{}: {says} leads to nothing", path.display()));
                continue;
            };
            let fragment = fragment.trim_start_matches('#');
            let there =
                to.is_file() && elements.get(&to).is_none_or(|there| fragment.is_empty() || there.contains(fragment));
            if !there && !is_slides {
                wrong.push(format!("{}: {says} leads to no file, or to no element of it", path.display()));
            }
        }
    }
    assert!(looked_at > 1000, "only {looked_at} links were looked at");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Fonts, styles, scripts, pictures: all from beside the page. A link that a reader follows may lead out.
#[test]
fn no_page_loads_anything_from_a_network() {
    for path in pages(made("whole")) {
        let page = text(&path);
        for says in attributes(&page, "src") {
            assert!(!says.starts_with("http") && !says.starts_with("//"), "{}: {says}", path.display());
        }
        for tag in page.match_indices("<link ").map(|(index, _)| page[index..].split('>').next().unwrap_or_default()) {
            assert!(!tag.contains("http"), "{}: {tag}", path.display());
        }
    }
}

#[test]
fn slides_are_one_file_each_that_needs_no_other() {
    let slides = book::slides::all().unwrap();
    let with = UNITS.iter().filter(|unit| unit.folder().join("slides.md").is_file()).count();
    assert_eq!(slides.len(), with);
    for (path, page) in slides {
        assert!(!page.contains("<link ") && !page.contains("@import"), "{path}");
        for says in attributes(&page, "src") {
            assert!(says.starts_with("data:"), "{path}: {says}");
        }
        assert!(page.matches("<section>").count() > 3, "{path} has hardly a slide");
        assert!(text(&made("whole").join("print.html")).contains(&path), "no page leads to {path}");
    }
}
