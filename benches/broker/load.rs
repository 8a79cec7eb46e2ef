//! Callers and the cloud, as far as the quota sees them.

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dts_gateway::coordinate::{Link, LinkOptions};
use dts_gateway::quota::{Asker, BucketKey, BucketSpec, Class, Quota};
use tokio::time::{Instant, MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

/// How long the cloud takes for an answer.
const ANSWER: Duration = Duration::from_millis(5);

/// How long calls wait at most: the gateway's default.
const MAX_WAIT: Duration = Duration::from_secs(5);

/// One call that had its turn.
#[derive(Clone, Debug)]
pub(crate) struct Had {
    pub(crate) who: Arc<str>,
    pub(crate) at: Instant,
    pub(crate) waited: Duration,
}

/// What became of all calls.
pub(crate) type Log = Arc<Mutex<Vec<Had>>>;

/// Somebody who calls, so often.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) who: Arc<str>,
    pub(crate) class: Class,
    pub(crate) every: Duration,
}

/// A bucket.
pub(crate) fn bucket(per: u32, window: Duration) -> BucketSpec {
    let key = BucketKey { identity: "account".into(), host: "dts.example".into(), name: "StopMigrateJob".into() };
    BucketSpec { key, per, window, reserve: 0 }
}

/// The quota of almost every action.
pub(crate) fn usual() -> BucketSpec {
    bucket(20, Duration::from_secs(1))
}

/// A caller of weight 1.
pub(crate) fn asker(who: &str, class: Class) -> Asker<'_> {
    Asker { who, weight: NonZeroU32::MIN, class }
}

/// Replicas over Redis, as many as these share.
pub(crate) async fn replicas(url: &str, count: usize) -> (Vec<Quota>, CancellationToken) {
    let (prefix, stopping) = (format!("bench-{}", uuid::Uuid::new_v4().simple()), CancellationToken::new());
    let mut replicas = Vec::new();
    for _ in 0..count {
        let options = LinkOptions {
            url: url.to_owned().into(),
            prefix: prefix.clone(),
            timeout: Duration::from_millis(500),
            windows: [Duration::from_secs(1)].into(),
        };
        let (link, messages) = Link::connect(options, stopping.clone()).await.expect("Redis answers");
        replicas.push(Quota::shared(link, messages.to_this));
    }
    (replicas, stopping)
}

/// Calls on the dot, for as long as told, and waits for the last of them.
pub(crate) async fn call(quota: Quota, caller: Caller, lasting: Duration, log: Log) {
    let end = Instant::now() + lasting;
    let mut tick = interval(caller.every);
    tick.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut calls = tokio::task::JoinSet::new();
    while Instant::now() < end {
        tick.tick().await;
        while calls.try_join_next().is_some() {}
        let (quota, caller, log) = (quota.clone(), caller.clone(), Arc::clone(&log));
        calls.spawn(async move {
            let asked = quota.acquire(&[usual()], &asker(&caller.who, caller.class), MAX_WAIT).await;
            let Ok(turn) = asked else { return };
            log.lock().unwrap().push(Had { who: caller.who, at: Instant::now(), waited: turn.waited });
            tokio::time::sleep(ANSWER).await;
            turn.settle(Instant::now());
        });
    }
    while calls.join_next().await.is_some() {}
}

/// The middle, and what 99 of 100 are not above, in milliseconds.
pub(crate) fn middle_and_most(waits: &mut [Duration]) -> (f64, f64) {
    waits.sort_unstable();
    let at = |part: f64| match waits.len() {
        0 => f64::NAN,
        count => waits[((count as f64 * part).ceil() as usize).clamp(1, count) - 1].as_secs_f64() * 1e3,
    };
    (at(0.5), at(0.99))
}
