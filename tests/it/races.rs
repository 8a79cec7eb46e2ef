//! One change of a task at a time, whoever asks and however close together.

use futures_util::future::join_all;
use serde_json::json;

use crate::caller::{Answer, Caller, until};
use crate::world::Options;
use crate::world::{World, on_both};

fn is_upstream(answer: &Answer) -> bool {
    answer.header("x-dts-gateway-origin") == "upstream"
}

/// Exactly one of the answers came from the cloud; the others were told why not.
async fn one_went(world: &World, task: &str, answers: &[Answer]) {
    let went: Vec<_> = answers.iter().filter(|answer| is_upstream(answer)).collect();
    assert_eq!(went.len(), 1, "{:?}", answers.iter().map(Answer::text).collect::<Vec<_>>());
    went[0].response();
    for answer in answers.iter().filter(|answer| !is_upstream(answer)) {
        match answer.header("x-dts-gateway-reason") {
            "task-busy" => answer.refused("ResourceInUse", "task-busy"),
            _ => answer.refused("FailedOperation.NotAllowOperation", "state-forbids"),
        };
    }
    let records = until("the records are closed", || async {
        let records = world.records(&format!("task_id={task}&action=StartMigrateJob"), answers.len()).await;
        records.iter().all(|record| record["outcome"] != "open").then_some(records)
    });
    let records = records.await;
    let of = |outcome: &str| records.iter().filter(|record| record["outcome"] == outcome).count();
    assert_eq!((of("ok"), of("refused")), (1, answers.len() - 1));
}

async fn sent_for(world: &World, action: &str, task: &str) -> usize {
    let requests = world.requests().await;
    requests.iter().filter(|request| request["action"] == action && request["params"]["JobId"] == task).count()
}

async fn two_callers(world: &World) {
    let (one, other) = (world.with_key("all").await, world.with_token("careful"));
    for task in world.tasks("migration", json!(4), 6).await {
        let start = || json!({"JobId": task});
        let (first, second) = tokio::join!(one.act("StartMigrateJob", start()), other.act("StartMigrateJob", start()));
        one_went(world, &task, &[first, second]).await;
        assert_eq!(sent_for(world, "StartMigrateJob", &task).await, 1);
    }
}

async fn sixteen_at_once(world: &World) {
    let task = world.tasks("migration", json!(4), 1).await.remove(0);
    let callers: Vec<Caller> = (0..16).map(|i| world.with_token(if i % 2 == 0 { "all" } else { "careful" })).collect();
    let answers = join_all(callers.iter().map(|caller| caller.act("StartMigrateJob", json!({"JobId": task})))).await;
    one_went(world, &task, &answers).await;
    assert_eq!(sent_for(world, "StartMigrateJob", &task).await, 1);
}

/// While a change is under way the state still allows another one: the lease does not.
async fn while_one_is_under_way(world: &World) {
    let (one, other) = (world.with_token("all"), world.with_key("careful").await);
    let tasks = world.tasks("migration", json!(4), 2).await;
    world.fault(json!({"action": "ModifyMigrateJob", "kind": "delay", "ms": 2500, "times": 1})).await;
    let rename = json!({"JobId": tasks[0], "JobName": "renamed"});
    let slow = tokio::spawn({
        let (one, rename) = (one.clone(), rename.clone());
        async move { one.act("ModifyMigrateJob", rename).await }
    });
    world.sent_at_least("ModifyMigrateJob", 1).await;

    let busy = other.act("ModifyMigrateJob", rename.clone()).await;
    let message = busy.refused("ResourceInUse", "task-busy");
    assert!(message.contains(&tasks[0]), "{message}");
    assert_eq!(busy.header("retry-after"), "1");
    other.act("DeleteMigrateJob", json!({"JobId": tasks[0]})).await.refused("ResourceInUse", "task-busy");
    other.act("StartMigrateJob", json!({"JobId": tasks[1]})).await.response();
    other.act("DescribeMigrateCheckJob", json!({"JobId": tasks[0]})).await.response();

    slow.await.unwrap().response();
    other.act("ModifyMigrateJob", rename).await.response();
    assert_eq!(sent_for(world, "ModifyMigrateJob", &tasks[0]).await, 2);
    assert_eq!(sent_for(world, "DeleteMigrateJob", &tasks[0]).await, 0);
}

/// Once a change is answered, the next one of the same caller may follow at once.
async fn one_after_the_other(world: &World) {
    let all = world.with_token("all");
    let task = world.tasks("migration", json!(2), 1).await.remove(0);
    for round in 0..15 {
        all.act("ModifyMigrateJob", json!({"JobId": task, "JobName": format!("round {round}")})).await.response();
    }
    assert_eq!(sent_for(world, "ModifyMigrateJob", &task).await, 15);
}

#[tokio::test]
async fn changes_of_a_task_follow_each_other_at_once() {
    on_both(Options::default(), async |world| one_after_the_other(world).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_callers_who_start_a_task_at_once_one_goes() {
    on_both(Options::default(), async |world| two_callers(world).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_sixteen_one_goes() {
    on_both(Options::default(), async |world| sixteen_at_once(world).await).await;
}

#[tokio::test]
async fn a_task_has_one_change_at_a_time() {
    on_both(Options::default(), async |world| while_one_is_under_way(world).await).await;
}
