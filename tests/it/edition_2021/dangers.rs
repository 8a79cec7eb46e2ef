//! What can hurt: each is refused by its name, and goes with a grant that names it.

use serde_json::{Value, json};

use crate::world::{Options, World, on_both};

/// Says yes to one danger alone.
const WIPER: &str = r#"
team = "wiper"

[[caller]]
name = "wiper"
accounts = ["main"]

[[grant]]
actions = ["*"]
tasks = "any"
dangers = ["clear-data"]
"#;

/// A call that hurts: its danger, the action, its parameters, and how often the cloud is asked for it when granted.
struct Harm {
    danger: &'static str,
    action: &'static str,
    parameters: Value,
}

fn harm(danger: &'static str, action: &'static str, parameters: Value) -> Harm {
    Harm { danger, action, parameters }
}

async fn by_parameters(world: &World) -> Vec<Harm> {
    let ready = world.task_of_2021("migration", "readyComplete", json!({})).await;
    let running = world.task_of_2021("migration", "running", json!({})).await;
    let broken = world.task_of_2021("migration", "error", json!({})).await;
    let check = world.task_of_2021("compare", "running", json!({})).await;
    let job = check.split_once("-cmp-").unwrap().0;
    let stream = world.task_of_2021("subscription", "running", json!({})).await;
    let wipe = json!([{"Key": "Other", "Value": "1"}, {"Key": "dstWriteMode ", "Value": "ClearData"}]);
    vec![
        harm("complete-immediately", "CompleteMigrateJob", json!({"JobId": ready, "CompleteMode": "immediately"})),
        harm("clear-data", "ModifyMigrateRuntimeAttribute", json!({"JobId": running, "OtherOptions": wipe})),
        harm("clear-data", "ResumeMigrateJob", json!({"JobId": broken, "ResumeOption": "clearData"})),
        harm("force-stop", "StopCompare", json!({"JobId": job, "CompareTaskId": check, "ForceStop": true})),
        harm("replace-objects", "ModifySubscribeObjects", json!({"SubscribeId": stream, "SubscribeObjectType": 0})),
    ]
}

async fn by_standing(world: &World) -> Vec<Harm> {
    let unbilled = world.task_of_2021("migration", "success", json!({"billing": "notBilled"})).await;
    let unbilled_sync = world.task_of_2021("sync", "Stopped", json!({"billing": "NotBilled"})).await;
    let running = world.task_of_2021("migration", "running", json!({})).await;
    let running_sync = world.task_of_2021("sync", "Running", json!({})).await;
    vec![
        harm("isolate-unbilled", "IsolateMigrateJob", json!({"JobId": unbilled})),
        harm("isolate-unbilled", "IsolateSyncJob", json!({"JobId": unbilled_sync})),
        harm("isolate-unfinished", "IsolateMigrateJob", json!({"JobId": running})),
        harm("isolate-unfinished", "IsolateSyncJob", json!({"JobId": running_sync})),
    ]
}

async fn each_needs_its_grant(world: &World) {
    let (careful, all) = (world.with_token("careful").of_2021(), world.with_token("all").of_2021());
    let wiper = world.with_token("wiper").of_2021();
    let mut harms = by_parameters(world).await;
    harms.extend(by_standing(world).await);
    for Harm { danger, action, parameters } in harms {
        for caller in [&careful, &wiper] {
            if *danger == *"clear-data" && std::ptr::eq(caller, &wiper) {
                continue;
            }
            let refused = caller.act(action, parameters.clone()).await;
            let message = refused.refused("AuthFailure.UnauthorizedOperation", "dangerous-parameter");
            assert!(message.contains(danger), "{action}: {message}");
            assert_eq!(world.record_of(&refused).await["reason"], "dangerous-parameter");
        }
        assert_eq!(world.sent(action).await, 0, "{action} with {danger}");
        let granted = if danger == "clear-data" { &wiper } else { &all };
        let answer = granted.act(action, parameters).await;
        assert_eq!(answer.header("x-dts-gateway-origin"), "upstream", "{action}: {}", answer.text());
        world.forget_requests().await;
    }
}

/// Harmless values of the same parameters, and the same actions where they are harmless, need no such grant.
async fn harmless(world: &World) {
    let careful = world.with_token("careful").of_2021();
    let ready = world.task_of_2021("migration", "readyComplete", json!({})).await;
    let running = world.task_of_2021("migration", "running", json!({})).await;
    let check = world.task_of_2021("compare", "running", json!({})).await;
    let job = check.split_once("-cmp-").unwrap().0;
    let done = world.task_of_2021("migration", "success", json!({})).await;
    for (action, parameters) in [
        ("CompleteMigrateJob", json!({"JobId": ready, "CompleteMode": "waitForSync"})),
        (
            "ModifyMigrateRuntimeAttribute",
            json!({"JobId": running, "OtherOptions": [{"Key": "k", "Value": "clearData"}]}),
        ),
        ("StopCompare", json!({"JobId": job, "CompareTaskId": check, "ForceStop": false})),
        ("IsolateMigrateJob", json!({"JobId": done})),
    ] {
        let answer = careful.act(action, parameters).await;
        assert_eq!(answer.header("x-dts-gateway-origin"), "upstream", "{action}: {}", answer.text());
    }
}

#[tokio::test]
async fn what_can_hurt_needs_a_grant_that_names_it() {
    let options = Options { teams: vec![("wiper".to_owned(), WIPER.to_owned())], ..Options::default() };
    on_both(options, async |world| each_needs_its_grant(world).await).await;
}

#[tokio::test]
async fn harmless_calls_of_the_same_actions_need_none() {
    on_both(Options::default(), async |world| harmless(world).await).await;
}
