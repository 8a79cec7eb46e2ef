//! How many calls a record stands for.

use serde::{Deserialize, Serialize};

/// The largest number of a record: 2^53 - 1, beyond which readers of JSON round (RFC 7493, section 2.2).
const LARGEST: u64 = (1 << 53) - 1;

/// A number of calls, from 1 to 2^53 - 1: there is no record of nothing.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(from = "u64", into = "u64")]
pub struct Calls(u64);

impl Calls {
    /// One call, which is what a record stands for unless it says something else.
    pub const ONE: Calls = Calls(1);

    /// The number.
    pub fn get(self) -> u64 {
        self.0
    }

    /// Whether it is one call. Records leave the member out then, so that those from before it was there hash to what
    /// they did.
    pub fn is_one(&self) -> bool {
        *self == Calls::ONE
    }

    /// One more.
    pub fn and_one(self) -> Calls {
        Calls::from(self.0.saturating_add(1))
    }
}

impl Default for Calls {
    fn default() -> Calls {
        Calls::ONE
    }
}

impl From<u64> for Calls {
    fn from(number: u64) -> Calls {
        Calls(number.clamp(1, LARGEST))
    }
}

impl From<Calls> for u64 {
    fn from(calls: Calls) -> u64 {
        calls.0
    }
}
