//! Which code in a sentence may break at the end of a line?
//!
//! A browser breaks at every hyphen, and "--again" is no word any more behind its first two. So the style keeps code in one
//! piece. What is longer than a phone's line has to break all the same, and a style cannot count: it is marked here.

use std::fs;
use std::path::Path;

use crate::Problem;

/// In characters. A line of a list has room for 36 on a phone that is 390 pixels wide.
const LONGEST_WHOLE: usize = 32;

/// Marks it in every page below `folder`.
pub fn mark(folder: &Path) -> Result<(), Problem> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            mark(&path)?;
        } else if path.extension().is_some_and(|ending| ending == "html") {
            let page = fs::read_to_string(&path)?;
            fs::write(&path, marked(&page))?;
        }
    }
    Ok(())
}

fn marked(page: &str) -> String {
    let mut parts = page.split("<code>");
    let mut made = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = part.split("</code>").next().unwrap_or_default();
        made += if length(code) > LONGEST_WHOLE { "<code class=\"long\">" } else { "<code>" };
        made += part;
    }
    made
}

/// As it is seen: `&lt;` is one character.
fn length(code: &str) -> usize {
    let mut entity = false;
    let seen = |letter: &char| {
        let first = !entity;
        entity = *letter == '&' || (entity && *letter != ';');
        first
    };
    code.chars().filter(seen).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_longer_than_a_line_is_marked_and_counted_as_it_is_seen() {
        let whole = "&amp;".repeat(LONGEST_WHOLE);
        let page = format!("<p><code>{whole}</code> or <code>{whole}-</code></p><code class=\"x\">{whole}-</code>");
        let expected = format!(
            "<p><code>{whole}</code> or <code class=\"long\">{whole}-</code></p><code class=\"x\">{whole}-</code>"
        );
        assert_eq!(marked(&page), expected);
    }
}
