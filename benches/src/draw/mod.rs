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

#[cfg(test)]
mod tests {
    use super::*;

    fn figures() -> PathBuf {
        crate::from_the_top(Path::new("course/measured/latest.json"))
    }

    /// The lesson without what is filled in.
    fn typed(lesson: &str) -> String {
        let mut pieces = lesson.split("<!--= ");
        let first = pieces.next().unwrap_or_default().to_owned();
        pieces.fold(first, |typed, piece| typed + piece.split_once("<!---->").unwrap().1)
    }

    #[test]
    fn what_is_drawn_and_told_is_what_was_measured() {
        for (path, text) in made(&figures()).unwrap() {
            let there = fs::read_to_string(&path).unwrap_or_default();
            let path = path.display();
            assert!(there == text, "{path} has drifted: cargo bench -- --draw course/measured/latest.json");
        }
    }

    #[test]
    fn each_plot_is_in_the_lesson_and_no_figure_is_typed() {
        let lesson = fs::read_to_string(figures().with_file_name(LESSON)).unwrap();
        let mut drawn: Vec<String> = made(&figures()).unwrap().into_iter().map(|(path, _)| name(&path)).collect();
        drawn.retain(|name| name != LESSON);
        for plot in &drawn {
            assert_eq!(lesson.matches(&format!("]({plot})")).count(), 1, "{plot}");
        }
        let folder = fs::read_dir(figures().parent().unwrap()).unwrap();
        let there = folder.map(|entry| name(&entry.unwrap().path())).filter(|name| name.ends_with(".svg"));
        assert_eq!(there.filter(|name| !drawn.contains(name)).collect::<Vec<_>>(), Vec::<String>::new());
        let typed = typed(&lesson);
        for unit in ["µs", "MiB/s", "GB/s", "million"] {
            let before = typed.match_indices(unit).map(|(at, _)| typed[..at].trim_end().chars().next_back());
            assert!(before.flatten().all(|last| !last.is_ascii_digit()), "somebody typed a figure in {unit}");
        }
        // Markdown takes a line that begins with a comment as HTML, and shows its other marks as they are.
        let wrong = lesson.lines().find(|line| line.starts_with("<!--= ") && !line.starts_with("<!--= table "));
        assert_eq!(wrong, None);
    }

    fn name(path: &Path) -> String {
        path.file_name().unwrap().to_string_lossy().into_owned()
    }

    #[test]
    fn no_text_leaves_its_card() {
        for (path, svg) in made(&figures()).unwrap() {
            for line in svg.lines().filter(|line| line.starts_with("<text ")) {
                let part = |after: &str, until: &str| line.split_once(after).unwrap().1.split_once(until).unwrap().0;
                let (class, x) = (part("class=\"", "\""), part(" x=\"", "\"").parse::<f64>().unwrap());
                let text = part(">", "</text>");
                let width = bars::width(text, if class == "title" { 17.0 } else { 14.0 });
                let (from, to) = match class {
                    "name" => (x - width, x),
                    "middle" => (x - width / 2.0, x + width / 2.0),
                    _ => (x, x + width),
                };
                assert!(from >= 8.0 && to <= 412.0, "{}: {text} from {from} to {to}", path.display());
            }
        }
    }
}
