//! A turn of the cloud's quota, held while a call is in flight.

use std::time::Duration;

use crate::call::{Account, Caller, Limit, Progress, Refusal};
use crate::provider::{Action, Dimension};
use crate::quota::{BucketKey, BucketSpec, Class, Turn};

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
        let weight = wanted.caller.weight.get();
        let turn = self.quota.acquire(&specs, &wanted.caller.name, weight, wanted.class, wanted.max_wait).await;
        let turn = turn.map_err(|too_long| Refusal::RateLimited {
            limit: Limit { kind: "cloud", name: too_long.bucket, quota: too_long.per, window: too_long.window },
            retry_after: too_long.retry_after,
        })?;
        Ok(InFlight { turn: Some(turn), progress })
    }

    /// How long a newcomer would wait for that turn now.
    pub fn expected_wait(&self, wanted: &TurnRequest<'_>) -> Duration {
        self.quota.estimate(&specs(wanted), &wanted.caller.name)
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
            None if self.progress.is_sent() => turn.spent(),
            // Nothing was sent: the slot goes to whoever is next.
            None => drop(turn),
        }
    }
}

/// The buckets of an action's limits. The key of each names only what the cloud counts by.
fn specs(wanted: &TurnRequest<'_>) -> Vec<BucketSpec> {
    let counted = |scope: &[Dimension], dimension, value: &str| {
        if scope.contains(&dimension) { value.to_owned() } else { String::new() }
    };
    let spec = |limit: &crate::provider::Limit| BucketSpec {
        key: BucketKey {
            identity: counted(&limit.scope, Dimension::Identity, &wanted.account.identity),
            host: counted(&limit.scope, Dimension::Endpoint, wanted.host),
            region: counted(&limit.scope, Dimension::Region, wanted.region),
            name: wanted.action.bucket.name.clone(),
        },
        per: limit.calls,
        window: limit.window,
    };
    wanted.action.bucket.limits.iter().map(spec).collect()
}
