//! What a decision was made from stands in its record, and so does each change of who may do what.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};

use crate::caller::until;
use crate::world::{Options, World, on_both};

/// A caller with a pace of its own.
const PACED: &str = r#"
team = "paced"

[[caller]]
name = "paced"
accounts = ["main"]
pace = { per_second = 1, burst = 3 }

[[grant]]
name = "all of it"
actions = ["*"]
tasks = "any"
"#;

/// What the standard tool says of the teams' files.
fn policy(world: &World) -> String {
    let told = Command::new("sh")
        .args(["-c", "LC_ALL=C; export LC_ALL; sha256sum *.toml | sha256sum | cut -d' ' -f1"])
        .current_dir(world.folder.path().join("teams"))
        .output()
        .unwrap();
    String::from_utf8(told.stdout).unwrap().trim().to_owned()
}

fn team_file(world: &World, name: &str) -> PathBuf {
    world.folder.path().join("teams").join(name)
}

/// One limit of a record, by kind and name.
fn limit<'r>(record: &'r Value, kind: &str, name: &str) -> &'r Value {
    let mut limits = record["detail"]["limits"].as_array().unwrap().iter();
    limits.find(|limit| (&limit["kind"], &limit["name"]) == (&json!(kind), &json!(name))).unwrap()
}

async fn what_it_was_decided_by(world: &mut World) {
    let paced = world.with_token("paced");
    let task = world.tasks("migration", json!(7), 1).await.remove(0);
    let stopped = paced.act("StopMigrateJob", json!({"JobId": task})).await;
    stopped.response();
    let record = world.record_of(&stopped).await;
    let detail = &record["detail"];
    assert_eq!((&detail["policy"], &detail["redaction"]), (&json!(policy(world)), &json!(1)));
    assert_eq!(detail["grant"], "paced/all of it");
    assert_eq!((&detail["states"][0]["mode"], detail["table"].as_str().unwrap().len()), (&json!("enforce"), 64));
    let own = limit(&record, "caller", "paced");
    assert_eq!((&own["calls"], &own["window_ms"], &own["remaining"]), (&json!(1), &json!(1000), &json!(2)));
    // The state was asked for, and then the stop was sent: two limits of the cloud, both granted.
    for (name, calls) in [("DescribeMigrateJobs", 50), ("StopMigrateJob", 20)] {
        let cloud = limit(&record, "cloud", name);
        assert_eq!((&cloud["calls"], &cloud["window_ms"]), (&json!(calls), &json!(1000)), "{name}");
        assert!(cloud["waited_ms"].is_u64() && cloud.get("retry_after_ms").is_none(), "{cloud}");
    }

    // A refusal says which limit it was, and how long.
    let refused = until("it calls faster than it may", || async {
        let answer = paced.act("DescribeMigrateJobs", json!({})).await;
        (answer.header("x-dts-gateway-reason") == "rate-limited").then_some(answer)
    });
    let record = world.record_of(&refused.await).await;
    let own = limit(&record, "caller", "paced");
    assert!(own["retry_after_ms"].as_i64().is_some_and(|wait| wait <= 1000), "{own}");
    assert_eq!((&own["remaining"], record["detail"]["limits"].as_array().unwrap().len()), (&json!(0), 1));
}

async fn who_may_do_what(world: &mut World) {
    let before = policy(world);
    let file = team_file(world, "paced.toml");
    fs::write(&file, PACED.replace("\"*\"", "\"Stop*\"").replace("burst = 3", "burst = 4")).unwrap();
    let changed = world.record("action=teams.reloaded").await;
    assert_eq!((&changed["outcome"], &changed["family"]), (&json!("ok"), &json!("gateway")));
    let told =
        |record: &Value| -> Value { serde_json::from_str(record["detail"]["parameters"].as_str().unwrap()).unwrap() };
    let after = policy(world);
    let expected = json!({
        "before": before, "after": after,
        "changes": {"callers": {"changed": ["paced"]}, "grants": {"changed": ["paced/all of it"]}},
    });
    assert_eq!(told(&changed), expected);
    let answer = world.with_token("paced").act("DescribeMigrateJobs", json!({})).await;
    answer.refused("AuthFailure.UnauthorizedOperation", "not-granted");
    assert_eq!(world.record_of(&answer).await["detail"]["policy"], json!(after));

    fs::write(&file, PACED.replace("per_second = 1", "per_second = \"secret\"")).unwrap();
    let wrong = policy(world);
    let refused = world.record("action=teams.reloaded&outcome=refused").await;
    assert_eq!(told(&refused), json!({"before": after, "after": after, "refused": wrong}));
    let message = refused["detail"]["message"].as_str().unwrap();
    assert!(message.contains("paced.toml:7:") && message.contains("per_second"), "{message}");
    assert!(!message.contains("secret") && !message.contains(world.folder.path().to_str().unwrap()), "{message}");
}

fn options() -> Options {
    Options {
        head: "keys.refresh = \"1s\"".to_owned(),
        teams: vec![("paced".to_owned(), PACED.to_owned())],
        ..Options::default()
    }
}

#[tokio::test]
async fn a_decision_can_be_replayed_from_its_record() {
    on_both(options(), what_it_was_decided_by).await;
}

#[tokio::test]
async fn each_change_of_the_team_files_is_in_the_log() {
    on_both(options(), who_may_do_what).await;
}
