//! The official SDKs, unchanged, against the gateway and against the cloud that stands behind it.
//!
//! The steps are in `tests/clients/scenario.py`; each prints what came of it. Here they run for every client and
//! signature, the two runs are compared, and the refused calls are looked for where they must not be.

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
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
const OF_THE_GATEWAY: [&str; 6] =
    ["create-for-reader", "create-for-reader:exists", "reader-reads", "no-grant", "delete-for-reader", "too-fast"];

const ALL_SIGNATURES: [(&str, &str); 6] = [
    ("TC3-HMAC-SHA256", "POST"),
    ("TC3-HMAC-SHA256", "GET"),
    ("HmacSHA1", "POST"),
    ("HmacSHA1", "GET"),
    ("HmacSHA256", "POST"),
    ("HmacSHA256", "GET"),
];

#[tokio::test]
async fn the_python_sdk_sees_a_cloud_on_sqlite() {
    compare("python", &ALL_SIGNATURES, Database::Sqlite).await;
}

#[tokio::test]
async fn the_node_sdk_sees_a_cloud_on_postgres() {
    compare("node", &ALL_SIGNATURES, Database::Postgres).await;
}

#[tokio::test]
async fn tccli_sees_a_cloud_on_sqlite() {
    compare("tccli", &ALL_SIGNATURES[..1], Database::Sqlite).await;
}

/// Runs the scenario on both sides and expects the same codes from both, step by step.
async fn compare(client: &str, signatures: &[(&str, &str)], database: Database) {
    let options = Options {
        teams: vec![("limited".to_owned(), LIMITED.to_owned())],
        // One caller plays the scenario once for each signature, and buys the same each time.
        config: "[purchases]\nwindow = \"0s\"".to_owned(),
        ..Options::default()
    };
    let world = World::start_with(database, options).await;
    let (reader, limited) = (world.key_pair("reader").await, world.key_pair("limited").await);
    for (sign, method) in signatures {
        let caller = world.key_pair("all").await;
        let pairs = [("reader", &reader), ("limited", &limited)];
        let through = steps(client, sign, method, &world.public, &caller, &pairs).await;
        let direct = (world.simulator.secret_id().to_owned(), world.simulator.secret_key().to_owned());
        let direct = steps(client, sign, method, &world.simulator.url(), &direct, &[]).await;

        let common: Vec<_> = through.iter().filter(|step| !of_the_gateway(step)).map(outline).collect();
        assert_eq!(common, direct.iter().map(outline).collect::<Vec<_>>(), "{client}, {sign} over {method}");
        for step in through.iter().filter(|step| step["ok"] == false) {
            let message = step["message"].as_str().unwrap();
            assert!(message.starts_with("[dts-gateway "), "refused by the cloud, not before it: {step}");
        }
    }
    world.end().await;
}

/// One run of the scenario: its lines. It judges every step itself; a surprise fails it.
async fn steps(
    client: &str,
    sign: &str,
    method: &str,
    endpoint: &str,
    (id, key): &(String, String),
    pairs: &[(&str, &(String, String))],
) -> Vec<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/tencent_2018.py");
    let mut command = Command::new(from_environment("DTS_TEST_PYTHON"));
    command.arg(script).args(["--client", client, "--sign", sign, "--method", method, "--endpoint", endpoint]);
    command.args(["--secret-id", id, "--secret-key", key]);
    for (name, (id, key)) in pairs {
        command.args([format!("--{name}-id"), id.clone(), format!("--{name}-key"), key.clone()]);
    }
    let done = command.stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap();
    let (said, lines) = (String::from_utf8_lossy(&done.stderr), String::from_utf8(done.stdout).unwrap());
    assert!(done.status.success(), "{said}\n{lines}");
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn outline(step: &Value) -> (String, Value, Value) {
    (step["step"].as_str().unwrap().to_owned(), step["ok"].clone(), step["code"].clone())
}

fn of_the_gateway(step: &Value) -> bool {
    OF_THE_GATEWAY.contains(&step["step"].as_str().unwrap())
}

fn from_environment(name: &str) -> String {
    let value = std::env::var(name);
    value.unwrap_or_else(|_| {
        panic!("{name} must name an official client: run `make test`, or eval \"$(scripts/clients.sh)\"")
    })
}
