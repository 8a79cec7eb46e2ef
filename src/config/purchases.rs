//! `[purchases]`: equal purchases without an `Idempotency-Key`.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::checker::Checker;
use super::duration;

/// Longest window: after an hour an equal purchase is more likely meant than sent by mistake.
const LONGEST: Duration = Duration::from_secs(3600);

/// Equal purchases.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct Purchases {
    /// How long after a purchase an equal one of the same caller is refused; zero switches that off.
    #[serde(with = "duration")]
    pub window: Duration,
}

impl Default for Purchases {
    fn default() -> Purchases {
        Purchases { window: Duration::from_secs(10) }
    }
}

impl Purchases {
    pub(super) fn check(self, checker: &mut Checker) -> Option<Purchases> {
        checker.duration("purchases.window", self.window, Duration::ZERO, LONGEST);
        Some(self)
    }
}
