//! Issued keys in SQLite.

use jiff::Timestamp;
use sqlx::sqlite::{SqliteConnection, SqliteRow};
use sqlx::{Connection, Row, SqlitePool};

use crate::store::fault::fault;
use crate::store::page::Words;
use crate::store::{KeyRow, KeyState, StoreError, clean};

/// Adds a key.
pub(super) async fn insert(connection: &mut SqliteConnection, key: &KeyRow) -> Result<(), StoreError> {
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
    .execute(connection)
    .await
    .map_err(fault)?;
    if done.rows_affected() == 1 { Ok(()) } else { Err(StoreError::Exists(format!("key {}", key.key_id))) }
}

/// All keys.
pub(super) async fn all(pool: &SqlitePool) -> Result<Vec<KeyRow>, StoreError> {
    let rows = sqlx::query("SELECT * FROM issued_keys ORDER BY created_at, key_id").fetch_all(pool).await;
    rows.map_err(fault)?.iter().map(key).collect()
}

/// One key.
pub(super) async fn one(pool: &SqlitePool, key_id: &str) -> Result<Option<KeyRow>, StoreError> {
    let row = sqlx::query("SELECT * FROM issued_keys WHERE key_id = $1").bind(clean::text(key_id));
    row.fetch_optional(pool).await.map_err(fault)?.as_ref().map(key).transpose()
}

/// Ends a key. The first revocation stands.
pub(super) async fn end(connection: &mut SqliteConnection, key_id: &str, state: KeyState) -> Result<bool, StoreError> {
    let (statement, at) = match state {
        KeyState::Expires(at) => ("UPDATE issued_keys SET expires_at = $2 WHERE key_id = $1", at),
        KeyState::Revoked(at) => ("UPDATE issued_keys SET revoked_at = COALESCE(revoked_at, $2) WHERE key_id = $1", at),
    };
    let done = sqlx::query(statement).bind(clean::text(key_id)).bind(time(at)).execute(connection).await;
    Ok(done.map_err(fault)?.rows_affected() == 1)
}

/// Replaces a seal, unless somebody else has.
pub(super) async fn reseal(
    connection: &mut SqliteConnection,
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
    .execute(connection)
    .await
    .map_err(fault)?;
    Ok(done.rows_affected() == 1)
}

/// Notes when keys were used; the latest time stands.
pub(super) async fn touch(connection: &mut SqliteConnection, used: &[(String, Timestamp)]) -> Result<(), StoreError> {
    let mut transaction = connection.begin_with(super::BEGIN).await.map_err(fault)?;
    for (key_id, at) in used {
        sqlx::query("UPDATE issued_keys SET last_used_at = MAX(COALESCE(last_used_at, $2), $2) WHERE key_id = $1")
            .bind(clean::text(key_id))
            .bind(time(*at))
            .execute(&mut *transaction)
            .await
            .map_err(fault)?;
    }
    transaction.commit().await.map_err(fault)
}

fn key(row: &SqliteRow) -> Result<KeyRow, StoreError> {
    let optional = |column: &str| -> Result<Option<Timestamp>, StoreError> {
        let time: Option<i64> = row.try_get(column).map_err(fault)?;
        time.map(sqlx::Sqlite::timestamp).transpose()
    };
    Ok(KeyRow {
        key_id: row.try_get("key_id").map_err(fault)?,
        caller: row.try_get("caller").map_err(fault)?,
        sealed_secret: row.try_get("sealed_secret").map_err(fault)?,
        sealed_with: row.try_get("sealed_with").map_err(fault)?,
        created_at: sqlx::Sqlite::timestamp(row.try_get("created_at").map_err(fault)?)?,
        expires_at: optional("expires_at")?,
        revoked_at: optional("revoked_at")?,
        last_used_at: optional("last_used_at")?,
    })
}

fn time(time: Timestamp) -> i64 {
    sqlx::Sqlite::time(time)
}
