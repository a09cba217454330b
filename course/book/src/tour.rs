//! Which question does each file of the source answer?
//!
//! The one in the first sentence of its head, and nowhere else. The tour of the source is a text with tables of two columns,
//! a file and its question; the second column is written from the heads by `cargo book refresh`, and a test compares.

use crate::places::{self, resolved};
use crate::{Problem, links};

/// The text which has a table of files and their questions.
pub const TOUR: &str = "course/book/reading-the-source.md";

/// The text of the tour with today's questions; any other as it is.
pub fn with_questions(name: &str, text: &str) -> Result<String, Problem> {
    if name != TOUR {
        return Ok(text.to_owned());
    }
    let mut made = String::new();
    for line in text.lines() {
        match file_of(line) {
            Some(file) => {
                let (first, _) = line[1..].split_once('|').ok_or_else(|| format!("{TOUR}: {line:?} has one column"))?;
                made += &format!("|{first}| {} |\n", question(&file)?);
            }
            None => made += &format!("{line}\n"),
        }
    }
    Ok(made)
}

/// The tour with files' names that a narrow window may break behind a folder's.
pub fn breakable(name: &str, text: String) -> String {
    if name != TOUR {
        return text;
    }
    let broken = |line: &str| match (file_of(line), line.split_once("](")) {
        (Some(_), Some((said, rest))) => format!("{}]({rest}\n", said.replace('/', "/<wbr>")),
        _ => format!("{line}\n"),
    };
    text.lines().map(broken).collect()
}

/// The files that the tour visits, in its order.
pub fn visited() -> Result<Vec<String>, Problem> {
    Ok(places::read(TOUR)?.lines().filter_map(file_of).collect())
}

/// The file of a row, if the line is one.
fn file_of(line: &str) -> Option<String> {
    let cell = line.strip_prefix("| [")?.split('|').next()?;
    let destination = links::destinations(&format!("[{cell}")).ok()?.into_iter().next()?;
    let file = resolved(places::folder(TOUR), &destination)?;
    (file.starts_with("src/") && file.ends_with(".rs")).then_some(file)
}

/// The first sentence of the file's head, which may take several lines.
pub fn question(file: &str) -> Result<String, Problem> {
    let text = places::read(file)?;
    let head: Vec<&str> = text.lines().map_while(|line| line.strip_prefix("//!")).map(str::trim).collect();
    let paragraph = head.into_iter().take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    match paragraph.split_inclusive('?').next() {
        Some(question) => Ok(question.to_owned()),
        None => Err(format!("{file} does not begin with the question that it answers, //! ...?").into()),
    }
}
