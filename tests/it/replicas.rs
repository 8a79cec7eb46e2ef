//! Three replicas that share Postgres and Redis: one quota, one change of a task at a time, nothing left open.

mod outages;
mod quickstart;
mod weights;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use dts_gateway::call::{Clock, Wall};
use jiff::{SignedDuration, Timestamp};
use secrecy::ExposeSecret;
use serde_json::json;
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use crate::caller::{Caller, until};
use crate::gateway::Gateway;
use crate::second_family;
use crate::world::{Database, Options, World, is_soak};

const CALLERS: usize = 12;
const QUOTA: f64 = 20.0;

/// The machine's clock, seconds ahead of itself.
struct Ahead(i64);

impl Wall for Ahead {
    fn now(&self) -> Timestamp {
        Clock::system().now() + SignedDuration::from_secs(self.0)
    }
}

pub fn redis_url() -> String {
    std::env::var("REDIS_URL")
        .expect("REDIS_URL: run the tests through scripts/test.sh, which starts a Redis of its own")
}

/// A team of callers, the first of whom have these weights, over this Redis.
fn options(redis_url: &str, weights: &[u32]) -> Options {
    let mut text = "team = \"load\"\n".to_owned();
    for index in 0..CALLERS {
        let weight = weights.get(index).unwrap_or(&1);
        writeln!(text, "[[caller]]\nname = \"load-{index}\"\naccounts = [\"main\"]\nweight = {weight}").unwrap();
    }
    writeln!(text, "[[grant]]\nactions = [\"*\"]\ntasks = \"any\"").unwrap();
    let redis = format!("[redis]\nurl = \"{redis_url}\"\nprefix = \"{}\"\n", Uuid::new_v4().simple());
    Options { config: redis, teams: vec![("load".to_owned(), text)], ..Options::default() }
}

async fn world() -> (World, Vec<Gateway>) {
    world_with(options(&redis_url(), &[])).await
}

async fn world_with(options: Options) -> (World, Vec<Gateway>) {
    let world = World::start_with(Database::Postgres, options).await;
    // Their clocks are half a minute apart: no window and no turn may depend on them.
    let others = vec![
        world.another_by(Clock::from_wall(Arc::new(Ahead(30)))).await,
        world.another_by(Clock::from_wall(Arc::new(Ahead(-30)))).await,
    ];
    (world, others)
}

async fn end(world: World, others: Vec<Gateway>) {
    for other in others {
        other.stop().await;
    }
    world.end().await;
}

/// Reads as fast as answers come, several at a time, until the end; counts what came.
async fn read(caller: Caller, task: String, until: Instant) -> BTreeMap<String, usize> {
    let mut calls = JoinSet::new();
    for _ in 0..4 {
        let (caller, task) = (caller.clone(), task.clone());
        calls.spawn(async move {
            let mut answers: BTreeMap<String, usize> = BTreeMap::new();
            while Instant::now() < until {
                let answer = caller.act_alone("DescribeMigrateCheckJob", json!({"JobId": task})).await;
                let reason = match answer.header("x-dts-gateway-reason") {
                    "" => "ok",
                    reason => reason,
                };
                *answers.entry(reason.to_owned()).or_default() += 1;
            }
            answers
        });
    }
    let mut answers: BTreeMap<String, usize> = BTreeMap::new();
    while let Some(counted) = calls.join_next().await {
        for (reason, count) in counted.unwrap() {
            *answers.entry(reason).or_default() += count;
        }
    }
    answers
}

/// No window of the cloud's saw more than it allows.
async fn never_above(world: &World) {
    let stats = world.cloud("GET", "/_sim/stats", "").await;
    for bucket in stats["buckets"].as_array().unwrap() {
        println!("  {bucket}");
        assert!(bucket["max_in_any_window"].as_u64() <= bucket["limit"].as_u64(), "{bucket}");
        assert_eq!(bucket["throttled"], 0, "{bucket}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_replicas_use_one_quota_fairly_and_never_exceed_it() {
    let seconds = if is_soak() { 60 } else { 6 };
    let (world, others) = world().await;
    let task = world.tasks("migration", json!(7), 1).await.pop().unwrap();
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut reads = JoinSet::new();
    for index in 0..CALLERS {
        // Ten callers on one replica, one on each of the others.
        let url = [&world.public, &others[0].public, &others[1].public][index.saturating_sub(CALLERS - 3)];
        let caller = Caller::with_token(url, world.token(&format!("load-{index}"), &[]).expose_secret());
        let read = read(caller, task.clone(), until);
        reads.spawn(async move { (index, read.await) });
    }
    let mut shares = Vec::new();
    while let Some(counted) = reads.join_next().await {
        let (index, answers) = counted.unwrap();
        let known = ["ok", "rate-limited"];
        assert!(answers.keys().all(|reason| known.contains(&reason.as_str())), "load-{index}: {answers:?}");
        shares.push(answers.get("ok").copied().unwrap_or_default() as f64);
    }
    let (sum, squares) = (shares.iter().sum::<f64>(), shares.iter().map(|share| share * share).sum::<f64>());
    let jain = sum * sum / (CALLERS as f64 * squares);
    let at = |request: &serde_json::Value| request["at"].as_f64().unwrap();
    let sent: Vec<f64> = world.requests().await.iter().map(at).collect();
    let first = sent.first().copied().unwrap_or_default();
    let counted = sent.iter().filter(|at| (first + 1e3..first + seconds as f64 * 1e3).contains(*at)).count() as f64;
    let used = counted / (QUOTA * (seconds as f64 - 1.0));
    println!("{seconds} s: {:.1} % of the quota used from the second second on, Jain's index {jain:.4}", used * 100.0);
    never_above(&world).await;
    // The soak has the machine to itself; here a busy machine must not decide.
    let (least, fair) = if is_soak() { (0.98, 0.99) } else { (0.5, 0.9) };
    assert!(used >= least && jain >= fair, "{used} {jain} {shares:?}");
    end(world, others).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_changes_of_one_task_are_never_in_flight_wherever_they_come_in() {
    let (world, others) = world().await;
    let task = world.tasks("migration", json!(7), 1).await.pop().unwrap();
    world.fault(json!({"action": "StopMigrateJob", "kind": "delay", "ms": 500})).await;
    let mut calls = JoinSet::new();
    for index in 0..9 {
        let url = [&world.public, &others[0].public, &others[1].public][index % 3];
        let caller = Caller::with_token(url, world.token("all", &[]).expose_secret());
        let task = task.clone();
        calls.spawn(async move { caller.act("StopMigrateJob", json!({"JobId": task})).await });
    }
    let mut reasons = BTreeSet::new();
    while let Some(answer) = calls.join_next().await {
        reasons.insert(answer.unwrap().header("x-dts-gateway-reason").to_owned());
    }
    assert_eq!(world.sent("StopMigrateJob").await, 1);
    let known = ["", "task-busy", "state-forbids"];
    assert!(reasons.iter().all(|reason| known.contains(&reason.as_str())), "{reasons:?}");
    end(world, others).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_one_after_another_may_come_in_anywhere() {
    let (world, others) = world().await;
    let task = world.tasks("migration", json!(2), 1).await.pop().unwrap();
    let callers: Vec<Caller> = [&world.public, &others[0].public, &others[1].public]
        .iter()
        .map(|url| Caller::with_token(url, world.token("all", &[]).expose_secret()))
        .collect();
    for round in 0..12 {
        // Each answered before the next is asked, as a client behind a balancer does.
        let answer = callers[round % 3]
            .act("ModifyMigrateJob", json!({"JobId": task, "JobName": format!("round {round}")}))
            .await;
        let reason = answer.header("x-dts-gateway-reason");
        assert_ne!(reason, "task-busy", "round {round}: {}", answer.text());
    }
    assert_eq!(world.sent("ModifyMigrateJob").await, 12);
    end(world, others).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_dead_replica_left_open_is_closed_by_another_and_its_task_is_free() {
    let (world, mut others) = world().await;
    let task = world.tasks("migration", json!(7), 1).await.pop().unwrap();
    world.fault(json!({"action": "StopMigrateJob", "kind": "stall", "times": 1})).await;
    let dying = others.pop().unwrap();
    let caller = Caller::with_token(&dying.public, world.token("all", &[]).expose_secret());
    let call = tokio::spawn({
        let task = task.clone();
        async move { caller.try_exchange(caller.request("StopMigrateJob", &[], &json!({"JobId": task}).to_string())).await }
    });
    world.sent_at_least("StopMigrateJob", 1).await;
    drop(dying);
    call.abort();
    let record = until("its change is closed as unknown", || async {
        let records = world.records("action=StopMigrateJob", 1).await;
        records.into_iter().find(|record| record["outcome"] == "unknown")
    })
    .await;
    assert_eq!(record["task_ids"], json!([task]));
    let caller = Caller::with_token(&others[0].public, world.token("all", &[]).expose_secret());
    until("the task is free", || async {
        let answer = caller.act("StopMigrateJob", json!({"JobId": task})).await;
        (answer.header("x-dts-gateway-reason") != "task-busy").then_some(())
    })
    .await;
    end(world, others).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_nonce_is_accepted_by_one_replica_only() {
    let (world, others) = world().await;
    let pair = world.key_pair("all").await;
    let read = |at: String| {
        let pair = pair.clone();
        async move {
            second_family::signed(&at, &pair, "n-1", &[("Action", "DescribeDtsJobs"), second_family::REGION]).await
        }
    };
    let first = read(world.public.clone()).await;
    assert_eq!(first.header("x-dts-gateway-reason"), "", "{}", first.text());
    // The other replica has to have read the key first.
    let again = until("the other replica knows the key", || async {
        let answer = read(others[0].public.clone()).await;
        (answer.header("x-dts-gateway-reason") != "key-unknown").then_some(answer)
    })
    .await;
    assert_eq!(again.header("x-dts-gateway-reason"), "nonce-reused", "{}", again.text());
    end(world, others).await;
}
