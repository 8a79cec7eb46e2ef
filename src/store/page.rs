//! A page of the audit log: the one question whose text depends on what is asked, written once for both databases.
//!
//! Pages are found by id (keyset), so a deep page costs what the first one costs. A caller's texts only ever travel as
//! bound values, see `conditions`.

use jiff::Timestamp;
use sqlx::{ColumnIndex, Database, Decode, Encode, QueryBuilder, Row, Type};
use uuid::Uuid;

use crate::call::{ADMINISTRATIVE, Calls, Outcome, Record};

use super::{Cursor, Filter, Order, Page, Per, Phases, SettledPhase, StoreError, Unsettled, clean, conditions};

/// The most records of a page.
const MOST: u32 = 1_000;

/// What was found out of a record, after [`Words::COLUMNS`]: looked up by its id, and only where there can be something.
const FOUND: &str =
    ", CASE WHEN r.outcome = 'unknown' THEN (SELECT s.settled FROM audit_settlements s WHERE s.id = r.id) END AS found";

/// What the databases have different words for.
pub(super) trait Words: Database {
    /// How a time travels.
    type Time: for<'q> Encode<'q, Self> + for<'r> Decode<'r, Self> + Type<Self> + Send + 'static;

    /// The columns of a record in the order of [`record`], of the table alias `r`, lists and details as JSON text.
    const COLUMNS: &'static str;

    /// What joins a task's row `t` to the end `r` of a call, beside the id: an intent may have a row of its own.
    const OF_THE_END: &'static str;

    /// The function that says where in a text another one begins, 0 for nowhere.
    const POSITION: &'static str;

    /// The collation in which only ASCII letters have another case.
    const ASCII: &'static str;

    /// The beginning of the bucket that `r.time` is in, as a time.
    fn bucket(per: Per) -> &'static str;

    /// A time for the database.
    fn time(time: Timestamp) -> Self::Time;

    /// A time from the database.
    fn timestamp(time: Self::Time) -> Result<Timestamp, StoreError>;
}

/// The question for one page and one record more, which tells whether there is a next page.
pub(super) fn question<DB: Words>(filter: &Filter) -> QueryBuilder<DB>
where
    Uuid: for<'q> Encode<'q, DB> + Type<DB>,
    String: for<'q> Encode<'q, DB> + Type<DB>,
    i64: for<'q> Encode<'q, DB> + Type<DB>,
{
    let filter = clean::filter(filter);
    let limit = i64::from(size(&filter)) + 1;
    let direction = if filter.order == Order::Oldest { " ASC LIMIT " } else { " DESC LIMIT " };
    let mut query = QueryBuilder::new("SELECT * FROM (SELECT * FROM (SELECT ");

    query.push(DB::COLUMNS).push(FOUND);
    let id = conditions::ended(&mut query, &filter);
    query.push(" ORDER BY ").push(id).push(direction).push_bind(limit);

    query.push(") AS ended UNION ALL SELECT * FROM (SELECT ").push(DB::COLUMNS).push(FOUND);
    conditions::open(&mut query, &filter);
    query.push(" ORDER BY r.id").push(direction).push_bind(limit);

    query.push(") AS started) AS page ORDER BY id").push(direction).push_bind(limit);
    query
}

/// The question for the rows of one call.
pub(super) fn phases<DB: Words>(id: Uuid) -> QueryBuilder<DB>
where
    Uuid: for<'q> Encode<'q, DB> + Type<DB>,
{
    let mut query = QueryBuilder::new("SELECT ");
    query.push(DB::COLUMNS).push(FOUND).push(" FROM audit_intents r WHERE r.id = ").push_bind(id);
    query
        .push(" UNION ALL SELECT ")
        .push(DB::COLUMNS)
        .push(FOUND)
        .push(" FROM audit_records r WHERE r.id = ")
        .push_bind(id);
    query
}

/// The question for what was found out of one call, [`settled`]'s columns.
pub(super) fn settlement<DB: Words>(id: Uuid) -> QueryBuilder<DB>
where
    Uuid: for<'q> Encode<'q, DB> + Type<DB>,
{
    let mut query = QueryBuilder::new("SELECT s.settled, CAST(s.seen AS text), s.recorded_at FROM audit_settlements s");
    query.push(" WHERE s.id = ").push_bind(id);
    query
}

/// The question for changes whose outcome is unknown and that nobody has settled, oldest first, [`unsettled`]'s columns.
/// `since` is when that was written: a call that the gateway died of can be much older.
pub(super) fn unsettled_since<DB: Words>(since: Timestamp, limit: u32) -> QueryBuilder<DB>
where
    String: for<'q> Encode<'q, DB> + Type<DB>,
    i64: for<'q> Encode<'q, DB> + Type<DB>,
{
    let mut query = QueryBuilder::new("SELECT ");
    query.push(DB::COLUMNS).push(", r.recorded_at FROM audit_records r");
    query.push(" WHERE r.outcome = 'unknown' AND r.class = 'changes' AND r.recorded_at >= ");
    query.push_bind(DB::time(since));
    // The cloud knows nothing of administrative acts.
    query.push(" AND r.family <> ").push_bind(ADMINISTRATIVE.to_owned());
    query.push(" AND EXISTS (SELECT 1 FROM audit_intents i WHERE i.id = r.id)");
    query.push(" AND NOT EXISTS (SELECT 1 FROM audit_settlements s WHERE s.id = r.id)");
    query.push(" ORDER BY r.id LIMIT ").push_bind(i64::from(limit));
    query
}

/// The rows of one call out of the answers to [`phases`] and [`settlement`]: only an intent is `open`.
pub(super) fn by_phase(records: Vec<Record>, settled: Option<SettledPhase>) -> Phases {
    let (intents, ended): (Vec<_>, Vec<_>) = records.into_iter().partition(|record| record.outcome == Outcome::Open);
    Phases { intent: intents.into_iter().next(), ended: ended.into_iter().next(), settled }
}

/// The page out of the answer to [`question`].
pub(super) fn page(filter: &Filter, mut records: Vec<Record>) -> Page {
    let size = size(filter) as usize;
    let more = records.len() > size;
    records.truncate(size);
    let next = if more { records.last().map(|last| Cursor(last.id)) } else { None };
    Page { records, next }
}

/// A record out of a row with [`Words::COLUMNS`] and [`FOUND`].
pub(super) fn shown<R: Row>(row: &R) -> Result<Record, StoreError>
where
    R::Database: Words,
    usize: ColumnIndex<R>,
    Uuid: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    String: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    Option<String>: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    bool: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    i64: for<'r> Decode<'r, R::Database> + Type<R::Database>,
{
    let mut record = record(row)?;
    let found: Option<String> = row.try_get(22).map_err(unreadable)?;
    if let Some(found) = found {
        record.settled = Some(word(found)?);
    }
    Ok(record)
}

/// What was found out, out of a row of [`settlement`].
pub(super) fn settled<R: Row>(row: &R) -> Result<SettledPhase, StoreError>
where
    R::Database: Words,
    usize: ColumnIndex<R>,
    String: for<'r> Decode<'r, R::Database> + Type<R::Database>,
{
    Ok(SettledPhase {
        settled: word(row.try_get(0).map_err(unreadable)?)?,
        seen: json(&row.try_get::<String, _>(1).map_err(unreadable)?)?,
        recorded_at: R::Database::timestamp(row.try_get(2).map_err(unreadable)?)?,
    })
}

/// An unsettled change out of a row of [`unsettled_since`].
pub(super) fn unsettled<R: Row>(row: &R) -> Result<Unsettled, StoreError>
where
    R::Database: Words,
    usize: ColumnIndex<R>,
    Uuid: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    String: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    Option<String>: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    bool: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    i64: for<'r> Decode<'r, R::Database> + Type<R::Database>,
{
    let recorded_at = R::Database::timestamp(row.try_get(22).map_err(unreadable)?)?;
    Ok(Unsettled { record: record(row)?, recorded_at })
}

/// A record out of a row with [`Words::COLUMNS`].
pub(super) fn record<R: Row>(row: &R) -> Result<Record, StoreError>
where
    R::Database: Words,
    usize: ColumnIndex<R>,
    Uuid: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    String: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    Option<String>: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    bool: for<'r> Decode<'r, R::Database> + Type<R::Database>,
    i64: for<'r> Decode<'r, R::Database> + Type<R::Database>,
{
    let text = |column: usize| row.try_get::<String, _>(column).map_err(unreadable);
    let optional = |column: usize| row.try_get::<Option<String>, _>(column).map_err(unreadable);
    Ok(Record {
        id: row.try_get(0).map_err(unreadable)?,
        time: R::Database::timestamp(row.try_get(1).map_err(unreadable)?)?,
        account: text(2)?,
        team: text(3)?,
        caller: text(4)?,
        key_id: text(5)?,
        address: text(6)?,
        family: text(7)?,
        version: text(8)?,
        action: text(9)?,
        region: text(10)?,
        task_ids: json(&text(11)?)?,
        outcome: word(text(12)?)?,
        reason: optional(13)?,
        caller_gone: row.try_get(14).map_err(unreadable)?,
        settled: optional(15)?.map(word).transpose()?,
        request_id: text(16)?,
        upstream_request_id: optional(17)?,
        upstream_code: optional(18)?,
        waited_ms: row.try_get(19).map_err(unreadable)?,
        detail: json(&text(20)?)?,
        calls: Calls::from(row.try_get::<i64, _>(21).map_err(unreadable)?.unsigned_abs()),
    })
}

fn unreadable(_: sqlx::Error) -> StoreError {
    StoreError::Incompatible("a record can't be read".to_owned())
}

fn size(filter: &Filter) -> u32 {
    filter.limit.clamp(1, MOST)
}

fn json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Incompatible("a record can't be read".to_owned()))
}

pub(super) fn word<T: serde::de::DeserializeOwned>(word: String) -> Result<T, StoreError> {
    serde_json::from_value(serde_json::Value::String(word))
        .map_err(|_| StoreError::Incompatible("a record of a newer version".to_owned()))
}
