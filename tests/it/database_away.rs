//! The database goes away while the gateway runs: nothing is sent that could not be recorded, callers are told so at
//! once, and when the database is back everything goes on by itself.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::caller::{Caller, until};
use crate::evidence;
use crate::world::{Database, Options, World, is_soak};

/// Asks until the answer has this reason.
async fn reason(caller: &Caller, action: &str, task: &str, wanted: &str) {
    until("the answer has the reason", || async {
        let answer = caller.act(action, json!({"JobId": task})).await;
        (answer.header("x-dts-gateway-reason") == wanted).then_some(())
    })
    .await;
}

#[tokio::test]
async fn without_its_database_the_gateway_refuses_and_says_why() {
    let world = World::start(Database::Postgres).await;
    let (caller, tasks) = (world.with_token("all"), world.tasks("migration", json!(7), 3).await);
    caller.act("StopMigrateJob", json!({"JobId": tasks[0]})).await.response();

    world.database.lock_out().await;
    reason(&caller, "StopMigrateJob", &tasks[1], "audit-unavailable").await;
    reason(&caller, "DescribeMigrateCheckJob", &tasks[1], "audit-unavailable").await;
    let refused = caller.act("StopMigrateJob", json!({"JobId": tasks[1]})).await;
    assert_eq!(refused.code(), "ServiceUnavailable");
    assert_eq!(refused.header("retry-after"), "1");
    let ready = caller.at(&world.admin).get("/readyz").await;
    assert_eq!(ready.status, 503, "{}", ready.text());
    let stopped = world.requests().await.into_iter().filter(|request| request["action"] == "StopMigrateJob");
    assert_eq!(stopped.count(), 1, "only the one before");

    world.database.let_in().await;
    reason(&caller, "DescribeMigrateCheckJob", &tasks[1], "").await;
    caller.act("StopMigrateJob", json!({"JobId": tasks[2]})).await.response();
    let records = world.records("action=StopMigrateJob&outcome=refused", 1).await;
    assert_eq!(records[0]["reason"], "audit-unavailable", "what was refused meanwhile is in the log too");
    world.end().await;
}

/// What callers were told of their changes.
#[derive(Debug, Default)]
pub struct Told {
    pub ok: Vec<String>,
    pub refused: BTreeMap<String, usize>,
    slowest_refusal: Duration,
}

/// Stops tasks one after another until it is told to stop.
pub async fn stops(caller: Caller, mut tasks: Vec<String>, told: Arc<Mutex<Told>>, over: CancellationToken) {
    while let Some(task) = tasks.pop().filter(|_| !over.is_cancelled()) {
        let asked = Instant::now();
        let answer = caller.act("StopMigrateJob", json!({"JobId": task})).await;
        let reason = answer.header("x-dts-gateway-reason").to_owned();
        let mut told = told.lock().unwrap();
        if reason.is_empty() {
            answer.response();
            told.ok.push(answer.header("x-request-id").to_owned());
        } else {
            if reason == "audit-unavailable" {
                told.slowest_refusal = told.slowest_refusal.max(asked.elapsed());
            }
            *told.refused.entry(reason).or_default() += 1;
            // It was not sent, so it can be asked for again.
            tasks.insert(0, task);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_under_load_loses_nothing_and_sends_nothing_unrecorded() {
    let (key, options) = evidence::options();
    // As shipped: what is refused before anybody asks who is calling is counted, or a flood of it would stand in the queue
    // before everything else when the database is back.
    let options = Options { head: "audit.anonymous_per_second = 10\n".to_owned(), ..options };
    let mut world = World::start_with(Database::Postgres, options).await;
    let (told, over) = (Arc::new(Mutex::new(Told::default())), CancellationToken::new());
    let mut tasks = world.tasks("migration", json!(7), 800).await;
    let mut callers = JoinSet::new();
    for _ in 0..4 {
        let own = tasks.split_off(tasks.len() - 200);
        callers.spawn(stops(world.with_token("all"), own, Arc::clone(&told), over.clone()));
    }
    let after = |count: usize| {
        let told = Arc::clone(&told);
        async move {
            until("so many are stopped", || async { (told.lock().unwrap().ok.len() >= count).then_some(()) }).await
        }
    };
    after(20).await;
    world.database.lock_out().await;
    until("changes are refused", || async {
        let refused = told.lock().unwrap().refused.get("audit-unavailable").copied();
        (refused >= Some(20)).then_some(())
    })
    .await;
    if is_soak() {
        // As long as a failover takes.
        tokio::time::sleep(Duration::from_secs(20)).await;
    }
    world.database.let_in().await;
    let before = told.lock().unwrap().ok.len();
    after(before + 20).await;
    over.cancel();
    while let Some(done) = callers.join_next().await {
        done.unwrap();
    }

    let told = std::mem::take(&mut *told.lock().unwrap());
    let (ok, refused, slowest) = (told.ok.len(), told.refused, told.slowest_refusal);
    println!("{ok} stopped; refused {refused:?}; the slowest refusal took {} ms", slowest.as_millis());
    assert!(!is_soak() || slowest <= Duration::from_secs(2), "{slowest:?}");
    let records = world.records("action=StopMigrateJob&outcome=ok,failed,unknown", ok).await;
    let ids: BTreeSet<&str> = records.iter().map(|record| record["request_id"].as_str().unwrap()).collect();
    assert!(told.ok.iter().all(|id| ids.contains(id.as_str())), "every change that was acknowledged is in the log");
    let recorded: BTreeSet<&str> = records.iter().map(|record| record["task_ids"][0].as_str().unwrap()).collect();
    for request in world.requests().await.iter().filter(|request| request["action"] == "StopMigrateJob") {
        let task = request["params"]["JobId"].as_str().unwrap();
        assert!(recorded.contains(task), "{task} was stopped at the cloud and is not recorded");
    }

    world.stop_gateway().await;
    let report = evidence::in_process(&world, key.verifying_key(), &evidence::held(&world)).await;
    assert!(report.is_proven(), "{:#?}", report.lines());
    world.end().await;
}
