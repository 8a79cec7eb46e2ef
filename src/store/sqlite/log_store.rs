//! The logs of a SQLite file, as the gateway asks for them.

use async_trait::async_trait;
use jiff::Timestamp;
use sqlx::Connection;
use uuid::Uuid;

use super::{BEGIN, CLAIMED, Ends, MIGRATION, OPERATION, Sqlite, Writing, log, retain};
use crate::call::Class;
use crate::proof::{Hash, Tile};
use crate::store::fault::{fault, within};
use crate::store::{
    Head, Hold, KeptCheckpoint, KeptStatement, LogEntry, LogName, LogStore, Place, Start, StoreError, logs,
};

impl Sqlite {
    async fn try_heads(&self) -> Result<Vec<Head>, StoreError> {
        let heads = async |writing: &mut Writing| {
            let mut transaction = writing.connection.begin_with(BEGIN).await.map_err(fault)?;
            let ends = Ends::current(&mut transaction, writing.ends.take()).await?;
            let mut heads = Vec::new();
            for slot in CLAIMED..ends.logs.slot() {
                for class in [Class::Changes, Class::Reads] {
                    let name = LogName { slot, class };
                    heads.push(log::end(&mut transaction, name).await?.head(name));
                }
            }
            transaction.rollback().await.map_err(fault)?;
            heads.extend(ends.logs.heads());
            writing.ends = Some(ends);
            Ok(heads)
        };
        self.committing(heads).await
    }
}

#[async_trait]
impl LogStore for Sqlite {
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
        Ok(())
    }

    async fn drop_before(&self, class: Class, before: Timestamp, starts: &[Start]) -> Result<(), StoreError> {
        let dropping = async |connection: &mut _| retain::drop_before(connection, class, before, starts).await;
        within(MIGRATION, self.writing(dropping)).await
    }

    async fn holds(&self) -> Result<Vec<Hold>, StoreError> {
        within(OPERATION, retain::holds(&self.pool)).await
    }

    async fn note_hold(&self, hold: &Hold) -> Result<(), StoreError> {
        within(OPERATION, self.writing(async |connection| retain::note_hold(connection, hold).await)).await
    }

    async fn keep_checkpoint(&self, kept: &KeptCheckpoint) -> Result<(), StoreError> {
        within(OPERATION, self.writing(async |connection| log::keep(connection, kept).await)).await
    }

    async fn checkpoints(&self, log: LogName, size: u64, limit: u32) -> Result<Vec<KeptCheckpoint>, StoreError> {
        within(OPERATION, log::checkpoints(&self.pool, log, size, limit)).await
    }

    async fn newest_checkpoint(&self, log: LogName) -> Result<Option<KeptCheckpoint>, StoreError> {
        within(OPERATION, log::newest(&self.pool, log)).await
    }

    async fn keep_statement(&self, kept: &KeptStatement) -> Result<(), StoreError> {
        within(OPERATION, self.writing(async |connection| log::keep_statement(connection, kept).await)).await
    }

    async fn statements(&self, since: Timestamp, limit: u32) -> Result<Vec<KeptStatement>, StoreError> {
        within(OPERATION, log::statements(&self.pool, since, limit)).await
    }

    async fn newest_statement(&self) -> Result<Option<KeptStatement>, StoreError> {
        within(OPERATION, log::newest_statement(&self.pool)).await
    }

    async fn prepare(&self) -> Result<(), StoreError> {
        Ok(()) // there are no partitions
    }
}
