//! How do figures become plots and a text?
//!
//! `cargo bench -- --draw course/measured/latest.json` measures nothing: it draws what such a file holds, and writes it
//! beside the file, with the figures in the `lesson.md` that lies there. The same file gives the same bytes everywhere, so a
//! test draws again and compares: a plot that does not show what was measured, or a figure that somebody typed, fails.
//!
//! Read in this order: `kept.rs` (the figures), `plots.rs` (which plots), `bars.rs` (as SVG), `lesson.rs` (in a text).

pub mod bars;
pub mod kept;
pub mod lesson;
pub mod plots;

use kept::Kept;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The lesson that lies beside the figures.
const LESSON: &str = "lesson.md";

/// Everything that is made from a file with figures: each path, and what it must hold.
pub fn made(figures: &Path) -> io::Result<Vec<(PathBuf, String)>> {
    let read = |path: &Path| {
        fs::read_to_string(path).map_err(|error| io::Error::other(format!("{}: {error}", path.display())))
    };
    let kept = Kept::read(&read(figures)?).map_err(io::Error::other)?;
    let path = |name: &str| figures.with_file_name(name);
    let plots = plots::all(&kept).map_err(io::Error::other)?;
    let mut made: Vec<_> = plots.iter().map(|plot| (path(&format!("{}.svg", plot.name)), plot.svg())).collect();
    let lesson = path(LESSON);
    if lesson.exists() {
        made.push((lesson.clone(), lesson::filled(&read(&lesson)?, &kept).map_err(io::Error::other)?));
    }
    Ok(made)
}

/// Writes it.
pub fn draw(figures: &Path) -> io::Result<()> {
    for (path, text) in made(figures)? {
        fs::write(&path, text)?;
        println!("{}", path.display());
    }
    Ok(())
}
