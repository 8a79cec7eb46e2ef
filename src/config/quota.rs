//! `[quota]`: waiting for a turn of the cloud's quota.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::checker::Checker;
use super::duration;

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
}

impl Default for Quota {
    fn default() -> Quota {
        Quota { max_wait: Duration::from_secs(5), parts: 1 }
    }
}

impl Quota {
    pub(super) fn check(self, shares: bool, checker: &mut Checker) -> Option<Quota> {
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
