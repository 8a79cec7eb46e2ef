//! kill -9 in the middle of changes, again and again: after the restart no change that the cloud saw lacks its intent
//! record, none was sent twice, nothing stays open, and what is unknown is settled as the cloud knows it.

mod journaled;

use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::caller::{Caller, until};
use crate::world::{Database, TestDatabase, is_soak};

/// Changes that the cloud must have seen in a round before the gateway is killed.
const CHANGES_BEFORE_KILL: usize = 12;

/// The changes, and the parameter that is another one in each call.
const ACTIONS: [(&str, &str); 3] =
    [("StopMigrateJob", "JobId"), ("PauseSyncJob", "JobId"), ("CreateMigrateJob", "JobName")];

/// Changes of each action in a round that the cloud does not carry out and does not answer; and such that it carries out
/// and does not answer.
const UNANSWERED: usize = 1;

/// How long the cloud takes for an answer, in milliseconds: so some changes are under way when the gateway is killed.
const ANSWER: u64 = 200;

/// How long a change takes to show at the latest, as the gateway is told.
const SETTLE_AFTER: &str = "2s";

/// Changes under way at once.
const AT_ONCE: usize = 8;

/// A gateway in a process of its own.
struct Process {
    child: Child,
    says: BTreeMap<String, String>,
}

impl Process {
    /// Starts `quickstart` and reads what it prints, up to `ready`.
    async fn start(folder: &TempDir, simulator: &dts_simulator::Running, database: &TestDatabase) -> Process {
        let mut command = Command::new(env!("CARGO_BIN_EXE_dts-gateway"));
        command
            .args(["quickstart", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"])
            .args(["--simulator-url", &simulator.url(), "--data-dir"])
            .arg(folder.path())
            .env("DTS_SIMULATOR_SECRET_ID", simulator.secret_id())
            .env("DTS_SIMULATOR_SECRET_KEY", simulator.secret_key())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true);
        if let Some(url) = database.postgres_url() {
            command.args(["--database-url", url]);
        }
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut says = BTreeMap::new();
        let reading = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if line == "ready" {
                    return;
                }
                if let Some((name, value)) = line.split_once('=') {
                    says.insert(name.to_owned(), value.to_owned());
                }
            }
            panic!("quickstart ended before it was ready");
        };
        timeout(Duration::from_secs(30), reading).await.expect("quickstart is ready in 30 s");
        Process { child, says }
    }

    fn caller(&self) -> Caller {
        Caller::with_token(&self.says["DTS_GATEWAY_URL"], &self.says["DTS_GATEWAY_TOKEN"])
    }

    /// All records of an action.
    async fn records(&self, action: &str) -> Vec<Value> {
        let auditor = Caller::with_token(&self.says["DTS_GATEWAY_ADMIN_URL"], &self.says["DTS_GATEWAY_ADMIN_TOKEN"]);
        let (mut records, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = auditor.get(&format!("/v1/audit/records?limit=1000&action={action}{cursor}")).await.json();
            records.extend(page["records"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return records,
            }
        }
    }
}

async fn control(simulator: &dts_simulator::Running, method: &str, path: &str, body: &Value) -> Value {
    Caller::with_token(&simulator.url(), "none").send(method, path, &[], &body.to_string()).await.json()
}

/// What the cloud saw of an action, by a parameter of its own for each call, and whether it was carried out.
async fn seen(simulator: &dts_simulator::Running, action: &str, parameter: &str) -> Vec<(String, bool)> {
    let all = control(simulator, "GET", "/_sim/requests", &Value::Null).await;
    let requests = all["requests"].as_array().unwrap().iter();
    let of_action = requests.filter(|request| request["action"] == action);
    let of_call = |request: &Value| {
        (request["params"][parameter].as_str().unwrap().to_owned(), request["done"].as_bool().unwrap())
    };
    of_action.map(of_call).collect()
}

/// The parameter that tells one call from another, as its record has it.
fn name(record: &Value, parameter: &str) -> String {
    let parameters: Value = serde_json::from_str(record["detail"]["parameters"].as_str().unwrap()).unwrap();
    parameters[parameter].as_str().unwrap().to_owned()
}

/// Makes tasks that can be changed in a round, and a cloud that answers late or not at all.
async fn prepare(simulator: &dts_simulator::Running) -> Vec<(&'static str, String)> {
    let mut tasks = Vec::new();
    for (action, kind, version, status, moves) in [
        ("StopMigrateJob", "migration", "2018-03-30", json!(7), false),
        ("PauseSyncJob", "sync", "2021-12-06", json!("Running"), true),
    ] {
        let body = json!({"kind": kind, "version": version, "status": status, "moves": moves, "count": 40});
        let made = control(simulator, "POST", "/_sim/tasks", &body).await;
        let ids = made["ids"].as_array().unwrap().iter();
        tasks.push(ids.map(|id| (action, id.as_str().unwrap().to_owned())).collect::<Vec<_>>());
    }
    control(simulator, "DELETE", "/_sim/faults", &Value::Null).await;
    for (action, _) in ACTIONS {
        for (kind, times) in [("reset", Some(UNANSWERED)), ("half", Some(UNANSWERED)), ("delay", None)] {
            let mut fault = json!({"action": action, "kind": kind});
            match times {
                Some(times) => fault["times"] = json!(times),
                None => fault["ms"] = json!(ANSWER),
            }
            control(simulator, "POST", "/_sim/faults", &fault).await;
        }
    }
    let (stops, pauses) = (tasks.remove(0), tasks.remove(0));
    stops.into_iter().zip(pauses).flat_map(|(stop, pause)| [stop, pause]).collect()
}

/// Stops and pauses tasks and creates others, as fast as the quota allows, until the gateway is gone.
fn changes(caller: &Caller, tasks: Vec<(&'static str, String)>, round: usize, sent: &Arc<AtomicUsize>) -> JoinSet<()> {
    let tasks = Arc::new(std::sync::Mutex::new(tasks));
    let mut workers = JoinSet::new();
    for worker in 0..AT_ONCE {
        let (caller, tasks, sent) = (caller.clone(), Arc::clone(&tasks), Arc::clone(sent));
        workers.spawn(async move {
            for index in worker.. {
                let (caller, action, parameters) = if index % 3 == 0 {
                    let parameters = creation(&format!("kill-{round}-{worker}-{index}"));
                    (caller.clone(), "CreateMigrateJob", parameters)
                } else {
                    let Some((action, task)) = tasks.lock().unwrap().pop() else { return };
                    let caller = if action == "PauseSyncJob" { caller.of_2021() } else { caller.clone() };
                    (caller, action, json!({"JobId": task}))
                };
                let request = caller.request(action, &[], &parameters.to_string());
                if caller.try_exchange(request).await.is_none() {
                    return;
                }
                sent.fetch_add(1, Ordering::Relaxed);
            }
        });
    }
    workers
}

fn creation(name: &str) -> Value {
    json!({
        "JobName": name, "MigrateOption": {"RunMode": 1},
        "SrcDatabaseType": "mysql", "SrcAccessType": "extranet", "SrcInfo": {"Ip": "192.0.2.7", "Port": 3306},
        "DstDatabaseType": "mysql", "DstAccessType": "cdb", "DstInfo": {"InstanceId": "cdb-1", "Region": "ap-guangzhou"}
    })
}

async fn killed(database: Database) {
    let rounds = if is_soak() { 50 } else { 6 };
    let options = dts_simulator::Options { listen: ([127, 0, 0, 1], 0).into(), ..dts_simulator::Options::default() };
    let simulator = dts_simulator::Simulator::start(options).await.unwrap();
    let (folder, database) = (TempDir::new().unwrap(), TestDatabase::create(database).await);
    let mut gateway = Process::start(&folder, &simulator, &database).await;
    let settings = folder.path().join("gateway.toml");
    let written = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(&settings, format!("{written}\n[state]\nsettle_after = \"{SETTLE_AFTER}\"\n")).unwrap();
    for round in 0..rounds {
        let tasks = prepare(&simulator).await;
        let sent = Arc::new(AtomicUsize::new(0));
        let mut workers = changes(&gateway.caller(), tasks, round, &sent);
        until("enough changes were sent", || async {
            (sent.load(Ordering::Relaxed) >= CHANGES_BEFORE_KILL).then_some(())
        })
        .await;
        gateway.child.kill().await.unwrap();
        while workers.join_next().await.is_some() {}
        gateway = Process::start(&folder, &simulator, &database).await;
    }

    let (mut unknown, mut total, mut verdicts) = (0, 0, BTreeMap::<String, usize>::new());
    for (action, parameter) in ACTIONS {
        let sent = seen(&simulator, action, parameter).await;
        let distinct: BTreeMap<String, bool> = sent.iter().cloned().collect();
        assert_eq!(distinct.len(), sent.len(), "{action} was sent twice for one call");
        let records = until("everything unknown is settled", || async {
            let records = gateway.records(action).await;
            let is_left = |record: &Value| record["outcome"] == "unknown" && record["settled"].is_null();
            (!records.iter().any(is_left)).then_some(records)
        })
        .await;
        let named: BTreeSet<String> = records
            .iter()
            .filter(|record| record["outcome"] != "refused")
            .map(|record| name(record, parameter))
            .collect();
        let lacking: Vec<_> = distinct.keys().filter(|name| !named.contains(*name)).collect();
        assert!(lacking.is_empty(), "{action} without a record: {lacking:?}");
        assert!(records.iter().all(|record| record["outcome"] != "open"), "nothing stays open");
        for record in records.iter().filter(|record| record["outcome"] == "unknown") {
            let is_done = distinct.get(&name(record, parameter)).copied().unwrap_or(false);
            let settled = record["settled"].as_str().unwrap();
            match settled {
                "done" => assert!(is_done, "the cloud did not do {record}"),
                "not-done" => assert!(!is_done, "the cloud did {record}"),
                _ => println!("undetermined: {record}"),
            }
            *verdicts.entry(settled.to_owned()).or_default() += 1;
            unknown += 1;
        }
        total += sent.len();
    }
    println!("{rounds} kills, {total} changes seen by the cloud, {unknown} closed as unknown, none without its record");
    println!("settled, all of them as the cloud knows it: {verdicts:?}");
    for verdict in ["done", "not-done"] {
        assert!(verdicts.contains_key(verdict), "{verdict} was never found: {verdicts:?}");
    }
    assert!(verdicts.get("undetermined").copied().unwrap_or(0) * 2 < unknown, "too much is in doubt: {verdicts:?}");
    drop(gateway);
    simulator.shutdown().await;
    database.drop_it().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_change_lacks_its_intent_on_sqlite() {
    killed(Database::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_change_lacks_its_intent_on_postgres() {
    killed(Database::Postgres).await;
}
