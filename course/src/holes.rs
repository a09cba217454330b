//! How does a solution become a starter?
//!
//! By leaving out what is marked. There is one source, so the two cannot drift apart:
//!
//! ```text
//!     // HOLE Cut what has come at the line feeds.
//!     //  A line may be in several reads, and several in one.
//!     let lines = ...
//!     // END
//! ```
//!
//! becomes the same comment and one statement that ends the thread with "not yet implemented: hole 1". The markers are the
//! comments of the language: `//` in Rust and C, `#` in Python. The marks of the book's snippets (`ANCHOR: name`,
//! `ANCHOR_END: name`) are nobody's business but the book's, and are left out.
//!
//! # In production
//!
//! Course tools generate starters in the same way (OCaml's learn-ocaml, nbgrader's `### BEGIN SOLUTION`).

/// A language in which a unit has a solution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    Rust,
    Python,
    C,
}

impl Language {
    fn comment(self) -> &'static str {
        if self == Self::Python { "#" } else { "//" }
    }

    /// What stands in a hole. In C the function belongs to the file.
    fn unwritten(self, hole: usize) -> String {
        match self {
            Self::Rust => format!("todo!(\"hole {hole}\");"),
            Self::Python => format!("raise NotImplementedError(\"hole {hole}\")"),
            Self::C => format!("not_yet_implemented(\"hole {hole}\");"),
        }
    }
}

/// The starter of a solution.
///
/// # Errors
///
/// A hole in a hole, one without an end, an end without a hole: with its line.
///
/// ```
/// use lab::holes::{Language, starter};
/// let solution = "fn f() -> u32 {\n    // HOLE Count.\n    41 + 1\n    // END\n}\n";
/// let starter = starter(solution, Language::Rust).unwrap();
/// assert_eq!(starter, "fn f() -> u32 {\n    // HOLE 1: Count.\n    todo!(\"hole 1\");\n}\n");
/// ```
pub fn starter(solution: &str, language: Language) -> Result<String, String> {
    let comment = language.comment();
    let (begin, end) = (format!("{comment} HOLE "), format!("{comment} END"));
    let (mut text, mut holes, mut inside, mut head) = (String::new(), 0, false, false);
    for (number, line) in (1..).zip(solution.lines()) {
        let trimmed = line.trim_start();
        let indent = &line[..line.len() - trimmed.len()];
        if of_the_book(trimmed, comment) {
            continue;
        }
        if let Some(task) = trimmed.strip_prefix(&begin) {
            if inside {
                return Err(format!("line {number}: a hole in a hole"));
            }
            (inside, head) = (true, true);
            holes += 1;
            text += &format!("{indent}{comment} HOLE {holes}: {task}\n");
        } else if trimmed == end {
            if !inside {
                return Err(format!("line {number}: the end of a hole that did not begin"));
            }
            text += &format!("{indent}{}\n", language.unwritten(holes));
            inside = false;
        } else if inside {
            // The task may go on for some lines, two spaces further in; the solution's own comments are left out.
            head &= trimmed.starts_with(&format!("{comment}  "));
            if head {
                text += &format!("{line}\n");
            }
        } else {
            text += &format!("{line}\n");
        }
    }
    if inside { Err(format!("hole {holes} has no end")) } else { Ok(text) }
}

/// The solution as it is shown: without the markers.
pub fn without_markers(solution: &str, language: Language) -> String {
    let comment = language.comment();
    let marker = |line: &&str| {
        let line = line.trim_start();
        !line.starts_with(&format!("{comment} HOLE "))
            && line != format!("{comment} END")
            && !of_the_book(line, comment)
    };
    solution.lines().filter(marker).map(|line| format!("{line}\n")).collect()
}

/// A mark of mdBook's, in a comment of its own.
fn of_the_book(line: &str, comment: &str) -> bool {
    let marked = line.strip_prefix(comment).map_or("", str::trim_start);
    marked.starts_with("ANCHOR:") || marked.starts_with("ANCHOR_END:")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_task_of_two_lines_is_kept_and_the_comment_of_the_solution_is_not() {
        let solution = "# HOLE One.\n#  Two.\n# why\nx = 1\n# END\ny = 2\n";
        let expected = "# HOLE 1: One.\n#  Two.\nraise NotImplementedError(\"hole 1\")\ny = 2\n";
        assert_eq!(starter(solution, Language::Python).unwrap(), expected);
    }

    #[test]
    fn the_marks_of_the_book_do_not_reach_the_student() {
        let solution = "// ANCHOR: all\nfn f() {\n    // HOLE One.\n    // ANCHOR: in\n    g();\n    // ANCHOR_END: in\n    \
                        // END\n}\n// ANCHOR_END: all\n";
        let expected = "fn f() {\n    // HOLE 1: One.\n    todo!(\"hole 1\");\n}\n";
        assert_eq!(starter(solution, Language::Rust).unwrap(), expected);
        assert_eq!(without_markers(solution, Language::Rust), "fn f() {\n    g();\n}\n");
    }

    #[test]
    fn marks_that_do_not_match_are_refused() {
        for wrong in ["// HOLE a\n", "// END\n", "// HOLE a\n// HOLE b\n// END\n"] {
            assert!(starter(wrong, Language::Rust).is_err(), "{wrong}");
        }
    }
}
