//! `cargo lab watch 4`: the time between a change and its effect is what makes one learn or not.

use notify::{EventKind, RecursiveMode, Watcher};
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

use super::{Problem, Subject, check, subject, unit};
use crate::output::say;
use crate::run::Options;

pub fn run(subject: &Subject) -> Result<bool, Problem> {
    let unit = unit(subject.unit)?;
    let folder = watched(subject, &subject::folder_of(unit, subject.folder.as_deref()));
    let (tell, changes) = mpsc::channel();
    let root = folder.clone();
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if let Ok(event) = event {
            if of_the_student(&event, &root) {
                // The receiver lives as long as this command.
                let _ = tell.send(());
            }
        }
    })?;
    watcher.watch(&folder, RecursiveMode::Recursive)?;
    loop {
        if let Err(problem) = check::once(subject, unit, Options::seed(subject.how.seed())) {
            say!("{problem}");
        }
        if !say!("\nWatching {}. Save a file to check again; Ctrl-C ends it.", folder.display()) {
            // Nobody reads any more, and nobody would ever end it.
            return Ok(true);
        }
        changes.recv()?;
        // An editor saves in several steps: wait until it has been quiet for a moment.
        while changes.recv_timeout(Duration::from_millis(100)).is_ok() {}
    }
}

/// For a program that was named, the folder of the file among its words: `python3 mine/server.py` means `mine`.
fn watched(subject: &Subject, folder: &Path) -> PathBuf {
    let files = subject.program.iter().rev().map(Path::new).find(|word| word.is_file());
    match files.and_then(Path::parent) {
        Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) => parent.to_path_buf(),
        None if subject.program.is_empty() => folder.to_path_buf(),
        None => PathBuf::from("."),
    }
}

/// What the build writes below `root` is no change of the student's.
fn of_the_student(event: &notify::Event, root: &Path) -> bool {
    let changed = matches!(event.kind, EventKind::Create(_) | EventKind::Modify(_) | EventKind::Remove(_));
    let built = |path: &PathBuf| {
        let below = path.strip_prefix(root).unwrap_or(path);
        below.components().any(|part| part.as_os_str() == "target" || part.as_os_str() == "__pycache__")
            || below.file_name().is_some_and(|name| name == "Cargo.lock")
    };
    changed && !event.paths.iter().all(built)
}
