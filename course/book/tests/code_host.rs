//! Do the texts read well where they lie, on a code host, without being made into a book?

#![allow(clippy::unwrap_used, clippy::expect_used)]

use book::{links, places};
use pulldown_cmark::{Event, Parser, Tag, TagEnd};
use std::collections::BTreeSet;

fn texts() -> Vec<String> {
    let mut texts: Vec<String> =
        places::files_below("course").unwrap().into_iter().filter(|name| name.ends_with(".md")).collect();
    texts.push("README.md".to_owned());
    texts
}

/// The fragments that a code host gives to headings: small letters and digits, `-` for each space, and a number behind the
/// second of the same name.
fn headings(text: &str) -> BTreeSet<String> {
    let (mut headings, mut words) = (BTreeSet::new(), None::<String>);
    for event in Parser::new_ext(text, links::dialect()) {
        match event {
            Event::Start(Tag::Heading { .. }) => words = Some(String::new()),
            Event::Text(part) | Event::Code(part) => words.iter_mut().for_each(|words| *words += &part),
            Event::End(TagEnd::Heading(_)) => {
                let kept = words.take().unwrap_or_default().to_lowercase();
                let kept: String = kept.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect();
                let slug = kept.replace(' ', "-");
                let again = (1..).map(|count| format!("{slug}-{count}")).find(|slug| !headings.contains(slug));
                let slug = if headings.contains(&slug) { again.unwrap_or_default() } else { slug };
                headings.insert(slug);
            }
            _ => {}
        }
    }
    headings
}

#[test]
fn every_relative_link_leads_to_a_file_and_every_fragment_to_a_heading() {
    let (mut wrong, mut looked_at) = (Vec::new(), 0);
    for name in texts() {
        let text = places::read(&name).unwrap();
        for says in links::destinations(&text).unwrap_or_else(|problem| panic!("{name}: {problem}")) {
            if links::is_external(&says) {
                continue;
            }
            looked_at += 1;
            let (path, fragment) = links::split(&says);
            let to = if path.is_empty() { Some(name.clone()) } else { places::resolved(places::folder(&name), path) };
            let there = to.as_deref().is_some_and(|to| {
                places::root().join(to).exists()
                    && (fragment.is_empty()
                        || !to.ends_with(".md")
                        || headings(&places::read(to).unwrap()).contains(&fragment[1..]))
            });
            if !there {
                wrong.push(format!("{name}: {says}"));
            }
        }
    }
    assert!(looked_at > 100, "only {looked_at} links were looked at");
    assert!(wrong.is_empty(), "these lead to nothing:\n{}", wrong.join("\n"));
}

/// A code host does not put a snippet in: below each there is a link to where it stands.
#[test]
fn where_a_snippet_is_included_a_link_leads_to_its_file() {
    for name in texts().iter().filter(|name| name.starts_with("course/units/") && !name.ends_with("slides.md")) {
        let text = places::read(name).unwrap();
        let linked: BTreeSet<String> =
            links::destinations(&text).unwrap().iter().map(|says| links::split(says).0.to_owned()).collect();
        for line in text.lines() {
            if let Some(asked) = line.strip_prefix("{{#include ").and_then(|rest| rest.strip_suffix("}}")) {
                let file = asked.split(':').next().unwrap_or_default().trim();
                assert!(linked.contains(file), "{name} includes {file}, and no link leads there");
            }
        }
    }
}

#[test]
fn headings_are_called_as_a_code_host_calls_them() {
    let text = "# How to `run` it?\n\n## A-b, c\n\n## A-b, c\n";
    assert_eq!(headings(text), BTreeSet::from(["how-to-run-it", "a-b-c", "a-b-c-1"].map(str::to_owned)));
}
