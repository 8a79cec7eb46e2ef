//! Conditions in brackets, what the cloud itself offers, and consumer groups.

use serde_json::{Value, json};

use crate::caller::Answer;
use crate::world::{Options, World, on_both};

fn is_forwarded(answer: &Answer) -> bool {
    answer.header("x-dts-gateway-origin") == "upstream"
}

/// "Retry (only supported for Redis)", "check (only for eligible links)".
async fn brackets(world: &World) {
    let all = world.with_token("all").of_2021();
    let link = |engine: &str| json!({"data": {"SrcInfo": {"DatabaseType": engine}}});
    for (action, status, engine, is_allowed) in [
        ("ResumeMigrateJob", "failed", "redis", true),
        ("ResumeMigrateJob", "failed", "mysql", false),
        ("ResumeMigrateJob", "error", "mysql", true),
        ("CreateCompareTask", "running", "mysql", true),
        ("CreateCompareTask", "running", "sqlserver", false),
    ] {
        let task = world.task_of_2021("migration", status, link(engine)).await;
        let answer = all.act(action, json!({"JobId": task, "ResumeOption": "normal"})).await;
        let answer = match action {
            "ResumeMigrateJob" => answer,
            _ => all.act(action, json!({"JobId": task})).await,
        };
        assert_eq!(is_forwarded(&answer), is_allowed, "{action} of {engine}: {}", answer.text());
        if !is_allowed {
            let code = if action == "ResumeMigrateJob" {
                "FailedOperation.NotAllowOperation"
            } else {
                "OperationDenied.OperationDeniedError" // the code that the cloud documents for this action
            };
            assert!(answer.refused(code, "state-forbids").contains("source_engine"));
        }
    }
}

/// A task that nobody has configured: the row allows its check, the cloud does not offer it, and says so.
async fn withheld(world: &World) {
    let all = world.with_token("all").of_2021();
    let buy = json!({
        "SrcDatabaseType": "mysql", "DstDatabaseType": "mysql", "SrcRegion": "ap-guangzhou", "DstRegion": "ap-guangzhou",
        "InstanceClass": "small",
    });
    let made = all.act("CreateMigrationService", buy).await.response();
    let task = made["JobIds"][0].as_str().unwrap();
    let refused = all.act("CreateMigrateCheckJob", json!({"JobId": task})).await;
    let message = refused.refused("FailedOperation.NotAllowOperation", "state-forbids");
    assert!(message.contains("does not offer"), "{message}");
    assert!(message.contains("ModifyMigrationJob") && !message.contains("CreateMigrateCheckJob,"), "{message}");
    assert_eq!(world.sent("CreateMigrateCheckJob").await, 0);
}

/// The state of a task is learnt from what passes: a change after a read of the same task needs no look-up.
async fn overheard(world: &World) {
    let all = world.with_token("all").of_2021();
    let task = world.task_of_2021("migration", "running", json!({})).await;
    all.act("ModifyMigrateName", json!({"JobId": task, "JobName": "a"})).await.response();
    all.act("DescribeMigrationDetail", json!({"JobId": task})).await.response();
    all.act("ModifyMigrateName", json!({"JobId": task, "JobName": "b"})).await.response();
    assert_eq!(world.sent("DescribeMigrationJobs").await, 1, "the second change was judged by what passed");
}

/// Resetting the offset of a group in use answers success and does nothing: refused, but for those who are told.
async fn groups(world: &World) {
    let (careful, all) = (world.with_token("careful").of_2021(), world.with_token("all").of_2021());
    let stream = world.task_of_2021("subscription", "running", json!({})).await;
    let group = |name: &str| json!({"SubscribeId": stream, "ConsumerGroupName": name, "AccountName": name, "Password": "Secret-1234"});
    careful.act("CreateConsumerGroup", group("readers")).await.response();
    let full = format!("consumer-grp-{stream}-readers");
    let reset = json!({
        "SubscribeId": stream, "TopicName": "t", "ConsumerGroupName": full, "PartitionNos": [0], "ResetMode": "latest",
    });
    careful.act("ResetConsumerGroupOffset", reset.clone()).await.response();
    set_group_state(world, &stream, &full, "Stable").await;
    world.forget_requests().await;
    let other = world.task_of_2021("subscription", "running", json!({})).await;
    let mut foreign = reset.clone();
    foreign["SubscribeId"] = json!(other);
    careful.act("ResetConsumerGroupOffset", foreign).await.refused("AuthFailure.UnauthorizedOperation", "not-granted");
    let refused = careful.act("ResetConsumerGroupOffset", reset.clone()).await;
    let message = refused.refused("AuthFailure.UnauthorizedOperation", "dangerous-parameter");
    assert!(message.contains("reset-busy-group") && message.contains("Stable"), "{message}");
    assert_eq!(world.sent("ResetConsumerGroupOffset").await, 0);
    all.act("ResetConsumerGroupOffset", reset).await.response();
    careful
        .act("DeleteConsumerGroup", json!({"SubscribeId": stream, "ConsumerGroupName": full, "AccountName": "a"}))
        .await;
}

async fn set_group_state(world: &World, stream: &str, group: &str, state: &str) {
    let task = world.cloud("GET", &format!("/_sim/tasks/{stream}"), "").await;
    let mut data: Value = task["data"].clone();
    for known in data["ConsumerGroups"].as_array_mut().unwrap() {
        if known["ConsumerGroupName"] == group {
            known["ConsumerGroupState"] = json!(state);
        }
    }
    world.cloud("PUT", &format!("/_sim/tasks/{stream}"), &json!({"data": data}).to_string()).await;
}

#[tokio::test]
async fn words_in_brackets_are_conditions() {
    on_both(Options::default(), async |world| brackets(world).await).await;
}

#[tokio::test]
async fn what_the_cloud_does_not_offer_is_refused() {
    on_both(Options::default(), async |world| withheld(world).await).await;
}

#[tokio::test]
async fn states_are_learnt_from_what_passes() {
    on_both(Options::default(), async |world| overheard(world).await).await;
}

#[tokio::test]
async fn a_busy_group_is_not_reset_by_mistake() {
    on_both(Options::default(), async |world| groups(world).await).await;
}
