//! A page of the audit log: the one question whose text depends on what is asked, written once for both databases.
//!
//! Pages are found by id (keyset), so a deep page costs what the first one costs. A caller's texts only ever travel as
//! bound values.

use jiff::Timestamp;
use sqlx::{ColumnIndex, Database, Decode, Encode, QueryBuilder, Row, Type};
use uuid::Uuid;

use crate::call::{Outcome, Record};

use super::{Cursor, Filter, Page, StoreError, clean};

/// The most records of a page.
const MOST: u32 = 1_000;

/// Milliseconds that a record's time may be apart from that of its id, which are two readings of one clock: an hour, for
/// a clock that is being set.
const SLACK: i64 = 3_600_000;

/// What the databases have different words for.
pub(super) trait Words: Database {
    /// How a time travels.
    type Time: for<'q> Encode<'q, Self> + for<'r> Decode<'r, Self> + Type<Self> + Send + 'static;

    /// The columns of a record in the order of [`record`], of the table alias `r`, lists and details as JSON text.
    const COLUMNS: &'static str;

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
    let mut query = QueryBuilder::new("SELECT * FROM (SELECT * FROM (SELECT ");

    query.push(DB::COLUMNS).push(" FROM audit_records r");
    // Through the table of tasks, whose key is (task, id): its entries are in the page's order.
    let id = if filter.task_id.is_some() { "t.record_id" } else { "r.id" };
    if let Some(task) = &filter.task_id {
        query.push(" JOIN audit_record_tasks t ON t.record_id = r.id WHERE t.task_id = ").push_bind(task.clone());
    } else {
        query.push(" WHERE true");
    }
    conditions(&mut query, &filter, id);
    query.push(" ORDER BY ").push(id).push(" DESC LIMIT ").push_bind(limit);

    // An intent whose final record exists is not open, whatever else is left of it.
    query.push(") AS ended UNION ALL SELECT * FROM (SELECT ").push(DB::COLUMNS);
    query.push(" FROM audit_intents r WHERE r.id IN (SELECT intent_id FROM open_changes)");
    query.push(" AND NOT EXISTS (SELECT 1 FROM audit_records f WHERE f.id = r.id)");
    if let Some(task) = &filter.task_id {
        query.push(" AND EXISTS (SELECT 1 FROM audit_record_tasks t WHERE t.record_id = r.id AND t.task_id = ");
        query.push_bind(task.clone()).push(")");
    }
    conditions(&mut query, &filter, "r.id");
    query.push(" ORDER BY r.id DESC LIMIT ").push_bind(limit);

    query.push(") AS started) AS page ORDER BY id DESC LIMIT ").push_bind(limit);
    query
}

/// The page out of the answer to [`question`].
pub(super) fn page(filter: &Filter, mut records: Vec<Record>) -> Page {
    let size = size(filter) as usize;
    let more = records.len() > size;
    records.truncate(size);
    let next = if more { records.last().map(|last| Cursor(last.id)) } else { None };
    Page { records, next }
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
    let unreadable = |_: sqlx::Error| StoreError::Incompatible("a record can't be read".to_owned());
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
    })
}

fn conditions<DB: Words>(query: &mut QueryBuilder<DB>, filter: &Filter, id: &'static str)
where
    Uuid: for<'q> Encode<'q, DB> + Type<DB>,
    String: for<'q> Encode<'q, DB> + Type<DB>,
{
    let texts = [
        ("account", &filter.account),
        ("team", &filter.team),
        ("caller", &filter.caller),
        ("key_id", &filter.key_id),
        ("action", &filter.action),
        ("version", &filter.version),
        ("family", &filter.family),
        ("region", &filter.region),
        ("reason", &filter.reason),
    ];
    for (column, text) in texts {
        if let Some(text) = text {
            query.push(" AND r.").push(column).push(" = ").push_bind(text.clone());
        }
    }
    if let Some(outcome) = filter.outcome {
        query.push(" AND r.outcome = ").push_bind(Outcome::as_str(outcome).to_owned());
    }
    if let Some(request) = &filter.request_id {
        query.push(" AND (r.request_id = ").push_bind(request.clone());
        query.push(" OR r.upstream_request_id = ").push_bind(request.clone()).push(")");
    }
    // Ids bear their time: they lead to the right part of the log, the time itself decides.
    if let Some(from) = filter.from {
        query.push(" AND r.time >= ").push_bind(DB::time(within(from)));
        query.push(" AND ").push(id).push(" >= ").push_bind(first_id(from, -SLACK));
    }
    if let Some(to) = filter.to {
        query.push(" AND r.time < ").push_bind(DB::time(within(to)));
        query.push(" AND ").push(id).push(" < ").push_bind(first_id(to, SLACK));
    }
    if let Some(wanted) = filter.id {
        query.push(" AND ").push(id).push(" = ").push_bind(wanted);
    }
    if let Some(Cursor(last)) = filter.cursor {
        query.push(" AND ").push(id).push(" < ").push_bind(last);
    }
}

fn size(filter: &Filter) -> u32 {
    filter.limit.clamp(1, MOST)
}

/// Brings a time into the years that both databases know.
fn within(time: Timestamp) -> Timestamp {
    time.max(Timestamp::UNIX_EPOCH)
}

/// The smallest id of version 7 (RFC 9562: 48 bits of milliseconds come first) at a time and some milliseconds.
fn first_id(time: Timestamp, milliseconds: i64) -> Uuid {
    let time = within(time).as_millisecond().saturating_add(milliseconds).clamp(0, (1 << 48) - 1);
    Uuid::from_u128(u128::from(time.unsigned_abs()) << 80)
}

fn json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|_| StoreError::Incompatible("a record can't be read".to_owned()))
}

pub(super) fn word<T: serde::de::DeserializeOwned>(word: String) -> Result<T, StoreError> {
    serde_json::from_value(serde_json::Value::String(word))
        .map_err(|_| StoreError::Incompatible("a record of a newer version".to_owned()))
}
