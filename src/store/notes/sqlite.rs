//! The second place in a SQLite file. It has no log beside it (WAL), so the file alone can be copied.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use async_trait::async_trait;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection};

use super::{Notes, SignedNote, after, insert, newest, note};
use crate::store::StoreError;
use crate::store::fault::{fault, within};

/// How long an operation may take: signing waits for it.
const OPERATION: Duration = Duration::from_secs(5);

/// How long to wait for another process's lock.
const BUSY: Duration = Duration::from_secs(3);

/// Times are microseconds since 1970, UTC.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS dts_checkpoints (
    log     TEXT    NOT NULL,
    size    INTEGER NOT NULL,
    made_at INTEGER NOT NULL,
    note    TEXT    NOT NULL,
    PRIMARY KEY (log, size, made_at)
) STRICT";

/// The table in a SQLite file. It is opened for each operation: a file that was put away or replaced is noticed.
pub(super) struct SqliteNotes(SqliteConnectOptions);

impl SqliteNotes {
    pub(super) fn open(path: &Path) -> SqliteNotes {
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Delete)
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(BUSY)
            .disable_statement_logging();
        SqliteNotes(options)
    }

    async fn on_it<T>(
        &self,
        work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, StoreError> {
        let opened = async {
            let mut connection = self.0.connect().await.map_err(fault)?;
            let done = work(&mut connection).await.map_err(fault)?;
            connection.close().await.map_err(fault)?;
            Ok(done)
        };
        within(OPERATION, opened).await
    }

    async fn found(&self, mut query: sqlx::QueryBuilder<sqlx::Sqlite>) -> Result<Vec<SignedNote>, StoreError> {
        let rows = self.on_it(async |connection| query.build().fetch_all(connection).await).await?;
        rows.iter().map(note).collect()
    }
}

#[async_trait]
impl Notes for SqliteNotes {
    async fn prepare(&self) -> Result<(), StoreError> {
        self.on_it(async |connection| sqlx::raw_sql(TABLE).execute(connection).await.map(drop)).await
    }

    async fn add(&self, notes: &[SignedNote]) -> Result<(), StoreError> {
        if notes.is_empty() {
            return Ok(());
        }
        let mut query = insert::<sqlx::Sqlite>(notes)?;
        self.on_it(async |connection| query.build().execute(connection).await.map(drop)).await
    }

    async fn newest(&self, log: &str, limit: u32) -> Result<Vec<SignedNote>, StoreError> {
        self.found(newest(log, limit)).await
    }

    async fn after(&self, last: Option<&SignedNote>, limit: u32) -> Result<Vec<SignedNote>, StoreError> {
        self.found(after(last, limit)?).await
    }
}

impl fmt::Debug for SqliteNotes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SqliteNotes")
    }
}
