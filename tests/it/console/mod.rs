//! The console in a real browser: what a reader sees, does and is refused.
//!
//! The scenarios are in `tests/console`, a program for each; they drive Chromium and judge what they see. Here each gets a
//! gateway of its own whose log has a made-up day in it, and calls that really happened.

mod made_up;

use std::path::{Path, PathBuf};
use std::process::Stdio;

use dts_gateway::call::Clock;
use dts_gateway::store::{Entry, Writer, WriterOptions};
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::process::Command;
use tokio::task::JoinSet;

use crate::caller::{Caller, NO_CACHE};
use crate::smoke::creation;
use crate::world::{Database, Options, World};

/// What somebody would like a browser to run, and a reader not to see.
const HOSTILE: &str = "<img src=x onerror=\"window.harmed=1\">\u{202e}gnp.exe\u{200b}<script>window.harmed=1</script>";

/// More refusals than a page of the table holds.
const MANY: usize = 130;

/// A read whose quota is small (20 a second): any machine floods it. Stops look tasks up with it: some is held back for them.
const SCARCE: &str = "DescribeMigrationJobs";

#[tokio::test]
async fn a_reader_filters_opens_brushes_and_exports() {
    let mut world = with_a_day().await;
    let calls = calls(&mut world).await;
    let seen = scenario(&world, "journey.mjs", calls).await;
    let exported: Vec<&str> = seen["exported"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
    let refused = world.records("caller=reader&outcome=refused&action=StopMigrateJob", MANY).await;
    let refused: Vec<&str> = refused.iter().map(|record| record["id"].as_str().unwrap()).collect();
    assert_eq!(exported, refused, "the file holds the rows of the filter, newest first");
    for action in ["audit.query", "audit.summary", "audit.record", "audit.history", "audit.export"] {
        let read = world.records(&format!("action={action}&caller=auditor&outcome=ok"), 1).await;
        assert_eq!(read[0]["key_id"], "jwt:development", "reading through the page is recorded as {action}");
    }
    world.end().await;
}

#[tokio::test]
async fn who_lacks_the_role_is_told_so() {
    let world = with_a_day().await;
    world.with_token("reader").act("StopMigrateJob", json!({"JobId": "dts-nobodys1"})).await;
    world.records("caller=reader&outcome=refused", 1).await;
    let reader = world.token("reader", &[]);
    scenario(&world, "refused.mjs", json!({"reader": reader.expose_secret()})).await;
    assert_eq!(world.records("action=audit.query&caller=reader&outcome=refused", 1).await[0]["reason"], "not-granted");
    world.end().await;
}

#[tokio::test]
async fn what_a_record_says_is_text() {
    let world = World::start(Database::Sqlite).await;
    let mut order = creation();
    order["JobName"] = json!(HOSTILE);
    let body = order.to_string().replace("3306", "12345678901234567890123");
    let headers = [("user-agent", "<img src=x onerror=window.harmed=1>")];
    world.with_token("reader").act_with("CreateMigrateJob", &headers, &body).await;
    world.with_token("all").act("StopMigrateJob", json!({"JobId": HOSTILE})).await;
    let record = &world.records("action=CreateMigrateJob", 1).await[0];
    let task = &world.records("action=StopMigrateJob", 1).await[0];
    scenario(&world, "hostile.mjs", json!({"record": record["id"], "task": task["id"]})).await;
    world.end().await;
}

#[tokio::test]
async fn it_can_be_read_in_light_in_the_dark_and_on_a_telephone() {
    let world = with_a_day().await;
    let stopped = &world.records("action=StopMigrateJob&outcome=ok", 1).await[0];
    scenario(&world, "looks.mjs", json!({"record": stopped["id"], "task": stopped["task_ids"][0]})).await;
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_operator_sees_a_flooded_quota_and_who_floods_it() {
    let team = "team = \"flood\"\n[[caller]]\nname = \"payments\"\naccounts = [\"main\"]\n\
                [[caller]]\nname = \"orders\"\naccounts = [\"main\"]\n[[grant]]\nactions = [\"*\"]\ntasks = \"any\"\n";
    let config = "[quota]\nreserve = 4\n".to_owned();
    let options = Options { config, teams: vec![("flood".to_owned(), team.to_owned())], ..Options::default() };
    let world = World::start_with(Database::Sqlite, options).await;
    world.fault(json!({"action": "DescribeSubscribeConf", "kind": "throttle", "times": 1})).await;
    world.with_token("orders").act("DescribeSubscribeConf", json!({"SubscribeId": "subs-none00001"})).await;
    let mut flood = JoinSet::new();
    for index in 0..60 {
        let caller = world.with_token(if index % 4 == 0 { "orders" } else { "payments" }).of_2021();
        flood.spawn(async move {
            loop {
                // Alone: equal reads become one, and a machine that is slow enough would then flood nothing.
                caller.act_with(SCARCE, &[NO_CACHE], "{}").await;
                // Now and then one that does not wait: it is refused.
                caller.act_with(SCARCE, &[NO_CACHE, ("x-dts-gateway-max-wait", "0")], "{}").await;
            }
        });
    }
    let (reader, operator) = (world.token("orders", &[]), world.token("oncall", &["operator"]));
    let told = json!({
        "reader": reader.expose_secret(),
        "operator": operator.expose_secret(),
        "action": SCARCE,
        "calls": 20,
    });
    scenario(&world, "limits.mjs", told).await;
    flood.shutdown().await;
    world.end().await;
}

/// A world whose log tells of a day.
async fn with_a_day() -> World {
    let options = Options { teams: vec![("audit".to_owned(), made_up::TEAM.to_owned())], ..Options::default() };
    let mut world = World::start_with(Database::Sqlite, options).await;
    // A log has one writer at a time.
    world.stop_gateway().await;
    let store = world.store();
    let writer = Writer::start(store.clone(), WriterOptions::default());
    for entry in made_up::day(Clock::system().now()) {
        match entry {
            // Nobody waits for what is submitted, and a change that nobody waits for is not begun.
            Entry::Intent(_) => drop(writer.commit(entry).await.unwrap()),
            _ => writer.submit(entry),
        }
    }
    assert_eq!(writer.drain(std::time::Duration::from_secs(60)).await, 0, "all of the day is written");
    store.close().await;
    world.start_gateway().await;
    world
}

/// Calls of each kind; answers what the scenario has to know of them.
async fn calls(world: &mut World) -> Value {
    let (all, reader) = (world.with_token("all"), world.with_token("reader"));
    let task = world.tasks("migration", json!(7), 1).await.remove(0);
    all.act("DescribeMigrateJobs", json!({"JobId": task})).await.response();
    for _ in 0..MANY {
        reader.act("StopMigrateJob", json!({"JobId": task})).await;
    }
    let failed = failed(world, &all).await;
    let mut order = creation();
    order["JobName"] = json!("orders");
    let refused = reader.act_with("CreateMigrateJob", &[], &order.to_string()).await;
    let refused = world.record_of(&refused).await;
    let stopped = all.act("StopMigrateJob", json!({"JobId": task})).await;
    stopped.response();
    let stopped = world.record_of(&stopped).await;
    world.records("caller=reader&outcome=refused&action=StopMigrateJob", MANY).await;
    json!({"task": task, "failed": failed, "refused": refused["id"], "stopped": stopped["id"], "many": MANY})
}

async fn failed(world: &World, caller: &Caller) -> Value {
    let fault =
        json!({"action": "DescribeMigrateJobs", "kind": "error", "code": "InternalError.LockError", "times": 1});
    world.fault(fault).await;
    let answer = caller.act("DescribeMigrateJobs", json!({})).await;
    let record = world.record_of(&answer).await;
    assert_eq!(record["outcome"], "failed");
    record["id"].clone()
}

/// Where pictures are kept, for whoever wants to see what the tests saw.
fn pictures() -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("console");
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// Runs a scenario; answers what it says at its end. It judges every step itself; a surprise fails it.
async fn scenario(world: &World, script: &str, more: Value) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let mut told = json!({
        "admin": world.admin,
        "token": world.token("auditor", &["auditor"]).expose_secret(),
        "pictures": pictures(),
        "downloads": folder.path(),
        "now": Timestamp::now().to_string(),
    });
    told.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/console").join(script);
    let mut command = Command::new(from_environment("DTS_TEST_NODE"));
    command
        .arg(script)
        .env("DTS_CONSOLE_TOLD", told.to_string())
        .env("DTS_CONSOLE_PROFILE", folder.path().join("profile"));
    let done = command.stdin(Stdio::null()).kill_on_drop(true).output().await.unwrap();
    let (said, answer) = (String::from_utf8_lossy(&done.stderr), String::from_utf8(done.stdout).unwrap());
    assert!(done.status.success(), "{said}\n{answer}");
    println!("{said}");
    serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{error}: {answer}"))
}

fn from_environment(name: &str) -> String {
    let value = std::env::var(name);
    value.unwrap_or_else(|_| panic!("{name} must be set: run `make test`, or eval \"$(scripts/clients.sh)\""))
}
