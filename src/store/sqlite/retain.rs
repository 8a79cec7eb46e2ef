//! Dropping the beginning of logs, and what keeps it. A file has no partitions: rows are deleted, in one transaction in which
//! the triggers that forbid it are gone.

use jiff::Timestamp;
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Connection, Row as _, SqlitePool};

use super::BEGIN;
use crate::call::Class;
use crate::proof::Hash;
use crate::store::StoreError;
use crate::store::fault::fault;
use crate::store::hold::{self, Hold, Start};
use crate::store::log::{self, TABLES};
use crate::store::logs::{self, LogName};
use crate::store::page::Words;

/// Where a log begins, if its beginning was dropped.
pub(super) async fn start(connection: &mut SqliteConnection, log: LogName) -> Result<Option<Start>, StoreError> {
    let row = sqlx::query(
        "SELECT start, hashes, recorded_at FROM audit_dropped WHERE slot = $1 AND class = $2 ORDER BY start DESC LIMIT 1",
    )
    .bind(log.slot)
    .bind(log.class.as_str())
    .fetch_optional(connection)
    .await
    .map_err(fault)?;
    let Some(row) = row else { return Ok(None) };
    let recorded_at = sqlx::Sqlite::timestamp(row.try_get(2).map_err(fault)?)?;
    let hashes: Vec<u8> = row.try_get(1).map_err(fault)?;
    hold::start(log, row.try_get(0).map_err(fault)?, &hashes, recorded_at).map(Some)
}

/// Drops what was committed before a time. `starts` says where each log of the class begins then; if the rows say
/// otherwise, nothing is dropped.
pub(super) async fn drop_before(
    connection: &mut SqliteConnection,
    class: Class,
    before: Timestamp,
    starts: &[Start],
) -> Result<(), StoreError> {
    let mut transaction = connection.begin_with(BEGIN).await.map_err(fault)?;
    let triggers: Vec<(String, String)> = sqlx::query_as(
        r"SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'audit\_%\_no\_delete' ESCAPE '\'",
    )
    .fetch_all(&mut *transaction)
    .await
    .map_err(fault)?;
    for (name, _) in &triggers {
        raw(&mut transaction, format!("DROP TRIGGER {name}")).await?;
    }
    for start in starts {
        sqlx::query("INSERT INTO audit_dropped (slot, class, start, hashes, recorded_at) VALUES ($1, $2, $3, $4, $5)")
            .bind(start.log.slot)
            .bind(class.as_str())
            .bind(logs::whole(start.start)?)
            .bind(Hash::concat(&start.hashes))
            .bind(<sqlx::Sqlite as Words>::time(start.recorded_at))
            .execute(&mut *transaction)
            .await
            .map_err(fault)?;
    }
    for (table, _) in TABLES {
        for start in starts {
            // What is below the beginning is of months that go. Log by log, so that an index leads to it.
            let wrong = format!(
                "SELECT EXISTS (SELECT 1 FROM {table} WHERE class = $1 AND slot = $2 AND leaf < $3 AND recorded_at >= $4)"
            );
            let wrong: bool = sqlx::query_scalar(AssertSqlSafe(wrong))
                .bind(class.as_str())
                .bind(start.log.slot)
                .bind(logs::whole(start.start)?)
                .bind(<sqlx::Sqlite as Words>::time(before))
                .fetch_one(&mut *transaction)
                .await
                .map_err(fault)?;
            if wrong {
                return Err(hold::altered());
            }
            sqlx::query(AssertSqlSafe(format!("DELETE FROM {table} WHERE class = $1 AND slot = $2 AND leaf < $3")))
                .bind(class.as_str())
                .bind(start.log.slot)
                .bind(logs::whole(start.start)?)
                .execute(&mut *transaction)
                .await
                .map_err(fault)?;
        }
        // From before the log was provable.
        let unproven = format!("DELETE FROM {table} WHERE class = $1 AND leaf IS NULL AND recorded_at < $2");
        sqlx::query(AssertSqlSafe(unproven))
            .bind(class.as_str())
            .bind(<sqlx::Sqlite as Words>::time(before))
            .execute(&mut *transaction)
            .await
            .map_err(fault)?;
    }
    let orphans = "DELETE FROM audit_record_tasks WHERE
        NOT EXISTS (SELECT 1 FROM audit_records r WHERE r.id = record_id)
        AND NOT EXISTS (SELECT 1 FROM audit_intents i WHERE i.id = record_id)";
    raw(&mut transaction, orphans.to_owned()).await?;
    for (_, text) in triggers {
        raw(&mut transaction, text).await?;
    }
    transaction.commit().await.map_err(fault)
}

async fn raw(connection: &mut SqliteConnection, statement: String) -> Result<(), StoreError> {
    sqlx::raw_sql(AssertSqlSafe(statement)).execute(connection).await.map(drop).map_err(fault)
}

/// Every hold, as it was last said.
pub(super) async fn holds(pool: &SqlitePool) -> Result<Vec<Hold>, StoreError> {
    let rows = sqlx::query(
        "SELECT name, first, last, reason, who, at, released FROM audit_holds h
         WHERE number = (SELECT max(number) FROM audit_holds n WHERE n.name = h.name) ORDER BY name",
    )
    .fetch_all(pool)
    .await
    .map_err(fault)?;
    rows.iter().map(log::hold).collect()
}

/// Says of a hold what it is now.
pub(super) async fn note_hold(connection: &mut SqliteConnection, hold: &Hold) -> Result<(), StoreError> {
    let time = <sqlx::Sqlite as Words>::time;
    sqlx::query(
        "INSERT INTO audit_holds (name, first, last, reason, who, at, released) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(&hold.name)
    .bind(time(hold.from))
    .bind(time(hold.to))
    .bind(&hold.reason)
    .bind(&hold.who)
    .bind(time(hold.at))
    .bind(hold.released)
    .execute(connection)
    .await
    .map(drop)
    .map_err(fault)
}
