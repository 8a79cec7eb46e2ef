//! Refusals of nobody in particular: so many in a second are records, the rest is counted for a minute.
//!
//! What a stranger chooses is no key here, or he would choose how much is kept of him: counts are apart only by words of
//! the tables and of the gateway. Of the addresses a few are named.

use std::time::Duration;

use tokio::time::Instant;

use super::counted::Open;
use crate::call::{AddressSeen, Calls, Detail, Outcome, Record};

/// How long they are counted.
const WINDOW: Duration = Duration::from_secs(60);

/// Addresses that a count names, the first ones that it saw: enough to see whether it is one sender or many.
const MOST_ADDRESSES: usize = 10;

/// What a count says of the calls that are not named.
const MESSAGE: &str = "more calls of nobody in particular than audit.anonymous_per_second: these were only counted";

/// Refusals of nobody in particular.
pub(super) struct Strangers {
    per_second: u32,
    second: Option<Instant>,
    own: u32,
    open: Open<Kind, Count>,
}

/// What is counted apart.
#[derive(Debug, Eq, Hash, PartialEq)]
struct Kind {
    reason: Option<String>,
    family: String,
    /// Of an action that a table knows, as is the next.
    version: String,
    kind: String,
}

struct Count {
    first: Record,
    calls: Calls,
    until: jiff::Timestamp,
    addresses: Vec<AddressSeen>,
}

impl Strangers {
    /// Lets `per_second` be records of their own.
    pub(super) fn new(per_second: u32) -> Strangers {
        Strangers { per_second, second: None, own: 0, open: Open::new(WINDOW) }
    }

    /// Counts a refusal, and answers what is to be written now.
    pub(super) fn offer(&mut self, record: Record, now: Instant) -> Vec<Record> {
        if self.is_own(now) {
            return vec![record];
        }
        let kind = Kind::of(&record);
        let mut on: Vec<Record> = self.open.take_if_over(&kind, now).map(Count::told).into_iter().collect();
        match self.open.find(&kind) {
            Some(count) => count.add(record),
            None => on.extend(self.open.open(kind, Count::of(record), now).map(Count::told)),
        }
        on
    }

    /// The counts that are over.
    pub(super) fn take_over(&mut self, now: Instant) -> Vec<Record> {
        self.open.take_over(now).map(Count::told).collect()
    }

    /// All counts.
    pub(super) fn take_all(&mut self) -> Vec<Record> {
        self.open.take_all().map(Count::told).collect()
    }

    fn is_own(&mut self, now: Instant) -> bool {
        if self.second.is_none_or(|second| now.duration_since(second) >= Duration::from_secs(1)) {
            (self.second, self.own) = (Some(now), 0);
        }
        self.own = self.own.saturating_add(1);
        self.own <= self.per_second
    }
}

impl Kind {
    fn of(record: &Record) -> Kind {
        let kind = record.detail.kind.clone();
        // A version that no table has is the stranger's own text.
        let version = if kind.is_empty() { String::new() } else { record.version.clone() };
        Kind { reason: record.reason.clone(), family: record.family.clone(), version, kind }
    }
}

impl Count {
    fn of(record: Record) -> Count {
        let addresses = vec![AddressSeen { address: record.address.clone(), calls: Calls::ONE }];
        Count { calls: Calls::ONE, until: record.time, addresses, first: record }
    }

    fn add(&mut self, record: Record) {
        self.calls = self.calls.and_one();
        self.until = self.until.max(record.time);
        if let Some(seen) = self.addresses.iter_mut().find(|seen| seen.address == record.address) {
            seen.calls = seen.calls.and_one();
        } else if self.addresses.len() < MOST_ADDRESSES {
            self.addresses.push(AddressSeen { address: record.address.clone(), calls: Calls::ONE });
        }
        if record.id < self.first.id {
            self.first = record;
        }
    }

    /// The record: of one call it is that call's own, of several it says what they have in common.
    fn told(self) -> Record {
        let Count { first, calls, until, addresses } = self;
        if calls.is_one() {
            return first;
        }
        let Kind { reason, family, version, kind } = Kind::of(&first);
        let is_of_one = addresses.iter().all(|seen| seen.calls == calls);
        let (address, addresses) = if is_of_one { (first.address, Vec::new()) } else { (String::new(), addresses) };
        Record {
            id: first.id,
            time: first.time,
            address,
            family,
            version,
            outcome: Outcome::Refused,
            reason,
            request_id: first.request_id,
            calls,
            detail: Detail {
                kind,
                message: MESSAGE.to_owned(),
                table: first.detail.table,
                origin: first.detail.origin,
                until: Some(until),
                addresses,
                ..Detail::default()
            },
            ..Record::default()
        }
    }
}
