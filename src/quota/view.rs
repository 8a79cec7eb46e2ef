//! The quota as it is now, for those who look at it.

use std::sync::Arc;
use std::time::Duration;

use super::BucketKey;

/// How many callers a view names for each bucket: those with the most calls that wait.
pub const MOST_CALLERS: usize = 20;

/// All of it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct View {
    /// With whom the quota is shared.
    pub standing: Standing,
    /// The buckets that are in use, in the order of their keys. Those of all replicas, while they share a book.
    pub buckets: Vec<BucketView>,
}

/// With whom the quota is shared, and how that goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Standing {
    /// With nobody.
    Sole,
    /// With others of whom nothing is known but how many there are at most.
    Parts {
        /// How many.
        of: u32,
    },
    /// With replicas that keep one book; `here` of `of` parts may be used.
    Joined {
        /// Replicas that are here.
        here: u32,
        /// Replicas that share the quota.
        of: u32,
    },
    /// The book can't be reached, and nothing is sent before this has passed.
    Quiet {
        /// How long it lasts at least.
        left: Duration,
    },
    /// The book can't be reached, and this replica uses its part.
    Alone {
        /// Replicas last known.
        of: u32,
    },
}

/// A bucket as it is now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BucketView {
    /// Which one.
    pub key: BucketKey,
    /// Calls that are allowed in a window: the documented number, or the part of it that may be used here.
    pub per: u32,
    /// The window.
    pub window: Duration,
    /// What the cloud was seen to allow, while that is less.
    pub learned: Option<u32>,
    /// Slots that are left free for emergencies.
    pub reserve: u32,
    /// Slots that are taken or not yet free again.
    pub used: u32,
    /// Calls that wait for a turn.
    pub waiting: usize,
    /// Whose they are: at most [`MOST_CALLERS`], the most first.
    pub callers: Vec<(Arc<str>, usize)>,
}

impl Standing {
    /// In one word.
    pub fn name(self) -> &'static str {
        match self {
            Standing::Sole => "sole",
            Standing::Parts { .. } => "parts",
            Standing::Joined { .. } => "joined",
            Standing::Quiet { .. } => "quiet",
            Standing::Alone { .. } => "alone",
        }
    }

    /// The words of all of them.
    pub const NAMES: [&'static str; 5] = ["sole", "parts", "joined", "quiet", "alone"];
}

impl BucketView {
    /// One of which nothing is known yet.
    pub(super) fn new(key: BucketKey) -> BucketView {
        BucketView {
            key,
            per: 0,
            window: Duration::ZERO,
            learned: None,
            reserve: 0,
            used: 0,
            waiting: 0,
            callers: Vec::new(),
        }
    }
}

/// The callers with the most calls, and of those with as many the first by name.
pub(super) fn most(mut callers: Vec<(Arc<str>, usize)>) -> Vec<(Arc<str>, usize)> {
    callers.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    callers.truncate(MOST_CALLERS);
    callers
}

pub(super) fn whole(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}
