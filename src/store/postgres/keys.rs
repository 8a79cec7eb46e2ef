//! Issued keys in Postgres.

use jiff::Timestamp;
use sqlx::postgres::PgRow;
use sqlx::{PgPool, Row};

use crate::store::fault::fault;
use crate::store::page::Words;
use crate::store::{KeyRow, KeyState, StoreError, clean};

type Time = <sqlx::Postgres as Words>::Time;

/// Adds a key.
pub(super) async fn insert(pool: &PgPool, key: &KeyRow) -> Result<(), StoreError> {
    let done = sqlx::query(
        "INSERT INTO issued_keys
             (key_id, caller, sealed_secret, sealed_with, created_at, expires_at, revoked_at, last_used_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
    )
    .bind(clean::text(&key.key_id))
    .bind(clean::text(&key.caller))
    .bind(&key.sealed_secret)
    .bind(clean::text(&key.sealed_with))
    .bind(time(key.created_at))
    .bind(key.expires_at.map(time))
    .bind(key.revoked_at.map(time))
    .bind(key.last_used_at.map(time))
    .execute(pool)
    .await
    .map_err(fault)?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Exists(format!("key {}", key.key_id))) }
}

/// All keys.
pub(super) async fn all(pool: &PgPool) -> Result<Vec<KeyRow>, StoreError> {
    let rows = sqlx::query("SELECT * FROM issued_keys ORDER BY created_at, key_id").fetch_all(pool).await;
    rows.map_err(fault)?.iter().map(key).collect()
}

/// One key.
pub(super) async fn one(pool: &PgPool, key_id: &str) -> Result<Option<KeyRow>, StoreError> {
    let row = sqlx::query("SELECT * FROM issued_keys WHERE key_id = $1").bind(clean::text(key_id));
    row.fetch_optional(pool).await.map_err(fault)?.as_ref().map(key).transpose()
}

/// Ends a key. The first revocation stands.
pub(super) async fn end(pool: &PgPool, key_id: &str, state: KeyState) -> Result<bool, StoreError> {
    let (statement, at) = match state {
        KeyState::Expires(at) => ("UPDATE issued_keys SET expires_at = $2 WHERE key_id = $1", at),
        KeyState::Revoked(at) => ("UPDATE issued_keys SET revoked_at = COALESCE(revoked_at, $2) WHERE key_id = $1", at),
    };
    let done = sqlx::query(statement).bind(clean::text(key_id)).bind(time(at)).execute(pool).await.map_err(fault)?;
    Ok(done.rows_affected() == 1)
}

/// Replaces a seal, unless somebody else has.
pub(super) async fn reseal(
    pool: &PgPool,
    key: &KeyRow,
    sealed_secret: &[u8],
    sealed_with: &str,
) -> Result<bool, StoreError> {
    let done = sqlx::query(
        "UPDATE issued_keys SET sealed_secret = $3, sealed_with = $4 WHERE key_id = $1 AND sealed_with = $2",
    )
    .bind(clean::text(&key.key_id))
    .bind(clean::text(&key.sealed_with))
    .bind(sealed_secret)
    .bind(clean::text(sealed_with))
    .execute(pool)
    .await
    .map_err(fault)?;
    Ok(done.rows_affected() == 1)
}

/// Notes when keys were used. Instances may say it in any order: the latest time stands.
pub(super) async fn touch(pool: &PgPool, used: &[(String, Timestamp)]) -> Result<(), StoreError> {
    let (ids, times): (Vec<_>, Vec<_>) = used.iter().map(|(id, at)| (clean::text(id), time(*at))).unzip();
    sqlx::query(
        "WITH used AS (SELECT id, max(at) AS at FROM unnest($1::text[], $2::timestamptz[]) AS u (id, at) GROUP BY id),
             locked AS (SELECT key_id FROM issued_keys WHERE key_id = ANY($1) ORDER BY key_id FOR UPDATE)
         UPDATE issued_keys k SET last_used_at = GREATEST(k.last_used_at, used.at)
         FROM used JOIN locked ON locked.key_id = used.id WHERE k.key_id = locked.key_id",
    )
    .bind(ids.iter().map(AsRef::as_ref).collect::<Vec<&str>>())
    .bind(times)
    .execute(pool)
    .await
    .map(|_| ())
    .map_err(fault)
}

fn key(row: &PgRow) -> Result<KeyRow, StoreError> {
    let optional = |column: &str| -> Result<Option<Timestamp>, StoreError> {
        let time: Option<Time> = row.try_get(column).map_err(fault)?;
        time.map(<sqlx::Postgres as Words>::timestamp).transpose()
    };
    Ok(KeyRow {
        key_id: row.try_get("key_id").map_err(fault)?,
        caller: row.try_get("caller").map_err(fault)?,
        sealed_secret: row.try_get("sealed_secret").map_err(fault)?,
        sealed_with: row.try_get("sealed_with").map_err(fault)?,
        created_at: <sqlx::Postgres as Words>::timestamp(row.try_get("created_at").map_err(fault)?)?,
        expires_at: optional("expires_at")?,
        revoked_at: optional("revoked_at")?,
        last_used_at: optional("last_used_at")?,
    })
}

fn time(time: Timestamp) -> Time {
    <sqlx::Postgres as Words>::time(time)
}
