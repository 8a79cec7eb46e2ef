//! The logs of a Postgres database, as the gateway asks for them.

use async_trait::async_trait;
use jiff::Timestamp;
use uuid::Uuid;

use super::{MIGRATION, MONTHS_AHEAD, OPERATION, Postgres, log, retain};
use crate::call::Class;
use crate::proof::{Hash, Tile};
use crate::store::fault::{fault, within};
use crate::store::page::Words;
use crate::store::{
    Head, Hold, KeptCheckpoint, KeptStatement, LogEntry, LogName, LogStore, Place, Start, StoreError, logs,
};

/// The lock of who makes partitions: "dts-part" in ASCII.
const PREPARING: i64 = 0x6474_732d_7061_7274;

impl Postgres {
    async fn try_heads(&self) -> Result<Vec<Head>, StoreError> {
        let own = self.committer.lock().await.as_ref().map(|committer| committer.logs.heads());
        let own = own.into_iter().flatten().collect::<Vec<_>>();
        let mut heads = Vec::new();
        for name in log::names(&self.pool).await? {
            match own.iter().find(|head| head.log == name) {
                Some(head) => heads.push(head.clone()),
                None => heads.push(log::head(&self.pool, name).await?),
            }
        }
        Ok(heads)
    }

    async fn try_prepare(&self) -> Result<(), StoreError> {
        let mut transaction = self.pool.begin().await.map_err(fault)?;
        // Of instances that start together one makes them, and the others find them.
        sqlx::query("SELECT pg_advisory_xact_lock($1)")
            .bind(PREPARING)
            .execute(&mut *transaction)
            .await
            .map_err(fault)?;
        // Less than the server's deadlock_timeout (1 s): of this and a question that wait for each other, this gives up.
        sqlx::raw_sql("SET LOCAL lock_timeout = '500ms'").execute(&mut *transaction).await.map_err(fault)?;
        for ahead in 0..=MONTHS_AHEAD {
            sqlx::query("SELECT audit_prepare($1 + make_interval(months => $2))")
                .bind(<sqlx::Postgres as Words>::time(self.clock.now()))
                .bind(ahead)
                .execute(&mut *transaction)
                .await
                .map_err(fault)?;
        }
        transaction.commit().await.map_err(fault)
    }
}

#[async_trait]
impl LogStore for Postgres {
    async fn heads(&self) -> Result<Vec<Head>, StoreError> {
        within(OPERATION, self.try_heads()).await
    }

    async fn entries(&self, log: LogName, from: u64, limit: u32) -> Result<Vec<LogEntry>, StoreError> {
        within(OPERATION, log::entries(&self.pool, log, from, limit)).await
    }

    async fn places(&self, id: Uuid) -> Result<Vec<Place>, StoreError> {
        within(OPERATION, log::places(&self.pool, id)).await
    }

    async fn tile(&self, log: LogName, level: u8, number: u64) -> Result<Option<Tile>, StoreError> {
        within(OPERATION, log::tile(&self.pool, log, level, number)).await
    }

    async fn leaves(&self, log: LogName, number: u64) -> Result<Vec<Hash>, StoreError> {
        within(OPERATION, async {
            log::leaves(&mut *self.pool.acquire().await.map_err(fault)?, log, number * logs::TILE).await
        })
        .await
    }

    async fn start(&self, log: LogName) -> Result<Option<Start>, StoreError> {
        within(OPERATION, async { retain::start(&mut *self.pool.acquire().await.map_err(fault)?, log).await }).await
    }

    async fn may_drop(&self) -> Result<(), StoreError> {
        within(OPERATION, async { retain::may_drop(&mut self.owner().await?).await }).await
    }

    async fn drop_before(&self, class: Class, before: Timestamp, starts: &[Start]) -> Result<(), StoreError> {
        let dropping = async { retain::drop_before(&mut self.owner().await?, class, before, starts).await };
        within(MIGRATION, dropping).await
    }

    async fn holds(&self) -> Result<Vec<Hold>, StoreError> {
        within(OPERATION, retain::holds(&self.pool)).await
    }

    async fn note_hold(&self, hold: &Hold) -> Result<(), StoreError> {
        within(OPERATION, retain::note_hold(&self.pool, hold)).await
    }

    async fn keep_checkpoint(&self, kept: &KeptCheckpoint) -> Result<(), StoreError> {
        within(OPERATION, log::keep(&self.pool, kept)).await
    }

    async fn checkpoints(&self, log: LogName, size: u64, limit: u32) -> Result<Vec<KeptCheckpoint>, StoreError> {
        within(OPERATION, log::checkpoints(&self.pool, log, size, limit)).await
    }

    async fn newest_checkpoint(&self, log: LogName) -> Result<Option<KeptCheckpoint>, StoreError> {
        within(OPERATION, log::newest(&self.pool, log)).await
    }

    async fn keep_statement(&self, kept: &KeptStatement) -> Result<(), StoreError> {
        within(OPERATION, log::keep_statement(&self.pool, kept)).await
    }

    async fn statements(&self, since: Timestamp, limit: u32) -> Result<Vec<KeptStatement>, StoreError> {
        within(OPERATION, log::statements(&self.pool, since, limit)).await
    }

    async fn newest_statement(&self) -> Result<Option<KeptStatement>, StoreError> {
        within(OPERATION, log::newest_statement(&self.pool)).await
    }

    async fn prepare(&self) -> Result<(), StoreError> {
        within(OPERATION, self.try_prepare()).await
    }
}
