//! `/v1/audit/records`: one page of the audit log. An auditor sees all of it, a caller its own records. Reading is an
//! administrative act: it is a record itself, refused or not.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use serde::Serialize;

use super::problem::Problem;
use super::query;
use super::reader::Reader;
use super::{AUDITOR, Admin};
use crate::call::{Detail, Outcome, Record, RecordHandle, Refusal};
use crate::store::{Cursor, Filter};

/// One page.
#[derive(Debug, Serialize)]
pub(super) struct Records {
    records: Vec<Record>,
    next_cursor: Option<String>,
}

pub(super) async fn list(
    State(admin): State<Admin>,
    reader: Reader,
    RawQuery(query): RawQuery,
) -> Result<Json<Records>, Problem> {
    // Who reads is written down, so what can't be written down is not read.
    if !admin.writer.has_room() {
        return Err(Problem::from(&Refusal::AuditUnavailable));
    }
    let record = RecordHandle::new(act(&admin, &reader), Arc::new(admin.writer.clone()));
    let found = find(&admin, &reader, &query.unwrap_or_default(), &record).await;
    let ended = admin.clock.now();
    record.update(|record| {
        record.detail.total_ms = ended.duration_since(record.time).as_millis().try_into().unwrap_or_default();
        match &found {
            Ok(_) => record.outcome = Outcome::Ok,
            Err(problem) => {
                record.outcome = Outcome::Refused;
                record.reason = Some(problem.slug().to_owned());
                record.detail.message = problem.detail().to_owned();
            }
        }
    });
    found.map(Json)
}

async fn find(admin: &Admin, reader: &Reader, query: &str, record: &RecordHandle) -> Result<Records, Problem> {
    let filter = query::read(query)?;
    record.update(|record| record.detail.parameters = query::as_json(&filter));
    let filter = restrict(filter, reader)?;
    let page = admin.store.records(&filter).await?;
    Ok(Records { records: page.records, next_cursor: page.next.map(Cursor::encode) })
}

/// What the asker may see of what it asks for.
fn restrict(filter: Filter, reader: &Reader) -> Result<Filter, Problem> {
    let own = &reader.token.caller;
    match &filter.caller {
        _ if reader.is_auditor() => Ok(filter),
        Some(other) if other != own => {
            Err(Problem::forbidden(format!("without the role {AUDITOR} you see your own records only, those of {own}")))
        }
        _ => Ok(Filter { caller: Some(own.clone()), ..filter }),
    }
}

/// The record of the reading.
fn act(admin: &Admin, reader: &Reader) -> Record {
    let id = reader.request_id.0;
    Record {
        id,
        time: admin.clock.now(),
        team: reader.team.clone().unwrap_or_default(),
        caller: reader.token.caller.clone(),
        key_id: format!("jwt:{}", reader.token.issuer),
        address: reader.address.clone(),
        family: "gateway".to_owned(),
        action: "audit.query".to_owned(),
        // Until it is known to have gone well.
        outcome: Outcome::Failed,
        request_id: id.to_string(),
        detail: Detail { kind: "read".to_owned(), origin: "gateway".to_owned(), ..Detail::default() },
        ..Record::default()
    }
}
