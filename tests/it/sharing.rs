//! Identical reads are one call to the cloud, each caller has its record, and a change is never overtaken by an old answer.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;
use jiff::Timestamp;
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::Instant;
use uuid::Uuid;

use crate::caller::{Answer, Caller, NO_CACHE, until};
use crate::replicas::redis_url;
use crate::world::{Database, Options, World};

const ACTION: &str = "DescribeMigrateJobs";

/// Long enough that whatever is meant to meet does, on a busy machine too.
const DELAY: u64 = 1_500;

async fn slow(world: &World) {
    world.fault(json!({"action": ACTION, "kind": "delay", "ms": DELAY})).await;
}

async fn look(caller: &Caller, task: &str) -> Answer {
    caller.act(ACTION, json!({"JobId": task})).await
}

fn origin(answer: &Answer) -> &str {
    answer.header("x-dts-gateway-origin")
}

fn request_id(answer: &Answer) -> String {
    answer.response()["RequestId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn fifty_at_once_are_one_call_and_each_has_its_record() {
    let world = World::start(Database::Sqlite).await;
    let task = world.tasks("migration", json!(7), 1).await.pop().unwrap();
    slow(&world).await;
    let caller = world.with_key("all").await;
    let answers = join_all((0..50).map(|_| look(&caller, &task))).await;
    assert_eq!(world.sent(ACTION).await, 1);
    let told: BTreeSet<String> = answers.iter().map(request_id).collect();
    assert_eq!(told.len(), 1, "the RequestId in the body is the cloud's own");
    let (shared, carried): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| origin(answer) == "shared");
    assert_eq!((shared.len(), carried.len(), origin(carried[0])), (49, 1, "upstream"));

    let records = world.records(&format!("action={ACTION}"), 50).await;
    let own: BTreeSet<&str> = records.iter().map(|record| record["request_id"].as_str().unwrap()).collect();
    assert_eq!(own.len(), 50);
    for answer in &shared {
        let record = records.iter().find(|record| record["request_id"] == answer.header("x-request-id")).unwrap();
        assert_eq!((&record["outcome"], &record["detail"]["origin"]), (&json!("ok"), &json!("shared")));
        assert_eq!(record["detail"]["shared_from"], carried[0].header("x-request-id"), "{record}");
        assert_eq!(record["upstream_request_id"], request_id(answer));
    }
    assert!(world.record_of(carried[0]).await["detail"].get("shared_from").is_none());
    let metrics = world.auditor().get("/metrics").await.text();
    let counted = format!("dts_gateway_shared_total{{family=\"tencent\",action=\"{ACTION}\"}} 49");
    assert!(metrics.contains(&counted), "{metrics}");
    world.end().await;
}

#[tokio::test]
async fn callers_who_may_see_other_tasks_and_those_who_opt_out_ask_for_themselves() {
    let world = World::start_with(Database::Sqlite, Options::head("share.fresh_for = \"5s\"")).await;
    let all = world.with_token("all");
    // Made by the team's own call, so that a caller who sees only those may look.
    let made = all.act("CreateMigrateJob", crate::smoke::creation()).await;
    let task = made.response()["JobId"].as_str().unwrap().to_owned();
    slow(&world).await;
    let body = json!({"JobId": task}).to_string();
    let (own, reader) = (world.with_token("own"), world.with_token("reader"));
    let (all_told, own_told, reader_told, fresh) = tokio::join!(
        look(&all, &task),
        look(&own, &task),
        look(&reader, &task),
        all.act_with(ACTION, &[NO_CACHE], &body),
    );
    let different: BTreeSet<String> = [&all_told, &own_told, &fresh].map(request_id).into();
    assert_eq!(different.len(), 3);
    assert_eq!(request_id(&reader_told), request_id(&all_told), "both see everything");
    assert_eq!(world.sent(ACTION).await, 3);
    // What was asked for by one of them is told again, but not to who opts out.
    let again = look(&reader, &task).await;
    assert_eq!((origin(&again), request_id(&again)), ("shared", request_id(&all_told)));
    assert_eq!(origin(&all.act_with(ACTION, &[NO_CACHE], &body).await), "upstream");
    world.end().await;
}

#[tokio::test]
async fn a_caller_who_hangs_up_costs_nobody_the_answer() {
    let world = World::start(Database::Sqlite).await;
    let task = world.tasks("migration", json!(7), 1).await.pop().unwrap();
    slow(&world).await;
    let (first, second) = (world.with_token("all"), world.with_token("reader"));
    let leaving = tokio::spawn({
        let task = task.clone();
        async move { look(&first, &task).await }
    });
    world.sent_at_least(ACTION, 1).await;
    let waiting = tokio::spawn(async move { look(&second, &task).await });
    leaving.abort();
    let answer = waiting.await.unwrap();
    assert_eq!((origin(&answer), world.sent(ACTION).await), ("shared", 1));
    let record = world.record(&format!("caller=all&action={ACTION}")).await;
    assert_eq!((&record["outcome"], &record["caller_gone"]), (&json!("ok"), &json!(true)), "{record}");
    let shared = world.record_of(&answer).await;
    assert_eq!(shared["detail"]["shared_from"], record["request_id"]);
    world.end().await;
}

#[tokio::test]
async fn what_was_asked_for_before_a_change_is_told_to_nobody_who_comes_after_it() {
    let world = World::start_with(Database::Sqlite, Options::head("share.fresh_for = \"5s\"")).await;
    let tasks = world.tasks("migration", json!(7), 2).await;
    let caller = world.with_token("all");
    let status = |answer: Answer| answer.response()["JobList"][0]["Status"].clone();
    let before = look(&caller, &tasks[0]).await;
    let other = look(&caller, &tasks[1]).await;
    let list = caller.act(ACTION, json!({})).await;
    assert_eq!(origin(&look(&caller, &tasks[0]).await), "shared");
    // One that is under way all the while: the change passes it.
    world.fault(json!({"action": ACTION, "kind": "delay", "ms": DELAY, "times": 1})).await;
    let under_way = tokio::spawn({
        let (caller, task) = (caller.clone(), tasks[0].clone());
        async move { caller.act(ACTION, json!({"JobId": task, "Limit": 1})).await }
    });
    world.sent_at_least(ACTION, 4).await;
    caller.act("StopMigrateJob", json!({"JobId": tasks[0]})).await.response();
    let after = caller.act(ACTION, json!({"JobId": tasks[0], "Limit": 1})).await;
    assert_eq!(origin(&after), "upstream");
    let changed = look(&caller, &tasks[0]).await;
    assert_eq!(origin(&changed), "upstream");
    assert_ne!(status(changed), status(before));
    assert_ne!(request_id(&caller.act(ACTION, json!({})).await), request_id(&list), "the list may show it");
    assert_eq!(request_id(&look(&caller, &tasks[1]).await), request_id(&other), "another task has not changed");
    assert_ne!(request_id(&under_way.await.unwrap()), request_id(&after));
    world.end().await;
}

#[tokio::test]
async fn what_the_cloud_refuses_is_everybodys_but_is_not_remembered() {
    let world = World::start_with(Database::Sqlite, Options::head("share.fresh_for = \"5s\"")).await;
    let task = world.tasks("migration", json!(7), 1).await.pop().unwrap();
    let caller = world.with_token("all");
    world.fault(json!({"action": ACTION, "kind": "error", "code": "InternalError.Odd", "times": 1})).await;
    let refused = look(&caller, &task).await;
    assert_eq!((refused.code().as_str(), origin(&refused)), ("InternalError.Odd", "upstream"));
    assert_eq!(origin(&look(&caller, &task).await), "upstream");
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_tell_each_other_what_has_changed() {
    let config = format!(
        "[redis]\nurl = \"{}\"\nprefix = \"{}\"\n[share]\nfresh_for = {{ {ACTION} = \"5s\" }}\n",
        redis_url(),
        Uuid::new_v4().simple()
    );
    let world = World::start_with(Database::Postgres, Options { config, ..Options::default() }).await;
    let other = world.another().await;
    let token = world.token("all", &[]);
    let [here, there] = [&world.public, &other.public].map(|url| Caller::with_token(url, token.expose_secret()));
    for round in 0..5 {
        let tasks = world.tasks("migration", json!(7), 2).await;
        let before = look(&there, &tasks[0]).await;
        let kept = look(&there, &tasks[1]).await;
        let sent = world.sent(ACTION).await;
        here.act("StopMigrateJob", json!({"JobId": tasks[0]})).await.response();
        let asked = Instant::now();
        // Redis has passed it on when the change is answered; the other replica has yet to read it.
        let after = until("the other replica has heard of it", || async {
            let after = look(&there, &tasks[0]).await;
            (request_id(&after) != request_id(&before)).then_some(after)
        })
        .await;
        assert!(asked.elapsed() < Duration::from_secs(4), "round {round}: it was told, and did not just grow old");
        assert_eq!(origin(&after), "upstream");
        assert_eq!(request_id(&look(&there, &tasks[1]).await), request_id(&kept), "another task has not changed");
        assert!(world.sent(ACTION).await > sent);
    }
    other.stop().await;
    world.end().await;
}

/// Polls as fast as answers come, and says of each when it was sent and which answer it was told.
async fn poll(caller: Caller, task: String, until: Instant) -> Vec<(f64, String)> {
    let mut told = Vec::new();
    while Instant::now() < until {
        let sent = Timestamp::now().as_microsecond() as f64 / 1e3;
        told.push((sent, request_id(&look(&caller, &task).await)));
    }
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_polls_of_one_task_cost_one_call_a_second_and_none_is_older() {
    const SECONDS: u64 = 3;
    let head = format!("share.fresh_for = {{ {ACTION} = \"1s\" }}");
    let world = World::start_with(Database::Sqlite, Options::head(&head)).await;
    let task = world.tasks("migration", json!(7), 1).await.pop().unwrap();
    let began = Instant::now();
    let mut polls = JoinSet::new();
    for _ in 0..32 {
        polls.spawn(poll(world.with_token("all"), task.clone(), began + Duration::from_secs(SECONDS)));
    }
    let told: Vec<(f64, String)> = polls.join_all().await.into_iter().flatten().collect();
    let took = began.elapsed().as_secs_f64();
    let requests = world.requests().await;
    let arrivals: BTreeMap<&str, f64> = requests
        .iter()
        .map(|request: &Value| (request["request_id"].as_str().unwrap(), request["at"].as_f64().unwrap()))
        .collect();
    let ages = told.iter().map(|(sent, id)| sent - arrivals[id.as_str()]);
    let oldest = ages.fold(0.0, f64::max);
    println!("{} polls in {took:.1} s, {} calls, the oldest answer {oldest:.0} ms", told.len(), requests.len());
    assert!(oldest <= 1_000.0, "an answer was {oldest} ms old when it was asked for");
    // One at the start, one whenever a second is over.
    assert!(requests.len() as f64 <= took + 1.0, "{} calls in {took} s", requests.len());
    world.end().await;
}
