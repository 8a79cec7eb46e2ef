//! A batch of entries as one transaction: lock, look, decide, write. The lock is SQLite's own, on the whole file.

use jiff::Timestamp;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Connection, QueryBuilder, Row as _};
use uuid::Uuid;

use crate::proof::Hash;
use crate::store::fault::fault;
use crate::store::logs::{self, Row, Rows};
use crate::store::page::Words;
use crate::store::plan::{self, Known, Lease, Plan, TaskKey, Wanted};
use crate::store::{Entry, Remembered, ReplayKey, Settlement, StoreError, Verdict};

use super::ends::Ends;
use super::{BEGIN, Writing};

/// Commits `entries` at the time `now`.
pub(super) async fn commit(
    writing: &mut Writing,
    entries: &[Entry],
    now: Timestamp,
) -> Result<Vec<Verdict>, StoreError> {
    let wanted = plan::wanted(entries);
    let mut transaction = writing.connection.begin_with(BEGIN).await.map_err(fault)?;
    let mut ends = Ends::current(&mut transaction, writing.ends.take()).await?;
    let known = look(&mut transaction, &wanted).await?;
    let plan = plan::decide(entries, known);
    let rows = ends.logs.append(&plan, now)?;
    append(&mut transaction, rows).await?;
    write(&mut transaction, &plan).await?;
    transaction.commit().await.map_err(fault)?;
    writing.ends = Some(ends);
    Ok(plan.verdicts)
}

async fn look(connection: &mut SqliteConnection, wanted: &Wanted) -> Result<Known, StoreError> {
    let mut known = Known::default();
    for id in &wanted.intents {
        let found: Option<Uuid> = sqlx::query_scalar("SELECT id FROM audit_intents WHERE id = $1")
            .bind(id)
            .fetch_optional(&mut *connection)
            .await
            .map_err(fault)?;
        known.committed.extend(found);
    }
    let closed: Vec<Uuid> = wanted.closed.iter().copied().collect();
    for ids in statements(&closed) {
        let mut question = QueryBuilder::new("SELECT id FROM audit_records WHERE id IN (");
        let mut list = question.separated(", ");
        for id in ids {
            list.push_bind(*id);
        }
        let found: Vec<Uuid> =
            question.push(")").build_query_scalar().fetch_all(&mut *connection).await.map_err(fault)?;
        known.recorded.extend(found);
    }
    for id in &wanted.settled {
        let found: Option<Uuid> = sqlx::query_scalar("SELECT id FROM audit_settlements WHERE id = $1")
            .bind(id)
            .fetch_optional(&mut *connection)
            .await
            .map_err(fault)?;
        known.settled.extend(found);
    }
    for id in &wanted.ended {
        let rows = sqlx::query(
            "SELECT intent_id, account, task_id, EXISTS (SELECT 1 FROM audit_records f WHERE f.id = intent_id)
             FROM open_changes WHERE intent_id = $1",
        )
        .bind(id)
        .fetch_all(&mut *connection)
        .await
        .map_err(fault)?;
        for row in rows {
            known.leases.push(lease(&row).map_err(fault)?);
        }
    }
    for (account, task) in &wanted.tasks {
        let row = sqlx::query(
            "SELECT intent_id, account, task_id, EXISTS (SELECT 1 FROM audit_records f WHERE f.id = intent_id)
             FROM open_changes WHERE account = $1 AND task_id = $2",
        )
        .bind(account)
        .bind(task)
        .fetch_optional(&mut *connection)
        .await
        .map_err(fault)?;
        if let Some(row) = row {
            let lease = lease(&row).map_err(fault)?;
            // One that ends in this batch was found above.
            if !wanted.ended.contains(&lease.intent) {
                known.leases.push(lease);
            }
        }
        let changes = sqlx::query_scalar("SELECT changes FROM tasks WHERE account = $1 AND task_id = $2")
            .bind(account)
            .bind(task)
            .fetch_optional(&mut *connection)
            .await
            .map_err(fault)?;
        let key: TaskKey = (account.clone(), task.clone());
        known.changes.extend(changes.map(|changes: i64| (key, changes)));
    }
    for key in &wanted.keys {
        known.kept.extend(kept(connection, key).await?.map(|kept| (*key, kept)));
    }
    Ok(known)
}

/// What is remembered under `key`. What was refused counts as never seen, even if it came to be remembered late.
pub(super) async fn kept(connection: &mut SqliteConnection, key: &[u8; 32]) -> Result<Option<Remembered>, StoreError> {
    let row = sqlx::query(
        "SELECT m.content, m.intent_id, m.answer, m.expires_at,
             f.id IS NULL AND EXISTS (SELECT 1 FROM open_changes o WHERE o.intent_id = m.intent_id)
         FROM remembered m LEFT JOIN audit_records f ON f.id = m.intent_id
         WHERE m.key = $1 AND f.outcome IS NOT 'refused'",
    )
    .bind(key.as_slice())
    .fetch_optional(connection)
    .await
    .map_err(fault)?;
    let Some(row) = row else { return Ok(None) };
    let content: Vec<u8> = row.try_get(0).map_err(fault)?;
    let content = content.try_into().map_err(|_| StoreError::Incompatible("a digest of another length".to_owned()))?;
    Ok(Some(Remembered {
        id: row.try_get(1).map_err(fault)?,
        key: ReplayKey { key: *key, content },
        answer: row.try_get(2).map_err(fault)?,
        open: row.try_get(4).map_err(fault)?,
        expires_at: sqlx::Sqlite::timestamp(row.try_get(3).map_err(fault)?)?,
    }))
}

async fn write(connection: &mut SqliteConnection, plan: &Plan) -> Result<(), StoreError> {
    for id in &plan.release {
        let done = sqlx::query("DELETE FROM open_changes WHERE intent_id = $1").bind(id);
        done.execute(&mut *connection).await.map_err(fault)?;
    }
    for id in &plan.forget {
        let done = sqlx::query("DELETE FROM remembered WHERE intent_id = $1").bind(id);
        done.execute(&mut *connection).await.map_err(fault)?;
    }
    for end in &plan.ends {
        sqlx::query(
            "UPDATE remembered SET answer = COALESCE($2, answer), expires_at = max(expires_at, COALESCE($3, expires_at))
             WHERE intent_id = $1",
        )
        .bind(end.id)
        .bind(&end.answer)
        .bind(end.until.map(sqlx::Sqlite::time))
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    }
    for lease in &plan.leases {
        sqlx::query("INSERT INTO open_changes (intent_id, account, task_id) VALUES ($1, $2, $3)")
            .bind(lease.intent)
            .bind(&lease.account)
            .bind(&lease.task)
            .execute(&mut *connection)
            .await
            .map_err(fault)?;
    }
    for ((account, task), change) in &plan.tasks {
        sqlx::query(
            "INSERT INTO tasks (account, task_id, team, changes) VALUES ($1, $2, $3, $4)
             ON CONFLICT (account, task_id) DO UPDATE
             SET team = COALESCE(excluded.team, tasks.team), changes = tasks.changes + excluded.changes",
        )
        .bind(account)
        .bind(task)
        .bind(&change.team)
        .bind(change.steps)
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    }
    for (key, kept) in &plan.remember {
        sqlx::query(
            "INSERT INTO remembered (key, content, intent_id, answer, expires_at) VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (key) DO UPDATE SET content = excluded.content, intent_id = excluded.intent_id,
                 answer = excluded.answer, expires_at = excluded.expires_at",
        )
        .bind(key.as_slice())
        .bind(kept.key.content.as_slice())
        .bind(kept.id)
        .bind(&kept.answer)
        .bind(sqlx::Sqlite::time(kept.expires_at))
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    }
    Ok(())
}

/// Adds entries to the logs, and the tiles that they fill.
async fn append(connection: &mut SqliteConnection, rows: Rows<'_>) -> Result<(), StoreError> {
    records(connection, "audit_intents", &rows.intents).await?;
    records(connection, "audit_records", &rows.records).await?;
    settlements(connection, &rows.settlements).await?;
    for (name, tile) in rows.tiles {
        sqlx::query("INSERT INTO audit_tiles (slot, class, level, number, hashes) VALUES ($1, $2, $3, $4, $5)")
            .bind(name.slot)
            .bind(name.class.as_str())
            .bind(i32::from(tile.level))
            .bind(logs::whole(tile.number)?)
            .bind(Hash::concat(&tile.hashes))
            .execute(&mut *connection)
            .await
            .map_err(fault)?;
    }
    Ok(())
}

/// Adds records and their tasks.
async fn records(connection: &mut SqliteConnection, table: &'static str, rows: &[Row<'_>]) -> Result<(), StoreError> {
    let columns = "id, time, account, team, caller, key_id, address, family, version, action, region, task_ids, outcome, \
         reason, caller_gone, settled, request_id, upstream_request_id, upstream_code, waited_ms, detail, \
         class, slot, leaf, leaf_hash, recorded_at, calls";
    let cells = rows.iter().map(Cells::of).collect::<Result<Vec<_>, _>>()?;
    for cells in statements(&cells) {
        let mut insert = QueryBuilder::new(format!("INSERT INTO {table} ({columns}) "));
        insert.push_values(cells, |mut columns, Cells { row, task_ids, settled, detail }| {
            let record = row.record;
            columns
                .push_bind(record.id)
                .push_bind(sqlx::Sqlite::time(record.time))
                .push_bind(&record.account)
                .push_bind(&record.team)
                .push_bind(&record.caller)
                .push_bind(&record.key_id)
                .push_bind(&record.address)
                .push_bind(&record.family)
                .push_bind(&record.version)
                .push_bind(&record.action)
                .push_bind(&record.region)
                .push_bind(task_ids)
                .push_bind(record.outcome.as_str())
                .push_bind(&record.reason)
                .push_bind(record.caller_gone)
                .push_bind(settled.as_deref().map(|settled| settled.trim_matches('"')))
                .push_bind(&record.request_id)
                .push_bind(&record.upstream_request_id)
                .push_bind(&record.upstream_code)
                .push_bind(record.waited_ms)
                .push_bind(detail)
                .push_bind(row.class.as_str())
                .push_bind(row.slot)
                .push_bind(row.leaf)
                .push_bind(row.leaf_hash.as_bytes().as_slice())
                .push_bind(sqlx::Sqlite::time(row.recorded_at))
                .push_bind(i64::try_from(record.calls.get()).unwrap_or(i64::MAX));
        });
        let done = insert.build().execute(&mut *connection).await.map_err(fault)?;
        all_written(done.rows_affected(), cells.len())?;
    }
    let tasks: Vec<(&str, Uuid)> =
        rows.iter().flat_map(|row| row.record.task_ids.iter().map(|task| (task.as_str(), row.record.id))).collect();
    for rows in statements(&tasks) {
        let mut insert = QueryBuilder::new("INSERT INTO audit_record_tasks (task_id, record_id) ");
        insert.push_values(rows, |mut columns, (task, id)| {
            columns.push_bind(*task).push_bind(*id);
        });
        insert.push(" ON CONFLICT DO NOTHING").build().execute(&mut *connection).await.map_err(fault)?;
    }
    Ok(())
}

/// Adds settlements; the record of a creation belongs to the history of what it made.
async fn settlements(connection: &mut SqliteConnection, rows: &[Row<'_, Settlement>]) -> Result<(), StoreError> {
    for row in rows {
        let done = sqlx::query(
            "INSERT INTO audit_settlements (id, settled, seen, class, slot, leaf, leaf_hash, recorded_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(row.record.id)
        .bind(row.record.settled.as_str())
        .bind(row.record.seen.to_string())
        .bind(row.class.as_str())
        .bind(row.slot)
        .bind(row.leaf)
        .bind(row.leaf_hash.as_bytes().as_slice())
        .bind(sqlx::Sqlite::time(row.recorded_at))
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
        all_written(done.rows_affected(), 1)?;
        if let Some(made) = &row.record.made {
            sqlx::query("INSERT INTO audit_record_tasks (task_id, record_id) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                .bind(&made.task)
                .bind(row.record.id)
                .execute(&mut *connection)
                .await
                .map_err(fault)?;
        }
    }
    Ok(())
}

/// A trigger keeps rows that exist; a place that is taken already must not swallow an entry.
fn all_written(written: u64, wanted: usize) -> Result<(), StoreError> {
    if written == wanted as u64 {
        return Ok(());
    }
    Err(StoreError::Incompatible("its audit log has entries that nobody wrote".to_owned()))
}

/// An entry with those of its columns that are JSON.
struct Cells<'a> {
    row: &'a Row<'a>,
    task_ids: String,
    settled: Option<String>,
    detail: String,
}

impl<'a> Cells<'a> {
    fn of(row: &'a Row<'a>) -> Result<Cells<'a>, StoreError> {
        let record = row.record;
        let settled = record.settled.map(|settled| json(&settled)).transpose()?;
        Ok(Cells { row, task_ids: json(&record.task_ids)?, settled, detail: json(&record.detail)? })
    }
}

/// Rows, by the statement that they go with: 128 of them, 64, 32 and so on down to one. So there are eight statements,
/// and each is prepared once. A statement costs a hand-over to SQLite's thread, which is dearer than a row.
fn statements<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let (first, rest) = rows.split_at(1 << rows.len().checked_ilog2()?.min(7));
        rows = rest;
        Some(first)
    })
}

fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::Rejected("a value can't be sent".to_owned()))
}

fn lease(row: &SqliteRow) -> Result<Lease, sqlx::Error> {
    Ok(Lease { intent: row.try_get(0)?, account: row.try_get(1)?, task: row.try_get(2)?, ended: row.try_get(3)? })
}
