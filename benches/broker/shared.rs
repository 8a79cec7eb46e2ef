//! The book that replicas share: exchanges with Redis, and what one costs there, as Redis counts it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use dts_gateway::quota::{BucketSpec, Class, Quota};
use redis::aio::MultiplexedConnection;
use tokio::time::Instant;

use crate::load::{asker, bucket, replicas, usual};

const CALLERS: usize = 12;
const LASTING: Duration = Duration::from_secs(3);

/// Exchanges, and the time that Redis took for them.
#[derive(Clone, Copy, Default)]
struct Scripts {
    calls: f64,
    micros: f64,
}

pub(crate) async fn table(url: &str) {
    println!("\nOver Redis, one replica, {CALLERS} callers. Each call asks again when it had its turn.");
    println!(
        "  quota            calls   turns/s   exchanges/s   µs of Redis an exchange   µs of Redis a turn   ms a turn"
    );
    let client = redis::Client::open(url).unwrap();
    let mut redis = client.get_multiplexed_async_connection().await.unwrap();
    let quick = bucket(200, Duration::from_millis(10));
    for (name, spec) in [("20 a second", usual()), ("200 in 10 ms", quick)] {
        for calls in [1, 10, 100, 1_000] {
            row(url, &mut redis, name, &spec, calls).await;
        }
    }
}

async fn row(url: &str, redis: &mut MultiplexedConnection, name: &str, spec: &BucketSpec, calls: usize) {
    let (quotas, stopping) = replicas(url, 1).await;
    let (turns, mut tasks) = (Arc::new(AtomicUsize::new(0)), tokio::task::JoinSet::new());
    for index in 0..calls {
        let (quota, spec, turns) = (quotas[0].clone(), spec.clone(), Arc::clone(&turns));
        tasks.spawn(again_and_again(quota, spec, format!("caller-{}", index % CALLERS), turns));
    }
    // The first window's turns are had at once.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let (before, had, begin) = (scripts(redis).await, turns.load(Ordering::Relaxed), Instant::now());
    tokio::time::sleep(LASTING).await;
    let (after, had, took) = (scripts(redis).await, turns.load(Ordering::Relaxed) - had, begin.elapsed());
    tasks.shutdown().await;
    stopping.cancel();
    let (exchanges, micros, turns) = (after.calls - before.calls, after.micros - before.micros, had as f64);
    println!(
        "  {name:<14}{calls:>8}{:>10.0}{:>14.0}{:>26.1}{:>21.1}{:>12.2}",
        turns / took.as_secs_f64(),
        exchanges / took.as_secs_f64(),
        micros / exchanges,
        micros / turns,
        took.as_secs_f64() * 1e3 * calls as f64 / turns,
    );
}

async fn again_and_again(quota: Quota, spec: BucketSpec, who: String, turns: Arc<AtomicUsize>) {
    let spec = [spec];
    loop {
        let asked = quota.acquire(&spec, &asker(&who, Class::Read), Duration::from_secs(3600)).await;
        if let Ok(turn) = asked {
            turns.fetch_add(1, Ordering::Relaxed);
            turn.settle(Instant::now());
        }
    }
}

/// What Redis has run since its start, the reports of replicas too: two of these in a second.
async fn scripts(redis: &mut MultiplexedConnection) -> Scripts {
    let info: String = redis::cmd("INFO").arg("commandstats").query_async(redis).await.unwrap();
    let line = info.lines().find_map(|line| line.strip_prefix("cmdstat_evalsha:"));
    let field = |name: &str| {
        let fields = line?.trim().split(',');
        fields.filter_map(|field| field.strip_prefix(name)?.strip_prefix('=')?.parse().ok()).next()
    };
    Scripts { calls: field("calls").unwrap_or_default(), micros: field("usec").unwrap_or_default() }
}
