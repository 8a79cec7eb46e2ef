//! Ten names are actions of both versions; each call follows its own version's row.

use std::collections::BTreeSet;

use dts_gateway::provider::Providers;
use serde_json::{Value, json};

use crate::world::{Options, World, on_both};

const SHARED: [&str; 10] = [
    "CompleteMigrateJob",
    "CreateMigrateCheckJob",
    "CreateSubscribe",
    "IsolateSubscribe",
    "ModifySubscribeAutoRenewFlag",
    "ModifySubscribeName",
    "ModifySubscribeObjects",
    "ResetSubscribe",
    "StartMigrateJob",
    "StopMigrateJob",
];

#[test]
fn ten_names_are_in_both_versions_and_share_their_bucket() {
    let providers = Providers::embedded().unwrap();
    let [older, newer] = ["2018-03-30", "2021-12-06"].map(|version| providers.version(version).unwrap());
    let names = |version: &dts_gateway::provider::Version| -> BTreeSet<String> {
        version.actions().map(|action| action.name.clone()).collect()
    };
    let shared: Vec<String> = names(older).intersection(&names(newer)).cloned().collect();
    assert_eq!(shared, SHARED);
    for name in SHARED {
        let [one, other] = [older, newer].map(|version| version.action(name).unwrap());
        assert_eq!(one.bucket.name, other.bucket.name);
    }
}

/// One task of each version, in the state in which one version allows the action and the other does not.
async fn by_version(world: &World) {
    let caller = world.with_key("all").await;
    let newer = caller.of_2021();
    // 2018: a stop is allowed while it runs (7), a failed check leads to 5. 2021: an error can be stopped too.
    let old_failed = world.tasks("migration", json!(10), 1).await.remove(0);
    let new_error = world.task_of_2021("migration", "error", json!({})).await;
    caller
        .act("StopMigrateJob", json!({"JobId": old_failed}))
        .await
        .refused("FailedOperation.NotAllowOperation", "state-forbids");
    newer.act("StopMigrateJob", json!({"JobId": new_error})).await.response();

    // 2018: only a configured subscription is reset. 2021: one that runs or has an error.
    let old = json!({"kind": "subscription", "version": "2018-03-30", "status": "configured"});
    let old = world.cloud("POST", "/_sim/tasks", &old.to_string()).await["ids"][0].clone();
    let new = world.task_of_2021("subscription", "notStarted", json!({})).await;
    caller.act("ResetSubscribe", json!({"SubscribeId": old})).await.response();
    let refused = newer.act("ResetSubscribe", json!({"SubscribeId": new})).await;
    assert_eq!(refused.header("x-dts-gateway-reason"), "state-forbids", "{}", refused.text());

    // Parameters are the version's own: InstanceClass came later.
    let buy = json!({"Product": "mysql", "PayType": 1, "InstanceClass": "small"});
    let refused = caller.act("CreateSubscribe", buy.clone()).await;
    assert!(refused.refused("UnknownParameter", "parameter-unknown").contains("InstanceClass"));
    newer.act("CreateSubscribe", buy).await.response();

    // And a task of one version is none of the other's.
    let foreign = caller.act("StartMigrateJob", json!({"JobId": new_error})).await;
    foreign.refused("ResourceNotFound.JobNotExist", "task-not-found");

    let sent: Vec<(String, String)> = world.requests().await.iter().map(action_and_version).collect();
    let versions = |name: &str| -> Vec<&str> {
        sent.iter().filter(|(action, _)| action == name).map(|(_, version)| version.as_str()).collect()
    };
    assert_eq!(versions("StopMigrateJob"), ["2021-12-06"]);
    assert_eq!(versions("ResetSubscribe"), ["2018-03-30"]);
    assert_eq!(versions("CreateSubscribe"), ["2021-12-06"]);
}

fn action_and_version(request: &Value) -> (String, String) {
    let text = |name: &str| request[name].as_str().unwrap().to_owned();
    (text("action"), text("version"))
}

#[tokio::test]
async fn a_shared_name_follows_its_own_versions_row() {
    on_both(Options::default(), async |world| by_version(world).await).await;
}
