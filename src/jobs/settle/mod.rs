//! Changes whose outcome is unknown: the cloud is asked what came of them, and the log gets what it said.
//!
//! It changes nothing at the cloud. A change is looked at once at once, because what it leads to can pass by, and again
//! when it must show; in between, and while the cloud or the store is away, ever less often.

mod ask;
mod decide;
mod look;
mod made;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::call::{Clock, Settled};
use crate::cloud::Cloud;
use crate::dialect::Dialects;
use crate::metrics::Metrics;
use crate::provider::Providers;
use crate::steps::{Accounts, Owners, SharedReads, States};
use crate::store::{Entry, Settlement, Store, Unsettled, Writer};

use decide::Finding;
use look::Looked;

/// How often it is looked for changes to settle.
const EVERY: Duration = Duration::from_secs(1);

/// Changes that are looked at at once: few, because callers share the quota.
const AT_ONCE: usize = 16;

/// Changes that are kept in mind; more wait until these are settled.
const IN_MIND: u32 = 1_000;

/// A change that could not be asked about for a day is given up: tasks have been through too much by then.
const GIVEN_UP_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// A change that was made so long ago is not asked about any more, for the same reason: no instance ran meanwhile.
const TOO_OLD: SignedDuration = SignedDuration::from_hours(48);

/// The first pause after a question that failed, and the longest.
const PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// Settles what is unknown.
pub struct Settle {
    /// Where the records are.
    pub store: Arc<dyn Store>,
    /// Where settlements go.
    pub writer: Writer,
    /// Who is asked.
    pub cloud: Arc<Cloud>,
    /// How answers are read.
    pub dialects: Arc<Dialects>,
    /// What actions lead to.
    pub providers: Arc<Providers>,
    /// On whose behalf is asked.
    pub accounts: Arc<Accounts>,
    /// What is remembered of tasks' states, and dropped once a change of theirs is settled.
    pub states: Arc<States>,
    /// Answers that are remembered, and dropped then too.
    pub reads: Arc<SharedReads>,
    /// Who owns what was made.
    pub owners: Arc<Owners>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// The time.
    pub clock: Clock,
    /// How long after its end a change shows at the latest.
    pub settle_after: SignedDuration,
}

/// When a change is looked at next.
#[derive(Clone, Copy, Debug)]
struct Next {
    at: Instant,
    pause: Duration,
}

impl Settle {
    /// Runs until `shutdown`.
    pub async fn run(self, shutdown: CancellationToken) {
        let settle = Arc::new(self);
        // At first whatever an earlier run has left; then what is as old as the oldest that is left, so that settled ones
        // are not read again and again.
        let (mut waiting, mut since) = (HashMap::new(), Timestamp::UNIX_EPOCH);
        let mut tick = interval(EVERY);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let round = async {
                tick.tick().await;
                // Of several instances one asks the cloud.
                if settle.store.leads() {
                    since = settle.round(&mut waiting, since).await;
                }
            };
            tokio::select! {
                () = shutdown.cancelled() => return,
                () = round => {}
            }
        }
    }

    /// Looks at what is left since `since`, and says since when the next round must look.
    async fn round(self: &Arc<Self>, waiting: &mut HashMap<Uuid, Next>, since: Timestamp) -> Timestamp {
        let recent = self.clock.now().checked_sub(GIVEN_UP_AFTER).unwrap_or(since);
        let left = match self.store.unsettled(since, IN_MIND).await {
            Ok(left) => left,
            Err(error) => {
                // Once a second, while the writer tells of the database already.
                tracing::debug!(error = %error, "changes of unknown outcome could not be read; they are tried again");
                return since;
            }
        };
        self.metrics.unsettled.set(i64::try_from(left.len()).unwrap_or(i64::MAX));
        waiting.retain(|id, _| left.iter().any(|left| left.record.id == *id));
        // They come in the order of their calls: with as many as fit there may be older ones behind.
        let is_all = left.len() < IN_MIND as usize;
        let oldest = left.iter().map(|left| left.recorded_at).min().unwrap_or(recent).min(recent);
        let is_due = |left: &Unsettled| waiting.get(&left.record.id).is_none_or(|next| next.at <= Instant::now());
        let mut looks = JoinSet::new();
        for left in left.into_iter().filter(is_due).take(AT_ONCE) {
            let (settle, before) = (Arc::clone(self), waiting.get(&left.record.id).copied());
            looks.spawn(async move { (left.record.id, settle.settle(&left, before).await) });
        }
        while let Some(looked) = looks.join_next().await {
            match looked {
                Ok((id, Some(next))) => drop(waiting.insert(id, next)),
                Ok((id, None)) => drop(waiting.remove(&id)),
                Err(error) => tracing::error!(error = %error, "settling a change broke off; it is tried again"),
            }
        }
        if is_all { oldest } else { since }
    }

    /// Looks at a change and writes what it found; otherwise says when to look again.
    async fn settle(&self, left: &Unsettled, before: Option<Next>) -> Option<Next> {
        let id = left.record.id;
        let pause = before.map_or(PAUSE, |next| (next.pause * 2).min(LONGEST_PAUSE));
        let later = |after: Duration| Some(Next { at: Instant::now() + after, pause });
        let looked = match self.age(left.record.time) >= TOO_OLD {
            true => Ok(Looked::never("nobody could ask for two days")),
            false => self.look(left).await,
        };
        let looked = match looked {
            Ok(looked) => looked,
            Err(why) if self.age(left.record.time) < GIVEN_UP_AFTER => {
                tracing::warn!(audit.id = %id, why, "a change could not be settled yet");
                return later(pause);
            }
            Err(why) => {
                let finding = Finding::Undetermined("it could not be asked about for a day");
                Looked { finding, seen: serde_json::json!({ "failure": why }), made: None }
            }
        };
        let (settled, why) = match looked.finding {
            Finding::Done => (Settled::Done, None),
            Finding::NotDone => (Settled::NotDone, None),
            Finding::Undetermined(why) => (Settled::Undetermined, Some(why)),
            Finding::Early => {
                let rest = self.settle_after.saturating_sub(self.age(left.recorded_at));
                return later(Duration::try_from(rest).unwrap_or_default().max(PAUSE / 10));
            }
        };
        let mut seen = looked.seen;
        if let (Some(why), Some(seen)) = (why, seen.as_object_mut()) {
            seen.insert("why".to_owned(), why.into());
        }
        let made = looked.made;
        let settlement = Settlement { id, settled, seen, made: made.clone() };
        if let Err(error) = self.writer.commit(Entry::Settled(settlement)).await {
            tracing::warn!(audit.id = %id, error = %error, "a settlement could not be recorded; it is tried again");
            return later(pause);
        }
        for task in &left.record.task_ids {
            self.states.forget(&left.record.account, task);
        }
        self.reads.changed(&left.record.account, &left.record.task_ids).await;
        if let Some(made) = made {
            self.owners.learn(&made.account, &made.task, &made.team);
        }
        self.metrics.settled(settled);
        tracing::info!(
            audit.id = %id,
            audit.settled = settled.as_str(),
            audit.action = left.record.action,
            why,
            "it was found out what came of a change"
        );
        None
    }

    fn age(&self, time: Timestamp) -> SignedDuration {
        self.clock.now().duration_since(time)
    }
}
