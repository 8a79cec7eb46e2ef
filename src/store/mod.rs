//! What the gateway remembers, and the only room with SQL: issued keys, the audit log, the tasks' owners and change
//! counters, open changes (each the lease of its tasks), and answers remembered for changes that are seen again.
//!
//! Two databases, one trait, one suite of tests. The room knows nothing of how records come about; everything that
//! changes is one call of [`Store::commit`], one transaction for as many entries as had queued up.

mod clean;
mod conditions;
mod entry;
mod fault;
mod filter;
mod hold;
mod journal;
mod key;
mod log;
mod logs;
mod notes;
mod open;
mod page;
mod plan;
mod postgres;
mod sqlite;
mod summary;
#[cfg(test)]
mod tests;
mod writer;

use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use crate::call::Class;
use crate::proof::{Hash, Tile};

pub use crate::call::ReplayKey;
pub use entry::{Entry, Intent, Made, Remembered, Settlement, Unsettled, Verdict};
pub use filter::{By, Count, Cursor, Filter, Order, Page, Per, Phases, SettledPhase};
pub use hold::{Hold, Start};
pub use journal::{Journal, JournalError, JournalOptions, JournalSize};
pub use key::{KeyRow, KeyState};
pub use log::{Head, KeptCheckpoint, KeptStatement, LogEntry, Place};
pub use logs::{LogName, NotALogName};
pub use notes::{Notes, SignedNote, open_notes};
pub use open::{Address, open, open_as};
pub use postgres::Postgres;
pub use sqlite::Sqlite;
pub use writer::{Backlog, Demand, Journaling, Spool, Writer, WriterOptions};

/// What a database can do for the gateway.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// Brings the schema up to date; safe to run twice and by two instances at once. A user who may not change it finds it
    /// up to date, or is told who must.
    async fn migrate(&self) -> Result<(), StoreError>;

    /// What whoever runs the gateway should know about how the log is guarded, as sentences.
    async fn warnings(&self) -> Result<Vec<String>, StoreError> {
        // Whoever runs the gateway can write to a SQLite file; there are no users to part.
        Ok(Vec::new())
    }

    /// A round trip that proves that the database answers and can be written to.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Commits all entries in one transaction, durably, and answers each in its order. An intent that is refused (its
    /// task is busy, its state is stale, its replay key is taken) does not hinder the others.
    async fn commit(&self, entries: &[Entry]) -> Result<Vec<Verdict>, StoreError>;

    /// One page of the audit log.
    async fn records(&self, filter: &Filter) -> Result<Page, StoreError>;

    /// What was written of one call; none of both when there is no such call.
    async fn phases(&self, id: Uuid) -> Result<Phases, StoreError>;

    /// How many calls there were, bucket by bucket, those with none left out; by time, then by word. At most `most`
    /// numbers: more are [`StoreError::TooBroad`].
    async fn summary(&self, filter: &Filter, per: Per, by: By, most: u32) -> Result<Vec<Count>, StoreError>;

    /// The owner and the change counter of each of `tasks`, in their order; a task never seen has neither.
    async fn tasks(&self, account: &str, tasks: &[String]) -> Result<Vec<TaskRow>, StoreError>;

    /// All tasks of a team, for a refusal that lists a caller's own; at most `limit`.
    async fn tasks_of(&self, account: &str, team: &str, limit: u32) -> Result<Vec<String>, StoreError>;

    /// What is remembered under `key` at the time `now`; an open change is remembered however old it is.
    async fn remembered(&self, key: &ReplayKey, now: Timestamp) -> Result<Option<Remembered>, StoreError>;

    /// Every change that is remembered at the time `now`, without its answer.
    async fn all_remembered(&self, now: Timestamp) -> Result<Vec<Remembered>, StoreError>;

    /// Forgets answers that were remembered until before `now`, except those whose change is still open.
    async fn forget(&self, now: Timestamp) -> Result<u64, StoreError>;

    /// Records of changes that are open though the instance that made them is gone. `at_start`: also those that an earlier
    /// instance made in the place that this one has now claimed, before it made any itself.
    async fn open_changes(&self, at_start: bool) -> Result<Vec<crate::call::Record>, StoreError>;

    /// Changes of which it was written since `since` that their outcome is unknown, and that nobody has settled, oldest
    /// first; at most `limit`.
    async fn unsettled(&self, since: Timestamp, limit: u32) -> Result<Vec<Unsettled>, StoreError>;

    /// Adds an issued key pair.
    async fn insert_key(&self, key: &KeyRow) -> Result<(), StoreError>;

    /// Every issued key pair, oldest first.
    async fn keys(&self) -> Result<Vec<KeyRow>, StoreError>;

    /// One issued key pair.
    async fn key(&self, key_id: &str) -> Result<Option<KeyRow>, StoreError>;

    /// Changes when a key ends (`expires_at`) or was revoked; false when there is no such key.
    async fn end_key(&self, key_id: &str, state: KeyState) -> Result<bool, StoreError>;

    /// Replaces how a key's secret is sealed, if it still is as `key` says; false when it is not.
    async fn reseal_key(&self, key: &KeyRow, sealed_secret: &[u8], sealed_with: &str) -> Result<bool, StoreError>;

    /// Notes when keys were last used.
    async fn touch_keys(&self, used: &[(String, Timestamp)]) -> Result<(), StoreError>;

    /// Makes sure that nobody runs on the database who must not run beside this instance, for as long as the store lives;
    /// waits up to `patience` for a predecessor to go.
    async fn claim(&self, tenancy: Tenancy, patience: Duration) -> Result<(), StoreError>;

    /// Whether this instance does what only one of several shall do. After another has died it may take some seconds
    /// until one does.
    fn leads(&self) -> bool {
        true
    }

    /// The logs that the records stand in.
    fn log(&self) -> &dyn LogStore;

    /// Ends all connections.
    async fn close(&self);
}

/// The logs of a store, in their own order: what proofs, exports and checkpoints are made of.
#[async_trait]
pub trait LogStore: Send + Sync {
    /// The ends of all logs. What this process writes it knows by itself; the others are as the database has them.
    async fn heads(&self) -> Result<Vec<Head>, StoreError>;

    /// Entries of a log in its order, from the index `from` on, at most `limit`. Behind the last one there are none.
    async fn entries(&self, log: LogName, from: u64, limit: u32) -> Result<Vec<LogEntry>, StoreError>;

    /// Where a record's entries stand: its intent, its end and its settlement. None for records from before the log was provable.
    async fn places(&self, id: Uuid) -> Result<Vec<Place>, StoreError>;

    /// A full tile of a log.
    async fn tile(&self, log: LogName, level: u8, number: u64) -> Result<Option<Tile>, StoreError>;

    /// The hashes of the entries in a log's tile of level 0, whether it is full or not, those that were dropped included.
    async fn leaves(&self, log: LogName, number: u64) -> Result<Vec<Hash>, StoreError>;

    /// Where a log begins, if its beginning was dropped.
    async fn start(&self, log: LogName) -> Result<Option<Start>, StoreError>;

    /// Whether [`LogStore::drop_before`] may be called at all; if not, who may.
    async fn may_drop(&self) -> Result<(), StoreError>;

    /// Drops what was committed before the beginning of a month, of one class, all of it or nothing. `starts` says where
    /// each of its logs begins then.
    async fn drop_before(&self, class: Class, before: Timestamp, starts: &[Start]) -> Result<(), StoreError>;

    /// Every hold, as it was last said, by name.
    async fn holds(&self) -> Result<Vec<Hold>, StoreError>;

    /// Says of a hold what it is now.
    async fn note_hold(&self, hold: &Hold) -> Result<(), StoreError>;

    /// Keeps a signed checkpoint beside the log.
    async fn keep_checkpoint(&self, kept: &KeptCheckpoint) -> Result<(), StoreError>;

    /// Checkpoints of a log about at least `size` entries, the smallest first, at most `limit`.
    async fn checkpoints(&self, log: LogName, size: u64, limit: u32) -> Result<Vec<KeptCheckpoint>, StoreError>;

    /// The checkpoint of a log about the most entries.
    async fn newest_checkpoint(&self, log: LogName) -> Result<Option<KeptCheckpoint>, StoreError>;

    /// Keeps a signed statement over all logs.
    async fn keep_statement(&self, kept: &KeptStatement) -> Result<(), StoreError>;

    /// Statements that were made at `since` or later, oldest first, at most `limit`.
    async fn statements(&self, since: Timestamp, limit: u32) -> Result<Vec<KeptStatement>, StoreError>;

    /// The newest statement.
    async fn newest_statement(&self) -> Result<Option<KeptStatement>, StoreError>;

    /// Makes room for the entries of the coming months, where the database wants that done ahead.
    async fn prepare(&self) -> Result<(), StoreError>;
}

/// With whom an instance shares its database.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Tenancy {
    /// With nobody.
    Sole,
    /// With others that share too.
    Shared,
}

/// What is stored of a task.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct TaskRow {
    /// The team that owns it.
    pub team: Option<String>,
    /// A counter that moves when a change of it begins and when it ends, so equal counters mean that no change has
    /// happened or been under way in between.
    pub changes: i64,
    /// The open change that holds it.
    pub open_change: Option<Uuid>,
}

/// Why the store did not do it. No variant carries a statement, a value or an address with a password.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database does not answer, or not in time.
    #[error("the database is unavailable ({0})")]
    Unavailable(String),
    /// The database holds what this version can't read, or the schema is of another version.
    #[error("the database does not fit this version ({0})")]
    Incompatible(String),
    /// Another instance runs on this database.
    #[error(
        "another instance is running on this database; stop it first, or let them share the quota: give both the same \
         redis.url, or both quota.parts"
    )]
    Claimed,
    /// This kind of database has one instance.
    #[error("several instances need Postgres: a SQLite file has one")]
    NotShared,
    /// It exists already.
    #[error("{0} exists already")]
    Exists(String),
    /// The database refuses a value, and would again.
    #[error("the database refuses a value ({0})")]
    Rejected(String),
    /// A question that would take too much reading, or has too long an answer.
    #[error("the question is too broad, {0}")]
    TooBroad(&'static str),
}
