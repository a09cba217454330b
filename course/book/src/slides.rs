//! How does a text become slides?
//!
//! `---` on a line of its own ends one slide and begins the next. What comes out is one file with everything in it: it opens
//! from a memory stick, without a network; arrow keys turn its pages; printed, each slide is a page; and where no script
//! runs, the slides lie one below the other.

use pulldown_cmark::{CowStr, Event, Parser, Tag, TagEnd, html};

use lab::units::{UNITS, Unit};

use crate::chapters::path_of_slides;
use crate::listing::escaped;
use crate::places::{self, relative, resolved};
use crate::{Problem, includes, links};

const FRAME: &str = include_str!("../look/slides.html");

/// Each unit's, with the path in the book.
pub fn all() -> Result<Vec<(String, String)>, Problem> {
    let there = |unit: &&Unit| places::root().join(name_of(unit)).is_file();
    UNITS.iter().filter(there).map(|unit| Ok((path_of_slides(&unit.label()), of_unit(unit)?))).collect()
}

fn name_of(unit: &Unit) -> String {
    format!("course/units/{}/slides.md", unit.label())
}

fn of_unit(unit: &Unit) -> Result<String, Problem> {
    let name = name_of(unit);
    let path = path_of_slides(&unit.label());
    let text = includes::expanded(&name, &places::read(&name)?)?;
    let mut slides = String::new();
    for slide in cut(&text) {
        slides += "<section>\n";
        slides += &made(&slide, &name, &path).map_err(|problem| format!("{name}: {problem}"))?;
        slides += "</section>\n";
    }
    let title = format!("Unit {}: {}", unit.number, unit.title);
    let home = relative(&path, &format!("units/{}/unit.html", unit.label()));
    Ok(FRAME.replace("{title}", &escaped(&title)).replace("{home}", &home).replace("{slides}", &slides))
}

/// A rule in a fence is part of its picture.
fn cut(text: &str) -> Vec<String> {
    let mut slides = vec![String::new()];
    let mut fence: Option<&str> = None;
    for line in text.lines() {
        let ticks = line.trim_start();
        let ticks = &ticks[..ticks.len() - ticks.trim_start_matches('`').len()];
        match fence {
            None if ticks.len() >= 3 => fence = Some(ticks),
            Some(open) if ticks.len() >= open.len() && line.trim() == ticks => fence = None,
            _ => {}
        }
        if fence.is_none() && line == "---" {
            slides.push(String::new());
        } else if let Some(slide) = slides.last_mut() {
            slide.push_str(line);
            slide.push('\n');
        }
    }
    slides.retain(|slide| !slide.trim().is_empty());
    slides
}

/// A slide's HTML. What is wider than the screen scrolls by itself, and a picture comes along in the file.
fn made(slide: &str, name: &str, path: &str) -> Result<String, Problem> {
    let slide = links::rewritten(slide, |says| {
        let (file, fragment) = links::split(says);
        if file.is_empty() || links::is_external(says) {
            return Ok(None);
        }
        let file =
            resolved(places::folder(name), file).ok_or_else(|| format!("{says:?} leads out of the repository"))?;
        if file.ends_with(".svg") {
            return Ok(Some(format!("data:image/svg+xml,{}", in_address(&places::read(&file)?))));
        }
        // Slides lie in a folder beside the units, and the mistakes.
        match file.strip_prefix("course/").and_then(|page| page.strip_suffix(".md")) {
            Some(page) if places::root().join(&file).is_file() => {
                Ok(Some(relative(path, &format!("{page}.html")) + fragment))
            }
            _ => Err(format!("{says:?}: slides lead to pages of the book and to SVG pictures alone").into()),
        }
    })?;
    let mut failed = None;
    let events = Parser::new_ext(&slide, links::dialect()).flat_map(|event| match event {
        Event::Start(Tag::Table(columns)) => {
            vec![tag("<div class=\"wide\" tabindex=\"0\">"), Event::Start(Tag::Table(columns))]
        }
        Event::End(TagEnd::Table) => vec![Event::End(TagEnd::Table), tag("</div>")],
        Event::Html(html) if html.contains("<script") => {
            failed = Some("a slide has no script of its own");
            Vec::new()
        }
        other => vec![other],
    });
    let mut made = String::new();
    html::push_html(&mut made, events);
    match failed {
        Some(problem) => Err(problem.into()),
        // Who has no mouse scrolls a picture that is too wide by its focus.
        None => Ok(made.replace("<pre>", "<pre tabindex=\"0\">")),
    }
}

fn tag(text: &'static str) -> Event<'static> {
    Event::Html(CowStr::Borrowed(text))
}

/// RFC 3986 section 2.1: what an address may not hold is written as `%` and two digits.
fn in_address(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~/:=; ,".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) && byte != b' ' { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_in_a_picture_does_not_cut_it() {
        assert_eq!(cut("# a\n\n---\n\n```text\n---\n```\n\n---\n").len(), 2);
    }

    #[test]
    fn a_table_scrolls_by_itself_and_a_link_leads_into_the_book() {
        let slide = "| a | b |\n|---|---|\n| 1 | [one](../../mistakes/one-read-is-one-message.md#cause) |\n";
        let made = made(slide, "course/units/04-line-chat/slides.md", "slides/04-line-chat.html").unwrap();
        assert!(made.contains("<div class=\"wide\" tabindex=\"0\"><table>"), "{made}");
        assert!(made.contains("href=\"../mistakes/one-read-is-one-message.html#cause\""), "{made}");
    }
}
