//! What a death and a graceful end leave behind: nothing in flight is forgotten, nothing is held for ever.

use std::time::{Duration, Instant};

use dts_gateway::store::Entry;
use jiff::Timestamp;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::caller::until;
use crate::smoke::creation;
use crate::world::Options;
use crate::world::{World, on_both};

/// Cut off with two changes under way: after the start their records say unknown, and their tasks are free.
async fn death(world: &mut World) {
    let all = world.with_key("all").await;
    let task = world.tasks("migration", json!(7), 1).await.remove(0);
    world.fault(json!({"action": "StopMigrateJob", "kind": "stall"})).await;
    world.fault(json!({"action": "CreateMigrateJob", "kind": "stall"})).await;
    let stop = tokio::spawn({
        let (all, task) = (all.clone(), task.clone());
        async move { all.act("StopMigrateJob", json!({"JobId": task})).await }
    });
    let create = tokio::spawn({
        let all = all.clone();
        async move { all.act("CreateMigrateJob", creation()).await }
    });
    world.sent_at_least("StopMigrateJob", 1).await;
    world.sent_at_least("CreateMigrateJob", 1).await;
    world.records("outcome=open", 2).await;

    let made = world.cloud("GET", "/_sim/tasks", "").await["tasks"].as_array().unwrap().clone();
    let made = made.iter().find(|made| made["id"] != json!(task)).unwrap()["id"].as_str().unwrap().to_owned();

    world.abandon_gateway();
    // As if it had the answer of the creation, and died between storing the owner and the end of the call.
    let store = world.store();
    let own = Entry::Own { account: "main".to_owned(), task: made.clone(), team: "platform".to_owned() };
    store.commit(&[own]).await.unwrap();
    store.close().await;
    assert!(stop.await.unwrap_err().is_panic(), "the connection broke");
    assert!(create.await.unwrap_err().is_panic());
    let started = Instant::now();
    world.start_gateway().await;
    for action in ["StopMigrateJob", "CreateMigrateJob"] {
        let record = world.record(&format!("action={action}")).await;
        assert_eq!((&record["outcome"], &record["reason"]), (&json!("unknown"), &json!("outcome-unknown")));
        assert_eq!((&record["caller"], &record["account"]), (&json!("all"), &json!("main")));
    }
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());

    // The cloud did both, and says so.
    world.records("action=StopMigrateJob&settled=done", 1).await;
    let creation = world.records("action=CreateMigrateJob&settled=done", 1).await.remove(0);
    let path = format!("/v1/audit/records/{}", creation["id"].as_str().unwrap());
    let phases = world.auditor().get(&path).await.json();
    assert_eq!(
        (&phases["ended"]["record"]["settled"], &phases["settled"]["settled"]),
        (&json!("done"), &json!("done"))
    );
    assert_eq!(phases["settled"]["seen"]["made"], json!(made));
    assert_eq!(world.records(&format!("task_id={made}"), 1).await[0]["id"], creation["id"]);
    assert!(world.records("outcome=open", 0).await.is_empty());

    world.no_faults().await;
    world.forget_requests().await;
    world.cloud("PUT", &format!("/_sim/tasks/{task}"), r#"{"status": 10}"#).await;
    let all = world.with_key("all").await;
    all.act("StopMigrateJob", json!({"JobId": task}))
        .await
        .refused("FailedOperation.NotAllowOperation", "state-forbids");
    all.act("DeleteMigrateJob", json!({"JobId": task})).await.response();
    assert_eq!(world.sent("DescribeMigrateJobs").await, 1, "the state was asked for anew");
    assert_eq!(world.sent("StopMigrateJob").await, 0);
}

/// A call whose head has arrived and whose body has not, on a connection of its own.
struct Unfinished {
    stream: TcpStream,
    body: &'static str,
}

impl Unfinished {
    async fn begin(world: &World) -> Unfinished {
        use secrecy::ExposeSecret;
        let host = world.public.strip_prefix("http://").unwrap();
        let mut stream = TcpStream::connect(host).await.unwrap();
        let token = world.token("all", &[]);
        let body = "{}";
        let head = format!(
            "POST / HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
             X-TC-Action: DescribeMigrateJobs\r\nX-TC-Version: 2018-03-30\r\nContent-Length: {}\r\n\
             Expect: 100-continue\r\n\r\n",
            token.expose_secret(),
            body.len()
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // The gateway asks for the body: it has read the head.
        let mut continued = [0; 25];
        stream.read_exact(&mut continued).await.unwrap();
        assert_eq!(&continued, b"HTTP/1.1 100 Continue\r\n\r\n");
        Unfinished { stream, body }
    }

    async fn finish(mut self) -> String {
        self.stream.write_all(self.body.as_bytes()).await.unwrap();
        let mut answer = String::new();
        self.stream.read_to_string(&mut answer).await.unwrap();
        answer
    }
}

/// Told to stop: what is under way is finished and told, what comes late is refused, and the log is complete.
async fn graceful_end(world: &mut World) {
    let all = world.with_token("all");
    let tasks = world.tasks("migration", json!(7), 8).await;
    world.fault(json!({"action": "StopMigrateJob", "kind": "delay", "ms": 1500})).await;
    let calls: Vec<_> = tasks
        .iter()
        .map(|task| {
            let (all, task) = (all.clone(), task.clone());
            tokio::spawn(async move { all.act("StopMigrateJob", json!({"JobId": task})).await })
        })
        .collect();
    let unfinished = Unfinished::begin(world).await;
    world.sent_at_least("StopMigrateJob", tasks.len()).await;

    world.tell_to_stop();
    let host = world.public.strip_prefix("http://").unwrap().to_owned();
    until("nobody is let in any more", || async { TcpStream::connect(&host).await.err() }).await;
    let late = unfinished.finish().await;
    assert!(late.starts_with("HTTP/1.1 200") && late.contains("ServiceUnavailable"), "{late}");
    assert!(late.contains("x-dts-gateway-reason: draining"), "{late}");
    for call in calls {
        call.await.unwrap().response();
    }
    world.stop_gateway().await;

    world.start_gateway().await;
    let records = world.records("action=StopMigrateJob", tasks.len()).await;
    assert_eq!(records.len(), tasks.len());
    assert!(records.iter().all(|record| record["outcome"] == "ok"), "{records:?}");
    let late = world.record("reason=draining").await;
    assert_eq!((&late["outcome"], &late["action"]), (&json!("refused"), &json!("DescribeMigrateJobs")));
    assert_eq!(world.sent("DescribeMigrateJobs").await, tasks.len(), "the late call never left");
}

/// Keys and their ends outlive the process.
async fn keys_after_a_restart(world: &mut World) {
    let pair = world.key("all", Timestamp::now(), None).await;
    let gone = world.key("all", Timestamp::now(), None).await;
    world.revoke(&gone.key_id).await;
    world.stop_gateway().await;
    world.start_gateway().await;
    world.signing(&pair).act("DescribeMigrateJobs", json!({})).await.response();
    let refused = world.signing(&gone).act("DescribeMigrateJobs", json!({})).await;
    refused.refused("AuthFailure.InvalidSecretId", "key-revoked");
}

#[tokio::test]
async fn after_a_death_what_was_open_is_unknown_and_its_tasks_are_free() {
    on_both(Options::default(), death).await;
}

#[tokio::test]
async fn told_to_stop_it_finishes_what_is_under_way() {
    on_both(Options::default(), graceful_end).await;
}

#[tokio::test]
async fn keys_outlive_the_process() {
    on_both(Options::default(), keys_after_a_restart).await;
}
