//! Callers of different weights, on three replicas.

use std::collections::BTreeMap;

use super::*;

/// Of the first callers, who come in at one replica after the other.
const WEIGHTS: [u32; 6] = [1, 2, 3, 1, 2, 3];

/// The times at which a caller's reads were answered, several at a time, until the end.
async fn answered(caller: Caller, task: String, until: Instant) -> Vec<Instant> {
    let mut calls = JoinSet::new();
    for _ in 0..4 {
        let (caller, task) = (caller.clone(), task.clone());
        calls.spawn(async move {
            let mut times = Vec::new();
            while Instant::now() < until {
                let answer = caller.act_alone("DescribeMigrateCheckJob", json!({"JobId": task})).await;
                if answer.header("x-dts-gateway-reason").is_empty() {
                    times.push(Instant::now());
                }
            }
            times
        });
    }
    calls.join_all().await.concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn weights_are_shares_wherever_callers_come_in() {
    let seconds = if is_soak() { 60 } else { 8 };
    let (world, others) = world_with(options(&redis_url(), &WEIGHTS)).await;
    let task = world.tasks("migration", json!(7), 1).await.pop().unwrap();
    let begin = Instant::now();
    let until = begin + Duration::from_secs(seconds);
    let mut callers = JoinSet::new();
    for index in 0..WEIGHTS.len() {
        let url = [&world.public, &others[0].public, &others[1].public][index % 3];
        let caller = Caller::with_token(url, world.token(&format!("load-{index}"), &[]).expose_secret());
        let answered = answered(caller, task.clone(), until);
        callers.spawn(async move { (index, answered.await) });
    }
    // Whoever came first had most of the first second's turns; those who waited then have had theirs by the next.
    let (from, mut shares) = (begin + Duration::from_secs(2), BTreeMap::new());
    while let Some(answered) = callers.join_next().await {
        let (index, times) = answered.unwrap();
        let counted = times.iter().filter(|at| (from..until).contains(*at)).count();
        shares.insert(index, counted as f64 / f64::from(WEIGHTS[index]));
    }
    let mean = shares.values().sum::<f64>() / shares.len() as f64;
    let off = shares.values().map(|share| (share / mean - 1.0).abs()).fold(0.0, f64::max);
    println!("{seconds} s: turns for each unit of weight {shares:?}, {:.1} % off at most", off * 100.0);
    never_above(&world).await;
    // In six seconds a turn more or less is eight in a hundred.
    let most = if is_soak() { 0.03 } else { 0.25 };
    assert!(off <= most, "{off} {shares:?}");
    end(world, others).await;
}
