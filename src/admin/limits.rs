//! `/v1/limits`: the cloud's quotas that are in use, who waits for them, and how the replicas share them.
//!
//! It is no part of the log, and a page asks for it every second: so it is not written down who has asked.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::State;
use axum::{Extension, Json};
use jiff::Timestamp;
use serde::Serialize;

use super::desk::Desk;
use super::problem::Problem;
use super::reader::Reader;
use super::{AUDITOR, OPERATOR};
use crate::metrics::{QuotaReading, QuotaReadings};
use crate::quota::{BucketKey, BucketView, Quota, Standing, Tally, View};

/// The quota, and what the configuration calls those whose it is.
#[derive(Clone)]
pub struct Limits {
    quota: Arc<Quota>,
    /// By identity, the aliases of the accounts.
    accounts: Arc<BTreeMap<String, Vec<String>>>,
}

/// The answer.
#[derive(Debug, Serialize)]
pub(super) struct Answer {
    time: Timestamp,
    replicas: Replicas,
    quotas: Vec<Row>,
}

/// How the replicas share.
#[derive(Debug, Serialize)]
struct Replicas {
    mode: &'static str,
    /// Replicas that are here, as far as is known.
    here: u32,
    /// Into how many parts the quota is split, of which `parts` may be used.
    of: u32,
    parts: u32,
    /// How long nothing is sent, at least.
    quiet_ms: u64,
}

/// One quota.
#[derive(Debug, Serialize)]
struct Row {
    identity: String,
    accounts: Vec<String>,
    host: String,
    region: String,
    action: String,
    limit: u32,
    window_ms: u64,
    learned_limit: Option<u32>,
    reserve: u32,
    used: u32,
    waiting: usize,
    callers: Vec<Waiting>,
    refused: u64,
    refused_last_minute: u64,
    throttled: u64,
}

/// One caller's calls.
#[derive(Debug, Serialize)]
struct Waiting {
    caller: String,
    waiting: usize,
}

impl Limits {
    /// The limits of `quota`, which has the identities of `accounts`: pairs of identity and alias.
    pub fn new(quota: Arc<Quota>, accounts: impl IntoIterator<Item = (String, String)>) -> Limits {
        let mut aliases: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (identity, alias) in accounts {
            aliases.entry(identity).or_default().push(alias);
        }
        Limits { quota, accounts: Arc::new(aliases) }
    }

    /// For the metrics.
    pub(super) async fn readings(&self) -> QuotaReadings {
        let View { standing, buckets } = self.quota.view().await;
        let replicas = Replicas::new(standing);
        let buckets = buckets.into_iter().map(|bucket| QuotaReading {
            used: bucket.used,
            waiting: u32::try_from(bucket.waiting).unwrap_or(u32::MAX),
            limit: bucket.per,
            learned_limit: bucket.learned.unwrap_or(bucket.per),
            labels: labels(&bucket.key),
        });
        let tallies = self.quota.tallies().into_iter();
        QuotaReadings {
            buckets: buckets.collect(),
            tallies: tallies.map(|(key, tally)| (labels(&key), tally.refused, tally.throttled)).collect(),
            replicas: replicas.here,
            modes: Standing::NAMES.map(|name| (name, name == replicas.mode)).to_vec(),
        }
    }

    fn row(&self, bucket: BucketView, tally: Tally) -> Row {
        let [identity, host, region, action] = labels(&bucket.key);
        let waiting = |(caller, waiting): (Arc<str>, usize)| Waiting { caller: caller.to_string(), waiting };
        Row {
            accounts: self.accounts.get(&identity).cloned().unwrap_or_default(),
            identity,
            host,
            region,
            action,
            limit: bucket.per,
            window_ms: u64::try_from(bucket.window.as_millis()).unwrap_or(u64::MAX),
            learned_limit: bucket.learned,
            reserve: bucket.reserve,
            used: bucket.used,
            waiting: bucket.waiting,
            callers: bucket.callers.into_iter().map(waiting).collect(),
            refused: tally.refused,
            refused_last_minute: tally.refused_recently,
            throttled: tally.throttled,
        }
    }
}

impl Replicas {
    fn new(standing: Standing) -> Replicas {
        let (here, parts, of, quiet_ms) = match standing {
            Standing::Sole => (1, 1, 1, 0),
            Standing::Parts { of } => (1, 1, of, 0),
            Standing::Joined { here, of } => (here, here, of, 0),
            Standing::Quiet { left } => (1, 0, 1, u64::try_from(left.as_millis()).unwrap_or(u64::MAX)),
            Standing::Alone { of } => (1, 1, of, 0),
        };
        Replicas { mode: standing.name(), here, of, parts, quiet_ms }
    }
}

pub(super) async fn show(
    State(desk): State<Desk>,
    Extension(limits): Extension<Limits>,
    reader: Reader,
) -> Result<Json<Answer>, Problem> {
    if !reader.roles.iter().any(|role| [AUDITOR, OPERATOR].contains(&role.as_str())) {
        return Err(Problem::forbidden(format!("the limits are shown to the role {AUDITOR} or {OPERATOR}")));
    }
    let View { standing, buckets } = limits.quota.view().await;
    let tallies = limits.quota.tallies();
    let tally = |key: &BucketKey| tallies.get(key).copied().unwrap_or_default();
    let row = |bucket: BucketView| {
        let tally = tally(&bucket.key);
        limits.row(bucket, tally)
    };
    Ok(Json(Answer {
        time: desk.clock.now(),
        replicas: Replicas::new(standing),
        quotas: buckets.into_iter().map(row).collect(),
    }))
}

/// Identity, host, region and bucket. What is not counted by is empty.
fn labels(key: &BucketKey) -> [String; 4] {
    let (host, region) = key.host.split_once(' ').unwrap_or((&key.host, ""));
    [key.identity.to_string(), host.to_owned(), region.to_owned(), key.name.to_string()]
}
