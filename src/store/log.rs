//! Reading a log in its own order, written once for both databases: what an export, a follower and a proof are made of.
//!
//! Rows are shown as they are, not as records: what somebody has altered must arrive at the verifier.

use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::{Map, Value};
use sqlx::{ColumnIndex, Decode, Encode, QueryBuilder, Row, Type};
use uuid::Uuid;

use crate::proof::{self, Hash};

use super::page::Words;
use super::{Hold, LogName, StoreError, logs};

/// The end of a log.
#[derive(Clone, Debug)]
pub struct Head {
    /// Which log.
    pub log: LogName,
    /// How many entries it has.
    pub size: u64,
    /// The root of the tree over them; none when hashes are missing, because somebody has removed entries.
    pub root: Option<Hash>,
    /// When its last entry was committed.
    pub recorded_at: Timestamp,
}

/// An entry, as it stands in the database.
#[derive(Clone, Debug, Serialize)]
pub struct LogEntry {
    /// Its index in the log.
    pub index: u64,
    /// The hash that was stored with it.
    pub hash: Hash,
    /// `intent`, `ended` or `settled`.
    pub phase: String,
    /// When it was committed.
    #[serde(serialize_with = "time_text")]
    pub recorded_at: Timestamp,
    /// The record, with every member that it was written with.
    pub record: Value,
}

/// Where a record's entries stand.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// The log.
    pub log: LogName,
    /// The index of the entry.
    pub index: u64,
    /// `intent`, `ended` or `settled`.
    pub phase: String,
    /// The entry's hash.
    pub hash: Hash,
    /// When it was committed.
    pub recorded_at: Timestamp,
}

/// A signed note, kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeptCheckpoint {
    /// The log.
    pub log: LogName,
    /// How many entries it is about.
    pub size: u64,
    /// When it was signed.
    pub made_at: Timestamp,
    /// The note.
    pub note: String,
}

/// A signed statement over all logs, kept.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeptStatement {
    /// When it was signed.
    pub made_at: Timestamp,
    /// The note.
    pub note: String,
}

/// The tables with entries, and the phase that their rows are.
pub(super) const TABLES: [(&str, &str); 3] =
    [("audit_intents", "intent"), ("audit_records", "ended"), ("audit_settlements", SETTLED)];

/// The phase of a settlement.
const SETTLED: &str = "settled";

/// A settlement's columns in the places of a record's: one statement sees one state of the log.
const SETTLEMENT: &str = "r.id, r.recorded_at AS time, '' AS account, '' AS team, '' AS caller, '' AS key_id, \
     '' AS address, '' AS family, '' AS version, '' AS action, '' AS region, '' AS task_ids, '' AS outcome, \
     NULL AS reason, false AS caller_gone, r.settled, '' AS request_id, NULL AS upstream_request_id, \
     NULL AS upstream_code, CAST(0 AS bigint) AS waited_ms, CAST(r.seen AS text) AS detail, \
     CAST(1 AS bigint) AS calls";

/// The question for entries of a log from an index on, in order, [`entry`]'s columns.
pub(super) fn entries<DB: Words>(log: LogName, from: u64, limit: u32) -> Result<QueryBuilder<DB>, StoreError>
where
    String: for<'q> Encode<'q, DB> + Type<DB>,
    i32: for<'q> Encode<'q, DB> + Type<DB>,
    i64: for<'q> Encode<'q, DB> + Type<DB>,
{
    let from = logs::whole(from)?;
    let mut query = QueryBuilder::new("SELECT * FROM (");
    for (number, (table, phase)) in TABLES.into_iter().enumerate() {
        if number > 0 {
            query.push(" UNION ALL ");
        }
        query.push("SELECT * FROM (SELECT ").push(if phase == SETTLED { SETTLEMENT } else { DB::COLUMNS });
        query.push(", r.leaf, r.leaf_hash, r.recorded_at, '").push(phase).push("' AS phase FROM ").push(table);
        query.push(" r WHERE r.slot = ").push_bind(log.slot);
        query.push(" AND r.class = ").push_bind(log.class.as_str().to_owned());
        query.push(" AND r.leaf >= ").push_bind(from);
        query.push(" ORDER BY r.leaf LIMIT ").push_bind(i64::from(limit)).push(") AS ").push(phase);
    }
    query.push(") AS entries ORDER BY leaf LIMIT ").push_bind(i64::from(limit));
    Ok(query)
}

/// The question for where a record's entries stand, [`place`]'s columns.
pub(super) fn places<DB: Words>(id: Uuid) -> QueryBuilder<DB>
where
    Uuid: for<'q> Encode<'q, DB> + Type<DB>,
{
    let mut query = QueryBuilder::new("");
    for (number, (table, phase)) in TABLES.into_iter().enumerate() {
        if number > 0 {
            query.push(" UNION ALL ");
        }
        query.push("SELECT slot, class, leaf, leaf_hash, recorded_at, '").push(phase).push("' FROM ").push(table);
        query.push(" WHERE leaf IS NOT NULL AND id = ").push_bind(id);
    }
    query
}

/// An entry out of a row of [`entries`].
pub(super) fn entry<R: Row>(row: &R) -> Result<LogEntry, StoreError>
where
    R::Database: Words,
    usize: ColumnIndex<R>,
    Uuid: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    String: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    Option<String>: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    bool: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    i64: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    Vec<u8>: for<'r> Decode<'r, R::Database> + Type<R::Database>,
{
    let phase: String = row.try_get(25).map_err(unreadable)?;
    let mut record = Map::new();
    let mut set = |name: &str, value: Value| drop(record.insert(name.to_owned(), value));
    let text = |column: usize| row.try_get::<String, _>(column).map_err(unreadable);
    set("id", Value::String(row.try_get::<Uuid, _>(0).map_err(unreadable)?.to_string()));
    let json = |text: String| serde_json::from_str(&text).unwrap_or(Value::String(text));
    if phase == SETTLED {
        set("settled", Value::String(text(15)?));
        set("seen", json(text(20)?));
        return placed(row, phase, record);
    }
    set("time", Value::String(R::Database::timestamp(row.try_get(1).map_err(unreadable)?)?.to_string()));
    let texts = [
        (2, "account"),
        (3, "team"),
        (4, "caller"),
        (5, "key_id"),
        (6, "address"),
        (7, "family"),
        (8, "version"),
        (9, "action"),
        (10, "region"),
        (12, "outcome"),
        (16, "request_id"),
    ];
    for (column, name) in texts {
        set(name, Value::String(text(column)?));
    }
    for (column, name) in [(11, "task_ids"), (20, "detail")] {
        set(name, json(text(column)?));
    }
    for (column, name) in [(13, "reason"), (15, "settled"), (17, "upstream_request_id"), (18, "upstream_code")] {
        if let Some(text) = row.try_get::<Option<String>, _>(column).map_err(unreadable)? {
            set(name, Value::String(text));
        }
    }
    set("caller_gone", Value::Bool(row.try_get(14).map_err(unreadable)?));
    set("waited_ms", Value::from(row.try_get::<i64, _>(19).map_err(unreadable)?));
    // As it is written: one call is not said, whatever else stands there is.
    let calls: i64 = row.try_get(21).map_err(unreadable)?;
    if calls != 1 {
        set("calls", Value::from(calls));
    }
    placed(row, phase, record)
}

fn placed<R: Row>(row: &R, phase: String, record: Map<String, Value>) -> Result<LogEntry, StoreError>
where
    R::Database: Words,
    usize: ColumnIndex<R>,
    i64: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    Vec<u8>: for<'r> Decode<'r, R::Database> + Type<R::Database>,
{
    Ok(LogEntry {
        index: row.try_get::<i64, _>(22).map_err(unreadable)?.unsigned_abs(),
        hash: logs::hash(&row.try_get::<Vec<u8>, _>(23).map_err(unreadable)?)?,
        recorded_at: R::Database::timestamp(row.try_get(24).map_err(unreadable)?)?,
        phase,
        record: Value::Object(record),
    })
}

/// A place out of a row of [`places`].
pub(super) fn place<R: Row>(row: &R) -> Result<Place, StoreError>
where
    R::Database: Words,
    usize: ColumnIndex<R>,
    String: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    i32: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    i64: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    Vec<u8>: for<'r> Decode<'r, R::Database> + Type<R::Database>,
{
    let class = super::page::word(row.try_get(1).map_err(unreadable)?)?;
    Ok(Place {
        log: LogName { slot: row.try_get(0).map_err(unreadable)?, class },
        index: row.try_get::<i64, _>(2).map_err(unreadable)?.unsigned_abs(),
        hash: logs::hash(&row.try_get::<Vec<u8>, _>(3).map_err(unreadable)?)?,
        recorded_at: R::Database::timestamp(row.try_get(4).map_err(unreadable)?)?,
        phase: row.try_get(5).map_err(unreadable)?,
    })
}

/// A checkpoint out of a row of slot, class, size, time and note.
pub(super) fn checkpoint<R: Row>(row: &R) -> Result<KeptCheckpoint, StoreError>
where
    R::Database: Words,
    usize: ColumnIndex<R>,
    String: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    i32: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    i64: for<'r> Decode<'r, R::Database> + Type<R::Database>,
{
    let class = super::page::word(row.try_get(1).map_err(unreadable)?)?;
    Ok(KeptCheckpoint {
        log: LogName { slot: row.try_get(0).map_err(unreadable)?, class },
        size: row.try_get::<i64, _>(2).map_err(unreadable)?.unsigned_abs(),
        made_at: R::Database::timestamp(row.try_get(3).map_err(unreadable)?)?,
        note: row.try_get(4).map_err(unreadable)?,
    })
}

/// A statement out of a row of time and note.
pub(super) fn statement<R: Row>(row: &R) -> Result<KeptStatement, StoreError>
where
    R::Database: Words,
    usize: ColumnIndex<R>,
    String: for<'r> Decode<'r, R::Database> + Type<R::Database>,
{
    Ok(KeptStatement {
        made_at: R::Database::timestamp(row.try_get(0).map_err(unreadable)?)?,
        note: row.try_get(1).map_err(unreadable)?,
    })
}

/// A hold out of a row of name, first, last, reason, who, at and released.
pub(super) fn hold<R: Row>(row: &R) -> Result<Hold, StoreError>
where
    R::Database: Words,
    usize: ColumnIndex<R>,
    String: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    bool: for<'r> Decode<'r, R::Database> + Type<R::Database>,
{
    let text = |column: usize| row.try_get::<String, _>(column).map_err(unreadable);
    let time = |column: usize| R::Database::timestamp(row.try_get(column).map_err(unreadable)?);
    Ok(Hold {
        name: text(0)?,
        from: time(1)?,
        to: time(2)?,
        reason: text(3)?,
        who: text(4)?,
        at: time(5)?,
        released: row.try_get(6).map_err(unreadable)?,
    })
}

fn time_text<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&proof::time_text(*time))
}

fn unreadable(_: sqlx::Error) -> StoreError {
    StoreError::Incompatible("an entry of the log can't be read".to_owned())
}
