//! A change that arrives twice is sent once; a read runs again; what was not carried out is not remembered.

use bytes::Bytes;
use futures_util::future::join_all;
use http::Request;
use http_body_util::Full;
use serde_json::json;

use crate::caller::{Answer, Caller, until};
use crate::world::{Database, Options, World, on_both};

/// As long as a call may wait for its turn.
const PATIENT: (&str, &str) = ("x-dts-gateway-max-wait", "20000");

fn origin(answer: &Answer) -> &str {
    answer.header("x-dts-gateway-origin")
}

fn start(caller: &Caller, task: &str) -> Request<Full<Bytes>> {
    caller.request("StartMigrateJob", &[], &json!({"JobId": task}).to_string())
}

async fn ready_task(world: &World) -> String {
    world.tasks("migration", json!(4), 1).await.remove(0)
}

async fn same_bytes(world: &mut World) {
    let (caller, task) = (world.with_key("all").await, ready_task(world).await);
    let request = start(&caller, &task);
    let first = caller.exchange(request.clone()).await;
    first.response();
    let second = caller.exchange(request.clone()).await;
    assert_eq!((origin(&first), origin(&second)), ("upstream", "replayed"));
    assert_eq!((&first.body, first.status), (&second.body, second.status));
    assert_ne!(first.header("x-request-id"), second.header("x-request-id"));
    assert_eq!(world.sent("StartMigrateJob").await, 1);
    let record = world.record_of(&second).await;
    assert_eq!((&record["outcome"], &record["detail"]["origin"]), (&json!("ok"), &json!("replayed")));
    assert_eq!(record["upstream_request_id"], first.response()["RequestId"]);

    world.stop_gateway().await;
    world.start_gateway().await;
    // The signature covers the host that it was made for: the restarted gateway listens elsewhere.
    let (parts, body) = request.into_parts();
    let mut again = Request::post(format!("{}/", world.public)).body(body).unwrap();
    *again.headers_mut() = parts.headers;
    again.headers_mut().insert("host", parts.uri.authority().unwrap().as_str().parse().unwrap());
    let third = caller.exchange(again).await;
    assert_eq!((origin(&third), &third.body), ("replayed", &first.body), "{}", third.text());
    assert_eq!(world.sent("StartMigrateJob").await, 1);
}

async fn sixteen_at_once(world: &World) {
    let (caller, task) = (world.with_key("all").await, ready_task(world).await);
    world.fault(json!({"action": "StartMigrateJob", "kind": "delay", "ms": 300})).await;
    let request = start(&caller, &task);
    let answers = join_all((0..16).map(|_| caller.exchange(request.clone()))).await;
    let first = answers.iter().find(|answer| origin(answer) == "upstream").unwrap();
    first.response();
    for answer in &answers {
        assert_eq!(answer.body, first.body);
        assert!(["upstream", "replayed"].contains(&origin(answer)), "{}", answer.text());
    }
    assert_eq!(world.sent("StartMigrateJob").await, 1);
}

/// Flattened parameters signed with v1 are recognised as well; a read is never.
async fn other_forms(world: &World) {
    use dts_gateway::sign::hmac_v1::Algorithm;
    let (caller, task) = (world.with_key("all").await, ready_task(world).await);
    let now = jiff::Timestamp::now().as_second();
    let of = |action| caller.flat(http::Method::GET, Algorithm::HmacSha1, &[("Action", action), ("JobId", &task)], now);
    let (change, read) = (of("StartMigrateJob"), of("DescribeMigrateCheckJob"));
    let answers = [caller.exchange(change.clone()).await, caller.exchange(change).await];
    assert_eq!(answers.each_ref().map(origin), ["upstream", "replayed"], "{}", answers[1].text());
    let answers = [caller.exchange(read.clone()).await, caller.exchange(read).await];
    assert_eq!(answers.each_ref().map(origin), ["upstream", "upstream"]);
    assert_eq!((world.sent("StartMigrateJob").await, world.sent("DescribeMigrateCheckJob").await), (1, 2));
}

async fn not_remembered(world: &World) {
    let caller = world.with_key("all").await;
    let task = world.tasks("migration", json!(2), 1).await.remove(0);
    let request = start(&caller, &task);
    caller.exchange(request.clone()).await.refused("FailedOperation.NotAllowOperation", "state-forbids");
    world.cloud("PUT", &format!("/_sim/tasks/{task}"), r#"{"status": 4}"#).await;
    // A read that passes teaches the new state.
    caller.act("DescribeMigrateJobs", json!({"JobId": task})).await.response();

    world.fault(json!({"action": "StartMigrateJob", "kind": "throttle", "times": 1})).await;
    let throttled = caller.exchange(request.clone()).await;
    assert_eq!((throttled.code().as_str(), origin(&throttled)), ("RequestLimitExceeded", "upstream"));
    let third = caller.exchange(request.clone()).await;
    third.response();
    assert_eq!(origin(&third), "upstream", "neither the refusal nor the throttling was remembered");
    assert_eq!(origin(&caller.exchange(request).await), "replayed");
    assert_eq!(world.sent("StartMigrateJob").await, 2);
}

/// What the cloud answered is remembered, an error too; a change whose outcome nobody knows is not sent again.
async fn errors(world: &World) {
    let (caller, task) = (world.with_key("all").await, ready_task(world).await);
    world.fault(json!({"action": "StartMigrateJob", "kind": "error", "code": "FailedOperation", "times": 1})).await;
    let request = start(&caller, &task);
    let answers = [caller.exchange(request.clone()).await, caller.exchange(request).await];
    assert_eq!(answers.each_ref().map(origin), ["upstream", "replayed"]);
    assert_eq!(answers[0].body, answers[1].body);
    assert_eq!(world.record_of(&answers[1]).await["upstream_code"], "FailedOperation");

    world.fault(json!({"action": "StopMigrateJob", "kind": "reset"})).await;
    let running = world.tasks("migration", json!(7), 1).await.remove(0);
    let request = caller.request("StopMigrateJob", &[], &json!({"JobId": running}).to_string());
    for _ in 0..2 {
        caller.exchange(request.clone()).await.refused("FailedOperation", "outcome-unknown");
    }
    assert_eq!(world.sent("StopMigrateJob").await, 1);
}

async fn idempotency_keys(world: &World) {
    let caller = world.with_token("all");
    let tasks = world.tasks("migration", json!(2), 2).await;
    let modify = async |caller: &Caller, key: &str, task: &str, name: &str| {
        let body = json!({"JobId": task, "JobName": name}).to_string();
        let headers: &[(&str, &str)] = if key.is_empty() { &[] } else { &[("idempotency-key", key)] };
        caller.act_with("ModifyMigrateJob", headers, &body).await
    };
    let first = modify(&caller, "one", &tasks[0], "a").await;
    first.response();
    let second = modify(&caller, "one", &tasks[0], "a").await;
    assert_eq!((origin(&second), &second.body), ("replayed", &first.body));
    let swapped = format!(r#"{{"JobName": "a", "JobId": "{}"}}"#, tasks[0]);
    let third = caller.act_with("ModifyMigrateJob", &[("idempotency-key", "one")], &swapped).await;
    assert_eq!((origin(&third), &third.body), ("replayed", &first.body), "the members in another order");
    for (task, name) in [(&tasks[0], "b"), (&tasks[1], "a")] {
        let conflict = modify(&caller, "one", task, name).await;
        let message = conflict.refused("FailedOperation", "idempotency-conflict");
        assert!(message.contains(first.header("x-request-id")), "{message}");
    }
    assert_eq!(world.sent("ModifyMigrateJob").await, 1);

    assert_eq!(origin(&modify(&caller, "two", &tasks[0], "a").await), "upstream", "another key");
    assert_eq!(
        origin(&modify(&world.with_token("careful"), "one", &tasks[0], "a").await),
        "upstream",
        "another caller"
    );
    assert_eq!(origin(&modify(&caller, "", &tasks[0], "a").await), "upstream", "a token alone says nothing");
    assert_eq!(origin(&modify(&caller, "", &tasks[0], "a").await), "upstream");
    let signed = world.with_key("all").await;
    assert_eq!(origin(&modify(&signed, "three", &tasks[0], "a").await), "upstream");
    assert_eq!(origin(&modify(&signed, "three", &tasks[0], "a").await), "replayed", "signed anew, the same key");
}

/// The same bytes with another `Idempotency-Key` beside them, or with none.
fn with(request: &Request<Full<Bytes>>, key: Option<&str>) -> Request<Full<Bytes>> {
    let mut request = request.clone();
    request.headers_mut().remove("idempotency-key");
    if let Some(key) = key {
        request.headers_mut().insert("idempotency-key", key.parse().unwrap());
    }
    request
}

fn conflicting(answer: &Answer, first: &Answer) {
    let message = answer.refused("FailedOperation", "idempotency-conflict");
    assert!(message.contains(first.header("x-request-id")) && message.contains("Sign"), "{message}");
}

/// No SDK's signature covers `Idempotency-Key`, so whoever captured a request can write any beside it.
async fn unsigned_keys(world: &World) {
    use dts_gateway::sign::hmac_v1::Algorithm;
    let caller = world.with_key("all").await;
    let now = jiff::Timestamp::now().as_second();
    let purchase = |count: u8| json!({"Product": "mysql", "PayType": 1, "Count": count}).to_string();
    let flat = |count: &str| {
        let parameters = [("Action", "CreateSubscribe"), ("Product", "mysql"), ("PayType", "1"), ("Count", count)];
        caller.flat(http::Method::POST, Algorithm::HmacSha256, &parameters, now)
    };
    let signed = [
        (caller.request("CreateSubscribe", &[], &purchase(1)), caller.request("CreateSubscribe", &[], &purchase(2))),
        (flat("3"), flat("4")),
    ];
    for (order, (bare, keyed)) in ["order-1", "order-2"].into_iter().zip(signed) {
        let before = world.sent("CreateSubscribe").await;
        let first = caller.exchange(bare.clone()).await;
        first.response();
        for key in ["1", "2"] {
            conflicting(&caller.exchange(with(&bare, Some(key))).await, &first);
        }
        assert_eq!(origin(&caller.exchange(bare).await), "replayed");

        let first = caller.exchange(with(&keyed, Some(order))).await;
        first.response();
        for key in [None, Some("another")] {
            conflicting(&caller.exchange(with(&keyed, key)).await, &first);
        }
        let again = caller.exchange(with(&keyed, Some(order))).await;
        assert_eq!((origin(&again), &again.body), ("replayed", &first.body));
        assert_eq!(world.sent("CreateSubscribe").await, before + 2);
    }

    // A retry that is signed anew is known by its key.
    let order = |now| with(&caller.request_at("CreateSubscribe", &[], &purchase(5), now), Some("retried"));
    let answers = [caller.exchange(order(now)).await, caller.exchange(order(now - 1)).await];
    assert_eq!(answers.each_ref().map(origin), ["upstream", "replayed"], "{}", answers[1].text());
}

/// Two copies of one stop wait for their turns at a cloud that takes two stops in a second. The first to have one is not
/// answered; the other waits for it, and another task's stop has the second turn.
#[tokio::test]
async fn a_second_arrival_holds_no_turn_while_it_waits_for_the_first() {
    let mut world = World::start_with(Database::Postgres, Options::head("quota.parts = 10")).await;
    let caller = world.with_key("all").await;
    let tasks = world.tasks("migration", json!(7), 4).await;
    let stop = |task: &str| caller.request("StopMigrateJob", &[PATIENT], &json!({"JobId": task}).to_string());
    let before = join_all(tasks[..2].iter().map(|task| caller.exchange(stop(task)))).await;
    before.iter().for_each(|answer| drop(answer.response()));
    world.fault(json!({"action": "StopMigrateJob", "kind": "stall", "times": 1})).await;
    let copies = [stop(&tasks[2]), stop(&tasks[2])];
    let copies = copies.map(|copy| {
        let caller = caller.clone();
        tokio::spawn(async move { caller.exchange(copy).await })
    });
    let sent = async || (world.sent("StopMigrateJob").await == 3).then_some(());
    until("the first copy is sent", sent).await;
    let other = caller.exchange(stop(&tasks[3])).await;
    assert_eq!(origin(&other), "upstream", "{}", other.text());
    for copy in copies {
        if copy.is_finished() {
            panic!("it did not wait for the first one's answer: {}", copy.await.unwrap().text());
        }
        copy.abort();
    }
    world.abandon_gateway();
    world.end().await;
}

#[tokio::test]
async fn a_signed_change_runs_once_whatever_idempotency_key_stands_beside_it() {
    on_both(Options::default(), async |world| unsigned_keys(world).await).await;
}

#[tokio::test]
async fn a_signed_change_seen_again_gets_its_first_answer_after_a_restart_too() {
    on_both(Options::default(), same_bytes).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixteen_arrivals_of_one_change_are_sent_once() {
    on_both(Options::default(), async |world| sixteen_at_once(world).await).await;
}

#[tokio::test]
async fn v1_changes_are_recognised_and_reads_run_again() {
    on_both(Options::default(), async |world| other_forms(world).await).await;
}

#[tokio::test]
async fn refusals_and_throttling_are_not_remembered() {
    on_both(Options::default(), async |world| not_remembered(world).await).await;
}

#[tokio::test]
async fn errors_are_remembered_and_unknown_outcomes_are_never_sent_again() {
    on_both(Options::default(), async |world| errors(world).await).await;
}

#[tokio::test]
async fn an_idempotency_key_stands_for_one_change_of_one_caller() {
    on_both(Options::default(), async |world| idempotency_keys(world).await).await;
}
