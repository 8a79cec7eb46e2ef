//! `[quota]`: waiting for a turn of the cloud's quota.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::checker::Checker;
use super::duration;
use crate::provider::Providers;

/// Longest that a call may be made to wait: SDKs give up after 60 s, and what waits holds memory.
pub const WAIT_CAP: Duration = Duration::from_secs(20);

/// Waiting for the cloud's quota.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct Quota {
    /// How long a call waits for its turn if it does not say so itself; at most [`WAIT_CAP`].
    #[serde(with = "duration")]
    pub max_wait: Duration,
    /// Into how many parts the quota is split, of which this instance takes one: for several instances without Redis.
    pub parts: u32,
    /// Calls of each quota that are left free for stops and pauses, where those are counted together with other calls.
    pub reserve: u32,
    /// Whether a quota shrinks while the cloud throttles although it had room.
    pub learn: bool,
}

impl Default for Quota {
    fn default() -> Quota {
        Quota { max_wait: Duration::from_secs(5), parts: 1, reserve: 0, learn: true }
    }
}

impl Quota {
    pub(super) fn check(self, shares: bool, providers: Option<&Providers>, checker: &mut Checker) -> Option<Quota> {
        if let Some(smallest) = providers.and_then(smallest_mixed) {
            checker.number("quota.reserve", u64::from(self.reserve), 0, u64::from(smallest.saturating_sub(1)));
        }
        // The smallest quota of the tables is 20: of more parts nothing would be left.
        checker.number("quota.parts", u64::from(self.parts), 1, 20);
        if shares && self.parts > 1 {
            let help = "leave it out: with redis.url every replica gets what it needs of the whole quota";
            checker.wrong_help("quota.parts", "parts are for instances without Redis", help);
        }
        checker.duration("quota.max_wait", self.max_wait, Duration::ZERO, WAIT_CAP);
        Some(self)
    }
}

/// The smallest quota in which stops and pauses are counted together with other calls; of that a reserve must leave some.
fn smallest_mixed(providers: &Providers) -> Option<u32> {
    let actions = providers.versions().flat_map(|version| version.actions());
    let mixed = actions.filter(|action| action.bucket.mixes_urgency);
    mixed.flat_map(|action| &action.bucket.limits).map(|limit| limit.calls).min()
}
