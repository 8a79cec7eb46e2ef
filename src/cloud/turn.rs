//! A turn of the cloud's quota, held while a call is in flight.

use std::time::Duration;

use tokio::time::Instant;

use crate::call::{self, Account, Caller, Progress, Refusal};
use crate::provider::{Action, Dimension, Limit};
use crate::quota::{Asker, BucketKey, BucketSpec, Class, Turn};

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
}

impl Cloud {
    /// Waits for a turn.
    ///
    /// # Errors
    /// `RateLimited`, at once, when it would take longer than allowed.
    pub async fn turn(&self, wanted: &TurnRequest<'_>, progress: Progress) -> Result<InFlight, Refusal> {
        let specs = specs(wanted);
        let turn = self.quota.acquire(&specs, &asker(wanted), wanted.max_wait).await;
        let turn = turn.map_err(|too_long| Refusal::RateLimited {
            limit: call::Limit {
                kind: "cloud",
                name: too_long.name.to_string(),
                quota: too_long.per,
                window: too_long.window,
            },
            retry_after: too_long.retry_after,
        })?;
        Ok(InFlight { turn: Some(turn), progress })
    }

    /// How long a newcomer would wait for that turn now.
    pub async fn expected_wait(&self, wanted: &TurnRequest<'_>) -> Duration {
        self.quota.estimate(&specs(wanted), &asker(wanted)).await
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
        let Some(turn) = self.turn.take() else { return };
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

/// The buckets of an action's limits. The key of each names only what the cloud counts by.
fn specs(wanted: &TurnRequest<'_>) -> Vec<BucketSpec> {
    let spec = |limit: &Limit| {
        let counts = |dimension| limit.scope.contains(&dimension);
        let identity = if counts(Dimension::Identity) { wanted.account.identity.as_str() } else { "" };
        let endpoint = if counts(Dimension::Endpoint) { wanted.host } else { "" };
        let host =
            if counts(Dimension::Region) { format!("{endpoint} {}", wanted.region).into() } else { endpoint.into() };
        let key = BucketKey { identity: identity.into(), host, name: wanted.action.bucket.name.as_str().into() };
        BucketSpec { key, per: limit.calls, window: limit.window }
    };
    wanted.action.bucket.limits.iter().map(spec).collect()
}
