//! A turn of the cloud's quota, held while a call is in flight.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::call::{self, Account, Caller, Progress, Refusal};
use crate::provider::{Action, Dimension, Limit};
use crate::quota::{Asker, BucketKey, BucketSpec, Class, Quota, Turn};

use super::Cloud;

/// Who wants to say what, and how long that may wait.
#[derive(Clone, Copy, Debug)]
pub struct TurnRequest<'a> {
    /// Whose quota.
    pub account: &'a Account,
    /// What.
    pub action: &'a Action,
    /// In which region.
    pub region: &'a str,
    /// Through which of the cloud's hosts.
    pub host: &'a str,
    /// For whom.
    pub caller: &'a Caller,
    /// In which class.
    pub class: Class,
    /// At most so long.
    pub max_wait: Duration,
}

/// A turn that was granted. However the call ends, its slot is accounted for when this is dropped.
pub struct InFlight {
    turn: Option<Turn>,
    progress: Progress,
    counted: Counted,
}

/// Where a call is counted, for telling that the cloud throttled it.
struct Counted {
    quota: Arc<Quota>,
    buckets: Vec<BucketSpec>,
    learn: bool,
}

impl Cloud {
    /// Waits for a turn.
    ///
    /// # Errors
    /// `RateLimited`, at once, when it would take longer than allowed.
    pub async fn turn(&self, wanted: &TurnRequest<'_>, progress: Progress) -> Result<InFlight, Refusal> {
        let buckets = self.specs(wanted);
        let turn = self.quota.acquire(&buckets, &asker(wanted), wanted.max_wait).await;
        let turn = turn.map_err(|too_long| Refusal::RateLimited {
            limit: call::Limit {
                kind: "cloud",
                name: too_long.key.name.to_string(),
                quota: too_long.per,
                window: too_long.window,
            },
            retry_after: too_long.retry_after,
        })?;
        let counted = Counted { quota: Arc::clone(&self.quota), buckets, learn: self.rules.learn };
        Ok(InFlight { turn: Some(turn), progress, counted })
    }

    /// How long a newcomer would wait for that turn now.
    pub async fn expected_wait(&self, wanted: &TurnRequest<'_>) -> Duration {
        self.quota.estimate(&self.specs(wanted), &asker(wanted)).await
    }

    /// The buckets of an action's limits. The key of each names only what the cloud counts by.
    fn specs(&self, wanted: &TurnRequest<'_>) -> Vec<BucketSpec> {
        let bucket = &wanted.action.bucket;
        let reserve = if bucket.mixes_urgency { self.rules.reserve } else { 0 };
        let spec = |limit: &Limit| {
            let counts = |dimension| limit.scope.contains(&dimension);
            let identity = if counts(Dimension::Identity) { wanted.account.identity.as_str() } else { "" };
            let endpoint = if counts(Dimension::Endpoint) { wanted.host } else { "" };
            let region = wanted.region;
            let host = if counts(Dimension::Region) { format!("{endpoint} {region}").into() } else { endpoint.into() };
            let key = BucketKey { identity: identity.into(), host, name: bucket.name.as_str().into() };
            BucketSpec { key, per: limit.calls, window: limit.window, reserve }
        };
        bucket.limits.iter().map(spec).collect()
    }
}

impl InFlight {
    /// How long it waited.
    pub fn waited(&self) -> Duration {
        self.turn.as_ref().map(|turn| turn.waited).unwrap_or_default()
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        let Some(mut turn) = self.turn.take() else { return };
        if self.progress.is_throttled() {
            self.counted.quota.note_throttled(&self.counted.buckets);
            if self.counted.learn {
                turn.mark_throttled();
            }
        }
        match self.progress.first_byte() {
            Some(first_byte) => turn.settle(first_byte),
            None if self.progress.is_sent() => turn.spent_until_timeout(Instant::now()),
            // Nothing was sent: the slot goes to whoever is next.
            None => drop(turn),
        }
    }
}

fn asker<'a>(wanted: &TurnRequest<'a>) -> Asker<'a> {
    Asker { who: &wanted.caller.name, weight: wanted.caller.weight, class: wanted.class }
}
