//! The cloud's quotas as they are seen from outside, when the cloud throttles although there was room.

use std::process::Command;

use secrecy::ExposeSecret;
use serde_json::{Value, json};

use crate::second_family;
use crate::world::{Database, World};

/// The row of an action, while it is in use.
async fn row(world: &World, action: &str) -> Value {
    let answer = world.auditor().get("/v1/limits").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let rows = answer.json()["quotas"].as_array().unwrap().clone();
    rows.into_iter().find(|row| row["action"] == action).unwrap_or(Value::Null)
}

#[tokio::test]
async fn a_throttled_call_lowers_its_quota_and_that_is_seen_everywhere() {
    let world = World::start(Database::Sqlite).await;
    let action = "DescribeMigrateJobs";
    let fault = json!({"action": action, "kind": "throttle", "times": 1});
    world.fault(fault).await;
    let answer = world.with_token("all").act(action, json!({})).await;
    assert_eq!(answer.code(), "RequestLimitExceeded", "it is the cloud's answer");
    let seen = row(&world, action).await;
    assert_eq!((&seen["limit"], &seen["learned_limit"], &seen["throttled"]), (&json!(50), &json!(18), &json!(1)));
    assert_eq!(seen["accounts"], json!(["main"]));
    let metrics = world.auditor().get("/metrics").await.text();
    let line = |name: &str, value: u32| {
        let is_it = |line: &&str| line.starts_with(&format!("dts_gateway_{name}{{")) && line.contains(action);
        let found = metrics.lines().find(is_it).unwrap_or_else(|| panic!("{name} is not in {metrics}"));
        assert!(found.ends_with(&format!(" {value}")), "{found}");
    };
    line("quota_limit", 50);
    line("quota_learned_limit", 18);
    line("quota_throttled_total", 1);
    let token = world.token("oncall", &["operator"]);
    let mut command = Command::new(env!("CARGO_BIN_EXE_dts-gateway"));
    command.args(["limits", "--url", &world.admin]).env("DTS_GATEWAY_ADMIN_TOKEN", token.expose_secret());
    let shown = tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap();
    let (text, said) = (String::from_utf8(shown.stdout).unwrap(), String::from_utf8_lossy(&shown.stderr));
    assert!(shown.status.success() && text.starts_with("mode: sole; replicas here: 1;"), "{text}{said}");
    let of_action = text.lines().find(|line| line.starts_with(action)).unwrap();
    assert!(of_action.contains("main") && of_action.contains("/50"), "{of_action}");
    world.end().await;
}

#[tokio::test]
async fn the_other_family_throttles_in_its_own_words() {
    let world = World::start(Database::Sqlite).await;
    let action = "DescribeDtsJobs";
    world.fault(json!({"action": action, "kind": "throttle", "times": 1})).await;
    let answer = second_family::act(&world.with_token("all"), action, &[("RegionId", "cn-hangzhou")]).await;
    assert!(answer.text().contains("Throttling"), "{}", answer.text());
    let seen = row(&world, action).await;
    assert_eq!((&seen["learned_limit"], &seen["throttled"]), (&json!(75), &json!(1)), "{seen}");
    world.end().await;
}
