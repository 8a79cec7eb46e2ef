//! The cloud's quota: the call waits for its turn, or is refused at once with an honest time. A turn that is refused
//! further down, before anything was sent, is handed back.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::call::{Authorized, LimitAsked, RecordHandle, Refusal, Reply};
use crate::cloud::{Cloud, TurnRequest};
use crate::gate::{Around, Next};
use crate::provider::Action;
use crate::quota::Class;

/// The step.
pub struct TakeTurn {
    cloud: Arc<Cloud>,
}

impl TakeTurn {
    /// Takes turns of `cloud`.
    pub fn new(cloud: Arc<Cloud>) -> TakeTurn {
        TakeTurn { cloud }
    }
}

impl Around for TakeTurn {
    type In = Authorized;
    type Out = Authorized;

    async fn around<N: Next<Authorized>>(&self, call: Authorized, next: N) -> Result<Reply, Refusal> {
        let wanted = wanted(&call);
        let in_flight = match self.cloud.turn(&wanted, call.call.progress.clone()).await {
            Ok(in_flight) => in_flight,
            Err(refusal) => {
                note_refused(&call.call.record, wanted.action, &refusal);
                return Err(refusal);
            }
        };
        note_granted(&call.call.record, wanted.action, in_flight.waited());
        let answer = next.run(call).await;
        drop(in_flight);
        answer
    }
}

/// The turn that a call needs, with the time that it may still wait.
pub(super) fn wanted(call: &Authorized) -> TurnRequest<'_> {
    TurnRequest {
        account: &call.account,
        action: &call.action,
        region: &call.region,
        host: &call.host,
        caller: &call.caller,
        class: class_of(&call.action),
        max_wait: call.wait_until.saturating_duration_since(Instant::now()),
    }
}

/// Writes down that a turn of an action's quota was had, and how long that took.
pub(super) fn note_granted(record: &RecordHandle, action: &Action, waited: Duration) {
    let waited_ms = milliseconds(waited);
    record.update(|record| {
        record.waited_ms = record.waited_ms.saturating_add(waited_ms);
        limits(action).for_each(|limit| record.detail.note_limit(LimitAsked { waited_ms, ..limit }));
    });
}

/// Writes down that there was none in time.
pub(super) fn note_refused(record: &RecordHandle, action: &Action, refusal: &Refusal) {
    let Refusal::RateLimited { retry_after, .. } = refusal else { return };
    let retry_after_ms = Some(milliseconds(*retry_after));
    record.update(|record| {
        record.detail.limit.clone_from(&action.bucket.name);
        limits(action).for_each(|limit| record.detail.note_limit(LimitAsked { retry_after_ms, ..limit }));
    });
}

/// The cloud's limits that count an action, each as one that was asked.
fn limits(action: &Action) -> impl Iterator<Item = LimitAsked> {
    action.bucket.limits.iter().map(|limit| LimitAsked {
        kind: "cloud".to_owned(),
        name: action.bucket.name.clone(),
        calls: limit.calls,
        window_ms: milliseconds(limit.window),
        ..LimitAsked::default()
    })
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

/// The class in which an action waits for its turn; what it has to ask first waits in the same one.
pub(super) fn class_of(action: &Action) -> Class {
    match action.kind.is_change() {
        true if action.emergency => Class::Emergency,
        true => Class::Change,
        false => Class::Read,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Providers;

    #[test]
    fn stops_and_pauses_have_their_turn_before_other_changes_and_those_before_reads() {
        let providers = Providers::embedded().unwrap();
        let class = |action: &str| class_of(providers.version("2021-12-06").unwrap().action(action).unwrap());
        assert!(class("StopSyncJob") < class("StartSyncJob") && class("StartSyncJob") < class("DescribeSyncJobs"));
        assert_eq!([class("PauseMigrateJob"), class("ResumeMigrateJob")], [Class::Emergency, Class::Change]);
    }
}
