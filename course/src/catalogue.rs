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

/// The folder `course/` of this checkout. The runner is always built by cargo from the checkout that it serves.
pub fn course() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
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
