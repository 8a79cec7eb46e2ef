//! The documented rates, counted and enforced in sliding windows, and the statistics that prove it.
//!
//! A window is half-open: two calls exactly one window apart are in no window together. The time of a call is an
//! argument, so the room is the same under a test's clock.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::clock::Moment;

/// Whose calls are counted together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Scope {
    /// Those of one key.
    Account,
    /// Everybody's in a region.
    Region,
}

/// What stands in a key's place where all are counted together.
pub(crate) const ANY: &str = "*";

/// One key or all, one access point or region, one action.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub(crate) struct BucketKey {
    /// None where a family counts in one way only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) scope: Option<Scope>,
    pub(crate) credential: String,
    pub(crate) host: String,
    pub(crate) region: String,
    pub(crate) action: String,
}

/// How many calls are allowed in any window of that length.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limit {
    pub(crate) calls: u32,
    pub(crate) window: Duration,
}

/// One bucket as `GET /_sim/stats` shows it.
#[derive(Debug, Serialize)]
pub(crate) struct BucketReport {
    #[serde(flatten)]
    key: BucketKey,
    limit: u32,
    /// Calls that arrived, refused ones too.
    calls: u64,
    /// The most calls that arrived in any window.
    max_in_any_window: usize,
    throttled: u64,
}

/// Every bucket that was ever touched.
#[derive(Debug, Default)]
pub(crate) struct Rates(Mutex<BTreeMap<BucketKey, Bucket>>);

#[derive(Debug, Default)]
struct Bucket {
    limit: u32,
    calls: u64,
    throttled: u64,
    most: usize,
    arrived: Log,
    /// Those that were not throttled: a refused call takes no place.
    admitted: Log,
}

/// Moments in order, of the last two windows: requests that are handled side by side may come in slightly out of order.
#[derive(Debug, Default)]
struct Log(VecDeque<Moment>);

impl Rates {
    /// Counts a call in all its buckets; false if it is over the limit of one, and then it takes a place in none.
    pub(crate) fn admit(&self, counted: &[(BucketKey, Limit)], at: Moment) -> bool {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut room = true;
        for (key, limit) in counted {
            room &= buckets.entry(key.clone()).or_default().count(*limit, at);
        }
        for (key, limit) in counted.iter().filter(|_| room) {
            buckets.entry(key.clone()).or_default().admitted.insert(at, limit.window);
        }
        room
    }

    /// Notes that a call was refused as too fast although it was not.
    pub(crate) fn note_throttled(&self, counted: &[(BucketKey, Limit)]) {
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (key, _) in counted {
            if let Some(bucket) = buckets.get_mut(key) {
                bucket.throttled += 1;
            }
        }
    }

    /// What was counted since the last [`Rates::clear`].
    pub(crate) fn report(&self) -> Vec<BucketReport> {
        let buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        buckets
            .iter()
            .filter(|(_, bucket)| bucket.calls > 0)
            .map(|(key, bucket)| BucketReport {
                key: key.clone(),
                limit: bucket.limit,
                calls: bucket.calls,
                max_in_any_window: bucket.most,
                throttled: bucket.throttled,
            })
            .collect()
    }

    /// Empties the statistics; what was admitted just now still takes its place.
    pub(crate) fn clear(&self) {
        for bucket in self.0.lock().unwrap_or_else(PoisonError::into_inner).values_mut() {
            let admitted = std::mem::take(&mut bucket.admitted);
            *bucket = Bucket { limit: bucket.limit, admitted, ..Bucket::default() };
        }
    }
}

impl Bucket {
    /// Counts an arrival; false if there is no place for it.
    fn count(&mut self, limit: Limit, at: Moment) -> bool {
        self.limit = limit.calls;
        self.calls += 1;
        self.most = self.most.max(self.arrived.insert(at, limit.window));
        let room = self.admitted.most_around(at, limit.window) < usize::try_from(limit.calls).unwrap_or(usize::MAX);
        if !room {
            self.throttled += 1;
        }
        room
    }
}

impl Log {
    /// Takes a moment in and answers the most moments in any window that holds it.
    fn insert(&mut self, at: Moment, window: Duration) -> usize {
        let newest = self.0.back().copied().unwrap_or(at).max(at);
        while self.0.front().is_some_and(|oldest| newest.since(*oldest) >= window * 2) {
            self.0.pop_front();
        }
        let place = self.0.partition_point(|before| *before <= at);
        self.0.insert(place, at);
        self.most_around(at, window)
    }

    /// The most moments that are here in any window that holds `at`.
    fn most_around(&self, at: Moment, window: Duration) -> usize {
        let first = self.0.partition_point(|moment| *moment < at && at.since(*moment) >= window);
        let later = self.0.partition_point(|moment| *moment <= at);
        if later == self.0.len() {
            return later - first; // nothing is newer, so the window with the oldest neighbour holds all of them
        }
        let starts = self.0.range(first..later).copied().chain(std::iter::once(at));
        starts.map(|start| self.count_from(start, window)).max().unwrap_or(0)
    }

    /// Moments in `[start, start + window)`.
    fn count_from(&self, start: Moment, window: Duration) -> usize {
        let end = start.plus(window);
        self.0.partition_point(|moment| *moment < end) - self.0.partition_point(|moment| *moment < start)
    }
}
