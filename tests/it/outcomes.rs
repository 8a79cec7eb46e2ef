//! What is said when the cloud fails, and when the caller leaves: never more than is known, and a change once at most.

use serde_json::{Value, json};

use crate::caller::{Caller, until};
use crate::world::Options;
use crate::world::{Database, World, on_both};

fn quick() -> Options {
    Options::head("upstream.read_timeout = \"700ms\"")
}

async fn running_task(world: &World) -> String {
    world.tasks("migration", json!(7), 1).await.remove(0)
}

/// The change was sent and no whole answer came: nobody knows, and it is not sent again.
async fn changes_without_an_answer(world: &World) {
    let all = world.with_key("all").await;
    for (count, kind) in ["stall", "half", "reset"].into_iter().enumerate() {
        let task = running_task(world).await;
        world.fault(json!({"action": "StopMigrateJob", "kind": kind})).await;
        let answer = all.act("StopMigrateJob", json!({"JobId": task})).await;
        let message = answer.refused("FailedOperation", "outcome-unknown");
        assert!(message.contains("may have been carried out"), "{kind}: {message}");
        let record = world.record_of(&answer).await;
        assert_eq!((&record["outcome"], &record["reason"]), (&json!("unknown"), &json!("outcome-unknown")), "{kind}");
        assert_eq!((&record["caller"], &record["task_ids"]), (&json!("all"), &json!([task])), "{kind}");
        assert_eq!(world.sent("StopMigrateJob").await, count + 1, "{kind}: sent once");
        world.no_faults().await;
        // What came of it decides what is allowed next: the state is asked for anew.
        let task = world.cloud("PUT", &format!("/_sim/tasks/{task}"), r#"{"status": 10}"#).await["id"].clone();
        all.act("DeleteMigrateJob", json!({"JobId": task})).await.response();
    }
    let creation = world.fault(json!({"action": "CreateMigrateJob", "kind": "half", "times": 1}));
    creation.await;
    let answer = all.act("CreateMigrateJob", crate::smoke::creation()).await;
    answer.refused("FailedOperation", "outcome-unknown");
    assert_eq!(world.sent("CreateMigrateJob").await, 1);
}

/// A read is asked again once, in a turn of its own.
async fn reads_without_an_answer(world: &World) {
    let reader = world.with_token("reader");
    for (count, kind) in ["stall", "half", "reset"].into_iter().enumerate() {
        world.fault(json!({"action": "DescribeMigrateJobs", "kind": kind, "times": 1})).await;
        let answer = reader.act("DescribeMigrateJobs", json!({})).await;
        answer.response();
        assert_eq!(world.record_of(&answer).await["outcome"], "ok");
        assert_eq!(world.sent("DescribeMigrateJobs").await, 2 * count + 2, "{kind}: once more");
    }
    world.forget_requests().await;
    world.fault(json!({"action": "DescribeMigrateJobs", "kind": "reset"})).await;
    let answer = reader.act("DescribeMigrateJobs", json!({})).await;
    let message = answer.refused("InternalError", "upstream-unreachable");
    assert!(message.contains("Nothing was changed") && !message.contains("othing was sent"), "{message}");
    assert_eq!(world.sent("DescribeMigrateJobs").await, 2, "twice at most");
    assert_eq!(world.record_of(&answer).await["outcome"], "refused");
    world.no_faults().await;
}

#[tokio::test]
async fn a_read_that_was_sent_and_has_no_turn_to_be_sent_again_is_not_told_that_it_was_limited() {
    let action = "DescribeMigrateCheckJob";
    // One call a second, of which the one that broke may have been counted.
    let world = World::start_with(Database::Postgres, Options::head("quota.parts = 20")).await;
    world.fault(json!({"action": action, "kind": "reset"})).await;
    let headers = [("x-dts-gateway-max-wait", "0")];
    let answer = world.with_token("reader").act_with(action, &headers, r#"{"JobId":"dts-a1b2c3d4"}"#).await;
    answer.refused("InternalError", "upstream-unreachable");
    assert_eq!(world.sent(action).await, 1);
    world.end().await;
}

/// What the cloud says of itself passes through, and is not dressed as ours.
async fn errors_of_the_cloud(world: &World) {
    let all = world.with_token("all");
    let task = running_task(world).await;
    let faults = [("throttle", "RequestLimitExceeded"), ("error", "InternalError.LockError")];
    for (action, parameters) in [("DescribeMigrateJobs", json!({})), ("StopMigrateJob", json!({"JobId": task}))] {
        for (kind, code) in faults {
            all.act("DescribeMigrateJobs", json!({"JobId": task})).await.response();
            let sent = world.sent(action).await;
            world.fault(json!({"action": action, "kind": kind, "code": code, "times": 1})).await;
            let answer = all.act(action, parameters.clone()).await;
            assert_eq!((answer.code().as_str(), answer.status), (code, 200));
            assert_eq!(answer.header("x-dts-gateway-origin"), "upstream");
            assert_eq!(answer.header("x-dts-gateway-reason"), "");
            assert_ne!(answer.json()["Response"]["RequestId"], answer.header("x-request-id"));
            let record = world.record_of(&answer).await;
            assert_eq!((&record["outcome"], &record["upstream_code"]), (&json!("failed"), &json!(code)));
            assert_eq!(record["upstream_request_id"], answer.json()["Response"]["RequestId"]);
            assert_eq!(world.sent(action).await, sent + 1, "an error of the cloud's is its answer");
        }
    }
}

/// Nobody listens at the account's endpoint: nothing was sent, and no slot of the quota is lost for it.
async fn nobody_there(world: &World) {
    let lost = world.with_token("lost");
    for _ in 0..50 {
        let headers = [("x-dts-gateway-max-wait", "0")];
        let answer = lost.act_with("CreateMigrateJob", &headers, &crate::smoke::creation().to_string()).await;
        let message = answer.refused("InternalError", "upstream-unreachable");
        assert!(message.contains("no connection, so nothing was sent"), "{message}");
        let record = world.record_of(&answer).await;
        assert_eq!((&record["outcome"], &record["account"]), (&json!("refused"), &json!("dead")));
    }
    // The look-up's quota neither (50 a second).
    for _ in 0..60 {
        let headers = [("x-dts-gateway-max-wait", "0")];
        let answer = lost.act_with("StopMigrateJob", &headers, r#"{"JobId":"dts-a"}"#).await;
        answer.refused("ResourceUnavailable", "state-unavailable");
    }
    assert_eq!(world.requests().await, Vec::<Value>::new());
}

/// Somebody accepts connections there and never says a word, so that no TLS comes about: nothing was sent.
#[tokio::test]
async fn where_nobody_speaks_nothing_was_sent() {
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("https://{}", mute.local_addr().unwrap());
    let options = Options { head: "upstream.connect_timeout = \"200ms\"".to_owned(), ..account_at(&endpoint) };
    let world = World::start_with(Database::Sqlite, options).await;
    let answer = world.with_token("lost").act("CreateMigrateJob", crate::smoke::creation()).await;
    let message = answer.refused("InternalError", "upstream-unreachable");
    assert!(message.contains("no connection, so nothing was sent"), "{message}");
    assert_eq!(world.record_of(&answer).await["outcome"], "refused");
    world.end().await;
}

fn dead_account() -> Options {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    account_at(&format!("http://127.0.0.1:{port}"))
}

/// An account whose cloud is at `endpoint`, and a caller who may do everything on it.
fn account_at(endpoint: &str) -> Options {
    let config = format!(
        r#"
[account.dead]
family = "tencent"
site = "mainland"
secret_id = "AKIDdead"
secret_key = "a secret of nobody"
default_region = "ap-guangzhou"
endpoint = "{endpoint}"
"#
    );
    let team = r#"
team = "lost"

[[caller]]
name = "lost"
accounts = ["dead"]

[[grant]]
actions = ["*"]
"#;
    Options { config, teams: vec![("lost".to_owned(), team.to_owned())], ..Options::default() }
}

/// Sends a call and hangs up once the cloud has been asked for `action`.
async fn hang_up_when(world: &World, caller: &Caller, task: &str, action: &str) -> Value {
    let (caller, task) = (caller.clone(), task.to_owned());
    let sent = world.sent(action).await;
    let call = tokio::spawn({
        let task = task.clone();
        async move { caller.act("StopMigrateJob", json!({"JobId": task})).await }
    });
    world.sent_at_least(action, sent + 1).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    world.record(&format!("task_id={task}&action=StopMigrateJob")).await
}

async fn callers_who_leave(world: &World) {
    let all = world.with_token("all");
    let task = running_task(world).await;
    world.fault(json!({"action": "DescribeMigrateJobs", "kind": "delay", "ms": 5000, "times": 1})).await;
    let record = hang_up_when(world, &all, &task, "DescribeMigrateJobs").await;
    assert_eq!((&record["outcome"], &record["reason"]), (&json!("refused"), &json!("caller-gone")));
    assert_eq!(record["caller_gone"], true);
    assert_eq!(world.sent("StopMigrateJob").await, 0, "called off before it was sent");

    let task = running_task(world).await;
    world.fault(json!({"action": "StopMigrateJob", "kind": "delay", "ms": 2000, "times": 1})).await;
    let record = hang_up_when(world, &all, &task, "StopMigrateJob").await;
    assert_eq!((&record["outcome"], &record["caller_gone"]), (&json!("ok"), &json!(true)), "{record}");
    assert!(record["upstream_request_id"].is_string(), "finished, and its end is known: {record}");
    assert_eq!(world.sent("StopMigrateJob").await, 1);
    until("its lease is gone", || async {
        let open = world.records("outcome=open", 0).await;
        open.is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_change_without_an_answer_is_unknown_and_sent_once() {
    on_both(quick(), async |world| changes_without_an_answer(world).await).await;
}

#[tokio::test]
async fn a_read_without_an_answer_is_asked_again_once() {
    on_both(quick(), async |world| reads_without_an_answer(world).await).await;
}

#[tokio::test]
async fn the_clouds_errors_pass_through() {
    on_both(Options::default(), async |world| errors_of_the_cloud(world).await).await;
}

#[tokio::test]
async fn where_nobody_listens_nothing_was_sent() {
    on_both(dead_account(), async |world| nobody_there(world).await).await;
}

#[tokio::test]
async fn a_caller_who_leaves_calls_off_what_was_not_sent_and_nothing_else() {
    on_both(Options::default(), async |world| callers_who_leave(world).await).await;
}
