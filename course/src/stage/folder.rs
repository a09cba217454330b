//! Where does a program find the files of a probe, and where does it put its own?
//!
//! In a folder that belongs to one stage and is gone with it: nothing that one probe wrote is found by the next, and
//! checks that run side by side do not meet.
//!
//! # In production
//!
//! The crate `tempfile` does this with names that nobody can guess. Here nobody wants to.

use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, fs, io, process};

use super::Stage;
use crate::peer::Failure;

pub(super) struct Folder(PathBuf);

impl Folder {
    fn new() -> io::Result<Self> {
        static MADE: AtomicU32 = AtomicU32::new(0);
        let name = format!("lab-{}-{}", process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let path = env::temp_dir().join(name);
        fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

impl Stage {
    /// The path of a file of this name in the stage's folder, whether it exists or not.
    pub fn path(&mut self, name: &str) -> Result<PathBuf, Failure> {
        if self.folder.is_none() {
            self.folder = Some(Folder::new().map_err(no_file)?);
        }
        Ok(self.folder.as_ref().map(|folder| folder.0.join(name)).unwrap_or_default())
    }

    /// A file with this content, for the program to read.
    pub fn file(&mut self, name: &str, content: &[u8]) -> Result<OsString, Failure> {
        let path = self.path(name)?;
        fs::write(&path, content).map_err(no_file)?;
        Ok(path.into())
    }

    /// A file of zero bytes that takes next to no place, where the file system can do that.
    pub fn hollow_file(&mut self, name: &str, length: u64) -> Result<OsString, Failure> {
        let path = self.path(name)?;
        fs::File::create(&path).and_then(|file| file.set_len(length)).map_err(no_file)?;
        Ok(path.into())
    }

    /// What the program wrote into the file of this name; `None` if there is no such file.
    pub fn written(&mut self, name: &str) -> Result<Option<Vec<u8>>, Failure> {
        Ok(fs::read(self.path(name)?).ok())
    }
}

fn no_file(error: io::Error) -> Failure {
    Failure::new("The check itself could not write a file.", "a folder for temporary files", error.to_string())
        .is("machine-has-no-sockets")
}
