//! A light caller, and an operator's stops, beside one that floods.

use std::sync::Arc;
use std::time::Duration;

use dts_gateway::quota::{Class, Quota};
use tokio::time::sleep;

use crate::load::{Caller, Log, call, middle_and_most, replicas};

/// How long the flood lasts before the others begin: a window and a bit.
const AHEAD: Duration = Duration::from_millis(1_100);

pub(crate) fn in_memory() {
    println!(
        "\nBeside a flood of 1,000 calls a second on 20 turns a second (a turn: 50 ms), 1 call a second each waits:"
    );
    println!("                                      light: p50     p99   emergency: p50     p99 ms");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let quota = Quota::new();
    runtime.block_on(beside("in memory, clock of its own, 100 s", [&quota, &quota, &quota], Duration::from_secs(100)));
}

pub(crate) async fn over_redis(url: &str, seconds: u64) {
    let (quotas, stopping) = replicas(url, 3).await;
    let name = format!("Redis, each on its replica, {seconds} s");
    beside(&name, [&quotas[0], &quotas[1], &quotas[2]], Duration::from_secs(seconds)).await;
    stopping.cancel();
}

async fn beside(name: &str, quotas: [&Quota; 3], lasting: Duration) {
    let log = Log::default();
    let caller = |who: &str, class, every| Caller { who: who.into(), class, every: Duration::from_millis(every) };
    let run = |quota: &Quota, caller, lasting| tokio::spawn(call(quota.clone(), caller, lasting, Arc::clone(&log)));
    let flood = run(quotas[0], caller("flood", Class::Read, 1), AHEAD + lasting);
    sleep(AHEAD).await;
    // Not whole turns: so every place between two of them is come to.
    let light = run(quotas[1], caller("light", Class::Read, 1_007), lasting);
    sleep(Duration::from_millis(517)).await;
    let stops = run(quotas[2], caller("stops", Class::Emergency, 1_013), lasting.saturating_sub(AHEAD));
    for load in [flood, light, stops] {
        load.await.unwrap();
    }
    let waits = |who: &str| {
        let log = log.lock().unwrap();
        let mut waits: Vec<Duration> = log.iter().filter(|had| *had.who == *who).map(|had| had.waited).collect();
        middle_and_most(&mut waits)
    };
    let ((light, light_most), (stop, stop_most)) = (waits("light"), waits("stops"));
    println!("  {name:<36}{light:>14.1}{light_most:>8.1}{stop:>17.1}{stop_most:>8.1}");
}
