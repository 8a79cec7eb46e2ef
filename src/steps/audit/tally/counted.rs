//! Counts that are open, each under a key and until a time.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

use tokio::time::Instant;

/// The most open counts of a kind; beyond that calls are records of their own. A count holds one record: about 2 KiB, at
/// most some 18 KiB when its parameters are as long as a record keeps them.
pub(super) const MOST: usize = 4_096;

/// Open counts.
pub(super) struct Open<K, C> {
    within: Duration,
    counts: HashMap<K, (Instant, C)>,
}

impl<K: Eq + Hash, C> Open<K, C> {
    /// Counts that are open for `within` each.
    pub(super) fn new(within: Duration) -> Open<K, C> {
        Open { within, counts: HashMap::new() }
    }

    /// The count under `key`.
    pub(super) fn find(&mut self, key: &K) -> Option<&mut C> {
        self.counts.get_mut(key).map(|(_, count)| count)
    }

    /// Opens a count. Without room for it, it comes back.
    pub(super) fn open(&mut self, key: K, count: C, now: Instant) -> Option<C> {
        if self.counts.len() >= MOST {
            return Some(count);
        }
        self.counts.insert(key, (now + self.within, count)).map(|(_, before)| before)
    }

    /// Closes the count under `key` if its time is over.
    pub(super) fn take_if_over(&mut self, key: &K, now: Instant) -> Option<C> {
        let is_over = self.counts.get(key).is_some_and(|(until, _)| *until <= now);
        if is_over { self.counts.remove(key).map(|(_, count)| count) } else { None }
    }

    /// Closes every count whose time is over.
    pub(super) fn take_over(&mut self, now: Instant) -> impl Iterator<Item = C> {
        self.counts.extract_if(move |_, (until, _)| *until <= now).map(|(_, (_, count))| count)
    }

    /// Closes every count.
    pub(super) fn take_all(&mut self) -> impl Iterator<Item = C> {
        self.counts.drain().map(|(_, (_, count))| count)
    }
}
