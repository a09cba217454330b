//! The book, made once for all tests of a file.
#![allow(dead_code)] // each test is a program of its own and uses its own part of this

use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// Where the first page lies. Each test program makes its own, so that two never write into one folder.
pub fn made(name: &str) -> &'static Path {
    static MADE: OnceLock<PathBuf> = OnceLock::new();
    MADE.get_or_init(|| {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("book-{name}"));
        book::publish::publish_into(&folder).unwrap_or_else(|problem| panic!("{problem}"))
    })
}

/// Every HTML file of the book, in the order of their names.
pub fn pages(made: &Path) -> Vec<PathBuf> {
    let mut pages = Vec::new();
    let mut folders = vec![made.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "html") {
                pages.push(path);
            }
        }
    }
    pages.sort();
    pages
}
