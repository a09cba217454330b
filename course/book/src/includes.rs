//! How does a snippet come from compiled code?
//!
//! By its anchor: see [`lab::snippet`]. A file or an anchor that is gone is an error here, where mdBook would leave an empty
//! box.

use crate::Problem;
use crate::places;
use lab::snippet;

/// The text of the file `name`, with what it includes.
pub fn expanded(name: &str, text: &str) -> Result<String, Problem> {
    let mut made = String::new();
    for (number, line) in (1..).zip(text.lines()) {
        if let Some((path, anchor)) = snippet::asked(line) {
            let snippet = included(places::folder(name), path, anchor);
            made += &snippet.map_err(|problem| format!("{name}, line {number}: {problem}"))?;
        } else if line.contains("{{#") {
            let told = "only {{#include FILE:ANCHOR}} on a line of its own is understood";
            return Err(format!("{name}, line {number}: {told}").into());
        } else {
            made += line;
            made.push('\n');
        }
    }
    Ok(made)
}

fn included(folder: &str, path: &str, anchor: Option<&str>) -> Result<String, Problem> {
    let name = places::resolved(folder, path).ok_or_else(|| format!("{path} is not in the repository"))?;
    let shown = snippet::shown(&places::read(&name)?, anchor);
    Ok(shown.ok_or_else(|| format!("{name} has no anchor {:?}, or nothing in it", anchor.unwrap_or_default()))?)
}

/// A whole file without the marks of what a lesson includes of it.
pub fn without_anchors(text: &str) -> String {
    let mark = |line: &&str| line.trim_start().trim_start_matches(['/', '#']).trim_start().starts_with("ANCHOR");
    text.lines().filter(|line| !mark(line)).map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_included_is_named_with_its_line() {
        let told = |text: &str| expanded("course/AUTHORING.md", text).unwrap_err().to_string();
        assert!(told("\n{{#include Cargo.toml:nowhere}}\n").contains("line 2: course/Cargo.toml has no anchor"));
        assert!(told("{{#include nothing.rs}}\n").contains("course/nothing.rs"));
        assert!(told("{{#rustdoc_include Cargo.toml}}\n").contains("is understood"));
    }
}
