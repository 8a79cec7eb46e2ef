//! Tencent's SDKs: `tests/clients/tencent.py`, a scenario for each version.

use std::convert::Infallible;
use std::time::Duration;

use serde_json::{Value, json};

use super::{TENCENT, is_among, is_of_the_gateway, limited, outline, steps};
use crate::world::{Database, Options, World};

/// Steps that a cloud cannot refuse: it knows neither our grants nor our callers' limits.
const OF_THE_GATEWAY: [&str; 16] = [
    "create-for-reader",
    "create-for-reader:exists",
    "reader-reads",
    "no-grant",
    "delete-for-reader",
    "too-fast",
    "buy-for-reader",
    "no-grant-to-buy",
    "buy-for-careful",
    "danger-by-value",
    "danger-by-state",
    "danger-by-flag",
    "check-of-another",
    "buy-once",
    "buy-again",
    "buy-another",
];

/// Steps that the gateway leaves to the cloud: a read of one task, and what belongs to a task without a state of its own.
const OF_THE_CLOUD: [&str; 2] = ["detail-gone", "group-describe-gone"];

const ALL_SIGNATURES: [(&str, &str); 6] = [
    ("TC3-HMAC-SHA256", "POST"),
    ("TC3-HMAC-SHA256", "GET"),
    ("HmacSHA1", "POST"),
    ("HmacSHA1", "GET"),
    ("HmacSHA256", "POST"),
    ("HmacSHA256", "GET"),
];

/// A life of 2021-12-06 is three times as long: each client signs it in the way that its users do, and in one other.
const MODERN_AND_SHA256: [(&str, &str); 2] = [("TC3-HMAC-SHA256", "POST"), ("HmacSHA256", "GET")];
const MODERN_AND_SHA1: [(&str, &str); 2] = [("TC3-HMAC-SHA256", "POST"), ("HmacSHA1", "POST")];

const OLDER: &str = "2018-03-30";
const NEWER: &str = "2021-12-06";

#[tokio::test]
async fn the_python_sdk_sees_a_cloud_on_sqlite() {
    compare(OLDER, "python", &ALL_SIGNATURES, Database::Sqlite).await;
}

#[tokio::test]
async fn the_node_sdk_sees_a_cloud_on_postgres() {
    compare(OLDER, "node", &ALL_SIGNATURES, Database::Postgres).await;
}

#[tokio::test]
async fn tccli_sees_a_cloud_on_sqlite() {
    compare(OLDER, "tccli", &ALL_SIGNATURES[..1], Database::Sqlite).await;
}

#[tokio::test]
async fn the_python_sdk_sees_a_cloud_of_2021_on_postgres() {
    compare(NEWER, "python", &MODERN_AND_SHA256, Database::Postgres).await;
}

#[tokio::test]
async fn the_node_sdk_sees_a_cloud_of_2021_on_sqlite() {
    compare(NEWER, "node", &MODERN_AND_SHA1, Database::Sqlite).await;
}

#[tokio::test]
async fn tccli_sees_a_cloud_of_2021_on_sqlite() {
    compare(NEWER, "tccli", &ALL_SIGNATURES[..1], Database::Sqlite).await;
}

/// Runs the scenario on both sides and expects the same codes and types from both, step by step.
async fn compare(version: &str, client: &str, signatures: &[(&str, &str)], database: Database) {
    // Nothing of 2021-12-06 comes to its end by the simulator's clock, which would have to fit the slowest client.
    let run = (version == NEWER).then_some(Duration::from_secs(24 * 3600));
    let options = Options { run, ..limited() };
    let world = World::start_with(database, options).await;
    let mut pairs = vec![("reader", world.key_pair("reader").await), ("limited", world.key_pair("limited").await)];
    if version == NEWER {
        pairs.push(("careful", world.key_pair("careful").await));
    }
    for (sign, method) in signatures {
        let told = ["--version", version, "--client", client, "--sign", sign, "--method", method];
        let caller = world.key_pair("all").await;
        let mut of_gateway = told.to_vec();
        of_gateway.extend((version == NEWER).then_some("--purchases"));
        let through = while_data_flows(&world, steps(TENCENT, &of_gateway, &world.public, &caller, &pairs)).await;
        let direct = (world.simulator.secret_id().to_owned(), world.simulator.secret_key().to_owned());
        let direct = while_data_flows(&world, steps(TENCENT, &told, &world.simulator.url(), &direct, &[])).await;

        let common: Vec<_> = through.iter().filter(|step| !is_among(&OF_THE_GATEWAY, step)).map(outline).collect();
        assert_eq!(common, direct.iter().map(outline).collect::<Vec<_>>(), "{told:?}");
        for step in through.iter().filter(|step| step["ok"] == false) {
            let is_ours = is_of_the_gateway(step);
            assert_eq!(is_ours, !is_among(&OF_THE_CLOUD, step), "refused by the wrong one of the two: {step}");
        }
    }
    world.end().await;
}

/// Plays the data that flows at the cloud while the scenario runs.
async fn while_data_flows(world: &World, scenario: impl Future<Output = Vec<Value>>) -> Vec<Value> {
    tokio::select! {
        lines = scenario => lines,
        never = flow(world) => match never {},
    }
}

/// A migration whose speed was limited catches up, a consistency check that is called so comes to its end.
async fn flow(world: &World) -> Infallible {
    loop {
        for task in world.cloud("GET", "/_sim/tasks", "").await["tasks"].as_array().unwrap() {
            let (data, is_running) = (&task["data"], task["status"] == "running");
            let end = match task["kind"].as_str().unwrap() {
                "migration" if is_running && !data["DumpThread"].is_null() => "readyComplete",
                "compare" if is_running && data["TaskName"] == "to the end" => "success",
                _ => continue,
            };
            let path = format!("/_sim/tasks/{}", task["id"].as_str().unwrap());
            world.cloud("PUT", &path, &json!({"status": end}).to_string()).await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
