//! Changes of the second cloud whose answer was lost: it is asked what came of them.

use serde_json::{Value, json};

use super::{REGION, act, act_in, configure, good, refused};
use crate::caller::{Answer, until};
use crate::world::{Options, World, on_both};

/// How the cloud loses its answer: done, with half of an answer; or not done, with none.
const DONE: &str = "half";
const NOT_DONE: &str = "reset";

async fn lose(world: &World, action: &str, how: &str) {
    world.fault(json!({"action": action, "kind": how, "times": 1})).await;
}

/// The settlement of a call without an answer, as it was seen.
async fn settled(world: &World, answer: &Answer) -> (String, Value) {
    refused(answer, 400, "OperationDenied.OutcomeUnknown", "outcome-unknown");
    let id = answer.header("x-request-id").to_owned();
    let record = until("it is settled", || async {
        let record = world.record(&format!("request_id={id}")).await;
        record["settled"].is_string().then_some(record)
    });
    let record = record.await;
    let path = format!("/v1/audit/records/{}", record["id"].as_str().unwrap());
    let seen = world.auditor().get(&path).await.json()["settled"]["seen"].clone();
    (record["settled"].as_str().unwrap().to_owned(), seen)
}

/// Ids of the instances at the cloud.
async fn instances(world: &World) -> Vec<String> {
    let tasks = world.cloud("GET", "/_sim/tasks", "").await["tasks"].as_array().unwrap().clone();
    tasks.iter().map(|task| format!("dts{}", task["id"].as_str().unwrap())).collect()
}

async fn creations(world: &World) {
    let own = world.with_token("own");
    // One that stands in the same list and is another call's.
    good(&configure(&own, "before").await);

    lose(world, "ConfigureDtsJob", DONE).await;
    let (verdict, seen) = settled(world, &configure(&own, "nightly").await).await;
    let made = seen["made"].as_str().unwrap_or_else(|| panic!("{verdict}: {seen}")).to_owned();
    assert_eq!(
        (verdict.as_str(), &seen["asked"], &seen["name"]),
        ("done", &json!("DescribeDtsJobs"), &json!("nightly"))
    );
    assert!(instances(world).await.contains(&made), "{made}");
    // It is the team's: `own` may do nothing with tasks of others.
    good(&act(&own, "DescribeDtsJobDetail", &[("DtsInstanceID", &made), REGION]).await);
    let theirs = act(&world.with_token("payer"), "DescribeDtsJobDetail", &[("DtsInstanceID", &made), REGION]).await;
    refused(&theirs, 403, "Forbidden.RAM", "not-granted");

    lose(world, "ConfigureDtsJob", NOT_DONE).await;
    let (verdict, seen) = settled(world, &configure(&own, "weekly").await).await;
    assert_eq!((verdict.as_str(), &seen["made"], &seen["listed"]), ("not-done", &Value::Null, &json!(0)), "{seen}");
}

/// A purchase gives no name, and may stand in another region than it was bought in.
async fn purchases(world: &World) {
    let own = world.with_token("own");
    let order = [
        ("SourceRegion", "cn-beijing"),
        ("DestRegion", "cn-hangzhou"),
        ("PayType", "PostPaid"),
        ("SynchronizationJobClass", "small"),
        ("DBInstanceCount", "1"),
        ("RegionId", "cn-shanghai"),
    ];
    lose(world, "CreateSynchronizationJob", DONE).await;
    let (verdict, seen) = settled(world, &act(&own, "CreateSynchronizationJob", &order).await).await;
    assert_eq!((verdict.as_str(), &seen["made"]), ("done", &json!(instances(world).await[0])), "{seen}");
    let asked = world.requests().await.into_iter().filter(|request| request["action"] == "DescribeDtsJobs");
    let regions: Vec<Value> = asked.map(|request| request["params"]["Region"].clone()).collect();
    for region in ["cn-shanghai", "cn-hangzhou", "cn-beijing"] {
        assert!(regions.contains(&json!(region)), "{regions:?}");
    }

    // A configured task is bought: it is there already, whether or not that was done.
    let job = good(&configure(&own, "bought later").await)["DtsJobId"].as_str().unwrap().to_owned();
    let later =
        [("JobId", job.as_str()), ("Type", "MIGRATION"), ("DatabaseCount", "1"), ("PayType", "PostPaid"), REGION];
    lose(world, "CreateDtsInstance", DONE).await;
    assert_eq!(settled(world, &act(&own, "CreateDtsInstance", &later).await).await.0, "undetermined");

    // In that list stands what the other action made a moment ago, and it is not this one's.
    let new = [("Type", "migration"), ("DatabaseCount", "1"), ("PayType", "PostPaid"), REGION];
    lose(world, "CreateDtsInstance", NOT_DONE).await;
    assert_eq!(settled(world, &act(&own, "CreateDtsInstance", &new).await).await.0, "not-done");

    // No source says in which order the older lists come.
    let old = [("MigrationJobClass", "small"), ("Region", "cn-hangzhou"), REGION];
    lose(world, "CreateMigrationJob", DONE).await;
    let (verdict, seen) = settled(world, &act_in("2018-08-01", &own, "CreateMigrationJob", &old).await).await;
    let why = seen["why"].as_str().unwrap();
    assert!(verdict == "undetermined" && why.contains("where such tasks are listed"), "{verdict}: {why}");
}

/// What the older versions change shows in the same states.
async fn older_versions(world: &World) {
    let all = world.with_token("all");
    let task = async |version: &str, kind: &str, status: &str| {
        let order = json!({"kind": kind, "version": version, "status": status});
        world.cloud("POST", "/_sim/tasks", &order.to_string()).await["ids"][0].as_str().unwrap().to_owned()
    };
    for (version, kind, running, suspend, start, named) in [
        ("2016-08-01", "migration", "Migrating", "StopMigrationJob", "StartMigrationJob", "MigrationJobId"),
        ("2018-08-01", "migration", "Migrating", "SuspendMigrationJob", "StartMigrationJob", "MigrationJobId"),
        (
            "2019-09-01",
            "sync",
            "Synchronizing",
            "SuspendSynchronizationJob",
            "StartSynchronizationJob",
            "SynchronizationJobId",
        ),
    ] {
        for how in [DONE, NOT_DONE] {
            let running = task(version, kind, running).await;
            lose(world, suspend, how).await;
            let answer = act_in(version, &all, suspend, &[(named, &running), REGION]).await;
            let expected = match (suspend, how) {
                ("StopMigrationJob", _) => "undetermined",
                (_, DONE) => "done",
                _ => "not-done",
            };
            assert_eq!(settled(world, &answer).await.0, expected, "{version} {suspend} {how}");
        }
        let stopped = task(version, kind, "Suspending").await;
        lose(world, start, NOT_DONE).await;
        let answer = act_in(version, &all, start, &[(named, &stopped), REGION]).await;
        assert_eq!(settled(world, &answer).await.0, "not-done", "{version} {start}");
    }
}

fn soon() -> Options {
    Options { config: "[state]\nsettle_after = \"1s\"\n".to_owned(), ..Options::default() }
}

#[tokio::test]
async fn a_creation_without_an_answer_is_found_by_its_name() {
    on_both(soon(), async |world| creations(world).await).await;
}

#[tokio::test]
async fn a_purchase_without_an_answer_is_found_by_its_time() {
    on_both(soon(), async |world| purchases(world).await).await;
}

#[tokio::test]
async fn changes_of_the_older_versions_are_settled_by_their_states() {
    on_both(soon(), async |world| older_versions(world).await).await;
}
