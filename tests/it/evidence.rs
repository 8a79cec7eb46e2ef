//! The log is exported, verified and tampered with: by whoever owns the database, behind the gateway's back.

use std::fs::File;
use std::io::Cursor;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use dts_gateway::call::{ADMINISTRATIVE, Clock, Closed, Record};
use dts_gateway::cli::{Surroundings, main};
use dts_gateway::evidence::{Checkpoints, Export, Folder, PublishError, Signer};
use dts_gateway::proof::verify::{Brought, Report, verify};
use dts_gateway::proof::{SigningKey, VerifyingKey, split_notes};
use dts_gateway::store::{Entry, Tenancy};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection};
use uuid::Uuid;

use crate::smoke::creation;
use crate::world::{Database, Options, World, on_both};

const ORIGIN: &str = "gateway.example.com/audit";

/// A world that signs its log each second.
pub fn options() -> (SigningKey, Options) {
    let key = SigningKey::generate(ORIGIN).unwrap();
    let pem = key.to_pem().unwrap();
    let config = format!("[audit.proof]\norigin = \"{ORIGIN}\"\nkey = '''\n{}'''\nevery = \"1s\"\n", *pem);
    (key, Options { config, ..Options::default() })
}

/// More than a tile of reads, changes, and refusals.
async fn live(world: &World) -> String {
    let caller = world.with_token("all");
    let created = caller.act("CreateMigrateJob", creation()).await.response();
    let id = created["JobId"].as_str().unwrap().to_owned();
    for _ in 0..300 {
        world.with_token("reader").act("DeleteMigrateJob", json!({"JobId": "dts-none"})).await;
        caller.act("NoSuchAction", json!({})).await;
    }
    caller.act("CreateMigrateCheckJob", json!({"JobId": id})).await.response();
    // Written when it can be read.
    world.records(&format!("task_id={id}&action=CreateMigrateCheckJob&outcome=ok"), 1).await;
    id
}

fn folder(world: &World) -> PathBuf {
    world.folder.path().join("checkpoints")
}

/// What an auditor holds: the notes of every log.
pub fn held(world: &World) -> Vec<Brought> {
    let mut held = Vec::new();
    for file in std::fs::read_dir(folder(world)).unwrap() {
        let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
        held.extend(
            split_notes(&text).0.into_iter().map(|note| Brought { from: "a".to_owned(), note: note.to_owned() }),
        );
    }
    held
}

/// The export, by the command, straight from the database.
fn export(world: &World, name: &str) -> PathBuf {
    let file = world.folder.path().join(name);
    let config = world.folder.path().join("gateway.toml");
    let line =
        ["dts-gateway", "audit", "export", "--format", "proof", "--config", config.to_str().unwrap(), "--output"];
    let line = line.into_iter().chain([file.to_str().unwrap()]).map(Into::into);
    let here = Surroundings::new(Vec::new());
    assert_eq!(main(line, here), ExitCode::SUCCESS);
    file
}

pub async fn verified(world: &World, name: &str, key: &VerifyingKey, held: &[Brought]) -> Report {
    let file = tokio::task::block_in_place(|| export(world, name));
    verify(File::open(file).unwrap(), std::slice::from_ref(key), held, &mut |_| {}).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_gateway_wrote_is_proven() {
    let (key, options) = options();
    let public = key.verifying_key().clone();
    on_both(options, async |world| {
        live(world).await;
        world.stop_gateway().await;
        let report = verified(world, "whole.proof", &public, &held(world)).await;
        assert!(report.is_proven(), "{:#?}", report.lines());
        let changes = report.logs.iter().find(|log| log.name == "0/changes").unwrap();
        assert!(changes.proven > 303 && changes.entries >= changes.proven, "{changes:?}");
        let stranger = SigningKey::generate(ORIGIN).unwrap();
        let report = verified(world, "stranger.proof", stranger.verifying_key(), &held(world)).await;
        assert!(!report.is_proven(), "somebody else's key proves nothing");

        // It goes on where it ended, and a record shows its proof.
        world.start_gateway().await;
        let id = world.records("action=CreateMigrateJob&outcome=ok", 1).await[0]["id"].as_str().unwrap().to_owned();
        let shown = world.auditor().get(&format!("/v1/audit/records/{id}")).await.json();
        for phase in ["intent", "ended"] {
            assert_eq!(shown[phase]["proof"]["state"], "proven", "{shown}");
            assert!(shown[phase]["proof"]["checkpoint"].as_str().unwrap().contains(ORIGIN));
        }
        live(world).await;
        world.stop_gateway().await;
        let report = verified(world, "again.proof", &public, &held(world)).await;
        assert!(report.is_proven(), "{:#?}", report.lines());
    })
    .await;
}

/// What somebody does who owns the database: past the triggers.
async fn tamper(world: &World, statement: &str) {
    match world.database.postgres_url() {
        Some(url) => {
            let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
            let unlocked = format!(
                "DO $$ DECLARE t record; BEGIN
                     FOR t IN SELECT tgrelid::regclass AS tab, tgname FROM pg_trigger
                              WHERE NOT tgisinternal AND tgparentid = 0 LOOP
                         EXECUTE format('ALTER TABLE %s DISABLE TRIGGER %I', t.tab, t.tgname);
                     END LOOP;
                 END $$; {statement}"
            );
            sqlx::raw_sql(AssertSqlSafe(unlocked)).execute(&mut connection).await.unwrap();
        }
        None => {
            let file = format!("sqlite:{}", world.folder.path().join("gateway.sqlite3").display());
            let mut connection = sqlx::SqliteConnection::connect(&file).await.unwrap();
            let triggers: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_master WHERE type = 'trigger'")
                .fetch_all(&mut connection)
                .await
                .unwrap();
            for trigger in triggers {
                sqlx::raw_sql(AssertSqlSafe(format!("DROP TRIGGER {trigger}"))).execute(&mut connection).await.unwrap();
            }
            sqlx::raw_sql(AssertSqlSafe(statement.to_owned())).execute(&mut connection).await.unwrap();
        }
    }
}

/// The kinds of what was found.
fn found(report: &Report) -> Vec<String> {
    report.findings.counts.keys().map(ToString::to_string).collect()
}

async fn tampered(database: Database, statement: &str, kinds: &[&str]) -> Report {
    let (key, options) = options();
    let mut world = World::start_with(database, options).await;
    live(&world).await;
    world.stop_gateway().await;
    let held = held(&world);
    tamper(&world, statement).await;
    let report = verified(&world, "tampered.proof", key.verifying_key(), &held).await;
    assert!(!report.is_proven(), "{statement}: {:#?}", report.lines());
    assert!(kinds.iter().any(|kind| found(&report).contains(&kind.to_string())), "{statement}: {:#?}", report.lines());
    for line in report.lines() {
        println!("{line}");
    }

    world.end().await;
    report
}

/// Entry 40 of the changes, a refusal.
const WHERE: &str = "class = 'changes' AND slot = 0 AND leaf = 40";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_a_removed_and_a_swapped_record_are_named() {
    for database in [Database::Sqlite, Database::Postgres] {
        let report =
            tampered(database, &format!("UPDATE audit_records SET caller = 'innocent' WHERE {WHERE}"), &["edited"])
                .await;
        assert!(report.findings.first[0].sentence().contains("40"), "{}", report.findings.first[0].sentence());
        let report = tampered(database, &format!("DELETE FROM audit_records WHERE {WHERE}"), &["removed"]).await;
        assert!(report.findings.first[0].sentence().contains("40"), "{}", report.findings.first[0].sentence());
        let swap = "UPDATE audit_records SET leaf = -1 WHERE class = 'changes' AND leaf = 40;
                    UPDATE audit_records SET leaf = 40 WHERE class = 'changes' AND leaf = 41;
                    UPDATE audit_records SET leaf = 41 WHERE class = 'changes' AND leaf = -1";
        tampered(database, swap, &["moved"]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_lost_its_end_is_found_out_and_not_signed_any_more() {
    let (key, options) = options();
    on_both(options, async |world| {
        live(world).await;
        world.stop_gateway().await;
        let held = held(world);
        tamper(world, "DELETE FROM audit_records WHERE class = 'changes' AND slot = 0 AND leaf >= 300").await;
        let report = verified(world, "cut.proof", key.verifying_key(), &held).await;
        assert!(found(&report).contains(&"cut".to_owned()), "{:#?}", report.lines());

        let file = folder(world).join("0-changes.checkpoints");
        let signed = || std::fs::read(&file).unwrap();
        let before = signed();
        world.start_gateway().await;
        live(world).await;
        world.stop_gateway().await;
        assert_eq!(signed(), before, "it would look right if it were signed");
        let report = verified(world, "regrown.proof", key.verifying_key(), &held).await;
        assert!(!report.is_proven(), "{:#?}", report.lines());
    })
    .await;
}

/// A change of every column, as both databases write it.
const CHANGES: [(&str, &str); 24] = [
    ("id", ""),
    ("time", ""),
    ("account", "account || 'x'"),
    ("team", "team || 'x'"),
    ("caller", "caller || 'x'"),
    ("key_id", "key_id || 'x'"),
    ("address", "address || 'x'"),
    ("family", "family || 'x'"),
    ("version", "version || 'x'"),
    ("action", "action || 'x'"),
    ("region", "region || 'x'"),
    ("task_ids", ""),
    ("outcome", "CASE outcome WHEN 'ok' THEN 'failed' ELSE 'ok' END"),
    ("reason", "coalesce(reason, '') || 'x'"),
    ("caller_gone", "NOT caller_gone"),
    ("request_id", "request_id || 'x'"),
    ("upstream_request_id", "coalesce(upstream_request_id, '') || 'x'"),
    ("upstream_code", "coalesce(upstream_code, '') || 'x'"),
    ("waited_ms", "waited_ms + 1"),
    ("detail", ""),
    ("slot", "slot + 7"),
    ("leaf", "leaf + 1000"),
    ("leaf_hash", ""),
    ("recorded_at", ""),
];

/// The same for the columns whose types differ.
fn change(database: Database, column: &str) -> &'static str {
    match (database, column) {
        (Database::Postgres, "id") => "gen_random_uuid()",
        (Database::Postgres, "time") => "time + interval '1 microsecond'",
        (Database::Postgres, "recorded_at") => "recorded_at + interval '1 microsecond'",
        (Database::Postgres, "task_ids") => "task_ids || 'x'::text",
        (Database::Postgres, "detail") => "replace(detail::text, '\"origin\":\"', '\"origin\":\"x')::json",
        (Database::Postgres, "leaf_hash") => "sha256(leaf_hash)",
        (Database::Sqlite, "id") => "randomblob(16)",
        (Database::Sqlite, "time") => "time + 1",
        (Database::Sqlite, "recorded_at") => "recorded_at + 1",
        (Database::Sqlite, "task_ids") => "json_insert(task_ids, '$[#]', 'x')",
        (Database::Sqlite, "detail") => "replace(detail, '\"origin\":\"', '\"origin\":\"x')",
        (Database::Sqlite, "leaf_hash") => "randomblob(32)",
        (_, other) => panic!("{other} has no change"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_column_is_changed_it_is_found_out() {
    for database in [Database::Sqlite, Database::Postgres] {
        let (key, options) = options();
        let mut world = World::start_with(database, options).await;
        let caller = world.with_token("all");
        for number in 0..CHANGES.len() {
            let mut creation = creation();
            creation["JobName"] = json!(format!("number {number}"));
            caller.act("CreateMigrateJob", creation).await.response();
        }
        world.records("action=CreateMigrateJob&outcome=ok", CHANGES.len()).await;
        world.stop_gateway().await;
        let held = held(&world);
        let mut found = 0;
        for table in ["audit_intents", "audit_records"] {
            let leaves = leaves(&world, table).await;
            for ((column, how), leaf) in CHANGES.into_iter().zip(leaves) {
                if table == "audit_intents" && column == "outcome" {
                    continue; // its only value is `open`; a constraint says so
                }
                let how = if how.is_empty() { change(database, column) } else { how };
                let changed = format!(
                    "UPDATE {table} SET {column} = {how} WHERE class = 'changes' AND slot = 0 AND leaf = {leaf}"
                );
                tamper(&world, &changed).await;
                let report = in_process(&world, key.verifying_key(), &held).await;
                assert!(report.findings.total > found, "{database:?} {table}.{column}: {:#?}", report.lines());
                found = report.findings.total;
            }
        }
        world.end().await;
    }
}

/// Where the rows of a table stand in the log of changes.
async fn leaves(world: &World, table: &str) -> Vec<i64> {
    let question = AssertSqlSafe(format!(
        "SELECT leaf FROM {table} WHERE class = 'changes' AND family <> 'gateway' ORDER BY leaf"
    ));
    match world.database.postgres_url() {
        Some(url) => {
            let mut connection = sqlx::PgConnection::connect(url).await.unwrap();
            sqlx::query_scalar(question).fetch_all(&mut connection).await.unwrap()
        }
        None => {
            let file = format!("sqlite:{}", world.folder.path().join("gateway.sqlite3").display());
            let mut connection = sqlx::SqliteConnection::connect(&file).await.unwrap();
            sqlx::query_scalar(question).fetch_all(&mut connection).await.unwrap()
        }
    }
}

/// An export made without a record of it, verified.
pub async fn in_process(world: &World, key: &VerifyingKey, held: &[Brought]) -> Report {
    let store = world.store();
    let mut export = Export::begin(Arc::clone(&store), ORIGIN, &Clock::system()).await.unwrap();
    let mut file = Vec::new();
    while let Some(lines) = export.next().await.unwrap() {
        file.extend(lines);
    }
    store.close().await;
    verify(Cursor::new(file), std::slice::from_ref(key), held, &mut |_| {}).unwrap()
}

/// The lines of an answer, and its last position.
fn followed(text: &str) -> (Vec<Value>, String) {
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let position = lines.last().unwrap()["end"]["position"].as_str().unwrap().to_owned();
    (lines.into_iter().filter(|line| line["entry"].is_object()).collect(), position)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_follows_gets_every_entry_once() {
    on_both(Options::default(), async |world| {
        let auditor = world.auditor();
        let follow = async |since: &str| {
            let answer = auditor.get(&format!("/v1/audit/follow?wait=false&since={since}")).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            followed(&answer.text())
        };
        live(world).await;
        let (mut entries, mut position) = follow("start").await;
        assert!(entries.len() > 600, "{}", entries.len());
        live(world).await;
        let (more, end) = follow(&position).await;
        assert!(!more.is_empty());
        entries.extend(more);
        position = end;
        let mut next = std::collections::BTreeMap::<String, u64>::new();
        for line in &entries {
            let expected = next.entry(line["log"].as_str().unwrap().to_owned()).or_default();
            assert_eq!(line["entry"]["index"], json!(*expected), "{line}");
            *expected += 1;
        }
        // What is left is the record of the last reading, and then nothing but that of the next.
        let (own, _) = follow(&position).await;
        assert!(own.iter().all(|line| line["entry"]["record"]["action"] == "audit.follow"), "{own:?}");

        for wrong in ["tomorrow", "0-changes", "0-changes:-1", "0-changes:1,0-changes:2", "x-reads:1"] {
            let answer = auditor.get(&format!("/v1/audit/follow?since={wrong}")).await;
            assert_eq!(answer.status, 400, "{wrong}: {}", answer.text());
        }
        let caller = world.with_token("all").at(&world.admin);
        for path in ["/v1/audit/follow?wait=false", "/v1/audit/proof"] {
            assert_eq!(caller.get(path).await.status, 403, "{path}");
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_signed_once_is_compared_before_more_is_signed() {
    let (key, options) = options();
    on_both(options, async |world| {
        live(world).await;
        world.stop_gateway().await;
        let store = world.store();
        store.claim(Tenancy::Sole, Duration::from_secs(10)).await.unwrap();
        let again = SigningKey::from_pem(ORIGIN, &key.to_pem().unwrap()).unwrap();
        let signer = Signer { origin: ORIGIN.to_owned(), keys: vec![again] };
        let checkpoints = Checkpoints::new(Arc::clone(&store), signer, Folder::new(folder(world)), Clock::system());
        let grow = async || {
            let record = Record { id: Uuid::now_v7(), family: ADMINISTRATIVE.to_owned(), ..Record::default() };
            let closed = Closed { record, intended: false, answer: None, window: None };
            store.commit(&[Entry::Closed(closed)]).await.unwrap();
        };
        grow().await;
        checkpoints.publish().await.unwrap();
        let other = match world.database.postgres_url() {
            Some(_) => "sha256(leaf_hash)",
            None => "randomblob(32)",
        };
        let newest = "class = 'changes' AND slot = 0 AND leaf = 300";
        tamper(world, &format!("UPDATE audit_records SET leaf_hash = {other} WHERE {newest}")).await;
        grow().await;
        let error = checkpoints.publish().await.unwrap_err();
        assert!(matches!(error, PublishError::Altered { .. }), "{error}");
        store.close().await;
    })
    .await;
}
