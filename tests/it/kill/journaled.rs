//! The same while the database is away and stops and pauses go to the journal.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tempfile::TempDir;
use tokio::task::JoinSet;

use super::{ACTIONS, AT_ONCE, CHANGES_BEFORE_KILL, Process, SETTLE_AFTER, name, prepare, seen};
use crate::caller::{Caller, until};
use crate::world::{Database, TestDatabase, is_soak};

/// Stops and pauses tasks until the gateway is gone, and counts those that the cloud has done.
fn stops(caller: &Caller, tasks: Vec<(&'static str, String)>, done: &Arc<AtomicUsize>) -> JoinSet<()> {
    let tasks = Arc::new(std::sync::Mutex::new(tasks));
    let mut workers = JoinSet::new();
    for _ in 0..AT_ONCE {
        let (caller, tasks, done) = (caller.clone(), Arc::clone(&tasks), Arc::clone(done));
        workers.spawn(async move {
            loop {
                let Some((action, task)) = tasks.lock().unwrap().pop() else { return };
                let caller = if action == "PauseSyncJob" { caller.of_2021() } else { caller.clone() };
                let request = caller.request(action, &[], &json!({"JobId": task}).to_string());
                let Some(answer) = caller.try_exchange(request).await else { return };
                if answer.header("x-dts-gateway-reason").is_empty() {
                    done.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
    }
    workers
}

/// What quickstart's configuration becomes.
fn with_journal(written: &str) -> String {
    let audit = "[audit]\nreads = \"spool\"\nemergency = \"local\"\n";
    let journal = format!("\n[audit.journal]\nfolder = \"journal\"\n\n[state]\nsettle_after = \"{SETTLE_AFTER}\"\n");
    let with = written.replacen("[audit]\n", audit, 1);
    assert_ne!(with, written);
    with + &journal
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_stop_that_was_journaled_lacks_its_record() {
    let rounds = if is_soak() { 30 } else { 4 };
    let options = dts_simulator::Options { listen: ([127, 0, 0, 1], 0).into(), ..dts_simulator::Options::default() };
    let simulator = dts_simulator::Simulator::start(options).await.unwrap();
    let (folder, database) = (TempDir::new().unwrap(), TestDatabase::create(Database::Postgres).await);
    let mut gateway = Process::start(&folder, &simulator, &database).await;
    let settings = folder.path().join("gateway.toml");
    let written = std::fs::read_to_string(&settings).unwrap();
    std::fs::write(&settings, with_journal(&written)).unwrap();
    gateway.child.kill().await.unwrap();
    for _ in 0..rounds {
        gateway = Process::start(&folder, &simulator, &database).await;
        let (tasks, done) = (prepare(&simulator).await, Arc::new(AtomicUsize::new(0)));
        database.lock_out().await;
        let mut workers = stops(&gateway.caller(), tasks, &done);
        until("enough is stopped", || async { (done.load(Ordering::Relaxed) >= CHANGES_BEFORE_KILL).then_some(()) })
            .await;
        gateway.child.kill().await.unwrap();
        while workers.join_next().await.is_some() {}
        database.let_in().await;
    }
    gateway = Process::start(&folder, &simulator, &database).await;

    let (mut total, mut journaled, mut verdicts) = (0, 0, BTreeMap::<String, usize>::new());
    for (action, parameter) in &ACTIONS[..2] {
        let sent = seen(&simulator, action, parameter).await;
        let distinct: BTreeMap<String, bool> = sent.iter().cloned().collect();
        assert_eq!(distinct.len(), sent.len(), "{action} was sent twice for one call");
        let records = until("everything unknown is settled", || async {
            let records = gateway.records(action).await;
            let is_left = |record: &serde_json::Value| record["outcome"] == "unknown" && record["settled"].is_null();
            (!records.iter().any(is_left)).then_some(records)
        })
        .await;
        assert!(records.iter().all(|record| record["outcome"] != "open"), "nothing stays open");
        let went = || records.iter().filter(|record| record["outcome"] != "refused");
        let named: BTreeSet<String> = went().map(|record| name(record, parameter)).collect();
        assert_eq!(named.len(), went().count(), "no call is there twice");
        let lacking: Vec<_> = distinct.keys().filter(|name| !named.contains(*name)).collect();
        assert!(lacking.is_empty(), "{action} without a record: {lacking:?}");
        for record in records.iter().filter(|record| record["outcome"] == "unknown") {
            let is_done = distinct.get(&name(record, parameter)).copied().unwrap_or(false);
            let settled = record["settled"].as_str().unwrap();
            assert!(settled == "undetermined" || is_done == (settled == "done"), "{record}");
            *verdicts.entry(settled.to_owned()).or_default() += 1;
        }
        total += sent.len();
        journaled += records.iter().filter(|record| record["detail"]["journaled"] == true).count();
    }
    println!("{rounds} kills in outages, {total} stops seen by the cloud, none without its record or twice");
    println!("{journaled} ends were journaled; what was open was settled: {verdicts:?}");
    assert!(journaled >= CHANGES_BEFORE_KILL && !verdicts.is_empty());
    drop(gateway);
    simulator.shutdown().await;
    database.drop_it().await;
}
