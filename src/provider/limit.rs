//! The cloud's quota as data: buckets and how many calls fit into which window. Counts nothing itself.

use std::time::Duration;

/// What one action's calls are counted in. Actions of two versions with the same bucket name share it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bucket {
    /// The bucket's name: the action's, unless the table says otherwise.
    pub name: String,
    /// Every limit that holds for it; a call takes its slot in all of them at one instant, or in none. Never empty.
    pub limits: Vec<Limit>,
    /// Stops and pauses, or the look-ups on their behalf, are counted together with other calls.
    pub mixes_urgency: bool,
}

/// So many calls in any window of this length, for each value of the scope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limit {
    /// Calls in one window; at least 1.
    pub calls: u32,
    /// The window's length, in whole milliseconds.
    pub window: Duration,
    /// What is counted separately, sorted and without repetition.
    pub scope: Vec<Dimension>,
    /// No source states this number.
    pub assumed: bool,
    /// Why this number, where sources disagree or are silent.
    pub reason: Option<String>,
    /// Short names of the sources, see `Version::source`.
    pub sources: Vec<String>,
}

/// One thing by which the cloud counts separately.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// The account identity whose key signs; rotating a key does not make a second quota.
    Identity,
    /// The host that the call is sent to.
    Endpoint,
    /// The region that the call names.
    Region,
}

impl Dimension {
    pub(super) const NAMES: &'static [(&'static str, Dimension)] =
        &[("identity", Dimension::Identity), ("endpoint", Dimension::Endpoint), ("region", Dimension::Region)];
}
