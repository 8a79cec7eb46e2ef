//! Which rows a filter means, written once for both databases. A caller's texts only ever travel as bound values.

use jiff::Timestamp;
use sqlx::{Encode, QueryBuilder, Type};
use uuid::Uuid;

use super::page::Words;
use super::{Cursor, Filter, Order};
use crate::call::ADMINISTRATIVE;

/// Milliseconds that a record's time may be apart from that of its id, which are two readings of one clock within
/// a request: five minutes, for a clock that is being set. What lies within them is read for every question with a time.
const SLACK: i64 = 300_000;

/// Adds where the ended calls of `filter` are, as the table alias `r`, and answers what their id is called.
pub(super) fn ended<DB: Words>(query: &mut QueryBuilder<DB>, filter: &Filter) -> &'static str
where
    Uuid: for<'q> Encode<'q, DB> + Type<DB>,
    String: for<'q> Encode<'q, DB> + Type<DB>,
{
    query.push(" FROM audit_records r");
    // Through the table of tasks, whose key is (task, id): its entries are in the page's order.
    let id = if filter.task_id.is_some() { "t.record_id" } else { "r.id" };
    if let Some(task) = &filter.task_id {
        query.push(" JOIN audit_record_tasks t ON t.record_id = r.id").push(DB::OF_THE_END);
        query.push(" WHERE t.task_id = ").push_bind(task.clone());
    } else {
        query.push(" WHERE true");
    }
    conditions(query, filter, id);
    id
}

/// Adds where the changes under way of `filter` are, as the table alias `r`.
pub(super) fn open<DB: Words>(query: &mut QueryBuilder<DB>, filter: &Filter)
where
    Uuid: for<'q> Encode<'q, DB> + Type<DB>,
    String: for<'q> Encode<'q, DB> + Type<DB>,
{
    // An intent whose final record exists is not open, whatever else is left of it.
    query.push(" FROM audit_intents r WHERE r.id IN (SELECT intent_id FROM open_changes)");
    query.push(" AND NOT EXISTS (SELECT 1 FROM audit_records f WHERE f.id = r.id)");
    if let Some(task) = &filter.task_id {
        query.push(" AND EXISTS (SELECT 1 FROM audit_record_tasks t WHERE t.record_id = r.id AND t.task_id = ");
        query.push_bind(task.clone()).push(")");
    }
    conditions(query, filter, "r.id");
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
    if let Some(administrative) = filter.administrative {
        let is = if administrative { " AND r.family = " } else { " AND r.family <> " };
        query.push(is).push_bind(ADMINISTRATIVE.to_owned());
    }
    one_of(query, "r.outcome", filter.outcome.iter().map(|outcome| outcome.as_str().to_owned()));
    one_of(query, "r.detail ->> 'kind'", filter.kind.iter().cloned());
    if filter.attempts {
        query.push(" AND (r.detail ->> 'kind' <> 'read' OR r.outcome = 'refused')");
    }
    if let Some(request) = &filter.request_id {
        query.push(" AND (r.request_id = ").push_bind(request.clone());
        query.push(" OR r.upstream_request_id = ").push_bind(request.clone()).push(")");
    }
    if let Some(text) = &filter.text {
        let text = text.to_ascii_lowercase();
        contains(query, " AND (", "(r.detail ->> 'message')", &text);
        contains(query, " OR ", "COALESCE(r.upstream_code, '')", &text);
        query.push(")");
    }
    // Ids bear their time: they lead to the right part of the log, the time itself decides.
    if let Some(settled) = filter.settled {
        query.push(" AND r.outcome = 'unknown' AND EXISTS (SELECT 1 FROM audit_settlements s WHERE s.id = r.id");
        query.push(" AND s.settled = ").push_bind(settled.as_str().to_owned()).push(")");
    }
    if let Some(from) = filter.from {
        query.push(" AND r.time >= ").push_bind(DB::time(within(from)));
        query.push(" AND ").push(id).push(" >= ").push_bind(first_id(from));
    }
    if let Some(to) = filter.to {
        query.push(" AND r.time < ").push_bind(DB::time(within(to)));
        query.push(" AND ").push(id).push(" < ").push_bind(id_at(to, SLACK));
    }
    if let Some(wanted) = filter.id {
        query.push(" AND ").push(id).push(" = ").push_bind(wanted);
    }
    if let Some(Cursor(last)) = filter.cursor {
        let beyond = if filter.order == Order::Oldest { " > " } else { " < " };
        query.push(" AND ").push(id).push(beyond).push_bind(last);
    }
}

fn one_of<DB: Words>(query: &mut QueryBuilder<DB>, what: &'static str, words: impl ExactSizeIterator<Item = String>)
where
    String: for<'q> Encode<'q, DB> + Type<DB>,
{
    if words.len() == 0 {
        return;
    }
    query.push(" AND ").push(what).push(" IN (");
    let mut list = query.separated(", ");
    for word in words {
        list.push_bind(word);
    }
    query.push(")");
}

/// A function that finds a text in a text, not LIKE: there `%` and `_` would be more than themselves.
fn contains<DB: Words>(query: &mut QueryBuilder<DB>, before: &'static str, what: &'static str, text: &str)
where
    String: for<'q> Encode<'q, DB> + Type<DB>,
{
    query.push(before).push(DB::POSITION).push("(lower(").push(what).push(" COLLATE ").push(DB::ASCII);
    query.push("), ").push_bind(text.to_owned()).push(") > 0");
}

/// Brings a time into the years that both databases know.
fn within(time: Timestamp) -> Timestamp {
    time.max(Timestamp::UNIX_EPOCH)
}

/// An id that is smaller than that of every record from a time on.
fn first_id(time: Timestamp) -> Uuid {
    id_at(time, -SLACK)
}

/// The smallest id of version 7 (RFC 9562: 48 bits of milliseconds come first) at a time and some milliseconds.
fn id_at(time: Timestamp, milliseconds: i64) -> Uuid {
    let time = within(time).as_millisecond().saturating_add(milliseconds).clamp(0, (1 << 48) - 1);
    Uuid::from_u128(u128::from(time.unsigned_abs()) << 80)
}
