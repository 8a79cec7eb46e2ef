//! Reading the log is an administrative act: it is a record itself, refused or not.

use std::sync::Arc;

use serde_json::{Map, Value};

use super::desk::Desk;
use super::problem::Problem;
use super::reader::Reader;
use crate::call::{ADMINISTRATIVE, Clock, Detail, Outcome, Record, RecordHandle, Refusal};
use crate::store::{Entry, Intent, Verdict, Writer};

/// A reading under way. Its record is written when this is gone.
pub(super) struct Act {
    record: RecordHandle,
    asked: Map<String, Value>,
    clock: Clock,
    writer: Writer,
}

impl Act {
    /// Begins a record. Who reads is written down, so what can't be written down is not read.
    pub(super) fn begin(desk: &Desk, reader: &Reader, action: &str) -> Result<Act, Problem> {
        if !desk.writer.has_room() {
            return Err(Problem::from(&Refusal::AuditUnavailable));
        }
        let id = reader.request_id.0;
        let record = Record {
            id,
            time: desk.clock.now(),
            team: reader.team.clone().unwrap_or_default(),
            caller: reader.caller.clone(),
            key_id: reader.key_id(),
            address: reader.address.clone(),
            family: ADMINISTRATIVE.to_owned(),
            action: action.to_owned(),
            // Until it is known to have gone well.
            outcome: Outcome::Failed,
            request_id: id.to_string(),
            detail: Detail { kind: "read".to_owned(), origin: "gateway".to_owned(), ..Detail::default() },
            ..Record::default()
        };
        let record = RecordHandle::new(record, Arc::new(desk.writer.clone()));
        Ok(Act { record, asked: Map::new(), clock: desk.clock.clone(), writer: desk.writer.clone() })
    }

    /// Notes what is asked for.
    pub(super) fn asks(&mut self, name: &str, value: impl Into<Value>) {
        self.asked.insert(name.to_owned(), value.into());
        let parameters = Value::Object(self.asked.clone()).to_string();
        self.record.update(|record| record.detail.parameters = parameters);
    }

    /// Makes durable that it begins, for a reading that takes long: however it ends, it is in the log.
    pub(super) async fn intend(&self) -> Result<(), Problem> {
        let record = Record { outcome: Outcome::Open, ..self.record.snapshot() };
        let intent = Intent { record, tasks: Vec::new(), replay: Vec::new(), emergency: false };
        match self.writer.commit(Entry::Intent(intent)).await {
            Ok(Verdict::Done) => {
                self.record.mark_intended(None);
                Ok(())
            }
            _ => Err(Problem::from(&Refusal::AuditUnavailable)),
        }
    }

    /// Notes how it went.
    pub(super) fn ends<T>(&self, how: &Result<T, Problem>) {
        match how {
            Ok(_) => self.end(|record| record.outcome = Outcome::Ok),
            Err(problem) => self.end(|record| {
                record.outcome = Outcome::Refused;
                record.reason = Some(problem.slug().to_owned());
                record.detail.message = problem.detail().to_owned();
            }),
        }
    }

    /// Notes that not everything was given: for a problem, or because the asker has left.
    pub(super) fn breaks(&self, problem: Option<&Problem>) {
        self.end(|record| {
            record.outcome = Outcome::Failed;
            record.caller_gone = problem.is_none();
            record.reason = problem.map(|problem| problem.slug().to_owned());
            record.detail.message = problem.map(|problem| problem.detail().to_owned()).unwrap_or_default();
        });
    }

    fn end(&self, change: impl FnOnce(&mut Record)) {
        let now = self.clock.now();
        self.record.update(|record| {
            record.detail.total_ms = now.duration_since(record.time).as_millis().try_into().unwrap_or_default();
            change(record);
        });
    }
}
