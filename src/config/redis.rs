//! `[redis]`: what several replicas share beside the database. Without it there is one instance.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::checker::Checker;
use super::duration;
use super::secret::Written;

/// How Redis is reached.
#[derive(Debug)]
pub struct Redis {
    /// Its address.
    pub url: SecretString,
    /// What every key and channel begins with.
    pub prefix: String,
    /// How long one call may take before Redis counts as away.
    pub timeout: Duration,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct Raw {
    #[serde(skip_serializing)]
    url: Option<Written>,
    url_file: Option<PathBuf>,
    prefix: String,
    #[serde(with = "duration")]
    timeout: Duration,
}

impl Default for Raw {
    /// An exchange was measured to take well under a millisecond; half a second is an outage, not a slow day.
    fn default() -> Raw {
        Raw { url: None, url_file: None, prefix: "dts-gateway".to_owned(), timeout: Duration::from_millis(500) }
    }
}

impl Raw {
    /// None when there is no address.
    pub(super) fn check(self, checker: &mut Checker) -> Option<Redis> {
        let place = if self.url_file.is_some() { "redis.url_file" } else { "redis.url" };
        checker.duration("redis.timeout", self.timeout, Duration::from_millis(10), Duration::from_secs(5));
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
        if self.prefix.is_empty() || !self.prefix.chars().all(is_plain) {
            let help =
                "write letters, digits, `-`, `_`, `.` and `:`; deployments that share a Redis need different ones";
            checker.wrong_help("redis.prefix", "this can't begin the names of keys", help);
        }
        let url = checker.optional_secret("redis.url", self.url, self.url_file.as_deref())?;
        let scheme = url.expose_secret().split_once("://").map(|(scheme, _)| scheme);
        if !matches!(scheme, Some("redis" | "rediss")) {
            let help = "write redis://:PASSWORD@HOST:PORT, or rediss:// for TLS";
            checker.wrong_help(place, "this is not the address of a Redis", help);
            return None;
        }
        Some(Redis { url, prefix: self.prefix, timeout: self.timeout })
    }
}
