//! A folder that checkpoints are written to: a file for each log, only ever appended to. Where it lies decides what it
//! proves: on a disk that the database's owner cannot write to, it holds against that owner.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::proof::{Checkpoint, split_notes};
use crate::store::LogName;

/// A folder of checkpoints.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// A folder; it is made with the first checkpoint.
    pub fn new(path: impl Into<PathBuf>) -> Folder {
        Folder(path.into())
    }

    /// The file of a log, such as `0-changes.checkpoints`.
    pub fn file(&self, log: LogName) -> PathBuf {
        self.0.join(format!("{}-{}.checkpoints", log.slot, log.class.as_str()))
    }

    /// Appends a signed note. When this returns, the disk has it.
    ///
    /// # Errors
    /// The file system's.
    pub fn append(&self, log: LogName, note: &str) -> io::Result<()> {
        fs::create_dir_all(&self.0)?;
        let path = self.file(log);
        let mut file = OpenOptions::new().append(true).create(true).open(&path)?;
        // A line that was being written when the machine went down is ended first.
        let separator = if ends_whole(&path)? { "" } else { "\n\n" };
        file.write_all(format!("{separator}{note}\n").as_bytes())?;
        file.sync_all()?;
        // The file's name is in its folder.
        fs::File::open(&self.0)?.sync_all()
    }

    /// What the newest note of a log claims; nothing if there is none.
    ///
    /// # Errors
    /// The file system's.
    pub fn newest(&self, log: LogName) -> io::Result<Option<Checkpoint>> {
        match fs::read_to_string(self.file(log)) {
            Ok(text) => Ok(split_notes(&text).0.into_iter().rev().find_map(Checkpoint::claimed)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

fn ends_whole(path: &Path) -> io::Result<bool> {
    let text = fs::read(path)?;
    Ok(text.is_empty() || text.ends_with(b"\n\n"))
}
