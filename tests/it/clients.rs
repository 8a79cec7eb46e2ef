//! The official SDKs, unchanged, against the gateway and against the cloud that stands behind it.
//!
//! The steps are in `tests/clients`, a scenario for each version; each step prints what came of it. Here they run for
//! every client and signature, the two runs are compared, and the refused calls are looked for where they must not be.

use std::convert::Infallible;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::process::Command;

use crate::world::{Database, Options, World};

/// A team whose one caller may read once a second.
const LIMITED: &str = r#"
team = "limited"

[[caller]]
name = "limited"
accounts = ["main"]
pace = { per_second = 1, burst = 1 }

[[grant]]
callers = ["limited"]
actions = ["Describe*"]
tasks = "any"
"#;

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
    let options = Options { teams: vec![("limited".to_owned(), LIMITED.to_owned())], run, ..Options::default() };
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
        let through = while_data_flows(&world, steps(&of_gateway, &world.public, &caller, &pairs)).await;
        let direct = (world.simulator.secret_id().to_owned(), world.simulator.secret_key().to_owned());
        let direct = while_data_flows(&world, steps(&told, &world.simulator.url(), &direct, &[])).await;

        let common: Vec<_> = through.iter().filter(|step| !is_among(&OF_THE_GATEWAY, step)).map(outline).collect();
        assert_eq!(common, direct.iter().map(outline).collect::<Vec<_>>(), "{told:?}");
        for step in through.iter().filter(|step| step["ok"] == false) {
            let is_ours = step["message"].as_str().unwrap().starts_with("[dts-gateway ");
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

/// One run of the scenario: its lines. It judges every step itself; a surprise fails it.
async fn steps(
    told: &[&str],
    endpoint: &str,
    (id, key): &(String, String),
    pairs: &[(&str, (String, String))],
) -> Vec<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/tencent.py");
    let mut command = Command::new(from_environment("DTS_TEST_PYTHON"));
    command.arg(script).args(told).args(["--endpoint", endpoint, "--secret-id", id, "--secret-key", key]);
    for (name, (id, key)) in pairs {
        command.args([format!("--{name}-id"), id.clone(), format!("--{name}-key"), key.clone()]);
    }
    let done = command.stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap();
    let (said, lines) = (String::from_utf8_lossy(&done.stderr), String::from_utf8(done.stdout).unwrap());
    assert!(done.status.success(), "{said}\n{lines}");
    println!("{endpoint}: {said}");
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What both sides must agree on.
fn outline(step: &Value) -> [Value; 4] {
    ["step", "ok", "code", "type"].map(|member| step[member].clone())
}

fn is_among(names: &[&str], step: &Value) -> bool {
    names.contains(&step["step"].as_str().unwrap())
}

fn from_environment(name: &str) -> String {
    let value = std::env::var(name);
    value.unwrap_or_else(|_| {
        panic!("{name} must name an official client: run `make test`, or eval \"$(scripts/clients.sh)\"")
    })
}
