//! The files of a folder, and places in them.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, ErrorKind, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::team_file::read_team;
use super::vocabulary::Vocabulary;
use crate::call::Team;

/// The largest team file in bytes.
const LARGEST_FILE: u64 = 1024 * 1024;

/// A mistake in a file, and where it is.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Fault {
    /// The file or folder.
    pub file: PathBuf,
    /// Line and column, from 1, columns in characters; none when it is about the file as a whole.
    pub place: Option<(usize, usize)>,
    /// What is wrong.
    pub message: String,
}

/// The team files of a folder, as they are.
pub(super) struct TeamFiles(Vec<Source>);

/// One file's text.
pub(super) struct Source {
    pub(super) file: PathBuf,
    pub(super) text: String,
}

impl TeamFiles {
    /// Reads the files of a folder that may not be there yet.
    pub(super) fn read_if_there(folder: &Path) -> Result<TeamFiles, Vec<Fault>> {
        match std::fs::read_dir(folder) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(TeamFiles(Vec::new())),
            _ => TeamFiles::read(folder),
        }
    }

    /// Reads every `*.toml` of a folder whose name does not begin with a dot.
    pub(super) fn read(folder: &Path) -> Result<TeamFiles, Vec<Fault>> {
        let unread = |error: io::Error| vec![Fault::about(folder, format!("the folder can't be read, {error}"))];
        let entries = std::fs::read_dir(folder).map_err(unread)?;
        // An entry that can't be read may be a team's file, and without it its callers would be nobody's.
        let paths: io::Result<Vec<PathBuf>> = entries.map(|entry| Ok(entry?.path())).collect();
        let mut paths = paths.map_err(unread)?;
        paths.retain(|path| is_team(path));
        paths.sort();
        let (mut files, mut faults) = (Vec::new(), Vec::new());
        for path in paths {
            match Source::read(path) {
                Ok(source) => files.push(source),
                Err(fault) => faults.push(fault),
            }
        }
        if faults.is_empty() { Ok(TeamFiles(files)) } else { Err(faults) }
    }

    /// The same, unless there are none: a folder that lost all its files was hardly meant to put every caller out.
    pub(super) fn unless_none(self, folder: &Path) -> Result<TeamFiles, Vec<Fault>> {
        if !self.0.is_empty() {
            return Ok(self);
        }
        let message =
            "there is no team's file any more; if nobody is to call, leave one that says `team` and nothing else";
        Err(vec![Fault::about(folder, message.to_owned())])
    }

    /// SHA-256 over names and contents, as `sha256sum *.toml | sha256sum` computes it. Where the folder is doesn't count.
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut hash = Sha256::new();
        for source in &self.0 {
            let name = source.file.file_name().unwrap_or_default();
            hash.update(hex::encode(Sha256::digest(&source.text)));
            hash.update("  ");
            hash.update(name.as_encoded_bytes());
            hash.update("\n");
        }
        hash.finalize().into()
    }

    /// All teams, or every mistake in every file.
    pub(super) fn parse(&self, vocabulary: &Vocabulary) -> Result<Vec<Team>, Vec<Fault>> {
        let (mut teams, mut faults) = (Vec::new(), Vec::new());
        let mut first_of: HashMap<(&'static str, String), &Path> = HashMap::new();
        for source in &self.0 {
            let (file, mut found) = read_team(source, vocabulary);
            for (kind, name, span) in &file.names {
                match first_of.get(&(*kind, name.clone())) {
                    Some(first) => {
                        let message = format!("the {kind} {name} is in {} already", first.display());
                        found.push(source.fault(span.clone(), message));
                    }
                    None => {
                        first_of.insert((*kind, name.clone()), &source.file);
                    }
                }
            }
            found.sort();
            faults.append(&mut found);
            teams.push(file.team);
        }
        if faults.is_empty() { Ok(teams) } else { Err(faults) }
    }
}

impl Source {
    pub(super) fn read(file: PathBuf) -> Result<Source, Fault> {
        let mut text = String::new();
        let opened = std::fs::File::open(&file);
        let read = opened.and_then(|opened| opened.take(LARGEST_FILE + 1).read_to_string(&mut text));
        match read {
            Err(error) => Err(Fault::about(&file, format!("the file can't be read, {error}"))),
            Ok(length) if length as u64 > LARGEST_FILE => {
                Err(Fault::about(&file, "the file is larger than 1 MiB".to_owned()))
            }
            Ok(_) => Ok(Source { file, text }),
        }
    }

    /// A mistake at a place in this file.
    pub(super) fn fault(&self, span: Range<usize>, message: String) -> Fault {
        let before = self.text.get(..span.start).unwrap_or(&self.text);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Fault { file: self.file.clone(), place: Some((line, column)), message }
    }
}

impl Fault {
    pub(super) fn about(file: &Path, message: String) -> Fault {
        Fault { file: file.to_owned(), place: None, message }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some((line, column)) = self.place {
            write!(f, ":{line}:{column}")?;
        }
        write!(f, ": {}", self.message)
    }
}

fn is_team(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    name.ends_with(".toml") && !name.starts_with('.')
}
