//! What is asked of Postgres, and what is thrown away there.

use jiff::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgPool, QueryBuilder, Row};
use uuid::Uuid;

use super::claim::INSTANCE;
use crate::call::Record;
use crate::store::fault::fault;
use crate::store::logs::BESIDE;
use crate::store::page::{self, Words};
use crate::store::{
    By, Count, Filter, Page, Per, Phases, Remembered, ReplayKey, StoreError, TaskRow, Unsettled, clean, summary,
};

/// What Postgres says of a statement that took too long (`query_canceled`).
const CANCELED: &str = "57014";

/// How many answers are forgotten in one statement.
const FORGET: i64 = 5_000;

/// How many keys are asked for in one statement.
const REMEMBERED_AT_ONCE: usize = 5_000;

/// One page of the audit log.
pub(super) async fn records(pool: &PgPool, filter: &Filter) -> Result<Page, StoreError> {
    let rows = asked(pool, page::question(filter)).await?;
    let records = rows.iter().map(page::shown).collect::<Result<_, _>>()?;
    Ok(page::page(filter, records))
}

/// What was written of one call.
pub(super) async fn phases(pool: &PgPool, id: Uuid) -> Result<Phases, StoreError> {
    let rows = asked(pool, page::phases(id)).await?;
    let settled = asked(pool, page::settlement(id)).await?;
    let settled = settled.first().map(page::settled).transpose()?;
    Ok(page::by_phase(rows.iter().map(page::shown).collect::<Result<_, _>>()?, settled))
}

/// How many records there are.
pub(super) async fn summary(
    pool: &PgPool,
    filter: &Filter,
    per: Per,
    by: By,
    most: u32,
) -> Result<Vec<Count>, StoreError> {
    let rows = asked(pool, summary::question(filter, per, by, most)).await?;
    summary::counts(&rows, most)
}

/// The rows that answer a question of an auditor, which the server gives up after its `statement_timeout`.
pub(super) async fn asked(pool: &PgPool, mut question: QueryBuilder<sqlx::Postgres>) -> Result<Vec<PgRow>, StoreError> {
    // Not kept prepared: every combination of filters is another text, and a plan made for the values is the better one.
    let rows = question.build().persistent(false).fetch_all(pool).await;
    rows.map_err(|error| match error.as_database_error().and_then(|error| error.code()) {
        Some(code) if code == CANCELED => summary::TOO_SLOW,
        _ => fault(error),
    })
}

/// Owner, counter and open change of tasks.
pub(super) async fn tasks(pool: &PgPool, account: &str, tasks: &[String]) -> Result<Vec<TaskRow>, StoreError> {
    if tasks.is_empty() {
        return Ok(Vec::new());
    }
    let names: Vec<_> = tasks.iter().map(|task| clean::text(task)).collect();
    let rows = sqlx::query(
        "SELECT t.team, COALESCE(t.changes, 0), o.intent_id
         FROM unnest($2::text[]) WITH ORDINALITY AS wanted (task_id, position)
         LEFT JOIN tasks t ON t.account = $1 AND t.task_id = wanted.task_id
         LEFT JOIN open_changes o ON o.account = $1 AND o.task_id = wanted.task_id
             AND NOT EXISTS (SELECT 1 FROM audit_records f WHERE f.id = o.intent_id OFFSET 0)
         ORDER BY wanted.position",
    )
    .bind(clean::text(account))
    .bind(names.iter().map(AsRef::as_ref).collect::<Vec<&str>>())
    .fetch_all(pool)
    .await
    .map_err(fault)?;
    rows.iter()
        .map(|row| Ok(TaskRow { team: row.try_get(0)?, changes: row.try_get(1)?, open_change: row.try_get(2)? }))
        .collect::<Result<_, _>>()
        .map_err(fault)
}

/// Tasks of a team.
pub(super) async fn tasks_of(pool: &PgPool, account: &str, team: &str, limit: u32) -> Result<Vec<String>, StoreError> {
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
    pool: &PgPool,
    key: &ReplayKey,
    now: Timestamp,
) -> Result<Option<Remembered>, StoreError> {
    let mut connection = pool.acquire().await.map_err(fault)?;
    let mut kept = super::commit::kept(&mut connection, &[&key.key]).await?;
    Ok(kept.remove(&key.key).filter(|kept| kept.open || kept.expires_at > now))
}

/// Everything that is remembered, without the answers.
pub(super) async fn all_remembered(pool: &PgPool, now: Timestamp) -> Result<Vec<Remembered>, StoreError> {
    let mut connection = pool.acquire().await.map_err(fault)?;
    let keys: Vec<Vec<u8>> = sqlx::query_scalar("SELECT key FROM remembered WHERE expires_at > $1")
        .bind(<sqlx::Postgres as Words>::time(now))
        .fetch_all(&mut *connection)
        .await
        .map_err(fault)?;
    let mut all = Vec::with_capacity(keys.len());
    for keys in keys.chunks(REMEMBERED_AT_ONCE) {
        let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
        let kept = super::commit::kept(&mut connection, &keys).await?;
        all.extend(kept.into_values().map(|kept| Remembered { answer: None, ..kept }));
    }
    Ok(all)
}

/// Forgets what was remembered long enough.
pub(super) async fn forget(pool: &PgPool, now: Timestamp) -> Result<u64, StoreError> {
    let mut forgotten = 0;
    loop {
        // Rows that a commit is just renewing are skipped, so neither waits for the other.
        let now = <sqlx::Postgres as Words>::time(now);
        let done = sqlx::query(
            "DELETE FROM remembered WHERE key IN (
                 SELECT m.key FROM remembered m WHERE m.expires_at < $1
                     AND NOT EXISTS (SELECT 1 FROM open_changes o WHERE o.intent_id = m.intent_id)
                 ORDER BY m.expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
        )
        .bind(now)
        .bind(FORGET)
        .execute(pool)
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
pub(super) async fn unsettled(pool: &PgPool, since: Timestamp, limit: u32) -> Result<Vec<Unsettled>, StoreError> {
    let rows = page::unsettled_since::<sqlx::Postgres>(since, limit).build().fetch_all(pool).await.map_err(fault)?;
    rows.iter().map(page::unsettled).collect()
}

/// Intents that are open, of slots that no instance has, and of the slot `own`. An instance's slots differ by [`BESIDE`].
pub(super) async fn open_changes(pool: &PgPool, own: Option<i32>) -> Result<Vec<Record>, StoreError> {
    let columns = <sqlx::Postgres as Words>::COLUMNS;
    let statement = format!(
        "SELECT {columns} FROM audit_intents r WHERE r.id IN (SELECT intent_id FROM open_changes)
         AND (r.slot % {BESIDE} = $1 % {BESIDE} OR r.slot % {BESIDE} NOT IN (SELECT l.objid::int FROM pg_locks l
             WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 2 AND l.classid = $2::oid
             AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())))
         ORDER BY r.id"
    );
    let asked = sqlx::query(AssertSqlSafe(statement)).bind(own).bind(INSTANCE);
    let rows = asked.fetch_all(pool).await.map_err(fault)?;
    rows.iter().map(page::record).collect()
}
