//! Whose turn it is among callers that wait for one bucket: start-time fair queueing.
//!
//! The clock is virtual: a turn costs a caller 1 ÷ weight, and the clock stands where the last served caller stood.
//! Only kept while calls wait, so what a caller took of an idle bucket is not held against it.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::Arc;

/// A turn of weight 1: fine enough for weights up to a million, and 2^44 turns fit.
const TURN: u64 = 1 << 20;

/// What callers have had while others waited.
#[derive(Debug, Default)]
pub(super) struct Shares {
    clock: u64,
    served_until: HashMap<Arc<str>, u64>,
}

impl Shares {
    /// How far a caller is ahead of the clock: the least is next.
    pub(super) fn lead(&self, who: &str) -> u64 {
        self.served_until.get(who).map_or(0, |until| until.saturating_sub(self.clock))
    }

    /// Gives a caller one turn.
    pub(super) fn serve(&mut self, who: &Arc<str>, weight: NonZeroU32) {
        self.clock += self.lead(who);
        self.served_until.insert(Arc::clone(who), self.clock + cost(weight));
    }

    /// Nobody waits any more.
    pub(super) fn clear(&mut self) {
        self.clock = 0;
        self.served_until.clear();
    }
}

/// How many of `waiting` calls of a caller with this lead come before a newcomer's that stands at `lead`.
pub(super) fn ahead_of(lead: u64, waiting: usize, others_lead: u64, weight: NonZeroU32) -> usize {
    match lead.checked_sub(others_lead) {
        None => 0,
        Some(room) => waiting.min(usize::try_from(room / cost(weight)).unwrap_or(usize::MAX).saturating_add(1)),
    }
}

/// What a turn costs.
pub(super) fn cost(weight: NonZeroU32) -> u64 {
    (TURN / u64::from(weight.get())).max(1)
}
