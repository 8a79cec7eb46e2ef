//! The logs of a Postgres database, read: their ends, their entries in order, tiles and checkpoints.

use jiff::Timestamp;
use sqlx::postgres::PgConnection;
use sqlx::{PgPool, Row as _};
use uuid::Uuid;

use super::retain;
use crate::call::Class;
use crate::proof::{Hash, Tile};
use crate::store::StoreError;
use crate::store::fault::fault;
use crate::store::log::{self, Head, KeptCheckpoint, KeptStatement, LogEntry, Place};
use crate::store::logs::{self, Found, LogName, TILE};
use crate::store::page::Words;

/// Every log that the database has, none of a slot that never wrote anything.
pub(super) async fn names(pool: &PgPool) -> Result<Vec<LogName>, StoreError> {
    let (mut names, mut before) = (Vec::new(), -1);
    loop {
        // From slot to slot, each by an index: there are few, with gaps between instances and commands.
        let slot: Option<i32> = sqlx::query_scalar(
            "SELECT least((SELECT min(slot) FROM audit_records WHERE leaf IS NOT NULL AND slot > $1),
                          (SELECT min(slot) FROM audit_intents WHERE leaf IS NOT NULL AND slot > $1),
                          (SELECT min(slot) FROM audit_settlements WHERE slot > $1),
                          (SELECT min(slot) FROM audit_dropped WHERE slot > $1))",
        )
        .bind(before)
        .fetch_one(pool)
        .await
        .map_err(fault)?;
        let Some(slot) = slot else { return Ok(names) };
        names.extend([Class::Changes, Class::Reads].map(|class| LogName { slot, class }));
        before = slot;
    }
}

/// Where a log ends.
pub(super) async fn end(connection: &mut PgConnection, name: LogName) -> Result<Found, StoreError> {
    let mut found = Found::default();
    let last = sqlx::query(
        "SELECT leaf, recorded_at FROM (
             (SELECT leaf, recorded_at FROM audit_records WHERE slot = $1 AND class = $2 AND leaf IS NOT NULL
              ORDER BY leaf DESC LIMIT 1)
             UNION ALL
             (SELECT leaf, recorded_at FROM audit_intents WHERE slot = $1 AND class = $2 AND leaf IS NOT NULL
              ORDER BY leaf DESC LIMIT 1)
             UNION ALL
             (SELECT leaf, recorded_at FROM audit_settlements WHERE slot = $1 AND class = $2
              ORDER BY leaf DESC LIMIT 1)) AS last
         ORDER BY leaf DESC LIMIT 1",
    )
    .bind(name.slot)
    .bind(name.class.as_str())
    .fetch_optional(&mut *connection)
    .await
    .map_err(fault)?;
    if let Some(row) = last {
        found.size = row.try_get::<i64, _>(0).map_err(fault)?.unsigned_abs() + 1;
        found.recorded_at = Some(<sqlx::Postgres as Words>::timestamp(row.try_get(1).map_err(fault)?)?);
    }
    if let Some(dropped) = retain::start(connection, name).await? {
        found.size = found.size.max(dropped.start);
        found.recorded_at = found.recorded_at.max(Some(dropped.recorded_at));
    }
    found.levels.push(leaves(connection, name, found.size - found.size % TILE).await?);
    let mut above = found.size / TILE;
    let mut level = 0;
    while above > 0 {
        let rows: Vec<Vec<u8>> = sqlx::query_scalar(
            "SELECT hashes FROM audit_tiles WHERE slot = $1 AND class = $2 AND level = $3 AND number >= $4 ORDER BY number",
        )
        .bind(name.slot)
        .bind(name.class.as_str())
        .bind(level)
        .bind(logs::whole(above - above % TILE)?)
        .fetch_all(&mut *connection)
        .await
        .map_err(fault)?;
        found.levels.push(logs::roots(rows)?);
        above /= TILE;
        level += 1;
    }
    Ok(found)
}

/// The hashes of a log's entries in the tile of level 0 that begins with `from`, those that were dropped included.
pub(super) async fn leaves(connection: &mut PgConnection, name: LogName, from: u64) -> Result<Vec<Hash>, StoreError> {
    let dropped = retain::start(connection, name).await?.filter(|dropped| dropped.start / TILE == from / TILE);
    let (mut hashes, first) = dropped.map_or((Vec::new(), from), |dropped| (dropped.hashes, dropped.start));
    let rows: Vec<Vec<u8>> = sqlx::query_scalar(
        "SELECT leaf_hash FROM (
             SELECT leaf, leaf_hash FROM audit_records WHERE slot = $1 AND class = $2 AND leaf >= $3 AND leaf < $4
             UNION ALL
             SELECT leaf, leaf_hash FROM audit_intents WHERE slot = $1 AND class = $2 AND leaf >= $3 AND leaf < $4
             UNION ALL
             SELECT leaf, leaf_hash FROM audit_settlements WHERE slot = $1 AND class = $2 AND leaf >= $3 AND leaf < $4) AS entries
         ORDER BY leaf",
    )
    .bind(name.slot)
    .bind(name.class.as_str())
    .bind(logs::whole(first)?)
    .bind(logs::whole(from + TILE)?)
    .fetch_all(connection)
    .await
    .map_err(fault)?;
    for bytes in rows {
        hashes.push(logs::hash(&bytes)?);
    }
    Ok(hashes)
}

/// Where a log ends, read by whoever does not write it.
pub(super) async fn head(pool: &PgPool, name: LogName) -> Result<Head, StoreError> {
    let mut connection = pool.acquire().await.map_err(fault)?;
    Ok(end(&mut connection, name).await?.head(name))
}

/// Entries of a log in order.
pub(super) async fn entries(pool: &PgPool, name: LogName, from: u64, limit: u32) -> Result<Vec<LogEntry>, StoreError> {
    let rows = log::entries::<sqlx::Postgres>(name, from, limit)?.build().fetch_all(pool).await.map_err(fault)?;
    rows.iter().map(log::entry).collect()
}

/// Where a record's entries stand.
pub(super) async fn places(pool: &PgPool, id: Uuid) -> Result<Vec<Place>, StoreError> {
    let rows = log::places::<sqlx::Postgres>(id).build().fetch_all(pool).await.map_err(fault)?;
    rows.iter().map(log::place).collect()
}

/// A full tile.
pub(super) async fn tile(pool: &PgPool, name: LogName, level: u8, number: u64) -> Result<Option<Tile>, StoreError> {
    let hashes: Option<Vec<u8>> = sqlx::query_scalar(
        "SELECT hashes FROM audit_tiles WHERE slot = $1 AND class = $2 AND level = $3 AND number = $4",
    )
    .bind(name.slot)
    .bind(name.class.as_str())
    .bind(i32::from(level))
    .bind(logs::whole(number)?)
    .fetch_optional(pool)
    .await
    .map_err(fault)?;
    hashes.map(|hashes| logs::tile(level, number, &hashes)).transpose()
}

/// Keeps a signed note.
pub(super) async fn keep(pool: &PgPool, kept: &KeptCheckpoint) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO audit_checkpoints (slot, class, size, made_at, note) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT DO NOTHING",
    )
    .bind(kept.log.slot)
    .bind(kept.log.class.as_str())
    .bind(logs::whole(kept.size)?)
    .bind(<sqlx::Postgres as Words>::time(kept.made_at))
    .bind(&kept.note)
    .execute(pool)
    .await
    .map(drop)
    .map_err(fault)
}

/// Signed notes of a log about at least `size` entries, oldest first.
pub(super) async fn checkpoints(
    pool: &PgPool,
    name: LogName,
    size: u64,
    limit: u32,
) -> Result<Vec<KeptCheckpoint>, StoreError> {
    let rows = sqlx::query(
        "SELECT slot, class, size, made_at, note FROM audit_checkpoints
         WHERE slot = $1 AND class = $2 AND size >= $3 ORDER BY size, made_at LIMIT $4",
    )
    .bind(name.slot)
    .bind(name.class.as_str())
    .bind(logs::whole(size)?)
    .bind(i64::from(limit))
    .fetch_all(pool)
    .await
    .map_err(fault)?;
    rows.iter().map(log::checkpoint).collect()
}

/// The newest signed note of a log.
pub(super) async fn newest(pool: &PgPool, name: LogName) -> Result<Option<KeptCheckpoint>, StoreError> {
    let row = sqlx::query(
        "SELECT slot, class, size, made_at, note FROM audit_checkpoints
         WHERE slot = $1 AND class = $2 ORDER BY size DESC, made_at DESC LIMIT 1",
    )
    .bind(name.slot)
    .bind(name.class.as_str())
    .fetch_optional(pool)
    .await
    .map_err(fault)?;
    row.as_ref().map(log::checkpoint).transpose()
}

/// Keeps a signed statement over all logs.
pub(super) async fn keep_statement(pool: &PgPool, kept: &KeptStatement) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO audit_statements (made_at, note) VALUES ($1, $2) ON CONFLICT DO NOTHING")
        .bind(<sqlx::Postgres as Words>::time(kept.made_at))
        .bind(&kept.note)
        .execute(pool)
        .await
        .map(drop)
        .map_err(fault)
}

/// Signed statements that were made at a time or later, oldest first.
pub(super) async fn statements(pool: &PgPool, since: Timestamp, limit: u32) -> Result<Vec<KeptStatement>, StoreError> {
    let rows = sqlx::query("SELECT made_at, note FROM audit_statements WHERE made_at >= $1 ORDER BY made_at LIMIT $2")
        .bind(<sqlx::Postgres as Words>::time(since))
        .bind(i64::from(limit))
        .fetch_all(pool)
        .await
        .map_err(fault)?;
    rows.iter().map(log::statement).collect()
}

/// The newest signed statement.
pub(super) async fn newest_statement(pool: &PgPool) -> Result<Option<KeptStatement>, StoreError> {
    let row = sqlx::query("SELECT made_at, note FROM audit_statements ORDER BY made_at DESC LIMIT 1")
        .fetch_optional(pool)
        .await
        .map_err(fault)?;
    row.as_ref().map(log::statement).transpose()
}
