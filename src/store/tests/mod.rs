//! One suite for both databases: what holds for one holds for the other.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test may stop where its ground is missing

mod batches;
pub(super) mod bed;
mod changes;
mod journaled;
mod keys;
mod log;
mod pages;
mod purchases;
mod questions;
mod replay;
mod schema;

use jiff::Timestamp;
use uuid::Uuid;

use super::{Entry, Intent, Remembered, ReplayKey};
use crate::call::{Calls, Closed, Detail, LimitAsked, Outcome, Record, SeenTask, Settled, StateSeen};

/// A record with every field filled in.
pub(super) fn record(outcome: Outcome) -> Record {
    let id = id();
    Record {
        id,
        time: time_of(id),
        account: "main".to_owned(),
        team: "orders".to_owned(),
        caller: "orders-ci".to_owned(),
        key_id: "AKIDexample".to_owned(),
        address: "192.0.2.1".to_owned(),
        family: "cloudy".to_owned(),
        version: "2018-03-30".to_owned(),
        action: "StopMigrateJob".to_owned(),
        region: "ap-guangzhou".to_owned(),
        task_ids: vec!["dts-1".to_owned(), "dts-2".to_owned()],
        outcome,
        reason: Some("task-busy".to_owned()),
        caller_gone: true,
        settled: (outcome == Outcome::Unknown).then_some(Settled::NotDone),
        request_id: id.to_string(),
        upstream_request_id: Some("f1e2".to_owned()),
        upstream_code: Some("FailedOperation".to_owned()),
        waited_ms: 17,
        calls: Calls::ONE,
        detail: Detail {
            kind: "change".to_owned(),
            parameters: r#"{"JobId":"dts-1","Password":"***","Name":"naïve \"quoted\""}"#.to_owned(),
            states: vec![StateSeen {
                task: "dts-1".to_owned(),
                state: "Running".to_owned(),
                age_ms: 12,
                mode: "observe".to_owned(),
            }],
            limits: vec![LimitAsked {
                kind: "cloud".to_owned(),
                calls: 20,
                remaining: Some(1),
                ..LimitAsked::default()
            }],
            policy: "ab".repeat(32),
            redaction: 1,
            observed: vec!["a rule".to_owned()],
            upstream_status: Some(200),
            upstream_ms: Some(5),
            ..Detail::default()
        },
    }
}

/// A new id, after all others.
#[expect(clippy::disallowed_methods, reason = "ids only have to be in order here, whatever time they bear")]
pub(super) fn id() -> Uuid {
    Uuid::now_v7()
}

/// The time that an id bears.
fn time_of(id: Uuid) -> Timestamp {
    let (seconds, nanoseconds) = id.get_timestamp().unwrap().to_unix();
    Timestamp::new(seconds.try_into().unwrap(), nanoseconds.try_into().unwrap()).unwrap()
}

/// A change of `tasks`, each with the counter that it was judged by.
pub(super) fn intent(tasks: &[(&str, i64)]) -> Intent {
    let record = Record { task_ids: tasks.iter().map(|(id, _)| (*id).to_owned()).collect(), ..record(Outcome::Open) };
    let tasks = tasks.iter().map(|(id, changes)| SeenTask { id: (*id).to_owned(), changes: *changes }).collect();
    Intent { record, tasks, replay: Vec::new(), emergency: false }
}

/// The same, remembered under `key` for a minute.
pub(super) fn kept_intent(tasks: &[(&str, i64)], key: u8, content: u8) -> Intent {
    let mut intent = intent(tasks);
    let until = at(intent.record.time.as_microsecond() + 60_000_000);
    intent.replay = vec![(replay_key(key, content), until)];
    intent
}

/// What is remembered of an open change, under its first key.
pub(super) fn remembered(intent: &Intent) -> Remembered {
    let (key, expires_at) = intent.replay[0].clone();
    Remembered { id: intent.record.id, key, answer: None, open: true, expires_at }
}

/// A replay key.
pub(super) fn replay_key(key: u8, content: u8) -> ReplayKey {
    ReplayKey { key: [key; 32], content: [content; 32] }
}

/// The end of a change.
pub(super) fn end(intent: &Intent, outcome: Outcome, answer: Option<&str>) -> Entry {
    let record = Record { outcome, upstream_code: None, ..intent.record.clone() };
    Entry::Closed(Closed {
        record,
        intended: true,
        answer: answer.map(|answer| answer.to_owned().into()),
        window: None,
    })
}

/// The end of a call without an intent.
pub(super) fn ended(record: &Record) -> Entry {
    Entry::Closed(Closed { record: record.clone(), intended: false, answer: None, window: None })
}

/// A time by its microseconds.
pub(super) fn at(microseconds: i64) -> Timestamp {
    Timestamp::from_microsecond(microseconds).unwrap()
}
