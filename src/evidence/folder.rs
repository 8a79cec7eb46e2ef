//! A folder that checkpoints are written to: a file for each log and one for the statements over all of them, only ever
//! appended to. Where it lies decides what it proves: on a disk that the database's owner cannot write to, it holds against
//! that owner.

use std::fs::{self, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use crate::proof::{ALL_LOGS, Checkpoint, Statement, split_notes};
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
        self.append_to(&self.file(log), note)
    }

    /// The same for a statement over all logs.
    ///
    /// # Errors
    /// The file system's.
    pub fn append_statement(&self, note: &str) -> io::Result<()> {
        self.append_to(&self.statements(), note)
    }

    fn append_to(&self, path: &Path, note: &str) -> io::Result<()> {
        fs::create_dir_all(&self.0)?;
        let mut file = OpenOptions::new().append(true).create(true).read(true).open(path)?;
        // A line that was being written when the machine went down is ended first.
        let separator = if ends_whole(&mut file)? { "" } else { "\n\n" };
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
        newest_in(&self.file(log), Checkpoint::claimed)
    }

    /// The newest note that claims to be a statement over all logs; nothing if there is none.
    ///
    /// # Errors
    /// The file system's.
    pub fn newest_statement(&self) -> io::Result<Option<String>> {
        newest_in(&self.statements(), |note| Statement::claimed(note).map(|_| note.to_owned()))
    }

    fn statements(&self) -> PathBuf {
        self.0.join(format!("{ALL_LOGS}.statements"))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

fn newest_in<T>(file: &Path, claimed: impl Fn(&str) -> Option<T>) -> io::Result<Option<T>> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(split_notes(&text).0.into_iter().rev().find_map(claimed)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Whether what is in a file ends with a note's empty line.
fn ends_whole(file: &mut fs::File) -> io::Result<bool> {
    let length = file.seek(SeekFrom::End(0))?;
    let mut end = [0; 2];
    if length >= 2 {
        file.seek(SeekFrom::End(-2))?;
        file.read_exact(&mut end)?;
    }
    Ok(length == 0 || end == *b"\n\n")
}
