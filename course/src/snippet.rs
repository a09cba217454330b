//! How does a text show a part of a program?
//!
//! By its anchor, as mdBook has it:
//!
//! ```text
//! // ANCHOR: take
//! while let Some(end) = ... { ... }
//! // ANCHOR_END: take
//! ```
//!
//! and in the text `{{#include solution.rs:take}}` on a line of its own, inside a fence. The marks themselves, and those of
//! the holes, are not shown; a snippet from the middle of a function begins at the margin. The book and the text that
//! `cargo lab start` puts beside a starter are made with it.

use std::fs;
use std::path::Path;

const BEGIN: &str = "{{#include ";

/// What a line asks to be included: a path, and an anchor in it.
///
/// ```
/// assert_eq!(lab::snippet::asked("{{#include solution.rs:take}}"), Some(("solution.rs", Some("take"))));
/// assert_eq!(lab::snippet::asked("ordinary text"), None);
/// ```
pub fn asked(line: &str) -> Option<(&str, Option<&str>)> {
    let asked = line.trim().strip_prefix(BEGIN)?.strip_suffix("}}")?.trim();
    Some(asked.split_once(':').map_or((asked, None), |(path, anchor)| (path, Some(anchor))))
}

/// The part of `code` that is to be shown. `None`: it has no such anchor, or nothing in it.
pub fn shown(code: &str, anchor: Option<&str>) -> Option<String> {
    let part = match anchor {
        Some(anchor) => anchored(code, anchor)?,
        None => code.to_owned(),
    };
    Some(at_the_margin(&without_marks(&part)))
}

/// The text of a unit in `folder`, with what it includes. What cannot be found stays as it is: the book's tests refuse it.
pub fn expanded(folder: &Path, text: &str) -> String {
    let line = |line: &str| {
        let snippet = asked(line)
            .and_then(|(path, anchor)| shown(&fs::read_to_string(folder.join(path)).unwrap_or_default(), anchor));
        snippet.unwrap_or_else(|| format!("{line}\n"))
    };
    text.lines().map(line).collect()
}

/// What lies between the marks of this anchor. `None` without both, in this order, or with nothing between.
fn anchored(text: &str, anchor: &str) -> Option<String> {
    let begin = format!("ANCHOR: {anchor}");
    let end = format!("ANCHOR_END: {anchor}");
    let is = |line: &str, mark: &str| line.trim_start_matches(['/', '#', ' ']).trim_end() == mark;
    let mut lines = text.lines().skip_while(|line| !is(line, &begin)).skip(1).peekable();
    lines.peek()?;
    let mut part = String::new();
    for line in lines {
        if is(line, &end) {
            return (!part.trim().is_empty()).then_some(part);
        }
        part += line;
        part.push('\n');
    }
    None
}

fn without_marks(text: &str) -> String {
    let mark = |line: &str| {
        let words = line.trim_start();
        let comment = ["// ", "# "].iter().find_map(|begin| words.strip_prefix(begin));
        // What the task of a hole says stands in the unit's text as well, and the solution below it.
        comment.is_some_and(|said| {
            said.starts_with("ANCHOR") || said.starts_with("HOLE ") || said == "END" || said.starts_with(' ')
        })
    };
    text.lines().filter(|line| !mark(line)).map(|line| format!("{line}\n")).collect()
}

fn at_the_margin(text: &str) -> String {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let least = text.lines().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    text.lines().map(|line| format!("{}\n", line.get(least..).unwrap_or_default())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "fn f() {\n    // ANCHOR: a\n    // HOLE Count.\n    //  From one.\n    one();\n\n        two();\n    // END\n    // ANCHOR_END: a\n}\n";

    #[test]
    fn a_snippet_is_what_lies_between_its_marks_at_the_margin_and_without_them() {
        assert_eq!(shown(CODE, Some("a")).unwrap(), "one();\n\n    two();\n");
    }

    #[test]
    fn an_anchor_that_is_gone_or_not_closed_or_empty_is_none() {
        assert_eq!(anchored(CODE, "b"), None);
        assert_eq!(anchored(&CODE.replace("ANCHOR_END: a", "ANCHOR_END: b"), "a"), None);
        assert_eq!(anchored("// ANCHOR: a\n// ANCHOR_END: a\n", "a"), None);
    }

    #[test]
    fn a_text_shows_what_it_asks_for_and_keeps_the_rest() {
        let folder = crate::catalogue::course().join("units/10-bounded-server");
        let text = expanded(&folder, "before\n{{#include solution.rs:place}}\n{{#include nothing.rs:gone}}\nbehind\n");
        assert!(text.starts_with("before\nlet place = Place(number);\n"), "{text}");
        assert!(text.ends_with("\n{{#include nothing.rs:gone}}\nbehind\n"), "{text}");
    }
}
