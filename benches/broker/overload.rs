//! Twelve callers who want three times the quota, on one replica and on three.

use std::sync::Arc;
use std::time::Duration;

use dts_gateway::quota::{Class, Quota};
use tokio::time::Instant;

use crate::load::{Caller, Log, call, replicas};

const CALLERS: usize = 12;
const QUOTA: f64 = 20.0;
const WINDOW: Duration = Duration::from_secs(1);

pub(crate) fn in_memory() {
    println!("\n{CALLERS} callers want three times the quota of 20 a second, answers after 5 ms:");
    println!("                                         used   Jain's index   most in any window");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let quotas = [Quota::new()];
    runtime.block_on(of("in memory, clock of its own, 60 s", &quotas, Duration::from_secs(60)));
}

pub(crate) async fn over_redis(url: &str, seconds: u64) {
    for count in [1, 3] {
        let (quotas, stopping) = replicas(url, count).await;
        // Each hears within half a second how many there are.
        tokio::time::sleep(WINDOW).await;
        of(&format!("Redis, {count} replicas, {seconds} s"), &quotas, Duration::from_secs(seconds)).await;
        stopping.cancel();
    }
}

async fn of(name: &str, quotas: &[Quota], lasting: Duration) {
    let (log, begin) = (Log::default(), Instant::now());
    let mut calls = tokio::task::JoinSet::new();
    for index in 0..CALLERS {
        // Ten on the first replica, one on each other.
        let quota = quotas[index.saturating_sub(CALLERS - 3).min(quotas.len() - 1)].clone();
        let every = Duration::from_secs_f64(CALLERS as f64 / (QUOTA * 3.0));
        let caller = Caller { who: format!("caller-{index}").into(), class: Class::Read, every };
        calls.spawn(call(quota, caller, lasting, Arc::clone(&log)));
    }
    while calls.join_next().await.is_some() {}
    let log = log.lock().unwrap();
    let counted: Vec<_> = log.iter().filter(|had| (begin + WINDOW..begin + lasting).contains(&had.at)).collect();
    let used = counted.len() as f64 / (QUOTA * (lasting - WINDOW).as_secs_f64());
    let of = |index: usize| counted.iter().filter(|had| *had.who == *format!("caller-{index}")).count() as f64;
    let shares: Vec<f64> = (0..CALLERS).map(of).collect();
    let (sum, squares) = (shares.iter().sum::<f64>(), shares.iter().map(|share| share * share).sum::<f64>());
    let from = |first: &Instant| log.iter().filter(|had| (*first..*first + WINDOW).contains(&had.at)).count();
    let most = log.iter().map(|had| from(&had.at)).max().unwrap_or_default();
    println!("  {name:<36}{:>8.1} %{:>13.4}{most:>15}", used * 100.0, sum * sum / (CALLERS as f64 * squares));
}
