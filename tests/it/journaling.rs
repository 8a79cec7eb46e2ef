//! The database goes away and there is a journal: what may go on goes on, and when the database is back every record is
//! in the log, once.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::sync::{Arc, Mutex};

use dts_gateway::app::Running;
use dts_gateway::call::Clock;
use dts_gateway::config::Config;
use dts_gateway::proof::SigningKey;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::caller::{Answer, Caller, until};
use crate::database_away::{Told, stops};
use crate::evidence;
use crate::second_family::{self, REGION};
use crate::world::{Database, Options, World};

const READ: &str = "DescribeMigrateCheckJob";

fn options(settings: &str) -> (SigningKey, Options) {
    let (key, options) = evidence::options();
    let head = format!("{settings}\naudit.journal.folder = \"journal\"\nstate.settle_after = \"1s\"");
    (key, Options { head, ..options })
}

const BOTH: &str = "audit.reads = \"spool\"\naudit.emergency = \"local\"";

async fn metric(world: &World, name: &str) -> u64 {
    let text = Caller::stranger(&world.admin).get("/metrics").await.text();
    let line = text.lines().find_map(|line| line.strip_prefix(&format!("dts_gateway_{name} ")));
    line.unwrap_or_else(|| panic!("no {name} in {text}")).parse().unwrap()
}

async fn is_journaling(world: &World, wanted: u64) {
    until("the metric says so", || async { (metric(world, "audit_journaling").await == wanted).then_some(()) }).await;
}

/// Takes the database away and waits until the gateway has noticed, which it does by what it has to write.
async fn outage(world: &World) -> Answer {
    world.database.lock_out().await;
    let noticing = world.with_token("all").act(READ, json!({"JobId": "dts-none"})).await;
    is_journaling(world, 1).await;
    noticing
}

async fn back(world: &World) {
    world.database.let_in().await;
    is_journaling(world, 0).await;
}

async fn unavailable(caller: &Caller, action: &str, task: &str) -> Answer {
    let refused = caller.act(action, json!({"JobId": task})).await;
    assert_eq!(refused.header("x-dts-gateway-reason"), "audit-unavailable", "{action}: {}", refused.text());
    refused
}

fn from_upstream(answer: &Answer) -> &Answer {
    assert_eq!((answer.status, answer.header("x-dts-gateway-origin")), (200, "upstream"), "{}", answer.text());
    answer
}

/// The records of these calls, by their request id.
async fn records(world: &World, answers: &[&Answer]) -> BTreeMap<String, Value> {
    let mut found = BTreeMap::new();
    for answer in answers {
        found.insert(answer.header("x-request-id").to_owned(), world.record_of(answer).await);
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn during_an_outage_reads_and_stops_go_on_and_all_of_it_is_in_the_log_afterwards() {
    let (key, options) = options(BOTH);
    let mut world = World::start_with(Database::Postgres, options).await;
    let (caller, signing) = (world.with_token("all"), world.with_key("all").await);
    let tasks = world.tasks("migration", json!(7), 3).await;
    let ready = world.tasks("migration", json!(4), 1).await.remove(0);
    let newer = world.task_of_2021("migration", "running", json!({})).await;
    let order = json!({"kind": "migration", "version": "2020-01-01", "status": "Migrating"});
    let other = world.cloud("POST", "/_sim/tasks", &order.to_string()).await["ids"][0].as_str().unwrap().to_owned();
    // Known before: the stop of a task, signed, whose bytes come again during the outage.
    let before = signing.request("StopMigrateJob", &[], &json!({"JobId": tasks[0]}).to_string());
    let first = signing.exchange(before.clone()).await;
    from_upstream(&first);
    world.record_of(&first).await;

    let noticing = outage(&world).await;
    let read = caller.act(READ, json!({"JobId": tasks[1]})).await;
    from_upstream(&read);
    let start = unavailable(&caller, "StartMigrateJob", &ready).await;
    let unknown = unavailable(&world.with_token("own"), READ, &tasks[1]).await;
    let again = signing.exchange(before).await;
    assert_eq!((again.header("x-dts-gateway-origin"), &again.body), ("replayed", &first.body), "{}", again.text());

    let request = signing.request("StopMigrateJob", &[], &json!({"JobId": tasks[1]}).to_string());
    let stopped = signing.exchange(request.clone()).await;
    from_upstream(&stopped);
    let twice = signing.exchange(request).await;
    assert_eq!((twice.header("x-dts-gateway-origin"), &twice.body), ("replayed", &stopped.body), "{}", twice.text());
    let paused = caller.of_2021().act("StopMigrateJob", json!({"JobId": newer})).await;
    from_upstream(&paused);
    let suspended = second_family::act(&caller, "SuspendDtsJob", &[("DtsJobId", &other), REGION]).await;
    from_upstream(&suspended);
    assert_eq!(world.sent("StopMigrateJob").await, 3, "each was sent once");
    assert_eq!((world.sent("SuspendDtsJob").await, world.sent("StartMigrateJob").await), (1, 0));

    let ready = Caller::stranger(&world.admin).get("/readyz").await;
    assert_eq!((ready.status, ready.json()["status"].as_str()), (200, Some("journaling")), "{}", ready.text());
    assert!(ready.text().contains("reads, stops and pauses go on"), "{}", ready.text());
    assert!(metric(&world, "audit_journal_entries").await >= 8);
    assert!(metric(&world, "audit_journal_bytes").await > 0);

    back(&world).await;
    assert_eq!((metric(&world, "audit_journal_entries").await, metric(&world, "audit_lost").await), (0, 0));
    let all = [&noticing, &read, &start, &unknown, &again, &stopped, &twice, &paused, &suspended];
    let records = records(&world, &all).await;
    for (id, record) in &records {
        assert_eq!(record["detail"]["journaled"], true, "{id}: {record}");
    }
    let outcome = |answer: &Answer| records[answer.header("x-request-id")]["outcome"].as_str().unwrap().to_owned();
    assert_eq!([&read, &stopped, &paused, &suspended].map(&outcome), ["ok"; 4]);
    assert_eq!([&start, &unknown].map(outcome), ["refused"; 2]);
    let id = records[stopped.header("x-request-id")]["id"].as_str().unwrap().to_owned();
    let shown = world.auditor().get(&format!("/v1/audit/records/{id}")).await.json();
    assert_eq!(shown["intent"]["record"]["detail"]["journaled"], true, "{shown}");
    assert_eq!(shown["ended"]["record"]["task_ids"], json!([tasks[1]]), "{shown}");

    // The database has judged since as if nothing had been: the leases are free, the counters fit.
    from_upstream(&caller.act("StopMigrateJob", json!({"JobId": tasks[2]})).await);
    let after = world.record_of(&caller.act(READ, json!({"JobId": tasks[2]})).await).await;
    assert!(after["detail"]["journaled"].is_null(), "{after}");
    world.stop_gateway().await;
    let report = evidence::in_process(&world, key.verifying_key(), &evidence::held(&world)).await;
    assert!(report.is_proven(), "{:#?}", report.lines());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_gateway_had_journaled_is_imported_and_what_was_open_is_unknown_and_settled() {
    let (key, options) = options(BOTH);
    let mut world = World::start_with(Database::Postgres, options).await;
    let caller = world.with_token("all");
    let tasks = world.tasks("migration", json!(7), 2).await;
    outage(&world).await;
    let stopped = caller.act("StopMigrateJob", json!({"JobId": tasks[0]})).await;
    from_upstream(&stopped);
    world.fault(json!({"action": "StopMigrateJob", "kind": "delay", "ms": 600_000})).await;
    let open = tokio::spawn({
        let request = caller.request("StopMigrateJob", &[], &json!({"JobId": tasks[1]}).to_string());
        let caller = caller.clone();
        async move { caller.try_exchange(request).await.is_none() }
    });
    world.sent_at_least("StopMigrateJob", 2).await;
    let late = caller.act("StopMigrateJob", json!({"JobId": tasks[1]})).await;
    assert_eq!(late.header("x-dts-gateway-reason"), "state-forbids", "{}", late.text());
    // Its record is in the journal when a later one is.
    let entries = metric(&world, "audit_journal_entries").await;
    until("it is journaled", || async {
        caller.act(READ, json!({"JobId": tasks[0]})).await;
        (metric(&world, "audit_journal_entries").await >= entries + 2).then_some(())
    })
    .await;
    world.abandon_gateway();
    assert!(open.await.unwrap(), "its caller got no answer");
    world.no_faults().await;

    world.database.let_in().await;
    world.start_gateway().await;
    assert_eq!(metric(&world, "audit_journal_entries").await, 0, "imported before it serves");
    assert_eq!(world.record_of(&stopped).await["outcome"], "ok");
    assert_eq!(world.record_of(&late).await["reason"], "state-forbids");
    let unknown = world.record("action=StopMigrateJob&outcome=unknown").await;
    assert_eq!((&unknown["task_ids"], &unknown["reason"]), (&json!([tasks[1]]), &json!("outcome-unknown")));
    let settled = until("it is settled", || async {
        let record = world.record("action=StopMigrateJob&outcome=unknown").await;
        record["settled"].as_str().map(str::to_owned)
    })
    .await;
    assert!(["done", "not-done"].contains(&settled.as_str()), "{settled}");
    assert_eq!(world.sent("StopMigrateJob").await, 2, "nothing is sent again");
    world.stop_gateway().await;
    let report = evidence::in_process(&world, key.verifying_key(), &evidence::held(&world)).await;
    assert!(report.is_proven(), "{:#?}", report.lines());
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gateway_that_stops_in_an_outage_leaves_a_journal_and_an_altered_one_stops_the_next_start() {
    let (_, options) = options("audit.reads = \"spool\"");
    let mut world = World::start_with(Database::Postgres, options).await;
    let tasks = world.tasks("migration", json!(7), 1).await;
    outage(&world).await;
    let caller = world.with_token("all");
    let read = caller.act(READ, json!({"JobId": tasks[0]})).await;
    from_upstream(&read);
    unavailable(&caller, "StopMigrateJob", &tasks[0]).await;
    world.stop_gateway().await;
    world.database.let_in().await;

    let file = world.folder.path().join("journal/audit.journal");
    let whole = fs::read_to_string(&file).unwrap();
    assert!(whole.contains(READ));
    let altered = whole.replace(READ, "DescribeMigrateJobs");
    fs::write(&file, &altered).unwrap();
    let config = Config::load(&world.folder.path().join("gateway.toml"), []).unwrap();
    let refused = Running::start(config, Clock::system()).await.err().unwrap().to_string();
    assert!(refused.contains("audit.journal was altered at line 2") && refused.contains("move it away"), "{refused}");
    assert_eq!(fs::read_to_string(&file).unwrap(), altered, "it is kept");

    fs::write(&file, whole).unwrap();
    world.start_gateway().await;
    assert_eq!(world.record_of(&read).await["detail"]["journaled"], true);
    assert_eq!(fs::metadata(&file).unwrap().len(), 0);
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stops_under_load_go_on_through_outages_and_each_is_in_the_log_once() {
    let (key, options) = options(BOTH);
    let mut world = World::start_with(Database::Postgres, options).await;
    let (told, over) = (Arc::new(Mutex::new(Told::default())), CancellationToken::new());
    let mut tasks = world.tasks("migration", json!(7), 1200).await;
    let mut callers = JoinSet::new();
    for _ in 0..4 {
        let own = tasks.split_off(tasks.len() - 300);
        callers.spawn(stops(world.with_token("all"), own, Arc::clone(&told), over.clone()));
    }
    let twenty_more = async || {
        let before = told.lock().unwrap().ok.len();
        until("twenty more are stopped", || async { (told.lock().unwrap().ok.len() >= before + 20).then_some(()) })
            .await;
    };
    for _ in 0..3 {
        twenty_more().await;
        world.database.lock_out().await;
        is_journaling(&world, 1).await;
        twenty_more().await;
        back(&world).await;
    }
    twenty_more().await;
    over.cancel();
    while let Some(done) = callers.join_next().await {
        done.unwrap();
    }

    let told = std::mem::take(&mut *told.lock().unwrap());
    println!("{} stopped through three outages; refused {:?}", told.ok.len(), told.refused);
    let records = world.records("action=StopMigrateJob&outcome=ok,failed,unknown", told.ok.len()).await;
    let ids: BTreeSet<&str> = records.iter().map(|record| record["request_id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), records.len(), "none is there twice");
    assert!(told.ok.iter().all(|id| ids.contains(id.as_str())), "every stop that was acknowledged is in the log");
    let journaled = records.iter().filter(|record| record["detail"]["journaled"] == true).count();
    assert!(journaled >= 60 && journaled < records.len(), "{journaled} of {}", records.len());
    let recorded: BTreeSet<&str> = records.iter().map(|record| record["task_ids"][0].as_str().unwrap()).collect();
    let requests = world.requests().await;
    let sent: Vec<&str> = requests
        .iter()
        .filter(|request| request["action"] == "StopMigrateJob")
        .map(|request| request["params"]["JobId"].as_str().unwrap())
        .collect();
    assert_eq!(sent.iter().collect::<BTreeSet<_>>().len(), sent.len(), "none was sent twice");
    assert!(sent.iter().all(|task| recorded.contains(task)), "none was sent unrecorded");
    let open = world.store();
    assert!(open.open_changes(true).await.unwrap().is_empty());
    open.close().await;

    world.stop_gateway().await;
    let report = evidence::in_process(&world, key.verifying_key(), &evidence::held(&world)).await;
    assert!(report.is_proven(), "{:#?}", report.lines());
    world.end().await;
}
