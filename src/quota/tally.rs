//! What this process has refused for want of a turn, and how often the cloud has throttled it: by bucket.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use super::BucketKey;

/// Seconds that count as recent.
const RECENT: usize = 60;

/// One bucket's numbers since the start.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Tally {
    /// Calls that were refused.
    pub refused: u64,
    /// Those of the last minute among them.
    pub refused_recently: u64,
    /// Calls that the cloud throttled.
    pub throttled: u64,
}

/// All of them. Clones share one.
#[derive(Clone, Debug)]
pub(super) struct Tallies(Arc<Mutex<BTreeMap<BucketKey, Counts>>>, Instant);

#[derive(Clone, Debug)]
struct Counts {
    refused: u64,
    throttled: u64,
    /// Refused in each of the last seconds, by the second's number modulo their count.
    seconds: [u64; RECENT],
    newest: u64,
}

impl Default for Tallies {
    fn default() -> Tallies {
        Tallies(Arc::default(), Instant::now())
    }
}

impl Tallies {
    pub(super) fn refused(&self, key: &BucketKey, now: Instant) {
        self.change(
            key,
            |counts, second| {
                counts.pass_to(second);
                counts.refused += 1;
                counts.seconds[place(second)] += 1;
            },
            now,
        );
    }

    pub(super) fn throttled(&self, key: &BucketKey, now: Instant) {
        self.change(key, |counts, _| counts.throttled += 1, now);
    }

    /// Every bucket for which anything was ever counted, in the order of their keys.
    pub(super) fn all(&self, now: Instant) -> BTreeMap<BucketKey, Tally> {
        let second = self.second(now);
        let mut tallies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let tally = |counts: &mut Counts| {
            counts.pass_to(second);
            let refused_recently = counts.seconds.iter().sum();
            Tally { refused: counts.refused, refused_recently, throttled: counts.throttled }
        };
        tallies.iter_mut().map(|(key, counts)| (key.clone(), tally(counts))).collect()
    }

    fn change(&self, key: &BucketKey, how: impl FnOnce(&mut Counts, u64), now: Instant) {
        let mut tallies = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let nothing = Counts { refused: 0, throttled: 0, seconds: [0; RECENT], newest: 0 };
        how(tallies.entry(key.clone()).or_insert(nothing), self.second(now));
    }

    fn second(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.1).as_secs()
    }
}

impl Counts {
    /// Forgets the seconds that are too long ago.
    fn pass_to(&mut self, second: u64) {
        let passed = second.saturating_sub(self.newest).min(RECENT as u64);
        for ago in 0..passed {
            self.seconds[place(second - ago)] = 0;
        }
        self.newest = self.newest.max(second);
    }
}

fn place(second: u64) -> usize {
    usize::try_from(second % RECENT as u64).unwrap_or_default()
}
