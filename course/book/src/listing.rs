//! How is a file shown that is no page?
//!
//! A lesson leads to files of the source, and to folders. On a code host these links lead to the file; in the book, which is
//! to be read without a network, to a page that shows it, comments set apart, for in this source they are the lecture.

use std::fmt::Write as _;

use crate::places::{self, relative};
use crate::{Problem, includes};

const FRAME: &str = include_str!("../look/listing.html");

/// Where in the book a file or a folder is shown.
pub fn path_of(name: &str) -> String {
    if places::root().join(name).is_dir() { format!("source/{name}/index.html") } else { format!("source/{name}.html") }
}

/// A browser shows these by itself.
pub fn is_copied(name: &str) -> bool {
    [".svg", ".png", ".json"].iter().any(|extension| name.ends_with(extension))
}

pub fn path_of_copy(name: &str) -> String {
    format!("source/{name}")
}

/// The page that shows it. The folder's files are `shown` as well: see [`also`].
pub fn page(name: &str) -> Result<String, Problem> {
    let path = path_of(name);
    let body = if places::root().join(name).is_dir() { folder(name, &path)? } else { file(name)? };
    let home = relative(&path, "index.html");
    Ok(FRAME.replace("{title}", &escaped(name)).replace("{home}", &home).replace("{body}", &body))
}

/// What a folder's page leads to.
pub fn also(name: &str) -> Result<Vec<String>, Problem> {
    if places::root().join(name).is_dir() { places::files_below(name) } else { Ok(Vec::new()) }
}

fn folder(name: &str, path: &str) -> Result<String, Problem> {
    let mut body = "<ul>\n".to_owned();
    for file in places::files_below(name)? {
        let to = if is_copied(&file) { path_of_copy(&file) } else { path_of(&file) };
        let shown = file.strip_prefix(name).unwrap_or(&file).trim_start_matches('/');
        let _ = writeln!(body, "<li><a href=\"{}\">{}</a></li>", relative(path, &to), escaped(shown));
    }
    Ok(body + "</ul>\n")
}

/// The file as it is, so that it can be searched and copied, but for the marks of what a lesson includes. Comments are set
/// apart line by line.
fn file(name: &str) -> Result<String, Problem> {
    let text = includes::without_anchors(&places::read(name)?);
    let comment = |line: &str| {
        let line = line.trim_start();
        line.starts_with("//") || (line.starts_with('#') && !name.ends_with(".rs") && !name.ends_with(".md"))
    };
    let mut body = "<pre tabindex=\"0\"><code>".to_owned();
    for line in text.lines() {
        let escaped = escaped(line);
        let _ = if comment(line) { writeln!(body, "<i>{escaped}</i>") } else { writeln!(body, "{escaped}") };
    }
    Ok(body + "</code></pre>\n")
}

pub fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
