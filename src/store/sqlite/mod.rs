//! The store in one SQLite file.
//!
//! One connection writes, so nothing in this process waits for SQLite's lock; a small pool reads beside it (WAL). A
//! commit is on the disk when it is acknowledged (`synchronous=FULL`). Commands of other processes may use the file at
//! the same time, they wait for each other. The file must be on a local disk: WAL and locks don't work over a network.

mod claim;
mod commit;
mod ends;
mod keys;
mod log;
mod log_store;
mod read;
mod retain;
#[cfg(test)]
mod tests;

use std::fs::OpenOptions;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, SqlSafeStr, SqlitePool};
use tokio::sync::Mutex;
use uuid::Uuid;

use super::fault::{fault, migration, within};
use super::logs::CLAIMED;
use super::page::Words;
use super::{
    By, Count, Entry, Filter, KeyRow, KeyState, LogStore, Page, Per, Phases, Remembered, ReplayKey, Store, StoreError,
    TaskRow, Tenancy, Unsettled, Verdict, summary,
};
use crate::call::Clock;
use claim::Claim;
use ends::Ends;

/// How long to wait for another process's lock.
const BUSY: Duration = Duration::from_secs(5);
/// How long an operation may take: the lock's time and the disk's.
const OPERATION: Duration = Duration::from_secs(8);
/// How long migrations may take, with waiting for another process that runs them.
const MIGRATION: Duration = Duration::from_secs(600);
/// How long a question of an auditor may take, as in Postgres.
const QUESTION: Duration = Duration::from_secs(5);
/// Connections that read: more do not read faster from one file.
const CONNECTIONS: u32 = 4;
/// A transaction that takes the write lock at once: one that takes it later can fail for what it has read before.
const BEGIN: &str = "BEGIN IMMEDIATE";

/// A SQLite database.
pub struct Sqlite {
    path: PathBuf,
    options: SqliteConnectOptions,
    pool: SqlitePool,
    /// For questions to the log, which can take long: callers must not wait for them.
    questions: SqlitePool,
    writer: Mutex<Option<Writing>>,
    claim: Claim,
    clock: Clock,
}

/// The connection that writes, and how far the logs had come when it last did.
struct Writing {
    connection: SqliteConnection,
    ends: Option<Ends>,
}

impl Sqlite {
    /// A database by its file, which is made with the first write if it does not exist; its folder must. Must be called
    /// inside a Tokio runtime. Entries are stamped by `clock`.
    pub fn open(path: &Path, clock: Clock) -> Result<Sqlite, StoreError> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        if folder.is_some_and(|folder| !folder.is_dir()) {
            return Err(StoreError::Incompatible(format!("there is no folder for {}", path.display())));
        }
        let options = SqliteConnectOptions::new()
            .filename(path)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full)
            .foreign_keys(true)
            .busy_timeout(BUSY)
            .disable_statement_logging();
        let pool = || {
            SqlitePoolOptions::new()
                .max_connections(CONNECTIONS)
                .acquire_timeout(BUSY)
                .connect_lazy_with(options.clone())
        };
        let (pool, questions) = (pool(), pool());
        let claim = Claim::new(path);
        Ok(Sqlite { path: path.to_owned(), options, pool, questions, writer: Mutex::new(None), claim, clock })
    }

    async fn connection(&self) -> Result<SqliteConnection, StoreError> {
        create(&self.path).map_err(|error| StoreError::Unavailable(error.kind().to_string()))?;
        self.options.connect().await.map_err(fault)
    }

    /// Runs `work` on the connection that writes. One that failed or was broken off takes the connection with it, so
    /// that no half of a transaction is left on it.
    async fn writing<T>(
        &self,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        self.committing(async |writing| work(&mut writing.connection).await).await
    }

    /// The same for work that appends to the logs.
    async fn committing<T>(
        &self,
        work: impl AsyncFnOnce(&mut Writing) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let mut held = self.writer.lock().await;
        let mut writing = match held.take() {
            Some(writing) => writing,
            None => Writing { connection: self.connection().await?, ends: None },
        };
        let done = work(&mut writing).await?;
        *held = Some(writing);
        Ok(done)
    }
}

#[async_trait]
impl Store for Sqlite {
    async fn migrate(&self) -> Result<(), StoreError> {
        within(MIGRATION, self.writing(async |connection| migrate(connection).await)).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        within(OPERATION, self.writing(async |connection| ping(connection).await)).await
    }

    async fn commit(&self, entries: &[Entry]) -> Result<Vec<Verdict>, StoreError> {
        let now = self.clock.now();
        within(OPERATION, self.committing(async |writing| commit::commit(writing, entries, now).await)).await
    }

    async fn records(&self, filter: &Filter) -> Result<Page, StoreError> {
        bounded(read::records(&self.questions, filter)).await
    }

    async fn phases(&self, id: Uuid) -> Result<Phases, StoreError> {
        bounded(read::phases(&self.questions, id)).await
    }

    async fn summary(&self, filter: &Filter, per: Per, by: By, most: u32) -> Result<Vec<Count>, StoreError> {
        bounded(read::summary(&self.questions, filter, per, by, most)).await
    }

    async fn tasks(&self, account: &str, tasks: &[String]) -> Result<Vec<TaskRow>, StoreError> {
        within(OPERATION, read::tasks(&self.pool, account, tasks)).await
    }

    async fn tasks_of(&self, account: &str, team: &str, limit: u32) -> Result<Vec<String>, StoreError> {
        within(OPERATION, read::tasks_of(&self.pool, account, team, limit)).await
    }

    async fn remembered(&self, key: &ReplayKey, now: Timestamp) -> Result<Option<Remembered>, StoreError> {
        within(OPERATION, read::remembered(&self.pool, key, now)).await
    }

    async fn all_remembered(&self, now: Timestamp) -> Result<Vec<Remembered>, StoreError> {
        read::all_remembered(&self.pool, now).await
    }

    async fn forget(&self, now: Timestamp) -> Result<u64, StoreError> {
        within(OPERATION, self.writing(async |connection| read::forget(connection, now).await)).await
    }

    async fn open_changes(&self, _at_start: bool) -> Result<Vec<crate::call::Record>, StoreError> {
        within(OPERATION, read::open_changes(&self.pool)).await
    }

    async fn unsettled(&self, since: Timestamp, limit: u32) -> Result<Vec<Unsettled>, StoreError> {
        within(OPERATION, read::unsettled(&self.pool, since, limit)).await
    }

    async fn insert_key(&self, key: &KeyRow) -> Result<(), StoreError> {
        within(OPERATION, self.writing(async |connection| keys::insert(connection, key).await)).await
    }

    async fn keys(&self) -> Result<Vec<KeyRow>, StoreError> {
        within(OPERATION, keys::all(&self.pool)).await
    }

    async fn key(&self, key_id: &str) -> Result<Option<KeyRow>, StoreError> {
        within(OPERATION, keys::one(&self.pool, key_id)).await
    }

    async fn end_key(&self, key_id: &str, state: KeyState) -> Result<bool, StoreError> {
        within(OPERATION, self.writing(async |connection| keys::end(connection, key_id, state).await)).await
    }

    async fn reseal_key(&self, key: &KeyRow, sealed_secret: &[u8], sealed_with: &str) -> Result<bool, StoreError> {
        let reseal = async |connection: &mut _| keys::reseal(connection, key, sealed_secret, sealed_with).await;
        within(OPERATION, self.writing(reseal)).await
    }

    async fn touch_keys(&self, used: &[(String, Timestamp)]) -> Result<(), StoreError> {
        within(OPERATION, self.writing(async |connection| keys::touch(connection, used).await)).await
    }

    async fn claim(&self, tenancy: Tenancy, patience: Duration) -> Result<(), StoreError> {
        if tenancy == Tenancy::Shared {
            return Err(StoreError::NotShared);
        }
        self.claim.take(patience).await
    }

    fn log(&self) -> &dyn LogStore {
        self
    }

    async fn close(&self) {
        self.pool.close().await;
        self.questions.close().await;
        if let Some(writing) = self.writer.lock().await.take() {
            // What it had to say is committed.
            drop(writing.connection.close().await);
        }
        self.claim.release();
    }
}

impl Words for sqlx::Sqlite {
    type Time = i64;

    const COLUMNS: &'static str = "r.id, r.time, r.account, r.team, r.caller, r.key_id, r.address, r.family, \
         r.version, r.action, r.region, r.task_ids, r.outcome, r.reason, r.caller_gone, r.settled, r.request_id, \
         r.upstream_request_id, r.upstream_code, r.waited_ms, r.detail, r.calls";

    const OF_THE_END: &'static str = "";

    const POSITION: &'static str = "instr";

    const ASCII: &'static str = "BINARY";

    fn bucket(per: Per) -> &'static str {
        match per {
            Per::Minute => "r.time - r.time % 60000000",
            Per::Hour => "r.time - r.time % 3600000000",
            Per::Day => "r.time - r.time % 86400000000",
        }
    }

    fn time(time: Timestamp) -> Self::Time {
        time.as_microsecond()
    }

    fn timestamp(time: Self::Time) -> Result<Timestamp, StoreError> {
        Timestamp::from_microsecond(time).map_err(|_| StoreError::Incompatible("a time that can't be read".to_owned()))
    }
}

/// Bounds a question of an auditor.
async fn bounded<T>(question: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    tokio::time::timeout(QUESTION, question).await.unwrap_or(Err(summary::TOO_SLOW))
}

/// The migrations, oldest first. Files that were released are never edited, their checksums are in every database.
fn migrations() -> Migrator {
    let all = [
        (1, "start", include_str!("../../../migrations/sqlite/0001_start.sql")),
        (2, "provable log", include_str!("../../../migrations/sqlite/0002_provable_log.sql")),
        (3, "settlements", include_str!("../../../migrations/sqlite/0003_settlements.sql")),
        (4, "roles and retention", include_str!("../../../migrations/sqlite/0004_roles_and_retention.sql")),
        (5, "counted calls", include_str!("../../../migrations/sqlite/0005_counted_calls.sql")),
        (6, "statements", include_str!("../../../migrations/sqlite/0006_statements.sql")),
    ];
    let migration = |(version, name, text): (i64, &'static str, &'static str)| {
        Migration::new(version, name.into(), MigrationType::Simple, text.into_sql_str(), false)
    };
    Migrator::with_migrations(all.map(migration).to_vec())
}

/// All in one transaction: two processes that start at once wait for each other, which the migrator, having no lock for
/// SQLite, does not see to, and of a process that is killed nothing is left.
async fn migrate(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let mut transaction = connection.begin_with(BEGIN).await.map_err(fault)?;
    migrations().run_direct(None, &mut *transaction, false).await.map_err(migration)?;
    transaction.commit().await.map_err(fault)
}

async fn ping(connection: &mut SqliteConnection) -> Result<(), StoreError> {
    let transaction = connection.begin_with(BEGIN).await.map_err(fault)?;
    transaction.rollback().await.map_err(fault)
}

/// Makes the file for its owner only; the files that SQLite puts beside it inherit that. A file that exists is not even
/// opened: closing it would end every lock that this process has on it (POSIX), and then the next process that closes
/// the database takes itself for the last one and removes the log that this one writes to.
fn create(path: &Path) -> std::io::Result<()> {
    let mut options = OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
