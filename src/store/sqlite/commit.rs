//! A batch of entries as one transaction: lock, look, decide, write. The lock is SQLite's own, on the whole file.

use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Connection, Row};
use uuid::Uuid;

use crate::call::Record;
use crate::store::fault::fault;
use crate::store::page::Words;
use crate::store::plan::{self, Kept, Known, Lease, Plan, TaskKey, Wanted};
use crate::store::{Entry, Remembered, StoreError, Verdict};

use super::BEGIN;

/// Commits `entries`.
pub(super) async fn commit(connection: &mut SqliteConnection, entries: &[Entry]) -> Result<Vec<Verdict>, StoreError> {
    let wanted = plan::wanted(entries);
    let mut transaction = connection.begin_with(BEGIN).await.map_err(fault)?;
    let known = look(&mut transaction, &wanted).await?;
    let plan = plan::decide(entries, known);
    write(&mut transaction, &plan).await?;
    transaction.commit().await.map_err(fault)?;
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
pub(super) async fn kept(connection: &mut SqliteConnection, key: &[u8; 32]) -> Result<Option<Kept>, StoreError> {
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
    let remembered = Remembered {
        id: row.try_get(1).map_err(fault)?,
        content: content.try_into().map_err(|_| StoreError::Incompatible("a digest of another length".to_owned()))?,
        answer: row.try_get(2).map_err(fault)?,
        open: row.try_get(4).map_err(fault)?,
    };
    Ok(Some(Kept { remembered, expires_at: sqlx::Sqlite::timestamp(row.try_get(3).map_err(fault)?)? }))
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
    for (id, answer) in &plan.answers {
        let done = sqlx::query("UPDATE remembered SET answer = $2 WHERE intent_id = $1").bind(id).bind(answer);
        done.execute(&mut *connection).await.map_err(fault)?;
    }
    records(connection, "audit_intents", &plan.intents).await?;
    records(connection, "audit_records", &plan.records).await?;
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
        .bind(kept.remembered.content.as_slice())
        .bind(kept.remembered.id)
        .bind(&kept.remembered.answer)
        .bind(sqlx::Sqlite::time(kept.expires_at))
        .execute(&mut *connection)
        .await
        .map_err(fault)?;
    }
    Ok(())
}

/// Adds records and their tasks, one prepared statement for all. A record that exists stays as it is.
async fn records(connection: &mut SqliteConnection, table: &'static str, records: &[Record]) -> Result<(), StoreError> {
    let statement: std::sync::Arc<str> = format!(
        "INSERT INTO {table} (id, time, account, team, caller, key_id, address, family, version, action, region,
             task_ids, outcome, reason, caller_gone, settled, request_id, upstream_request_id, upstream_code,
             waited_ms, detail)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21)
         ON CONFLICT DO NOTHING"
    )
    .into();
    for record in records {
        let settled = record.settled.map(|settled| json(&settled)).transpose()?;
        sqlx::query(AssertSqlSafe(std::sync::Arc::clone(&statement)))
            .bind(record.id)
            .bind(sqlx::Sqlite::time(record.time))
            .bind(&record.account)
            .bind(&record.team)
            .bind(&record.caller)
            .bind(&record.key_id)
            .bind(&record.address)
            .bind(&record.family)
            .bind(&record.version)
            .bind(&record.action)
            .bind(&record.region)
            .bind(json(&record.task_ids)?)
            .bind(record.outcome.as_str())
            .bind(&record.reason)
            .bind(record.caller_gone)
            .bind(settled.as_deref().map(|settled| settled.trim_matches('"')))
            .bind(&record.request_id)
            .bind(&record.upstream_request_id)
            .bind(&record.upstream_code)
            .bind(record.waited_ms)
            .bind(json(&record.detail)?)
            .execute(&mut *connection)
            .await
            .map_err(fault)?;
        for task in &record.task_ids {
            sqlx::query("INSERT INTO audit_record_tasks (task_id, record_id) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                .bind(task)
                .bind(record.id)
                .execute(&mut *connection)
                .await
                .map_err(fault)?;
        }
    }
    Ok(())
}

fn json(value: &impl serde::Serialize) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|_| StoreError::Rejected("a value can't be sent".to_owned()))
}

fn lease(row: &SqliteRow) -> Result<Lease, sqlx::Error> {
    Ok(Lease { intent: row.try_get(0)?, account: row.try_get(1)?, task: row.try_get(2)?, ended: row.try_get(3)? })
}
