//! The second place in Postgres.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{ConnectOptions, PgPool};

use super::{Notes, SignedNote, after, insert, newest, note};
use crate::store::StoreError;
use crate::store::fault::{fault, is_not_allowed, within};

/// How long an operation may take: signing waits for it.
const OPERATION: Duration = Duration::from_secs(5);

/// How long to wait for a connection.
const ACQUIRE: Duration = Duration::from_secs(3);

const TABLE: &str = "CREATE TABLE IF NOT EXISTS dts_checkpoints (
    log     text        NOT NULL,
    size    bigint      NOT NULL,
    made_at timestamptz NOT NULL,
    note    text        NOT NULL,
    PRIMARY KEY (log, size, made_at)
)";

/// The table in a Postgres database.
pub(super) struct PostgresNotes(PgPool);

impl PostgresNotes {
    pub(super) fn connect(url: &SecretString) -> Result<PostgresNotes, StoreError> {
        let options = PgConnectOptions::from_str(url.expose_secret())
            .map_err(fault)?
            .application_name("dts-gateway checkpoints")
            .disable_statement_logging();
        // One at a time: rounds of checkpoints do not overlap.
        let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(ACQUIRE).connect_lazy_with(options);
        Ok(PostgresNotes(pool))
    }

    async fn try_prepare(&self) -> Result<(), StoreError> {
        // Who may not make tables is refused even when there is nothing to make.
        let is_there: bool = sqlx::query_scalar("SELECT to_regclass('dts_checkpoints') IS NOT NULL")
            .fetch_one(&self.0)
            .await
            .map_err(fault)?;
        if is_there {
            return Ok(());
        }
        match sqlx::raw_sql(TABLE).execute(&self.0).await.map_err(fault) {
            Err(error) if is_not_allowed(&error) => Err(StoreError::Incompatible(
                "it has no table dts_checkpoints and the user of audit.proof.second_url may not make one; \
                 docs/OPERATIONS.md has the statements"
                    .to_owned(),
            )),
            made => made.map(drop),
        }
    }

    async fn found(&self, mut query: sqlx::QueryBuilder<sqlx::Postgres>) -> Result<Vec<SignedNote>, StoreError> {
        let rows = within(OPERATION, async { query.build().fetch_all(&self.0).await.map_err(fault) }).await?;
        rows.iter().map(note).collect()
    }
}

#[async_trait]
impl Notes for PostgresNotes {
    async fn prepare(&self) -> Result<(), StoreError> {
        within(OPERATION, self.try_prepare()).await
    }

    async fn add(&self, notes: &[SignedNote]) -> Result<(), StoreError> {
        if notes.is_empty() {
            return Ok(());
        }
        let mut query = insert::<sqlx::Postgres>(notes)?;
        within(OPERATION, async { query.build().execute(&self.0).await.map(drop).map_err(fault) }).await
    }

    async fn newest(&self, log: &str, limit: u32) -> Result<Vec<SignedNote>, StoreError> {
        self.found(newest(log, limit)).await
    }

    async fn after(&self, last: Option<&SignedNote>, limit: u32) -> Result<Vec<SignedNote>, StoreError> {
        self.found(after(last, limit)?).await
    }
}

impl fmt::Debug for PostgresNotes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PostgresNotes")
    }
}
