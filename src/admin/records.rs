//! `/v1/audit/records` and `/v1/audit/tasks/{id}`: records, a page or all of them, and `/v1/audit/records/{id}`: one with
//! all of its phases. An auditor sees everything, a caller its own.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, RawQuery, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;
use serde::Serialize;
use uuid::Uuid;

use super::act::Act;
use super::desk::Desk;
use super::format::Format;
use super::problem::Problem;
use super::query::{self, Asked, Question};
use super::reader::Reader;
use super::stream;
use crate::call::Record;
use crate::evidence::{RecordProof, record_proofs};
use crate::proof::time_text;
use crate::store::{Filter, LogStore, SettledPhase, StoreError};

/// Records on a page if nothing is said.
const DEFAULT_LIMIT: u32 = 100;

/// Most records on a page.
const MAXIMUM_LIMIT: u32 = 1000;

/// One page.
#[derive(Debug, Serialize)]
struct Records {
    records: Vec<Record>,
    next_cursor: Option<String>,
}

/// What was written of one call.
#[derive(Debug, Serialize)]
struct Written {
    id: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    intent: Option<Phase>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ended: Option<Phase>,
    #[serde(skip_serializing_if = "Option::is_none")]
    settled: Option<Settlement>,
}

/// What was found out later.
#[derive(Debug, Serialize)]
struct Settlement {
    #[serde(flatten)]
    settled: SettledPhase,
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<RecordProof>,
}

/// One row.
#[derive(Debug, Serialize)]
struct Phase {
    record: Record,
    /// Missing for records from before the log was provable.
    #[serde(skip_serializing_if = "Option::is_none")]
    proof: Option<RecordProof>,
}

pub(super) async fn list(
    State(desk): State<Desk>,
    reader: Reader,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let query = query.unwrap_or_default();
    let format = query::format(&query).unwrap_or_else(|| Format::accepted(&headers));
    let question = query::read(Asked::Records, &query, None);
    answer(desk, reader, "audit.query", format, None, question).await
}

pub(super) async fn history(
    State(desk): State<Desk>,
    reader: Reader,
    task: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let task = named(task).and_then(|task| query::sized("task_id", &task).map(|()| task));
    let query = query.unwrap_or_default();
    let format = query::format(&query).unwrap_or_else(|| Format::accepted(&headers));
    let question = match &task {
        Ok(task) => query::read(Asked::History, &query, Some(task)),
        Err(problem) => Err(problem.clone()),
    };
    answer(desk, reader, "audit.history", format, task.ok(), question).await
}

pub(super) async fn show(
    State(desk): State<Desk>,
    reader: Reader,
    id: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let mut act = Act::begin(&desk, &reader, "audit.record")?;
    let found = async {
        let id = named(id)?;
        query::sized("id", &id)?;
        act.asks("id", id.as_str());
        query::read(Asked::Record, &query.unwrap_or_default(), None)?;
        written(&desk, &reader, &id).await
    };
    let found = found.await;
    act.ends(&found);
    found.map(|written| Json(written).into_response())
}

async fn written(desk: &Desk, reader: &Reader, id: &str) -> Result<Written, Problem> {
    let wrong = |_| Problem::bad_query("parameter-type", "the id of a record must be a UUID");
    let id = Uuid::try_parse(id).map_err(wrong)?;
    let phases = desk.ask(desk.store.phases(id)).await?;
    let visible = |record: &Record| reader.may_see(&record.caller);
    let (intent, ended) = (phases.intent.filter(visible), phases.ended.filter(visible));
    if intent.is_none() && ended.is_none() {
        let begins = desk.ask(begins_after(desk.store.log(), id)).await?;
        return Err(begins.map_or_else(Problem::no_record, |begins| Problem::record_dropped(&begins)));
    }
    let mut proofs = desk.ask(record_proofs(desk.store.log(), id)).await?;
    let mut proof = |name: &str| {
        let at = proofs.iter().position(|proof| proof.phase == name)?;
        Some(proofs.swap_remove(at))
    };
    let intent = intent.map(|record| Phase { record, proof: proof("intent") });
    let ended = ended.map(|record| Phase { record, proof: proof("ended") });
    let settled = phases.settled.map(|settled| Settlement { settled, proof: proof("settled") });
    Ok(Written { id, intent, ended, settled })
}

/// Since when the logs are there that have lost entries as old as an id, by the time that is in it (UUID version 7).
async fn begins_after(store: &dyn LogStore, id: Uuid) -> Result<Option<String>, StoreError> {
    let Some((seconds, nanoseconds)) = id.get_timestamp().map(|made| made.to_unix()) else { return Ok(None) };
    let made = i64::try_from(seconds).ok().zip(i32::try_from(nanoseconds).ok());
    let made = made.and_then(|(seconds, nanoseconds)| Timestamp::new(seconds, nanoseconds).ok());
    let mut since: BTreeMap<&str, Timestamp> = BTreeMap::new();
    for head in store.heads().await? {
        if let Some(start) = store.start(head.log).await?
            && made.is_some_and(|made| made <= start.recorded_at)
        {
            let last = since.entry(head.log.class.as_str()).or_insert(start.recorded_at);
            *last = start.recorded_at.max(*last);
        }
    }
    let told = since.iter().map(|(class, last)| format!("the log of {class} begins after {}", time_text(*last)));
    let told = told.collect::<Vec<_>>().join(", ");
    Ok(Some(told).filter(|told| !told.is_empty()))
}

async fn answer(
    desk: Desk,
    reader: Reader,
    action: &str,
    format: Format,
    task: Option<String>,
    question: Result<Question, Problem>,
) -> Result<Response, Problem> {
    let action = if format == Format::Json { action } else { "audit.export" };
    let mut act = Act::begin(&desk, &reader, action)?;
    if let Some(task) = task {
        act.asks("task_id", task);
    }
    let prepared = question.and_then(|question| {
        question.given.iter().for_each(|(name, value)| act.asks(name, value.as_str()));
        let filter = reader.restrict(question.filter)?;
        let cursor = question.cursor.map(|cursor| desk.cursors.open(&cursor, &filter)).transpose()?;
        Ok((Filter { cursor, ..filter }, question.limit))
    });
    match (prepared, format) {
        (Ok((filter, limit)), Format::Json) => {
            let found = page(&desk, filter, limit).await;
            act.ends(&found);
            found.map(|records| Json(records).into_response())
        }
        (Ok((filter, limit)), format) => {
            act.asks("format", format.word());
            stream::start(desk, act, filter, limit, format).await
        }
        (Err(problem), _) => {
            let refused = Err(problem);
            act.ends(&refused);
            refused
        }
    }
}

async fn page(desk: &Desk, filter: Filter, limit: Option<u64>) -> Result<Records, Problem> {
    let limit = limit.map_or(Some(DEFAULT_LIMIT), |limit| u32::try_from(limit).ok());
    let Some(limit) = limit.filter(|limit| *limit <= MAXIMUM_LIMIT) else {
        let message =
            format!("limit must be a whole number from 1 to {MAXIMUM_LIMIT}; ask for format=ndjson to get more");
        return Err(Problem::bad_query("parameter-type", message));
    };
    let filter = Filter { limit, ..filter };
    let page = desk.ask(desk.store.records(&filter)).await?;
    let next_cursor = page.next.map(|next| desk.cursors.seal(next, &filter));
    Ok(Records { records: page.records, next_cursor })
}

fn named(path: Result<Path<String>, PathRejection>) -> Result<String, Problem> {
    let wrong = |_| Problem::bad_query("parameter-type", "the id in the path must be UTF-8, escaped as in a URL");
    path.map(|Path(name)| name).map_err(wrong)
}
