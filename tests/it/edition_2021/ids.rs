//! Which ids a call must name, and whose they must be.

use serde_json::json;

use crate::world::{Options, World, on_both};

/// A team with one task, by id.
const GUEST: &str = r#"
team = "guests"

[[caller]]
name = "guest"
accounts = ["main"]

[[grant]]
actions = ["*"]
tasks = ["own", "dts-guest001", "sync-guest01"]

[[grant]]
effect = "deny"
actions = ["*"]
tasks = ["dts-guest001-cmp-locked"]
"#;

fn with_guest(head: &str) -> Options {
    Options { teams: vec![("guests".to_owned(), GUEST.to_owned())], ..Options::head(head) }
}

/// What the cloud calls optional is the subject of the authorization here.
async fn required(world: &World) {
    let all = world.with_key("all").await.of_2021();
    for action in ["StartSyncJob", "DestroyMigrateJob", "DescribeCheckSyncJobResult"] {
        for parameters in [json!({}), json!({"JobId": null})] {
            let message = all.act(action, parameters).await.refused("MissingParameter", "parameter-missing");
            assert!(message.contains("JobId"), "{message}");
        }
    }
    assert_eq!(world.requests().await.len(), 0);
}

/// A task that is copied is one that the caller may use.
async fn templates(world: &World) {
    let guest = world.with_token("guest").of_2021();
    let purchase = |template: &str| {
        json!({
            "PayMode": "PostPay", "SrcDatabaseType": "mysql", "SrcRegion": "ap-guangzhou", "DstDatabaseType": "mysql",
            "DstRegion": "ap-guangzhou", "Specification": "small", "ExistedJobId": template,
        })
    };
    let foreign = world.task_of_2021("sync", "Running", json!({})).await;
    let refused = guest.act("CreateSyncJob", purchase(&foreign)).await;
    let message = refused.refused("AuthFailure.UnauthorizedOperation", "not-granted");
    assert!(message.contains(&foreign), "{message}");
    assert_eq!(world.sent("CreateSyncJob").await, 0);
    world.task_of_2021("sync", "Running", json!({"id": "sync-guest01"})).await;
    let made = guest.act("CreateSyncJob", purchase("sync-guest01")).await.response();
    let own = made["JobIds"][0].as_str().unwrap();
    guest.act("DescribeCheckSyncJobResult", json!({"JobId": own})).await.response();
    assert_eq!(world.sent("DescribeSyncJobs").await, 0, "a template is not judged by its state");
}

/// A consistency check belongs to its job.
async fn checks(world: &World, enforced: bool) {
    let guest = world.with_token("guest").of_2021();
    world.task_of_2021("migration", "running", json!({"id": "dts-guest001"})).await;
    let foreign = world.task_of_2021("compare", "created", json!({})).await;
    let stop = json!({"JobId": "dts-guest001", "CompareTaskId": foreign});
    let answer = guest.act("DescribeCompareReport", stop.clone()).await;
    if enforced {
        let message = answer.refused("AuthFailure.UnauthorizedOperation", "not-granted");
        assert!(message.contains(&foreign) && message.contains("dts-guest001"), "{message}");
        let bare = json!({"JobId": "dts-guest001", "CompareTaskId": "dts-guest001-"});
        guest.act("StartCompare", bare).await.refused("AuthFailure.UnauthorizedOperation", "not-granted");
        assert_eq!(world.requests().await.len(), 0);
    } else {
        assert_eq!(answer.header("x-dts-gateway-origin"), "upstream", "{}", answer.text());
    }
    let made = guest.act("CreateCompareTask", json!({"JobId": "dts-guest001", "TaskName": "t"})).await;
    let made_id = made.response()["CompareTaskId"].as_str().unwrap().to_owned();
    let named = json!({"JobId": "dts-guest001", "CompareTaskId": made_id});
    guest.act("StartCompare", named).await.response();
    let locked = json!({"JobId": "dts-guest001", "CompareTaskId": "dts-guest001-cmp-locked"});
    let denied = guest.act("StopCompare", locked).await;
    assert!(denied.refused("AuthFailure.UnauthorizedOperation", "not-granted").contains("denies"));
    let record = world.record(&format!("task_id={made_id}&action=CreateCompareTask")).await;
    assert_eq!(record["task_ids"], json!(["dts-guest001", made_id]));
    let list = guest.act("DescribeMigrationJobs", json!({})).await;
    let message = list.refused("AuthFailure.UnauthorizedOperation", "not-granted");
    assert!(!message.contains(&made_id), "a check is no task of the team's own: {message}");
}

/// A read that would list everybody's tasks must name some; the refusal lists the caller's own.
async fn lists(world: &World) {
    let (guest, all) = (world.with_token("guest").of_2021(), world.with_token("all").of_2021());
    let buy = json!({"Product": "mysql", "PayType": 1});
    let own = guest.act("CreateSubscribe", buy).await.response()["SubscribeIds"][0].as_str().unwrap().to_owned();
    let foreign = world.task_of_2021("subscription", "running", json!({})).await;
    for action in ["DescribeMigrationJobs", "DescribeSyncJobs", "DescribeSubscribeJobs"] {
        let message = guest.act(action, json!({})).await.refused("AuthFailure.UnauthorizedOperation", "not-granted");
        assert!(message.contains(&own) && !message.contains(&foreign), "{message}");
        all.act(action, json!({})).await.response();
    }
    let both = json!({"SubscribeIds": [own, foreign]});
    guest.act("DescribeSubscribeJobs", both).await.refused("AuthFailure.UnauthorizedOperation", "not-granted");
    let mine = guest.act("DescribeSubscribeJobs", json!({"SubscribeIds": [own]})).await.response();
    assert_eq!(mine["Items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn ids_that_the_cloud_calls_optional_are_required() {
    on_both(Options::default(), async |world| required(world).await).await;
}

#[tokio::test]
async fn a_task_to_copy_from_is_authorized_too() {
    on_both(with_guest(""), async |world| templates(world).await).await;
}

#[tokio::test]
async fn a_check_must_belong_to_the_job_that_is_named_with_it() {
    on_both(with_guest(""), async |world| checks(world, true).await).await;
}

#[tokio::test]
async fn that_rule_can_be_switched_off() {
    on_both(with_guest("state.check_parents = false"), async |world| checks(world, false).await).await;
}

#[tokio::test]
async fn a_restricted_caller_must_name_tasks_in_lists() {
    on_both(with_guest(""), async |world| lists(world).await).await;
}
