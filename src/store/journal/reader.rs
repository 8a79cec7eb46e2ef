//! Reads a journal, batch by batch, and believes nothing that its chain and its seals do not say.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

use crate::proof::{Hash, VerifyingKey, open_note};

use super::line::{self, SEAL};
use super::{Entry, JournalError, JournalOptions, JournalSize, disk, shown};

/// A reader at a seal, or at the beginning.
#[derive(Debug)]
pub(in crate::store) struct Reader {
    path: PathBuf,
    origin: String,
    keys: Vec<VerifyingKey>,
    file: BufReader<File>,
    /// Lines read.
    line: u64,
    sealed: JournalSize,
    hash: Hash,
}

impl Reader {
    pub(super) fn open(path: &Path, options: &JournalOptions) -> Result<Reader, JournalError> {
        let file = File::open(path).map_err(|error| disk(path, &error))?;
        Ok(Reader {
            path: path.to_owned(),
            origin: options.origin.clone(),
            keys: options.verifying_keys(),
            file: BufReader::new(file),
            line: 0,
            sealed: JournalSize::default(),
            hash: Hash::empty(),
        })
    }

    /// The entries up to the next seal; none when there is no further one, for now.
    ///
    /// # Errors
    /// Something was altered.
    pub(in crate::store) fn batch(&mut self) -> Result<Option<Vec<Entry>>, JournalError> {
        let (mut entries, mut hash, mut bytes) = (Vec::new(), self.hash, 0);
        loop {
            let mut read = Vec::new();
            let length = self.file.read_until(b'\n', &mut read).map_err(|error| disk(&self.path, &error))?;
            // Nothing, or what was being written: neither was acknowledged.
            let Some(text) = read.strip_suffix(b"\n") else { return Ok(None) };
            self.line += 1;
            bytes += length as u64;
            let text = std::str::from_utf8(text).map_err(|_| self.altered("it is no text"))?;
            if self.sealed.bytes == 0 && bytes == length as u64 {
                hash = self.header(text)?;
            } else if let Some(note) = text.strip_prefix(SEAL) {
                let size = JournalSize {
                    entries: self.sealed.entries + entries.len() as u64,
                    bytes: self.sealed.bytes + bytes,
                };
                self.check_seal(note, size.entries, &hash)?;
                (self.sealed, self.hash) = (size, line::next(&hash, text.as_bytes()));
                return Ok(Some(entries));
            } else {
                let (stated, json) = text.split_once(' ').ok_or_else(|| self.altered("it has no hash"))?;
                hash = line::next(&hash, json.as_bytes());
                if stated != hash.to_string() {
                    return Err(self.altered("its hash does not fit it and the lines before"));
                }
                entries.push(line::read(json).ok_or_else(|| self.altered("this version can't read it"))?);
            }
        }
    }

    /// What was read, up to the last seal.
    pub(super) fn sealed(&self) -> JournalSize {
        self.sealed
    }

    /// The chain's hash, the last seal included.
    pub(super) fn hash(&self) -> Hash {
        self.hash
    }

    fn header(&self, text: &str) -> Result<Hash, JournalError> {
        let header = line::header(&self.origin);
        if text == header {
            return Ok(line::first(&header));
        }
        Err(self.altered(&format!("it is not `{header}`")))
    }

    fn check_seal(&self, note: &str, entries: u64, hash: &Hash) -> Result<(), JournalError> {
        let note = line::note(note).ok_or_else(|| self.altered("its seal can't be read"))?;
        let opened = open_note(&note, &self.keys).map_err(|fault| self.altered(&fault.to_string()))?;
        if opened.text == line::sealed_text(&self.origin, entries, hash) {
            return Ok(());
        }
        Err(self.altered("its seal is over other lines"))
    }

    fn altered(&self, why: &str) -> JournalError {
        JournalError::Altered { path: shown(&self.path), line: self.line, why: why.to_owned() }
    }
}
