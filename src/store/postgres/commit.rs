//! A batch of entries as one transaction: lock, look, decide, write.
//!
//! Instances are kept apart by advisory locks on the tasks and replay keys of a batch, taken in one order before
//! anything is read, until the transaction ends. Rows can't be locked instead, because a task that was never seen has
//! none. Two tasks whose locks collide wait for each other for nothing, and no more.

use std::collections::{BTreeSet, HashMap, HashSet};

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Row as _};
use uuid::Uuid;

use super::committer::Committer;
use crate::proof::Hash;
use crate::store::fault::fault;
use crate::store::logs::{self, Row, Rows};
use crate::store::page::Words;
use crate::store::plan::{self, Known, Lease, Plan, TaskKey, Wanted};
use crate::store::{Entry, Remembered, ReplayKey, Settlement, StoreError, Verdict};

/// First halves of the advisory locks' names (the second is a digest): in two-part names no other lock can hide.
const TASK_LOCK: i32 = 0x6474_7301;
const KEY_LOCK: i32 = 0x6474_7302;

/// Commits `entries` at the time `now`.
pub(super) async fn commit(
    committer: &mut Committer,
    entries: &[Entry],
    now: Timestamp,
) -> Result<Vec<Verdict>, StoreError> {
    let mut wanted = plan::wanted(entries);
    let mut transaction = committer.connection.begin().await.map_err(fault)?;
    let known = look(&mut transaction, &mut wanted).await?;
    let plan = plan::decide(entries, known);
    let mut logs = committer.logs.clone();
    let rows = logs.append(&plan, now)?;
    append(&mut transaction, rows).await?;
    write(&mut transaction, &plan).await.map_err(fault)?;
    transaction.commit().await.map_err(fault)?;
    committer.logs = logs;
    Ok(plan.verdicts)
}

async fn look(connection: &mut PgConnection, wanted: &mut Wanted) -> Result<Known, StoreError> {
    let mut known = Known::default();
    let ended: Vec<Uuid> = wanted.ended.iter().copied().collect();
    if !wanted.ended.is_empty() {
        // What a change holds does not change before it ends, so this may be read before the locks are taken.
        let rows = sqlx::query("SELECT account, task_id FROM open_changes WHERE intent_id = ANY($1)")
            .bind(&ended)
            .fetch_all(&mut *connection)
            .await
            .map_err(fault)?;
        for row in rows {
            if let Some(task) = row.try_get::<Option<String>, _>(1).map_err(fault)? {
                wanted.owned.insert((row.try_get(0).map_err(fault)?, task));
            }
        }
    }
    lock(connection, wanted).await.map_err(fault)?;

    if !wanted.closed.is_empty() {
        let rows: Vec<Uuid> = sqlx::query_scalar("SELECT id FROM audit_records WHERE id = ANY($1)")
            .bind(wanted.closed.iter().copied().collect::<Vec<_>>())
            .fetch_all(&mut *connection)
            .await
            .map_err(fault)?;
        known.recorded = rows.into_iter().collect();
    }
    if !wanted.settled.is_empty() {
        let rows: Vec<Uuid> = sqlx::query_scalar("SELECT id FROM audit_settlements WHERE id = ANY($1)")
            .bind(wanted.settled.iter().copied().collect::<Vec<_>>())
            .fetch_all(&mut *connection)
            .await
            .map_err(fault)?;
        known.settled = rows.into_iter().collect();
    }
    if !wanted.intents.is_empty() {
        let rows: Vec<Uuid> = sqlx::query_scalar("SELECT id FROM audit_intents WHERE id = ANY($1)")
            .bind(wanted.intents.iter().copied().collect::<Vec<_>>())
            .fetch_all(&mut *connection)
            .await
            .map_err(fault)?;
        known.committed = rows.into_iter().collect::<HashSet<_>>();
    }
    let (accounts, tasks): (Vec<&str>, Vec<&str>) = columns(wanted.tasks.iter());
    if !wanted.ended.is_empty() || !tasks.is_empty() {
        let rows = sqlx::query(
            // OFFSET 0: row by row, through the index. The server would rather read the whole log once, and a plan that
            // was made while the log was short is kept while it grows.
            "SELECT intent_id, account, task_id, EXISTS (SELECT 1 FROM audit_records f WHERE f.id = intent_id OFFSET 0)
             FROM open_changes WHERE intent_id = ANY($1)
                OR (account, task_id) IN (SELECT * FROM unnest($2::text[], $3::text[]))",
        )
        .bind(&ended)
        .bind(&accounts)
        .bind(&tasks)
        .fetch_all(&mut *connection)
        .await
        .map_err(fault)?;
        known.leases = rows.iter().map(lease).collect::<Result<_, _>>().map_err(fault)?;
    }
    if !tasks.is_empty() {
        let rows = sqlx::query(
            "SELECT account, task_id, changes FROM tasks
             WHERE (account, task_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))",
        )
        .bind(&accounts)
        .bind(&tasks)
        .fetch_all(&mut *connection)
        .await
        .map_err(fault)?;
        for row in rows {
            let key: TaskKey = (row.try_get(0).map_err(fault)?, row.try_get(1).map_err(fault)?);
            known.changes.insert(key, row.try_get(2).map_err(fault)?);
        }
    }
    if !wanted.keys.is_empty() {
        let keys: Vec<&[u8]> = wanted.keys.iter().map(<[u8; 32]>::as_slice).collect();
        known.kept = kept(connection, &keys).await?;
    }
    Ok(known)
}

/// What is remembered under `keys`. What was refused counts as never seen, even if it came to be remembered late.
pub(super) async fn kept(
    connection: &mut PgConnection,
    keys: &[&[u8]],
) -> Result<HashMap<[u8; 32], Remembered>, StoreError> {
    let rows = sqlx::query(
        "SELECT m.key, m.content, m.intent_id, m.answer, m.expires_at,
             f.id IS NULL AND EXISTS (SELECT 1 FROM open_changes o WHERE o.intent_id = m.intent_id)
         FROM remembered m
         LEFT JOIN LATERAL (SELECT r.id, r.outcome FROM audit_records r WHERE r.id = m.intent_id OFFSET 0) f ON true
         WHERE m.key = ANY($1) AND f.outcome IS DISTINCT FROM 'refused'",
    )
    .bind(keys)
    .fetch_all(connection)
    .await
    .map_err(fault)?;
    let mut all = HashMap::new();
    for row in rows {
        let key = digest(row.try_get(0).map_err(fault)?)?;
        let remembered = Remembered {
            id: row.try_get(2).map_err(fault)?,
            key: ReplayKey { key, content: digest(row.try_get(1).map_err(fault)?)? },
            answer: row.try_get(3).map_err(fault)?,
            open: row.try_get(5).map_err(fault)?,
            expires_at: <sqlx::Postgres as Words>::timestamp(row.try_get(4).map_err(fault)?)?,
        };
        all.insert(key, remembered);
    }
    Ok(all)
}

async fn lock(connection: &mut PgConnection, wanted: &Wanted) -> Result<(), sqlx::Error> {
    let tasks = wanted.tasks.iter().chain(&wanted.owned).map(|(account, task)| {
        let digest = Sha256::new().chain_update(account).chain_update([0]).chain_update(task).finalize();
        (TASK_LOCK, name(&digest))
    });
    let keys = wanted.keys.iter().map(|key| (KEY_LOCK, name(key)));
    let names: BTreeSet<(i32, i32)> = tasks.chain(keys).collect();
    if names.is_empty() {
        return Ok(());
    }
    let (kinds, names): (Vec<i32>, Vec<i32>) = names.into_iter().unzip();
    sqlx::query("SELECT pg_advisory_xact_lock(kind, name) FROM unnest($1::int4[], $2::int4[]) AS l (kind, name)")
        .bind(kinds)
        .bind(names)
        .execute(connection)
        .await
        .map(|_| ())
}

async fn write(connection: &mut PgConnection, plan: &Plan) -> Result<(), sqlx::Error> {
    if !plan.release.is_empty() {
        sqlx::query("DELETE FROM open_changes WHERE intent_id = ANY($1)")
            .bind(&plan.release)
            .execute(&mut *connection)
            .await?;
    }
    if !plan.forget.is_empty() {
        sqlx::query("DELETE FROM remembered WHERE intent_id = ANY($1)")
            .bind(&plan.forget)
            .execute(&mut *connection)
            .await?;
    }
    if !plan.ends.is_empty() {
        let until = plan.ends.iter().map(|end| end.until.map(<sqlx::Postgres as Words>::time));
        sqlx::query(
            // GREATEST passes over what is null.
            "UPDATE remembered SET answer = COALESCE(e.answer, remembered.answer),
                 expires_at = GREATEST(remembered.expires_at, e.until)
             FROM unnest($1::uuid[], $2::bytea[], $3::timestamptz[]) AS e (id, answer, until) WHERE intent_id = e.id",
        )
        .bind(plan.ends.iter().map(|end| end.id).collect::<Vec<_>>())
        .bind(plan.ends.iter().map(|end| end.answer.as_deref()).collect::<Vec<_>>())
        .bind(until.collect::<Vec<_>>())
        .execute(&mut *connection)
        .await?;
    }
    if !plan.leases.is_empty() {
        sqlx::query("INSERT INTO open_changes SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[])")
            .bind(plan.leases.iter().map(|lease| lease.intent).collect::<Vec<_>>())
            .bind(plan.leases.iter().map(|lease| lease.account.as_str()).collect::<Vec<_>>())
            .bind(plan.leases.iter().map(|lease| lease.task.as_deref()).collect::<Vec<_>>())
            .execute(&mut *connection)
            .await?;
    }
    if !plan.tasks.is_empty() {
        let (accounts, tasks): (Vec<&str>, Vec<&str>) = columns(plan.tasks.keys());
        sqlx::query(
            "INSERT INTO tasks (account, task_id, team, changes)
             SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int8[])
             ON CONFLICT (account, task_id) DO UPDATE
             SET team = COALESCE(excluded.team, tasks.team), changes = tasks.changes + excluded.changes",
        )
        .bind(accounts)
        .bind(tasks)
        .bind(plan.tasks.values().map(|change| change.team.as_deref()).collect::<Vec<_>>())
        .bind(plan.tasks.values().map(|change| change.steps).collect::<Vec<_>>())
        .execute(&mut *connection)
        .await?;
    }
    if !plan.remember.is_empty() {
        let kept = || plan.remember.values();
        sqlx::query(
            "INSERT INTO remembered (key, content, intent_id, answer, expires_at)
             SELECT * FROM unnest($1::bytea[], $2::bytea[], $3::uuid[], $4::bytea[], $5::timestamptz[])
             ON CONFLICT (key) DO UPDATE SET content = excluded.content, intent_id = excluded.intent_id,
                 answer = excluded.answer, expires_at = excluded.expires_at",
        )
        .bind(plan.remember.keys().map(<[u8; 32]>::as_slice).collect::<Vec<_>>())
        .bind(kept().map(|kept| kept.key.content.as_slice()).collect::<Vec<_>>())
        .bind(kept().map(|kept| kept.id).collect::<Vec<_>>())
        .bind(kept().map(|kept| kept.answer.as_deref()).collect::<Vec<_>>())
        .bind(kept().map(|kept| <sqlx::Postgres as Words>::time(kept.expires_at)).collect::<Vec<_>>())
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}

/// Adds entries to the logs, and the tiles that they fill.
async fn append(connection: &mut PgConnection, rows: Rows<'_>) -> Result<(), StoreError> {
    records(connection, "audit_intents", &rows.intents).await.map_err(fault)?;
    records(connection, "audit_records", &rows.records).await.map_err(fault)?;
    settlements(connection, &rows.settlements).await.map_err(fault)?;
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

/// Adds records, and their tasks, in one statement whose text is the same for any number of them.
async fn records(connection: &mut PgConnection, table: &'static str, rows: &[Row<'_>]) -> Result<(), sqlx::Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let statement = format!(
        "WITH added AS (
             SELECT r.*, decode(r.hash, 'hex') AS leaf_hash FROM json_to_recordset($1::json) AS r (
                 id uuid, time timestamptz, account text, team text, caller text, key_id text, address text,
                 family text, version text, action text, region text, task_ids text[], outcome text, reason text,
                 caller_gone boolean, settled text, request_id text, upstream_request_id text, upstream_code text,
                 waited_ms bigint, detail json, calls bigint, class text, slot int, leaf bigint, hash text, recorded_at timestamptz)
         ), kept AS (
             INSERT INTO {table} (id, time, account, team, caller, key_id, address, family, version, action, region,
                 task_ids, outcome, reason, caller_gone, settled, request_id, upstream_request_id, upstream_code,
                 waited_ms, detail, class, slot, leaf, leaf_hash, recorded_at, calls)
             SELECT id, time, account, team, caller, key_id, address, family, version, action, region,
                 task_ids, outcome, reason, caller_gone, settled, request_id, upstream_request_id, upstream_code,
                 waited_ms, detail, class, slot, leaf, leaf_hash, recorded_at, COALESCE(calls, 1) FROM added
         )
         INSERT INTO audit_record_tasks (task_id, record_id, class, recorded_at)
         SELECT task, id, class, recorded_at FROM added, unnest(task_ids) AS task ON CONFLICT DO NOTHING"
    );
    let rows = serde_json::to_string(rows).map_err(|error| sqlx::Error::Encode(error.into()))?;
    sqlx::query(AssertSqlSafe(statement)).bind(rows).execute(connection).await.map(|_| ())
}

/// Adds settlements; the record of a creation belongs to the history of what it made.
async fn settlements(connection: &mut PgConnection, rows: &[Row<'_, Settlement>]) -> Result<(), sqlx::Error> {
    for row in rows {
        sqlx::query(
            "INSERT INTO audit_settlements (id, settled, seen, class, slot, leaf, leaf_hash, recorded_at)
             VALUES ($1, $2, $3::json, $4, $5, $6, $7, $8)",
        )
        .bind(row.record.id)
        .bind(row.record.settled.as_str())
        .bind(row.record.seen.to_string())
        .bind(row.class.as_str())
        .bind(row.slot)
        .bind(row.leaf)
        .bind(row.leaf_hash.as_bytes().as_slice())
        .bind(<sqlx::Postgres as Words>::time(row.recorded_at))
        .execute(&mut *connection)
        .await?;
        if let Some(made) = &row.record.made {
            sqlx::query(
                "INSERT INTO audit_record_tasks (task_id, record_id, class, recorded_at)
                 SELECT $1, r.id, r.class, r.recorded_at FROM audit_records r WHERE r.id = $2 ON CONFLICT DO NOTHING",
            )
            .bind(&made.task)
            .bind(row.record.id)
            .execute(&mut *connection)
            .await?;
        }
    }
    Ok(())
}

fn lease(row: &sqlx::postgres::PgRow) -> Result<Lease, sqlx::Error> {
    Ok(Lease { intent: row.try_get(0)?, account: row.try_get(1)?, task: row.try_get(2)?, ended: row.try_get(3)? })
}

fn columns<'a>(keys: impl Iterator<Item = &'a TaskKey>) -> (Vec<&'a str>, Vec<&'a str>) {
    keys.map(|(account, task)| (account.as_str(), task.as_str())).unzip()
}

fn digest(bytes: Vec<u8>) -> Result<[u8; 32], StoreError> {
    <[u8; 32]>::try_from(bytes).map_err(|_| StoreError::Incompatible("a digest of another length".to_owned()))
}

fn name(digest: &[u8]) -> i32 {
    digest.iter().take(4).fold(0, |name, byte| (name << 8) | i32::from(*byte))
}
