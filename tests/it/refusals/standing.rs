//! What is refused for how things stand: the task's state, the caller's own pace, the cloud's quota.

use std::collections::BTreeSet;

use serde_json::json;

use crate::caller::NO_CACHE;
use crate::world::Options;
use crate::world::{World, on_both};

const SLOW: &str = r#"
team = "slow"

[[caller]]
name = "slow"
accounts = ["main"]
pace = { per_second = 1, burst = 1 }

[[grant]]
actions = ["*"]
"#;

/// A state forbids a change: only the look at the state goes to the cloud, and the refusal says what would be legal.
async fn states(world: &World) {
    let all = world.with_key("all").await;
    let running = world.tasks("migration", json!(7), 1).await.remove(0);
    let answer = all.act("StartMigrateJob", json!({"JobId": running})).await;
    let message = answer.refused("FailedOperation.NotAllowOperation", "state-forbids");
    for said in [running.as_str(), "Running (7)", "CheckPass", "StopMigrateJob"] {
        assert!(message.contains(said), "{said}: {message}");
    }
    let record = world.record_of(&answer).await;
    assert_eq!((&record["outcome"], &record["caller"]), (&json!("refused"), &json!("all")));
    assert_eq!((&record["task_ids"], &record["team"]), (&json!([running]), &json!("platform")));
    assert_eq!(record["detail"]["states"][0]["state"], "Running (7)");

    let strange = world.tasks("migration", json!(99), 1).await.remove(0);
    let answer = all.act("StopMigrateJob", json!({"JobId": strange})).await;
    answer.refused("FailedOperation.NotAllowOperation", "state-unknown");
    assert_eq!(world.record_of(&answer).await["reason"], "state-unknown");
    let read = all.act("DescribeMigrateCheckJob", json!({"JobId": strange})).await;
    assert_eq!(read.header("x-dts-gateway-origin"), "upstream", "reads pass");

    let answer = all.act("StopMigrateJob", json!({"JobId": "dts-nowhere0"})).await;
    answer.refused("ResourceNotFound.JobNotExist", "task-not-found");
    assert_eq!(world.record_of(&answer).await["outcome"], "refused");

    let subscription =
        json!({"kind": "subscription", "version": "2018-03-30", "status": "configured", "billing": "isolated"});
    let made = world.cloud("POST", "/_sim/tasks", &subscription.to_string()).await;
    let answer = all.act("ResetSubscribe", json!({"SubscribeId": made["ids"][0]})).await;
    let message = answer.refused("FailedOperation.StatusInConflict", "state-forbids");
    assert!(message.contains("billing isolated"), "{message}");

    world.fault(json!({"action": "DescribeMigrateJobs", "kind": "error", "code": "InternalError"})).await;
    let unread = world.tasks("migration", json!(7), 1).await.remove(0);
    all.act("StopMigrateJob", json!({"JobId": unread})).await.refused("ResourceUnavailable", "state-unavailable");
    world.no_faults().await;

    let asked: BTreeSet<_> = world.requests().await.iter().map(|request| request["action"].to_string()).collect();
    let looks = ["DescribeMigrateCheckJob", "DescribeMigrateJobs", "DescribeSubscribeConf"];
    assert_eq!(asked, looks.map(|action| json!(action).to_string()).into(), "no change has left");
}

/// A caller's own pace is told as its own, with the time to wait.
async fn own_pace(world: &World) {
    let slow = world.with_token("slow");
    let calls = (0..10).map(|_| slow.act_alone("DescribeMigrateJobs", json!({})));
    let answers = futures_util::future::join_all(calls).await;
    let refused: Vec<_> = answers.iter().filter(|answer| answer.header("x-dts-gateway-origin") == "gateway").collect();
    assert!(!refused.is_empty() && refused.len() < answers.len());
    for answer in &refused {
        let message = answer.refused("RequestLimitExceeded", "rate-limited");
        assert!(message.contains("the caller limit slow of 1 in 1 s"), "{message}");
        assert_eq!(answer.header("retry-after"), "1");
        assert_eq!(answer.header("ratelimit-policy"), r#""caller";q=1;w=1"#);
        assert_eq!(answer.header("ratelimit"), r#""caller";r=0;t=1"#);
        assert_eq!(world.record_of(answer).await["reason"], "rate-limited");
    }
    assert_eq!(world.sent("DescribeMigrateJobs").await, answers.len() - refused.len());
}

/// The cloud's quota is used up by calls in flight: who may not wait is refused at once, who may is served.
async fn quota(world: &World) {
    let all = world.with_token("all");
    let task = world.tasks("migration", json!(4), 1).await.remove(0);
    let check = json!({"JobId": task}).to_string();
    world.fault(json!({"action": "DescribeMigrateCheckJob", "kind": "delay", "ms": 2500, "times": 20})).await;
    let filling = (0..20).map(|_| {
        tokio::spawn({
            let (all, check) = (all.clone(), check.clone());
            async move { all.act_with("DescribeMigrateCheckJob", &[NO_CACHE], &check).await }
        })
    });
    let filling: Vec<_> = filling.collect();
    world.sent_at_least("DescribeMigrateCheckJob", 20).await;

    let hasty = all.act_with("DescribeMigrateCheckJob", &[("x-dts-gateway-max-wait", "0"), NO_CACHE], &check).await;
    let message = hasty.refused("RequestLimitExceeded", "rate-limited");
    assert!(message.contains("the cloud limit DescribeMigrateCheckJob of 20 in 1 s"), "{message}");
    assert_eq!(hasty.header("ratelimit-policy"), r#""cloud";q=20;w=1"#);
    assert!((1..=5).contains(&hasty.header("retry-after").parse::<u64>().unwrap()), "{}", hasty.header("retry-after"));
    let record = world.record_of(&hasty).await;
    assert_eq!(
        (&record["reason"], &record["detail"]["limit"]),
        (&json!("rate-limited"), &json!("DescribeMigrateCheckJob"))
    );

    let patient = [("x-dts-gateway-max-wait", "20000"), NO_CACHE];
    let patient = all.act_with("DescribeMigrateCheckJob", &patient, &check).await;
    patient.response();
    assert!(world.record_of(&patient).await["waited_ms"].as_i64().unwrap() > 0);
    for call in filling {
        call.await.unwrap().response();
    }
    assert_eq!(world.sent("DescribeMigrateCheckJob").await, 21, "the hasty one never left");
    let stats = world.cloud("GET", "/_sim/stats", "").await;
    assert!(stats["buckets"].as_array().unwrap().iter().all(|bucket| bucket["throttled"] == 0), "{stats}");
}

#[tokio::test]
async fn a_state_that_forbids_a_change_says_what_is_legal() {
    on_both(Options::default(), async |world| states(world).await).await;
}

#[tokio::test]
async fn a_caller_has_a_pace_of_its_own() {
    let teams = vec![("slow".to_owned(), SLOW.to_owned())];
    on_both(Options { teams, ..Options::default() }, async |world| own_pace(world).await).await;
}

#[tokio::test]
async fn who_may_not_wait_for_the_quota_is_told_when_to_come_back() {
    on_both(Options::default(), async |world| quota(world).await).await;
}
