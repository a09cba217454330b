//! How does a snippet come from compiled code?
//!
//! By its anchor, as mdBook has it. In the source:
//!
//! ```text
//! // ANCHOR: take
//! while let Some(end) = ... { ... }
//! // ANCHOR_END: take
//! ```
//!
//! and in the text `{{#include solution.rs:take}}`, inside a fence. A file or an anchor that is gone is an error here, where
//! mdBook would leave an empty box. The marks themselves, and those of the holes, are not shown; a snippet from the middle of
//! a function begins at the margin.

use crate::Problem;
use crate::places;

const BEGIN: &str = "{{#include ";

/// The text of the file `name`, with what it includes.
pub fn expanded(name: &str, text: &str) -> Result<String, Problem> {
    let mut made = String::new();
    for (number, line) in (1..).zip(text.lines()) {
        if let Some(asked) = line.trim().strip_prefix(BEGIN).and_then(|rest| rest.strip_suffix("}}")) {
            let snippet = snippet(places::folder(name), asked.trim());
            made += &snippet.map_err(|problem| format!("{name}, line {number}: {problem}"))?;
        } else if line.contains("{{#") {
            return Err(
                format!("{name}, line {number}: only {BEGIN}FILE:ANCHOR}} on a line of its own is understood").into()
            );
        } else {
            made += line;
            made.push('\n');
        }
    }
    Ok(made)
}

fn snippet(folder: &str, asked: &str) -> Result<String, Problem> {
    let (path, anchor) = asked.split_once(':').map_or((asked, None), |(path, anchor)| (path, Some(anchor)));
    let name = places::resolved(folder, path).ok_or_else(|| format!("{path} is not in the repository"))?;
    let text = places::read(&name)?;
    let part = match anchor {
        Some(anchor) => {
            anchored(&text, anchor).ok_or_else(|| format!("{name} has no anchor {anchor:?}, or nothing in it"))?
        }
        None => text,
    };
    Ok(at_the_margin(&without_marks(&part)))
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
        let part = anchored(CODE, "a").unwrap();
        assert_eq!(at_the_margin(&without_marks(&part)), "one();\n\n    two();\n");
    }

    #[test]
    fn an_anchor_that_is_gone_or_not_closed_or_empty_is_none() {
        assert_eq!(anchored(CODE, "b"), None);
        assert_eq!(anchored(&CODE.replace("ANCHOR_END: a", "ANCHOR_END: b"), "a"), None);
        assert_eq!(anchored("// ANCHOR: a\n// ANCHOR_END: a\n", "a"), None);
    }

    #[test]
    fn what_cannot_be_included_is_named_with_its_line() {
        let told = |text: &str| expanded("course/AUTHORING.md", text).unwrap_err().to_string();
        assert!(told("\n{{#include Cargo.toml:nowhere}}\n").contains("line 2: course/Cargo.toml has no anchor"));
        assert!(told("{{#include nothing.rs}}\n").contains("course/nothing.rs"));
        assert!(told("{{#rustdoc_include Cargo.toml}}\n").contains("is understood"));
    }
}
