//! Where does a link lead when its page has moved?
//!
//! The texts link to each other and to the source by paths that a code host follows. In the book the same pages lie
//! elsewhere, and the source is shown by pages of its own. So each destination is looked at, wherever Markdown has one, and
//! nothing that only looks like one in code.

use pulldown_cmark::{Event, LinkType, Options, Parser, Tag};

use crate::Problem;

/// Where in a text a link's destination stands, and what it says.
struct Destination {
    start: usize,
    end: usize,
    says: String,
}

/// What mdBook understands, so that both see the same links.
pub fn dialect() -> Options {
    Options::ENABLE_TABLES
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_TASKLISTS
        | Options::ENABLE_HEADING_ATTRIBUTES
}

/// The text with every destination changed for which `change` knows another.
pub fn rewritten(text: &str, change: impl Fn(&str) -> Result<Option<String>, Problem>) -> Result<String, Problem> {
    let mut made = String::new();
    let mut done = 0;
    for found in found(text)? {
        if let Some(other) = change(&found.says)? {
            made += &text[done..found.start];
            made += &other;
            done = found.end;
        }
    }
    Ok(made + &text[done..])
}

/// Every destination, in the order of the text.
pub fn destinations(text: &str) -> Result<Vec<String>, Problem> {
    Ok(found(text)?.into_iter().map(|found| found.says).collect())
}

fn found(text: &str) -> Result<Vec<Destination>, Problem> {
    let parser = Parser::new_ext(text, dialect());
    let mut found = Vec::new();
    // `[words]: destination`, which several links may share.
    for (_, definition) in parser.reference_definitions().iter() {
        let says = definition.dest.to_string();
        found.push(at(text, definition.span.start, &text[definition.span.clone()], "]:", says)?);
    }
    for (event, range) in parser.into_offset_iter() {
        let part = &text[range.clone()];
        match event {
            Event::Start(
                Tag::Link { link_type: LinkType::Inline, dest_url, .. }
                | Tag::Image { link_type: LinkType::Inline, dest_url, .. },
            ) => found.push(at(text, range.start, part, "](", dest_url.to_string())?),
            Event::Html(_) | Event::InlineHtml(_) => in_html(range.start, part, &mut found),
            _ => {}
        }
    }
    found.sort_by_key(|found| found.start);
    Ok(found)
}

/// The last one of this part: a picture may stand in the words of a link.
fn at(text: &str, start: usize, part: &str, mark: &str, says: String) -> Result<Destination, Problem> {
    let lost = || format!("the link to {says:?} is written in a way that is not understood: write [words](path)");
    let behind = part.rmatch_indices(mark).map(|(index, _)| index + mark.len());
    let index =
        behind.map(|index| start + index + skipped(&part[index..])).find(|index| text[*index..].starts_with(&says));
    let start = index.ok_or_else(lost)?;
    Ok(Destination { start, end: start + says.len(), says })
}

fn skipped(text: &str) -> usize {
    text.len() - text.trim_start_matches([' ', '<', '\n']).len()
}

fn in_html(start: usize, part: &str, found: &mut Vec<Destination>) {
    for attribute in ["href=\"", "src=\""] {
        for (index, _) in part.match_indices(attribute) {
            let begin = index + attribute.len();
            if let Some(length) = part[begin..].find('"') {
                let says = part[begin..begin + length].to_owned();
                found.push(Destination { start: start + begin, end: start + begin + length, says });
            }
        }
    }
}

/// Whether it leads out of the repository: `https:` and the like. Nobody follows those here.
pub fn is_external(destination: &str) -> bool {
    destination
        .split_once(':')
        .is_some_and(|(scheme, _)| !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphabetic()))
}

/// The path, and the fragment with its `#`.
pub fn split(destination: &str) -> (&str, &str) {
    destination.split_at(destination.find('#').unwrap_or(destination.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_link_is_found_and_code_is_none() {
        let text = "[a](one.md) ![b](<two.svg>) [![c](three.svg)](four.md#x \"title\")\n[five]\n\n[five]: five.md\n\n\
            `[no](no.md)`\n\n```text\n[no](no.md)\n```\n\n<img src=\"six.png\"> <https://example.org>\n";
        let expected = ["one.md", "two.svg", "three.svg", "four.md#x", "five.md", "six.png"];
        assert_eq!(destinations(text).unwrap(), expected);
        let shouted = rewritten(text, |says| Ok(Some(says.to_uppercase()))).unwrap();
        assert!(shouted.contains(
            "[a](ONE.MD) ![b](<TWO.SVG>) [![c](THREE.SVG)](FOUR.MD#X \"title\")\n[five]\n\n[five]: FIVE.MD\n"
        ));
        assert!(
            shouted.contains("`[no](no.md)`") && shouted.contains("\n[no](no.md)\n") && shouted.contains("\"SIX.PNG\"")
        );
    }

    #[test]
    fn what_is_external_is_known_by_its_scheme() {
        assert!(is_external("https://example.org/") && is_external("mailto:a@example.org"));
        assert!(!is_external("../a.md") && !is_external("#there") && !is_external("a.md#b:c/d"));
    }
}
