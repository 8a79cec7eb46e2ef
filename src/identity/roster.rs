//! The teams and callers, out of a folder with one file per team. Files are read whole or not at all: a mistake in one
//! of them leaves the last good roster in force, and every mistake is told with its file, line and column.
//!
//! It says who may call and what their files grant; whether a grant allows a call is judged elsewhere.

mod add_caller;
mod changes;
mod conditions;
mod source;
mod table;
mod team_file;
mod vocabulary;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use sha2::{Digest, Sha256};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::Instant;

pub use self::add_caller::{AddCallerError, Added, NewCaller, add_caller};
pub use self::changes::{Changes, Names};
pub use self::source::Fault;
pub use self::vocabulary::Vocabulary;

use self::source::TeamFiles;
use crate::call::{Caller, Team};

/// Between two readings of the folder that unknown names cause.
const BETWEEN_LOOKS: Duration = Duration::from_millis(200);

/// Every team and caller, as the files last read say.
pub struct Roster {
    folder: PathBuf,
    vocabulary: Vocabulary,
    now: ArcSwap<Members>,
    /// The digest of the files last read, good or bad, so that the same mistake is told once.
    seen: Mutex<[u8; 32]>,
    looking: tokio::sync::Mutex<Option<Instant>>,
    /// Who writes down what became of a reading.
    watcher: OnceLock<UnboundedSender<Reading>>,
}

/// What a reading of the folder changed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reloaded {
    /// The files are those that were read before.
    Unchanged,
    /// Another roster is in force.
    Changed,
}

/// A reading of the folder that found other files than before: what is written down of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Reading {
    /// The policy that was in force.
    pub before: Arc<str>,
    /// What the files that were read amount to; none if they could not even be read.
    pub read: Option<Arc<str>>,
    /// What came of it.
    pub outcome: Result<Changes, Vec<Fault>>,
}

#[derive(Debug, Default)]
struct Members {
    /// SHA-256 of the files, see [`Roster::policy`].
    policy: Arc<str>,
    teams: Vec<Team>,
    callers: HashMap<String, Arc<Caller>>,
}

impl Roster {
    /// Reads a folder of team files. A folder that is not there yet is a roster without callers.
    ///
    /// # Errors
    /// Every mistake in every file.
    pub fn open(folder: &Path, vocabulary: Vocabulary) -> Result<Roster, Vec<Fault>> {
        let files = TeamFiles::read_if_there(folder)?;
        let teams = files.parse(&vocabulary)?;
        Ok(Roster {
            folder: folder.to_owned(),
            vocabulary,
            now: ArcSwap::from_pointee(Members::of(teams, files.digest())),
            seen: Mutex::new(files.digest()),
            looking: tokio::sync::Mutex::default(),
            watcher: OnceLock::new(),
        })
    }

    /// A caller that is known now.
    pub fn get(&self, name: &str) -> Option<Arc<Caller>> {
        self.now.load().callers.get(name).cloned()
    }

    /// A caller; for a name that is not known the folder is read again, so that a caller that was just added works at
    /// once. Only those who proved a name that somebody issued come here.
    pub async fn caller(self: &Arc<Self>, name: &str) -> Option<Arc<Caller>> {
        if let Some(known) = self.get(name) {
            return Some(known);
        }
        let mut looked = self.looking.lock().await;
        let may_look = looked.is_none_or(|at| at.elapsed() >= BETWEEN_LOOKS);
        if self.get(name).is_none() && may_look {
            *looked = Some(Instant::now());
            let roster = Arc::clone(self);
            let reloaded = tokio::task::spawn_blocking(move || roster.reload()).await;
            if let Ok(Err(faults)) = reloaded {
                tell(&faults);
            }
        }
        self.get(name)
    }

    /// Reads the folder again and takes it over if all of it is right. Files are read and parsed: not for the request
    /// path. What was wrong before and still is the same is `Unchanged`, it was told already. Where there were teams, a
    /// folder that is gone or has no file any more, as when a volume is not mounted, is a mistake.
    ///
    /// # Errors
    /// Every mistake in every file; the last good roster stays in force.
    pub fn reload(&self) -> Result<Reloaded, Vec<Fault>> {
        let files = self.read();
        let digest = files.as_ref().map_or_else(|faults| digest_of(faults), TeamFiles::digest);
        // Held until the end, or two readings at once could leave the older one in force.
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if *seen == digest {
            return Ok(Reloaded::Unchanged);
        }
        *seen = digest;
        let before = self.now.load_full();
        let read: Option<Arc<str>> = files.is_ok().then(|| hex::encode(digest).into());
        if read.as_ref() == Some(&before.policy) {
            // Those in force again, after others that were wrong.
            return Ok(Reloaded::Unchanged);
        }
        let parsed = files.and_then(|files| files.parse(&self.vocabulary));
        let after = parsed.map(|teams| Members::of(teams, digest));
        let outcome = after.as_ref().map(|after| Changes::between(&before.teams, &after.teams));
        let outcome = outcome.map_err(Vec::clone);
        if let Some(watcher) = self.watcher.get() {
            // Nobody listens any more at the very end.
            let _ = watcher.send(Reading { before: Arc::clone(&before.policy), read, outcome });
        }
        self.now.store(Arc::new(after?));
        Ok(Reloaded::Changed)
    }

    fn read(&self) -> Result<TeamFiles, Vec<Fault>> {
        match self.now.load().teams.is_empty() {
            true => TeamFiles::read_if_there(&self.folder),
            false => TeamFiles::read(&self.folder)?.unless_none(&self.folder),
        }
    }

    /// What becomes of each later reading that finds other files than the one before, whoever caused it. To the first who
    /// asks; nothing to anybody after that.
    pub fn readings(&self) -> UnboundedReceiver<Reading> {
        let (sender, receiver) = unbounded_channel();
        // Dropped if somebody has it already, which ends the second one's at once.
        let _ = self.watcher.set(sender);
        receiver
    }

    /// SHA-256 of the team files in force, hexadecimal: of a line for each, in the order of their names, with the SHA-256
    /// of its content, two spaces and its name. `sha256sum *.toml | sha256sum` in the folder says the same.
    pub fn policy(&self) -> Arc<str> {
        Arc::clone(&self.now.load().policy)
    }

    /// Every team, in the order of the files' names.
    pub fn teams(&self) -> Vec<Team> {
        self.now.load().teams.clone()
    }

    /// Whether there is a team of this name.
    pub fn has_team(&self, name: &str) -> bool {
        self.now.load().teams.iter().any(|team| team.name == name)
    }
}

impl Members {
    fn of(mut teams: Vec<Team>, digest: [u8; 32]) -> Members {
        let policy: Arc<str> = hex::encode(digest).into();
        for caller in teams.iter_mut().flat_map(|team| &mut team.callers) {
            caller.policy = Arc::clone(&policy);
        }
        let callers = teams.iter().flat_map(|team| &team.callers);
        let callers = callers.map(|caller| (caller.name.clone(), Arc::new(caller.clone()))).collect();
        Members { policy, teams, callers }
    }
}

/// What a folder that can't be read is remembered by.
fn digest_of(faults: &[Fault]) -> [u8; 32] {
    let told: Vec<String> = faults.iter().map(Fault::to_string).collect();
    Sha256::digest(told.join("\n")).into()
}

fn tell(faults: &[Fault]) {
    for fault in faults {
        tracing::error!(%fault, "the team files have a mistake, the last good ones stay in force");
    }
}

/// What a caller or a team may be called: one word that a log, a URL and a file can carry.
fn is_name(name: &str) -> bool {
    const OTHERS: &str = "._-@:/+";
    let is_plain = |c: char| c.is_alphanumeric() || OTHERS.contains(c);
    !name.is_empty() && name.len() <= 128 && name.chars().all(is_plain)
}

#[cfg(test)]
mod tests;
