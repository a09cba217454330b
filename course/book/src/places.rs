//! Where does everything lie?
//!
//! A file of the repository is named by its path from the root, with `/` on every system: that name stands in messages, and
//! links are reckoned with it.

use std::path::{Component, Path, PathBuf};

use crate::Problem;

/// The checkout that this program was built in.
pub fn root() -> PathBuf {
    let course = lab::catalogue::course();
    course.parent().map(Path::to_path_buf).unwrap_or(course)
}

/// Where built things go, which git does not know.
pub fn built() -> PathBuf {
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), |folder| root().join(folder));
    target.join("book")
}

/// The text of a file of the repository.
pub fn read(name: &str) -> Result<String, Problem> {
    std::fs::read_to_string(root().join(name)).map_err(|error| format!("{name}: {error}").into())
}

/// The files of a folder and of those below it, in the order of their names.
pub fn files_below(name: &str) -> Result<Vec<String>, Problem> {
    let mut files = Vec::new();
    let told = |error: std::io::Error| format!("{name}: {error}");
    for entry in std::fs::read_dir(root().join(name)).map_err(told)? {
        let entry = entry.map_err(told)?;
        let below = format!("{name}/{}", entry.file_name().to_string_lossy());
        if entry.file_type().map_err(told)?.is_dir() {
            files.extend(files_below(&below)?);
        } else {
            files.push(below);
        }
    }
    files.sort();
    Ok(files)
}

/// The folder that a file lies in: `course/units` of `course/units/a.md`, and nothing of `README.md`.
pub fn folder(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// What `path` means when it is written in a file of `folder`. `None` if it leads out of the repository.
///
/// ```
/// use book::places::resolved;
/// assert_eq!(resolved("course/units", "../mistakes/a.md").as_deref(), Some("course/mistakes/a.md"));
/// assert_eq!(resolved("course", "../../elsewhere"), None);
/// ```
pub fn resolved(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<String> = folder.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    for component in Path::new(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => {
                parts.pop()?;
            }
            Component::Normal(part) => parts.push(part.to_string_lossy().into_owned()),
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(parts.join("/"))
}

/// How a page at `from` names what lies at `to`, both counted from one root.
///
/// ```
/// use book::places::relative;
/// assert_eq!(relative("units/04/unit.md", "mistakes/a.md"), "../../mistakes/a.md");
/// assert_eq!(relative("index.md", "mistakes/a.md"), "mistakes/a.md");
/// assert_eq!(relative("units/04/unit.md", "units/04/lecturer.md"), "lecturer.md");
/// ```
pub fn relative(from: &str, to: &str) -> String {
    let from: Vec<&str> = folder(from).split('/').filter(|part| !part.is_empty()).collect();
    let to: Vec<&str> = to.split('/').collect();
    let common = from.iter().zip(&to[..to.len() - 1]).take_while(|(one, other)| one == other).count();
    let up = std::iter::repeat_n("..", from.len() - common);
    up.chain(to[common..].iter().copied()).collect::<Vec<_>>().join("/")
}
