//! The official SDKs, unchanged, against the gateway and against the cloud that stands behind it.
//!
//! The steps are in `tests/clients`, a program for each cloud; each step prints what came of it. Here they run for
//! every client and signature, the two runs are compared, and the refused calls are looked for where they must not be.

mod aliyun;
mod tencent;

use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tokio::process::Command;

use crate::world::Options;

const TENCENT: &str = "tencent.py";
const ALIYUN: &str = "aliyun.py";

/// A team whose one caller may read once a second.
const LIMITED: &str = r#"
team = "limited"

[[caller]]
name = "limited"
accounts = ["main", "elsewhere"]
pace = { per_second = 1, burst = 1 }

[[grant]]
callers = ["limited"]
actions = ["Describe*"]
tasks = "any"
"#;

/// A world that has that caller as well.
fn limited() -> Options {
    Options { teams: vec![("limited".to_owned(), LIMITED.to_owned())], ..Options::default() }
}

/// One run of a scenario: its lines. It judges every step itself; a surprise fails it.
async fn steps(
    script: &str,
    told: &[&str],
    endpoint: &str,
    (id, key): &(String, String),
    pairs: &[(&str, (String, String))],
) -> Vec<Value> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(script);
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

/// Whether the gateway said it. Some SDKs put the status before the message.
fn is_of_the_gateway(step: &Value) -> bool {
    let message = step["message"].as_str().unwrap();
    message.starts_with("[dts-gateway ") || message.starts_with("code: ") && message.contains(", [dts-gateway ")
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
