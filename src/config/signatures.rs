//! `[signatures]`: how callers' signatures are verified.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::checker::Checker;
use super::duration;

/// Verification of callers' signatures.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct Signatures {
    /// Hosts that a caller may have signed instead of ours, for SDKs behind `ApigwEndpoint`; none means those of the
    /// tables that fit a request.
    pub cloud_hosts: Option<Vec<String>>,
    /// How far a signature's timestamp may be from the gateway's clock. A scheme whose cloud allows another time has
    /// that one.
    #[serde(with = "duration")]
    pub clock_skew: Duration,
}

impl Default for Signatures {
    /// Five minutes is what the cloud itself allows.
    fn default() -> Signatures {
        Signatures { cloud_hosts: None, clock_skew: Duration::from_secs(300) }
    }
}

impl Signatures {
    pub(super) fn check(self, checker: &mut Checker) -> Option<Signatures> {
        checker.duration("signatures.clock_skew", self.clock_skew, Duration::from_secs(1), Duration::from_secs(900));
        for (index, host) in self.cloud_hosts.iter().flatten().enumerate() {
            let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.';
            if host.is_empty() || !host.bytes().all(plain) {
                checker.wrong(&format!("signatures.cloud_hosts[{index}]"), "this is not a host name in lower case");
            }
        }
        Some(self)
    }
}
