//! What is asked of SQLite, and what is thrown away there.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use jiff::Timestamp;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, QueryBuilder, Row, SqlitePool};
use uuid::Uuid;

use crate::call::Record;
use crate::store::fault::fault;
use crate::store::page::{self, Words};
use crate::store::{
    By, Count, Filter, Page, Per, Phases, Remembered, ReplayKey, StoreError, TaskRow, Unsettled, clean, summary,
};

/// How many instructions of its virtual machine SQLite works between two looks at whether it should stop: microseconds.
const STEPS: i32 = 1_000;

/// How many answers are forgotten in one statement: commits wait meanwhile.
const FORGET: i64 = 1_000;

/// One page of the audit log.
pub(super) async fn records(pool: &SqlitePool, filter: &Filter) -> Result<Page, StoreError> {
    let rows = asked(pool, page::question(filter)).await?;
    let records = rows.iter().map(page::shown).collect::<Result<_, _>>()?;
    Ok(page::page(filter, records))
}

/// What was written of one call.
pub(super) async fn phases(pool: &SqlitePool, id: Uuid) -> Result<Phases, StoreError> {
    let rows = asked(pool, page::phases(id)).await?;
    let settled = asked(pool, page::settlement(id)).await?;
    let settled = settled.first().map(page::settled).transpose()?;
    Ok(page::by_phase(rows.iter().map(page::shown).collect::<Result<_, _>>()?, settled))
}

/// How many records there are.
pub(super) async fn summary(
    pool: &SqlitePool,
    filter: &Filter,
    per: Per,
    by: By,
    most: u32,
) -> Result<Vec<Count>, StoreError> {
    let rows = asked(pool, summary::question(filter, per, by, most)).await?;
    summary::counts(&rows, most)
}

/// Says that nobody waits for a statement any more.
struct Leash(Arc<AtomicBool>);

impl Drop for Leash {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The rows that answer a question of an auditor. SQLite itself bounds no statement: it is told to stop when this
/// future is dropped, or it would read on to the log's end and keep the connection. `pool` must be one whose every user
/// comes through here, because the connection remembers what stops it.
pub(super) async fn asked(
    pool: &SqlitePool,
    mut question: QueryBuilder<sqlx::Sqlite>,
) -> Result<Vec<SqliteRow>, StoreError> {
    let mut connection = pool.acquire().await.map_err(fault)?;
    let abandoned = Arc::new(AtomicBool::new(false));
    let _leash = Leash(Arc::clone(&abandoned));
    let mut handle = connection.lock_handle().await.map_err(fault)?;
    handle.set_progress_handler(STEPS, move || !abandoned.load(Ordering::Relaxed));
    drop(handle);
    // Not kept prepared: every combination of filters is another text.
    question.build().persistent(false).fetch_all(&mut *connection).await.map_err(fault)
}

/// Owner, counter and open change of tasks.
pub(super) async fn tasks(pool: &SqlitePool, account: &str, tasks: &[String]) -> Result<Vec<TaskRow>, StoreError> {
    let names: Vec<_> = tasks.iter().map(|task| clean::text(task)).collect();
    let names = serde_json::to_string(&names).map_err(|_| StoreError::Rejected("task ids".to_owned()))?;
    let rows = sqlx::query(
        "SELECT t.team, COALESCE(t.changes, 0), o.intent_id
         FROM json_each($2) AS wanted
         LEFT JOIN tasks t ON t.account = $1 AND t.task_id = wanted.value
         LEFT JOIN open_changes o ON o.account = $1 AND o.task_id = wanted.value
             AND NOT EXISTS (SELECT 1 FROM audit_records f WHERE f.id = o.intent_id)
         ORDER BY wanted.key",
    )
    .bind(clean::text(account))
    .bind(names)
    .fetch_all(pool)
    .await
    .map_err(fault)?;
    rows.iter()
        .map(|row| Ok(TaskRow { team: row.try_get(0)?, changes: row.try_get(1)?, open_change: row.try_get(2)? }))
        .collect::<Result<_, _>>()
        .map_err(fault)
}

/// Tasks of a team.
pub(super) async fn tasks_of(
    pool: &SqlitePool,
    account: &str,
    team: &str,
    limit: u32,
) -> Result<Vec<String>, StoreError> {
    sqlx::query_scalar("SELECT task_id FROM tasks WHERE account = $1 AND team = $2 ORDER BY task_id LIMIT $3")
        .bind(clean::text(account))
        .bind(clean::text(team))
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await
        .map_err(fault)
}

/// What is remembered of a change.
pub(super) async fn remembered(
    pool: &SqlitePool,
    key: &ReplayKey,
    now: Timestamp,
) -> Result<Option<Remembered>, StoreError> {
    let mut connection = pool.acquire().await.map_err(fault)?;
    let kept = super::commit::kept(&mut connection, &key.key).await?;
    Ok(kept.filter(|kept| kept.open || kept.expires_at > now))
}

/// Everything that is remembered, without the answers.
pub(super) async fn all_remembered(pool: &SqlitePool, now: Timestamp) -> Result<Vec<Remembered>, StoreError> {
    let mut connection = pool.acquire().await.map_err(fault)?;
    let keys: Vec<Vec<u8>> = sqlx::query_scalar("SELECT key FROM remembered WHERE expires_at > $1")
        .bind(sqlx::Sqlite::time(now))
        .fetch_all(&mut *connection)
        .await
        .map_err(fault)?;
    let mut all = Vec::with_capacity(keys.len());
    for key in keys {
        let key = key.try_into().map_err(|_| StoreError::Incompatible("a digest of another length".to_owned()))?;
        let kept = super::commit::kept(&mut connection, &key).await?;
        all.extend(kept.map(|kept| Remembered { answer: None, ..kept }));
    }
    Ok(all)
}

/// Forgets what was remembered long enough.
pub(super) async fn forget(connection: &mut SqliteConnection, now: Timestamp) -> Result<u64, StoreError> {
    let mut forgotten = 0;
    loop {
        let done = sqlx::query(
            "DELETE FROM remembered WHERE key IN (
                 SELECT m.key FROM remembered m WHERE m.expires_at < $1
                     AND NOT EXISTS (SELECT 1 FROM open_changes o WHERE o.intent_id = m.intent_id)
                 ORDER BY m.expires_at LIMIT $2)",
        )
        .bind(sqlx::Sqlite::time(now))
        .bind(FORGET)
        .execute(&mut *connection)
        .await
        .map_err(fault)?
        .rows_affected();
        forgotten += done;
        if done < FORGET.unsigned_abs() {
            return Ok(forgotten);
        }
    }
}

/// Changes that nobody has settled.
pub(super) async fn unsettled(pool: &SqlitePool, since: Timestamp, limit: u32) -> Result<Vec<Unsettled>, StoreError> {
    let rows = page::unsettled_since::<sqlx::Sqlite>(since, limit).build().fetch_all(pool).await.map_err(fault)?;
    rows.iter().map(page::unsettled).collect()
}

/// Intents that are open.
pub(super) async fn open_changes(pool: &SqlitePool) -> Result<Vec<Record>, StoreError> {
    let columns = <sqlx::Sqlite as Words>::COLUMNS;
    let statement = format!(
        "SELECT {columns} FROM audit_intents r WHERE r.id IN (SELECT intent_id FROM open_changes) ORDER BY r.id"
    );
    let rows = sqlx::query(AssertSqlSafe(statement)).fetch_all(pool).await.map_err(fault)?;
    rows.iter().map(page::record).collect()
}
