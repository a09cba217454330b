//! What is in the course's book, and who makes sure that it is still true?
//!
//! The book is made of files that also stand for themselves: the units' texts, the catalogue of mistakes, the heads of the
//! source. Here they are put in order, and what was once copied by hand elsewhere is taken from where it is compiled, run or
//! defined. What cannot be taken (a link into nothing, a snippet without its anchor, an answer of the runner that is no
//! longer given) is an error with the file's name.
//!
//! ```text
//! cargo book              writes the book and the slides into target/book, and says where
//! cargo book refresh      runs again what the texts say was run, and writes what came into the texts
//! ```
//!
//! # Reading order
//!
//! | file | question |
//! |---|---|
//! | [`places`] | where does everything lie? |
//! | [`includes`] | how does a snippet come from compiled code? |
//! | [`links`] | where does a link lead when its page has moved? |
//! | [`outputs`] | does the runner still say what the lesson shows? |
//! | [`tour`] | which question does each file of the source answer? |
//! | [`mistakes`] | what does the book say about one mistake? |
//! | [`chapters`] | which pages are there, and in which order? |
//! | [`listing`] | how is a file shown that is no page? |
//! | [`slides`] | how does a text become slides? |
//! | [`long_code`] | which code in a sentence may break at the end of a line? |
//! | [`publish`] | how do the pages become a book? |
//!
//! # In production
//!
//! mdBook alone makes most books: a `SUMMARY.md` by hand, its own `{{#include}}`, a preprocessor for the rest. Its includes
//! of an anchor that is gone are silently empty, and a summary by hand forgets the new unit; this course has many of both.

#![forbid(unsafe_code)]

pub mod chapters;
pub mod includes;
pub mod links;
pub mod listing;
pub mod long_code;
pub mod mistakes;
pub mod outputs;
pub mod places;
pub mod publish;
pub mod slides;
pub mod tour;

/// What keeps the book from being made: it names the file, and what to do.
pub type Problem = Box<dyn std::error::Error + Send + Sync>;
