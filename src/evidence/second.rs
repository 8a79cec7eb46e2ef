//! The second place that signed notes go to. While it is away the first goes on, and what it missed is added when it is back,
//! from what the gateway's own database has kept.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::proof::{ALL_LOGS, Checkpoint, Statement, VerifyingKey};
use crate::store::{LogName, LogStore, Notes, SignedNote, StoreError};

/// Notes that are added at once.
const PAGE: u32 = 250;

/// Pages that are added in one round: signing waits for it.
const PAGES: u32 = 40;

/// Newest statements that are looked at for one that this deployment has signed.
const LOOKED_AT: u32 = 10;

/// The second place, and how far it has everything.
pub(super) struct Second {
    notes: Arc<dyn Notes>,
    /// None until it was asked.
    has: Option<Has>,
    is_behind: bool,
    is_away: bool,
}

/// How far it has everything.
#[derive(Default)]
struct Has {
    /// By what notes are of: about how many entries the last one is.
    sizes: BTreeMap<String, u64>,
    /// When the last statement was made.
    stated_at: Timestamp,
}

impl Second {
    pub(super) fn new(notes: Arc<dyn Notes>) -> Second {
        Second { notes, has: None, is_behind: true, is_away: false }
    }

    /// What it says of all logs, when it is asked for the first time and answers.
    pub(super) async fn recall(&mut self, origin: &str, keys: &[VerifyingKey]) -> Option<Statement> {
        if self.has.is_some() {
            return None;
        }
        let found = match self.ask(origin, keys).await {
            Ok(found) => found,
            Err(error) => {
                self.away(&error);
                return None;
            }
        };
        // A statement is only added when everything that it speaks of is there.
        let has = found.as_ref().map(|found| Has {
            sizes: found.logs.iter().map(|(log, (size, _))| (format!("{origin}/{log}"), *size)).collect(),
            stated_at: found.time,
        });
        self.has = Some(has.unwrap_or_default());
        found
    }

    async fn ask(&self, origin: &str, keys: &[VerifyingKey]) -> Result<Option<Statement>, StoreError> {
        self.notes.prepare().await?;
        let newest = self.notes.newest(&format!("{origin}/{ALL_LOGS}"), LOOKED_AT).await?;
        let mut own = newest.iter().filter_map(|kept| Statement::open(&kept.note, keys).ok());
        // Logs only grow: the largest is the newest.
        Ok(own.find(|statement| statement.origin == origin))
    }

    /// Adds what was signed in this round, and what it missed before of the logs that are `sound`. Whether it has everything
    /// then. Unless all are, what was said of all of them before is not added: it may have been said while nobody could
    /// tell that one was altered.
    pub(super) async fn send(
        &mut self,
        store: &dyn LogStore,
        origin: &str,
        sound: &[LogName],
        are_all: bool,
        made: &[SignedNote],
    ) -> bool {
        let Some(has) = &mut self.has else { return false };
        let caught_up = match self.is_behind {
            true => catch_up(&*self.notes, has, store, origin, (sound, are_all)).await,
            false => Ok(true),
        };
        let done = match caught_up {
            // What it has already stays.
            Ok(true) => add(&*self.notes, has, made).await.map(|()| true),
            other => other,
        };
        match done {
            Ok(has_all) => {
                self.is_behind = !has_all;
                if std::mem::take(&mut self.is_away) {
                    tracing::info!("the second place of checkpoints is back; what it missed is added");
                }
                has_all
            }
            Err(error) => {
                self.is_behind = true;
                self.away(&error);
                false
            }
        }
    }

    fn away(&mut self, error: &StoreError) {
        if !std::mem::replace(&mut self.is_away, true) {
            tracing::error!(
                error = %error,
                "checkpoints can't be added to their second place; they go on to the folder, and what is missed is added later"
            );
        }
    }
}

async fn add(notes: &dyn Notes, has: &mut Has, made: &[SignedNote]) -> Result<(), StoreError> {
    for page in made.chunks(PAGE as usize) {
        notes.add(page).await?;
        for note in page {
            has.sizes.insert(note.log.clone(), note.size);
            if note.log.ends_with(ALL_LOGS) {
                has.stated_at = note.made_at;
            }
        }
    }
    Ok(())
}

/// Adds what the database has kept and the second place has not; false when there is more. Statements come last.
async fn catch_up(
    notes: &dyn Notes,
    has: &mut Has,
    store: &dyn LogStore,
    origin: &str,
    (sound, are_all): (&[LogName], bool),
) -> Result<bool, StoreError> {
    let mut pages = 0;
    for log in sound.iter().copied() {
        let mut from = has.sizes.get(&named(origin, log)).copied().unwrap_or(0);
        loop {
            let kept = store.checkpoints(log, from, PAGE).await?;
            let of = named(origin, log);
            // What is not what it says would only be in the way of what is.
            let own = kept.iter().filter(|kept| {
                Checkpoint::claimed(&kept.note).is_some_and(|claimed| claimed.origin == of && claimed.size == kept.size)
            });
            let page: Vec<SignedNote> = own
                .map(|kept| SignedNote {
                    log: of.clone(),
                    size: kept.size,
                    made_at: kept.made_at,
                    note: kept.note.clone(),
                })
                .collect();
            add(notes, has, &page).await?;
            let Some(last) = kept.last().filter(|_| kept.len() == PAGE as usize) else { break };
            from = last.size.max(from + 1);
            pages += 1;
            if pages == PAGES {
                return Ok(false);
            }
        }
    }
    if !are_all {
        return Ok(true);
    }
    loop {
        let kept = store.statements(has.stated_at, PAGE).await?;
        let page: Vec<SignedNote> =
            kept.iter().filter_map(|kept| statement(origin, kept.made_at, &kept.note)).collect();
        add(notes, has, &page).await?;
        let Some(last) = kept.last().filter(|_| kept.len() == PAGE as usize) else { return Ok(true) };
        has.stated_at = last.made_at;
        pages += 1;
        if pages == PAGES {
            return Ok(false);
        }
    }
}

/// A checkpoint, as the second place keeps it.
pub(super) fn named(origin: &str, log: LogName) -> String {
    format!("{origin}/{log}")
}

/// A statement, as the second place keeps it; about as many entries as all logs have.
pub(super) fn statement(origin: &str, made_at: Timestamp, note: &str) -> Option<SignedNote> {
    let claimed = Statement::claimed(note).filter(|claimed| claimed.origin == origin)?;
    let size = claimed.logs.values().fold(0_u64, |sum, (size, _)| sum.saturating_add(*size));
    Some(SignedNote { log: format!("{origin}/{ALL_LOGS}"), size, made_at, note: note.to_owned() })
}

impl fmt::Debug for Second {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.notes.fmt(f)
    }
}
