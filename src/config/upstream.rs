//! `[upstream]`: connections to the clouds.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::checker::Checker;
use super::duration;

/// Connections to the clouds.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub struct Upstream {
    /// To connect, TLS included.
    #[serde(with = "duration")]
    pub connect_timeout: Duration,
    /// From sending a call to the end of its answer.
    #[serde(with = "duration")]
    pub read_timeout: Duration,
    /// Largest answer that is read, in bytes.
    pub max_answer_bytes: u64,
    /// Idle connections kept for each host.
    pub idle_connections: u64,
    /// How long an idle connection is kept.
    #[serde(with = "duration")]
    pub idle_timeout: Duration,
}

impl Default for Upstream {
    /// An answer within 30 s leaves SDKs, which wait 60 s, time for our waiting; the cloud closes idle connections
    /// after about a minute, so they are let go before.
    fn default() -> Upstream {
        Upstream {
            connect_timeout: Duration::from_secs(5),
            read_timeout: Duration::from_secs(30),
            max_answer_bytes: 16 * 1024 * 1024,
            idle_connections: 32,
            idle_timeout: Duration::from_secs(30),
        }
    }
}

impl Upstream {
    pub(super) fn check(self, checker: &mut Checker) -> Option<Upstream> {
        let (least, most) = (Duration::from_millis(100), Duration::from_secs(300));
        checker.duration("upstream.connect_timeout", self.connect_timeout, least, most);
        checker.duration("upstream.read_timeout", self.read_timeout, least, most);
        checker.duration("upstream.idle_timeout", self.idle_timeout, Duration::ZERO, most);
        checker.number("upstream.max_answer_bytes", self.max_answer_bytes, 1024, 1024 * 1024 * 1024);
        checker.number("upstream.idle_connections", self.idle_connections, 0, 10_000);
        Some(self)
    }
}
