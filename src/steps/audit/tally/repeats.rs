//! A caller's identical reads: the first is a record, those that follow within a time are one more.

use std::time::Duration;

use sha2::{Digest, Sha256};
use tokio::time::Instant;
use uuid::Uuid;

use super::counted::Open;
use crate::call::{Detail, Record};

/// What was repeated so far, told as the first repeat; nothing yet after the first read.
type Repeated = Option<Box<Record>>;

/// Identical reads.
pub(super) struct Repeats {
    open: Open<[u8; 32], Repeated>,
}

impl Repeats {
    /// Counts repeats for `within` after a first read.
    pub(super) fn new(within: Duration) -> Repeats {
        Repeats { open: Open::new(within) }
    }

    /// Counts a read, and answers what is to be written now.
    pub(super) fn offer(&mut self, record: Record, now: Instant) -> Vec<Record> {
        let key = identity(&record);
        let mut on: Vec<Record> = self.open.take_if_over(&key, now).flatten().map(|count| *count).into_iter().collect();
        match self.open.find(&key) {
            Some(repeated) => add(repeated, record),
            None => {
                // Without room it is written all the same, and so is the next one like it.
                drop(self.open.open(key, None, now));
                on.push(record);
            }
        }
        on
    }

    /// The counts that are over.
    pub(super) fn take_over(&mut self, now: Instant) -> Vec<Record> {
        self.open.take_over(now).flatten().map(|count| *count).collect()
    }

    /// All counts.
    pub(super) fn take_all(&mut self) -> Vec<Record> {
        self.open.take_all().flatten().map(|count| *count).collect()
    }
}

/// One more repeat. Calls do not end in the order in which they came.
fn add(repeated: &mut Repeated, record: Record) {
    let Some(first) = repeated else {
        *repeated = Some(Box::new(record));
        return;
    };
    let calls = first.calls.and_one();
    let until = first.detail.until.unwrap_or(first.time).max(first.time).max(record.time);
    if record.id < first.id {
        **first = record;
    }
    first.calls = calls;
    first.detail.until = Some(until);
}

/// What identical reads have in common: everything but ids and times. The message is left out, too: what it says beyond the
/// reason, of a caller with the same parameters, is how long to wait.
fn identity(record: &Record) -> [u8; 32] {
    let mut same = Record {
        id: Uuid::nil(),
        time: jiff::Timestamp::UNIX_EPOCH,
        request_id: String::new(),
        upstream_request_id: None,
        waited_ms: 0,
        detail: Detail {
            message: String::new(),
            upstream_ms: None,
            total_ms: 0,
            shared_from: String::new(),
            ..record.detail.clone()
        },
        ..record.clone()
    };
    same.detail.states.iter_mut().for_each(|seen| seen.age_ms = 0);
    for limit in &mut same.detail.limits {
        (limit.waited_ms, limit.remaining, limit.retry_after_ms) = (0, None, None);
    }
    // A record is always JSON; if it were not, the reads of everybody would be none of anybody's.
    let text = serde_json::to_vec(&same).unwrap_or_else(|_| record.id.as_bytes().to_vec());
    Sha256::digest(text).into()
}
