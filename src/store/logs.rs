//! The logs that a store writes: where an entry stands and what its hash is, decided without a database.
//!
//! There is a log for each class of a slot. Whoever commits grows a copy of its logs and keeps it if the commit went
//! well; a commit that broke off takes them with it, and they are read again from what the database has.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use serde::Serialize;

use crate::call::{Class, Record};
use crate::proof::{self, Hash, Tile, Tree};

use super::log::Head;
use super::plan::Plan;
use super::{Settlement, StoreError};

/// The slot of the instance that has claimed the database for itself; of several, the first one's.
pub(super) const CLAIMED: i32 = 0;

/// The first slot of commands that run beside instances, and of logs that go on beside one that was altered. Below it are
/// the instances'.
pub(super) const BESIDE: i32 = 100;

/// Which log: written `0/changes`.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct LogName {
    /// Whose it is: 0 to 99 are instances, 0 the only one or the first; others are commands that ran beside them. Before
    /// there were several instances, commands had slots from 1 on.
    pub slot: i32,
    /// What is in it.
    pub class: Class,
}

/// The logs of one slot.
#[derive(Clone, Debug)]
pub(super) struct Logs {
    slot: i32,
    changes: Log,
    reads: Log,
}

/// One log's end.
#[derive(Clone, Debug)]
pub(super) struct Log {
    /// Its tree.
    pub(super) tree: Tree,
    /// When its last entry was committed; the next one is never earlier.
    pub(super) recorded_at: Timestamp,
}

/// What an entry's row is made of.
#[derive(Debug, Serialize)]
pub(super) struct Row<'a, R = Record> {
    /// Its content.
    #[serde(flatten)]
    pub(super) record: &'a R,
    /// The log's class.
    pub(super) class: Class,
    /// The log's slot.
    pub(super) slot: i32,
    /// Its index in the log.
    pub(super) leaf: i64,
    /// The hash of its content.
    #[serde(rename = "hash")]
    pub(super) leaf_hash: Hash,
    /// When it is committed.
    pub(super) recorded_at: Timestamp,
}

/// Everything of a plan that goes into logs.
#[derive(Debug, Default)]
pub(super) struct Rows<'a> {
    /// Of `audit_intents`.
    pub(super) intents: Vec<Row<'a>>,
    /// Of `audit_records`.
    pub(super) records: Vec<Row<'a>>,
    /// Of `audit_settlements`.
    pub(super) settlements: Vec<Row<'a, Settlement>>,
    /// Tiles that became full, with their log.
    pub(super) tiles: Vec<(LogName, Tile)>,
}

impl Logs {
    /// The slot.
    pub(super) fn slot(&self) -> i32 {
        self.slot
    }

    /// Gives every entry of `plan` its place, at the time `now`.
    ///
    /// # Errors
    /// A record that has no canonical form.
    pub(super) fn append<'a>(&mut self, plan: &'a Plan, now: Timestamp) -> Result<Rows<'a>, StoreError> {
        let mut rows = Rows::default();
        for record in &plan.intents {
            let row = self.row("intent", Class::Changes, record, now, &mut rows.tiles)?;
            rows.intents.push(row);
        }
        for record in &plan.records {
            let row = self.row("ended", record.class(), record, now, &mut rows.tiles)?;
            rows.records.push(row);
        }
        for settlement in &plan.settlements {
            let row = self.row("settled", Class::Changes, settlement, now, &mut rows.tiles)?;
            rows.settlements.push(row);
        }
        Ok(rows)
    }

    /// The ends of the logs.
    pub(super) fn heads(&self) -> [Head; 2] {
        let head = |class, Log { tree, recorded_at }: &Log| {
            let log = LogName { slot: self.slot, class };
            Head { log, size: tree.size(), root: Some(tree.root()), recorded_at: *recorded_at }
        };
        [head(Class::Changes, &self.changes), head(Class::Reads, &self.reads)]
    }

    fn row<'a, R: Serialize>(
        &mut self,
        phase: &str,
        class: Class,
        record: &'a R,
        now: Timestamp,
        tiles: &mut Vec<(LogName, Tile)>,
    ) -> Result<Row<'a, R>, StoreError> {
        let log = match class {
            Class::Changes => &mut self.changes,
            Class::Reads => &mut self.reads,
        };
        // A clock that is set back does not reorder a log.
        let recorded_at = now.max(log.recorded_at);
        let content = proof::content(phase, recorded_at, record)
            .map_err(|error| StoreError::Rejected(format!("a record can't be hashed, {error}")))?;
        let leaf_hash = proof::leaf(&content);
        let leaf = whole(log.tree.size())?;
        let name = LogName { slot: self.slot, class };
        tiles.extend(log.tree.append(leaf_hash).into_iter().map(|tile| (name, tile)));
        log.recorded_at = recorded_at;
        Ok(Row { record, class, slot: self.slot, leaf, leaf_hash, recorded_at })
    }
}

impl fmt::Display for LogName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.slot, self.class.as_str())
    }
}

/// A text that is no log's name.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a log's name is written like 0/changes")]
pub struct NotALogName;

impl FromStr for LogName {
    type Err = NotALogName;

    fn from_str(text: &str) -> Result<LogName, NotALogName> {
        let (slot, class) = text.split_once('/').ok_or(NotALogName)?;
        let class = [Class::Changes, Class::Reads].into_iter().find(|known| known.as_str() == class);
        Ok(LogName { slot: slot.parse().map_err(|_| NotALogName)?, class: class.ok_or(NotALogName)? })
    }
}

/// Hashes in a tile.
pub(super) const TILE: u64 = 256;

/// A hash out of a column.
pub(super) fn hash(bytes: &[u8]) -> Result<Hash, StoreError> {
    Hash::try_from(bytes).map_err(|error| StoreError::Incompatible(format!("its audit log was altered: {error}")))
}

/// A tile out of its column.
pub(super) fn tile(level: u8, number: u64, hashes: &[u8]) -> Result<Tile, StoreError> {
    let hashes = Hash::split(hashes).map_err(|_| StoreError::Incompatible("a tile can't be read".to_owned()))?;
    Ok(Tile { level, number, hashes })
}

/// The roots of tiles, by their columns.
pub(super) fn roots(tiles: Vec<Vec<u8>>) -> Result<Vec<Hash>, StoreError> {
    tiles.iter().map(|hashes| Ok(tile(0, 0, hashes)?.root())).collect()
}

/// A number as both databases hold it.
pub(super) fn whole(number: u64) -> Result<i64, StoreError> {
    i64::try_from(number).map_err(|_| StoreError::Rejected("a log is full".to_owned()))
}

/// What a database has of a log that is to go on.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// The log's size: one more than the last entry's index.
    pub(super) size: u64,
    /// When the last entry was committed.
    pub(super) recorded_at: Option<Timestamp>,
    /// For each level, the hashes of its unfinished tile.
    pub(super) levels: Vec<Vec<Hash>>,
}

impl Found {
    /// The log, to go on with. None when hashes are missing: somebody has removed entries or tiles, and it cannot go on as
    /// if nothing had happened.
    pub(super) fn log(self) -> Option<Log> {
        let tree = Tree::resume(self.size, self.levels).ok()?;
        Some(Log { tree, recorded_at: self.recorded_at.unwrap_or(Timestamp::UNIX_EPOCH) })
    }

    /// The log's end, as it is.
    pub(super) fn head(self, log: LogName) -> Head {
        let (size, recorded_at) = (self.size, self.recorded_at.unwrap_or(Timestamp::UNIX_EPOCH));
        Head { log, size, root: self.log().map(|log| log.tree.root()), recorded_at }
    }
}

/// The logs of a slot, to go on with; none when one of them was altered. The next slot is taken then: what comes is
/// recorded and can be proven, and what was done to the others stays to be seen.
pub(super) fn resume(slot: i32, changes: Found, reads: Found) -> Option<Logs> {
    match (changes.log(), reads.log()) {
        (Some(changes), Some(reads)) => Some(Logs { slot, changes, reads }),
        _ => {
            tracing::error!(
                slot,
                "the audit log of this slot was altered; the next slot is taken, export and verify the log"
            );
            None
        }
    }
}
