//! How do the pages become a book?
//!
//! They are laid out in `target/book/text` as mdBook wants them, mdBook makes `target/book/html` of them, and the slides and
//! the pages of the source go beside. Everything in there is relative: the folder can be copied, zipped, served or opened
//! from the disk.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use mdbook::MDBook;

use crate::chapters::{Chapters, chapters};
use crate::{Problem, listing, long_code, places, slides};

/// Makes book and slides in `target/book`, and says where its first page lies.
pub fn publish() -> Result<PathBuf, Problem> {
    publish_into(&places::built())
}

pub fn publish_into(folder: &Path) -> Result<PathBuf, Problem> {
    let chapters = chapters()?;
    let (text, made) = (folder.join("text"), folder.join("html"));
    for old in [&text, &made] {
        if old.exists() {
            fs::remove_dir_all(old)?;
        }
    }
    write(&folder.join("book.toml"), include_str!("../book.toml"))?;
    write(&folder.join("look/book.css"), include_str!("../look/book.css"))?;
    write(&text.join("SUMMARY.md"), &chapters.summary())?;
    for page in chapters.pages() {
        write(&text.join(&page.path), &page.text)?;
    }
    MDBook::load(folder).and_then(|book| book.build()).map_err(|problem| format!("mdBook: {problem:#}"))?;
    long_code::mark(&made)?;
    for (path, page) in slides::all()? {
        write(&made.join(path), &page)?;
    }
    beside(&chapters, &made)?;
    Ok(made)
}

/// The files that pages lead to, and those that these lead to.
fn beside(chapters: &Chapters, made: &Path) -> Result<(), Problem> {
    let (mut shown, mut copied) = (chapters.shown.clone(), chapters.copied.clone());
    for folder in &chapters.shown {
        let (pictures, files): (BTreeSet<String>, BTreeSet<String>) =
            listing::also(folder)?.into_iter().partition(|file| listing::is_copied(file));
        shown.extend(files);
        copied.extend(pictures);
    }
    for name in &shown {
        write(&made.join(listing::path_of(name)), &listing::page(name)?)?;
    }
    for name in &copied {
        let to = made.join(listing::path_of_copy(name));
        if let Some(parent) = to.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::copy(places::root().join(name), to).map_err(|error| format!("{name}: {error}"))?;
    }
    Ok(())
}

fn write(path: &Path, text: &str) -> Result<(), Problem> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()).into())
}
