//! What a text must be like to be stored, the same in both databases.
//!
//! NUL can't be stored in Postgres and is replaced by U+FFFD. Texts that records are searched by are shortened, because
//! an index takes entries of about 2,700 bytes at most (Postgres, "Index Row Size" of B-trees) and a caller whose name
//! nobody has checked yet must not be able to write a record that can't be stored. Times are cut to microseconds.
//! Filters go through the same door, so what was written is found by what was sent.

use std::borrow::Cow;

use jiff::Timestamp;
use serde_json::Value;

use crate::call::{Outcome, Record};

use super::{Filter, Made, Settlement};

/// Bytes of a text that records are searched by; longer ones are cut at a character.
pub(super) const SEARCHABLE: usize = 512;

/// The largest number of a record: 2^53 - 1, beyond which readers of JSON round (RFC 7493, section 2.2).
const LARGEST: i64 = (1 << 53) - 1;

/// A record as it can be stored, its intent: the outcome is `open`.
pub(super) fn intent(record: &Record) -> Record {
    Record { outcome: Outcome::Open, settled: None, ..any(record) }
}

/// A record as it can be stored, its end: an outcome that nobody filled in is `unknown`.
pub(super) fn ended(record: &Record) -> Record {
    let mut record = any(record);
    if record.outcome == Outcome::Open {
        record.outcome = Outcome::Unknown;
    }
    record
}

/// A settlement as it can be stored.
pub(super) fn settlement(settlement: &Settlement) -> Settlement {
    let mut settlement = settlement.clone();
    value_without_nul(&mut settlement.seen);
    if let Some(Made { account, task, team }) = &mut settlement.made {
        [account, task, team].into_iter().for_each(without_nul);
    }
    settlement
}

/// A filter that finds what was stored.
pub(super) fn filter(filter: &Filter) -> Filter {
    let mut filter = filter.clone();
    let texts = [
        &mut filter.account,
        &mut filter.team,
        &mut filter.caller,
        &mut filter.key_id,
        &mut filter.action,
        &mut filter.version,
        &mut filter.family,
        &mut filter.region,
        &mut filter.task_id,
        &mut filter.reason,
        &mut filter.request_id,
        &mut filter.text,
    ];
    texts.into_iter().flatten().for_each(searchable);
    filter.kind.iter_mut().for_each(searchable);
    filter
}

/// A text of a key (account, task, key id): NUL replaced, never shortened.
pub(super) fn text(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

/// The time in whole microseconds.
pub(super) fn time(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}

fn any(record: &Record) -> Record {
    let mut record = record.clone();
    record.time = time(record.time);
    record.waited_ms = record.waited_ms.clamp(0, LARGEST);
    let searched = [
        &mut record.account,
        &mut record.team,
        &mut record.caller,
        &mut record.key_id,
        &mut record.address,
        &mut record.family,
        &mut record.version,
        &mut record.action,
        &mut record.region,
        &mut record.request_id,
    ];
    searched.into_iter().for_each(searchable);
    record.task_ids.iter_mut().for_each(searchable);
    let optional = [&mut record.reason, &mut record.upstream_request_id, &mut record.upstream_code];
    optional.into_iter().flatten().for_each(searchable);

    let detail = &mut record.detail;
    detail.total_ms = detail.total_ms.clamp(0, LARGEST);
    detail.upstream_ms = detail.upstream_ms.map(|took| took.clamp(0, LARGEST));
    let told = [
        &mut detail.kind,
        &mut detail.parameters,
        &mut detail.parameters_digest,
        &mut detail.message,
        &mut detail.grant,
        &mut detail.limit,
        &mut detail.table,
        &mut detail.policy,
        &mut detail.origin,
        &mut detail.shared_from,
        &mut detail.user_agent,
    ];
    told.into_iter().for_each(without_nul);
    detail.observed.iter_mut().for_each(without_nul);
    detail.until = detail.until.map(time);
    detail.addresses.iter_mut().for_each(|seen| without_nul(&mut seen.address));
    for seen in &mut detail.states {
        without_nul(&mut seen.task);
        without_nul(&mut seen.state);
        without_nul(&mut seen.mode);
        seen.age_ms = seen.age_ms.clamp(0, LARGEST);
    }
    for limit in &mut detail.limits {
        without_nul(&mut limit.kind);
        without_nul(&mut limit.name);
        limit.window_ms = limit.window_ms.clamp(0, LARGEST);
        limit.waited_ms = limit.waited_ms.clamp(0, LARGEST);
        limit.retry_after_ms = limit.retry_after_ms.map(|wait| wait.clamp(0, LARGEST));
    }
    record
}

fn searchable(text: &mut String) {
    without_nul(text);
    if text.len() > SEARCHABLE {
        text.truncate(text.floor_char_boundary(SEARCHABLE));
    }
}

fn without_nul(text: &mut String) {
    if text.contains('\0') {
        *text = text.replace('\0', "\u{fffd}");
    }
}

fn value_without_nul(value: &mut Value) {
    match value {
        Value::String(text) => without_nul(text),
        Value::Array(elements) => elements.iter_mut().for_each(value_without_nul),
        Value::Object(members) => members.values_mut().for_each(value_without_nul),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
