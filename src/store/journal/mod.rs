//! A local file of entries that the database could not take, until it takes them again.
//!
//! A line for each entry, chained to the lines before by its hash; after each batch a seal, a signed note over the chain,
//! and then the disk is waited for. What follows the last seal was never acknowledged to anybody: it is what a kill or a
//! power cut leaves, and is cut off. Anything else that does not fit was altered, and then nothing is read and nothing
//! is written: the file is kept as it is.
//!
//! Every operation here blocks on the disk; the writer calls them from threads made for that.

mod line;
mod reader;
#[cfg(test)]
mod tests;

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::proof::{Hash, NoteFault, SigningKey, VerifyingKey, sign_note};

use super::Entry;
pub(super) use reader::Reader;

/// The file's name in its folder.
const FILE: &str = "audit.journal";

/// Where a journal is, how large it may become and who seals it.
#[derive(Clone, Debug)]
pub struct JournalOptions {
    /// The folder; it is made if it is not there.
    pub folder: PathBuf,
    /// How many bytes the file may have before nothing new is let in.
    pub max_bytes: u64,
    /// What the log is of: a journal of another deployment is not read.
    pub origin: String,
    /// The first seals; the others sealed before it, and are still believed.
    pub keys: Vec<SigningKey>,
}

/// A journal that is open for appending.
#[derive(Debug)]
pub struct Journal {
    options: JournalOptions,
    path: PathBuf,
    file: File,
    size: JournalSize,
    hash: Hash,
    /// What was written last could not be undone: nothing is appended behind it.
    broken: bool,
}

/// How much is in a journal.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct JournalSize {
    /// Entries.
    pub entries: u64,
    /// Bytes of the file.
    pub bytes: u64,
}

/// Why a journal can't be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// Somebody changed it.
    #[error(
        "the journal {path} was altered at line {line}: {why}. It holds records that are not in the database yet; keep \
         it, move it away, and start again without them"
    )]
    Altered {
        /// The file.
        path: String,
        /// The line, from 1 on.
        line: u64,
        /// What does not fit.
        why: String,
    },
    /// The file system's.
    #[error("the journal {path} can't be used: {why}")]
    Disk {
        /// The file.
        path: String,
        /// The operating system's word.
        why: String,
    },
    /// It can't be sealed.
    #[error("the journal can't be sealed: {0}")]
    Seal(#[from] NoteFault),
}

impl Journal {
    /// Opens a journal, verifies all of it, and cuts off what was never sealed.
    ///
    /// # Errors
    /// See [`JournalError`]. The file is then as it was.
    pub fn open(options: JournalOptions) -> Result<Journal, JournalError> {
        let path = options.folder.join(FILE);
        let fault = |error: &io::Error| disk(&path, error);
        fs::create_dir_all(&options.folder).map_err(|error| fault(&error))?;
        let mut file = OpenOptions::new();
        file.read(true).append(true).create(true);
        #[cfg(unix)]
        {
            // It holds what callers asked for and were answered, as the database does.
            std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
        }
        let file = file.open(&path).map_err(|error| fault(&error))?;
        let found = file.metadata().map_err(|error| fault(&error))?.len();
        let mut reader = Reader::open(&path, &options)?;
        while reader.batch()?.is_some() {}
        let (size, hash) = (reader.sealed(), reader.hash());
        if found > size.bytes {
            tracing::warn!(bytes = found - size.bytes, "the end of the journal was never sealed and is cut off");
            file.set_len(size.bytes).and_then(|()| file.sync_all()).map_err(|error| fault(&error))?;
        }
        // The file's name is in its folder.
        File::open(&options.folder).and_then(|folder| folder.sync_all()).map_err(|error| fault(&error))?;
        Ok(Journal { options, path, file, size, hash, broken: false })
    }

    /// Appends entries and seals them. When this returns, the disk has them; after an error it has none of them.
    ///
    /// # Errors
    /// The file system's.
    pub(super) fn append<'e>(&mut self, entries: impl IntoIterator<Item = &'e Entry>) -> Result<(), JournalError> {
        if self.broken {
            return Err(JournalError::Disk { path: shown(&self.path), why: "an earlier write failed".to_owned() });
        }
        let (mut text, mut hash, mut count) = (String::new(), self.hash, 0);
        if self.size.bytes == 0 {
            text = line::header(&self.options.origin);
            hash = line::first(&text);
            text.push('\n');
        }
        for entry in entries {
            let json = line::write(entry).map_err(|error| disk(&self.path, &error.into()))?;
            hash = line::next(&hash, json.as_bytes());
            text.push_str(&format!("{hash} {json}\n"));
            count += 1;
        }
        let entries = self.size.entries + count;
        let seal = self.seal(entries, &hash)?;
        text.push_str(&format!("{seal}\n"));
        // Part of the chain, so that it can't be taken out.
        let hash = line::next(&hash, seal.as_bytes());
        let written = self.file.write_all(text.as_bytes()).and_then(|()| self.file.sync_data());
        if let Err(error) = written {
            let undone = self.file.set_len(self.size.bytes).and_then(|()| self.file.sync_all());
            self.broken = undone.is_err();
            return Err(disk(&self.path, &error));
        }
        self.size = JournalSize { entries, bytes: self.size.bytes + text.len() as u64 };
        self.hash = hash;
        Ok(())
    }

    /// Reads it from the beginning, also what is appended meanwhile.
    ///
    /// # Errors
    /// The file system's.
    pub(super) fn reader(&self) -> Result<Reader, JournalError> {
        Reader::open(&self.path, &self.options)
    }

    /// Empties it: everything in it is in the database.
    ///
    /// # Errors
    /// The file system's; then it may still be full, and is read again at the next start.
    pub(super) fn clear(&mut self) -> Result<(), JournalError> {
        let cleared = self.file.set_len(0).and_then(|()| self.file.sync_all());
        cleared.map_err(|error| disk(&self.path, &error))?;
        self.size = JournalSize::default();
        Ok(())
    }

    /// How much is in it.
    pub fn size(&self) -> JournalSize {
        self.size
    }

    /// How much may be in it.
    pub(super) fn max_bytes(&self) -> u64 {
        self.options.max_bytes
    }

    fn seal(&self, entries: u64, hash: &Hash) -> Result<String, JournalError> {
        let text = line::sealed_text(&self.options.origin, entries, hash);
        let keys: Vec<&SigningKey> = self.options.keys.first().into_iter().collect();
        Ok(line::seal(&sign_note(&text, &keys)?))
    }
}

impl JournalOptions {
    fn verifying_keys(&self) -> Vec<VerifyingKey> {
        self.keys.iter().map(|key| key.verifying_key().clone()).collect()
    }
}

fn disk(path: &Path, error: &io::Error) -> JournalError {
    JournalError::Disk { path: shown(path), why: error.to_string() }
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}
