//! Which mistakes are there, and what does one say about each?
//!
//! A mistake is a file of `course/mistakes/`, and its name is the file's: the wrong programs, the probes and the book all
//! say `one-read-is-one-message`. What a student reads comes from nowhere else.
//!
//! ```text
//! # One read is one message            the title
//! ## Symptom                           first hint
//! ## Cause                             second hint
//! ## Where to look                     third hint: the region of the code
//! ## Lecture                           the paragraph, for the book and after the third hint
//! ```
//!
//! # In production
//!
//! Messages for people live in a catalogue of their own there too, for another reason: they are translated.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// One mistake, as it is told to a student.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// The file's name without `.md`.
    pub slug: String,
    pub title: String,
    pub symptom: String,
    pub cause: String,
    pub region: String,
    pub lecture: String,
}

/// All of them.
#[derive(Debug, Clone, Default)]
pub struct Catalogue(BTreeMap<String, Mistake>);

/// The folder `course/` of the checkout that the runner was built from. If that one is gone, because it was moved or this is
/// a copy, the one that the current directory is in.
pub fn course() -> PathBuf {
    let built_from = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    if built_from.is_dir() { built_from } else { around_here().unwrap_or(built_from) }
}

/// The `course/` of another checkout, if the current directory is in one. Cargo takes a runner for fresh that was built from
/// another checkout into the same target directory: its probes are not those of the texts here, and what it writes would land
/// there.
pub fn of_another_checkout() -> Option<PathBuf> {
    let here = around_here()?;
    let same = fs::canonicalize(&here).ok()? == fs::canonicalize(course()).ok()?;
    (!same).then_some(here)
}

fn around_here() -> Option<PathBuf> {
    above(&std::env::current_dir().ok()?)
}

/// From a folder upwards, the first `course/` with the runner's folders in it.
fn above(folder: &Path) -> Option<PathBuf> {
    let mut candidates = folder.ancestors().map(|folder| folder.join("course"));
    candidates.find(|course| course.join("mistakes").is_dir() && course.join("units").is_dir())
}

impl Catalogue {
    /// Reads `course/mistakes/`.
    pub fn load() -> io::Result<Self> {
        Self::read(&course().join("mistakes"))
    }

    /// Reads every `.md` of `folder`.
    ///
    /// # Errors
    ///
    /// A file that cannot be read, or lacks one of its sections: the message names both.
    pub fn read(folder: &Path) -> io::Result<Self> {
        let mut mistakes = BTreeMap::new();
        for entry in fs::read_dir(folder)? {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != "md") {
                continue;
            }
            let slug = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let mistake = parse(&slug, &fs::read_to_string(&path)?)
                .map_err(|lacking| io::Error::other(format!("{}: {lacking}", path.display())))?;
            mistakes.insert(slug, mistake);
        }
        Ok(Self(mistakes))
    }

    /// The mistake of this name. One that has no file is still told by its name.
    pub fn get(&self, slug: &str) -> Mistake {
        self.0.get(slug).cloned().unwrap_or_else(|| Mistake {
            slug: slug.to_owned(),
            title: slug.replace('-', " "),
            symptom: String::new(),
            cause: String::new(),
            region: String::new(),
            lecture: String::new(),
        })
    }

    pub fn contains(&self, slug: &str) -> bool {
        self.0.contains_key(slug)
    }

    /// In the order of their names.
    pub fn iter(&self) -> impl Iterator<Item = &Mistake> {
        self.0.values()
    }
}

fn parse(slug: &str, text: &str) -> Result<Mistake, String> {
    let title = text.lines().find_map(|line| line.strip_prefix("# ")).ok_or("no title, \"# ...\"")?;
    Ok(Mistake {
        slug: slug.to_owned(),
        title: title.trim().to_owned(),
        symptom: section(text, "Symptom")?,
        cause: section(text, "Cause")?,
        region: section(text, "Where to look")?,
        lecture: section(text, "Lecture")?,
    })
}

fn section(text: &str, name: &str) -> Result<String, String> {
    let heading = format!("## {name}");
    let lines = text.lines().skip_while(|line| line.trim_end() != heading).skip(1);
    let body: Vec<&str> = lines.take_while(|line| !line.starts_with("## ")).collect();
    let body = body.join("\n").trim().to_owned();
    if body.is_empty() { Err(format!("no section {heading:?}, or an empty one")) } else { Ok(body) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "# A title\n\n## Symptom\ns\n\n## Cause\nc\nc2\n\n## Where to look\nw\n\n## Lecture\nl\n";

    #[test]
    fn a_course_is_found_from_below() {
        let course = course();
        assert_eq!(above(&course.join("units/04-line-chat")), Some(course));
        assert_eq!(above(Path::new("/")), None);
    }

    #[test]
    fn a_mistake_is_read_from_its_sections() {
        let mistake = parse("a-title", WHOLE).unwrap();
        assert_eq!((mistake.title.as_str(), mistake.cause.as_str()), ("A title", "c\nc2"));
        assert_eq!(mistake.lecture, "l");
    }

    #[test]
    fn a_mistake_without_a_cause_is_refused_by_name() {
        let problem = parse("a-title", &WHOLE.replace("## Cause", "## Clause")).unwrap_err();
        assert!(problem.contains("Cause"), "{problem}");
    }
}
