//! The simulator as a program sees it: over HTTP, on a free port, through its control API and its faults.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by panicking

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dts_simulator::{Clock, Options, Running, Simulator};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha1::Sha1;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const ID: &str = "AKIDtest";
const KEY: &str = "secret";

struct Bench {
    running: Running,
    clock: Clock,
    nonce: AtomicU64,
}

impl Bench {
    async fn new() -> Self {
        let clock = Clock::manual(Clock::system().now());
        let options = Options {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            credential: Some((ID.to_owned(), KEY.to_owned())),
            clock: clock.clone(),
            ..Options::default()
        };
        Self { running: Simulator::start(options).await.unwrap(), clock, nonce: AtomicU64::new(1) }
    }

    /// Sends bytes on a connection of its own and reads until the end.
    async fn raw(&self, request: &str) -> io::Result<Vec<u8>> {
        let mut stream = TcpStream::connect(self.running.address()).await?;
        stream.write_all(request.as_bytes()).await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        Ok(answer)
    }

    async fn control(&self, method: &str, path: &str, body: Option<Value>) -> (u16, Value) {
        let body = body.map(|body| body.to_string()).unwrap_or_default();
        let length = body.len();
        let head = format!("{method} {path} HTTP/1.1\r\nHost: sim\r\nConnection: close\r\nContent-Length: {length}");
        split(&self.raw(&format!("{head}\r\n\r\n{body}")).await.unwrap())
    }

    async fn get(&self, path: &str) -> Value {
        self.control("GET", path, None).await.1
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let (status, answer) = self.control("POST", path, Some(body)).await;
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// A call signed with HmacSHA1, as a GET.
    fn request(&self, action: &str, parameters: &[(&str, &str)]) -> String {
        self.request_to(&self.running.address().to_string(), "2018-03-30", "ap-guangzhou", action, parameters)
    }

    fn request_to(&self, host: &str, version: &str, region: &str, action: &str, parameters: &[(&str, &str)]) -> String {
        let nonce = self.nonce.fetch_add(1, Ordering::Relaxed).to_string();
        let timestamp = self.clock.now().seconds().to_string();
        let mut all = vec![
            ("Action", action),
            ("Version", version),
            ("Region", region),
            ("Nonce", &nonce),
            ("Timestamp", &timestamp),
            ("SecretId", ID),
        ];
        all.extend(parameters);
        all.sort_unstable();
        let joined: Vec<String> = all.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut mac = Hmac::<Sha1>::new_from_slice(KEY.as_bytes()).unwrap();
        mac.update(format!("GET{host}/?{}", joined.join("&")).as_bytes());
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(&all)
            .append_pair("Signature", &signature)
            .finish();
        format!("GET /?{query} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")
    }

    async fn call(&self, action: &str, parameters: &[(&str, &str)]) -> Value {
        let (status, answer) = split(&self.raw(&self.request(action, parameters)).await.unwrap());
        assert_eq!(status, 200);
        answer["Response"].clone()
    }

    async fn code(&self, action: &str, parameters: &[(&str, &str)]) -> String {
        self.call(action, parameters).await["Error"]["Code"].as_str().unwrap_or("none").to_owned()
    }

    async fn put_running_task(&self) -> String {
        let made = self.post("/_sim/tasks", json!({"kind": "migration", "version": "2018-03-30", "status": 7})).await;
        made["ids"][0].as_str().unwrap().to_owned()
    }

    async fn task_status(&self, id: &str) -> Value {
        self.get(&format!("/_sim/tasks/{id}")).await["status"].clone()
    }

    async fn requests(&self) -> Vec<Value> {
        self.get("/_sim/requests").await["requests"].as_array().unwrap().clone()
    }
}

fn split(answer: &[u8]) -> (u16, Value) {
    let text = String::from_utf8(answer.to_vec()).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").expect("an answer has a head");
    assert!(head.to_lowercase().contains("\r\ncontent-type: application/json\r\n"), "{head}");
    (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap())
}

#[tokio::test]
async fn a_call_is_answered_counted_and_listed() {
    let bench = Bench::new().await;
    let id = bench.put_running_task().await;
    let answer = bench.call("StopMigrateJob", &[("JobId", &id)]).await;
    assert!(answer.get("Error").is_none(), "{answer}");
    assert_eq!(bench.task_status(&id).await, 11);
    let entry = &bench.requests().await[0];
    assert_eq!((&entry["action"], &entry["version"]), (&json!("StopMigrateJob"), &json!("2018-03-30")));
    assert_eq!((&entry["region"], &entry["params"]), (&json!("ap-guangzhou"), &json!({ "JobId": id })));
    assert_eq!((&entry["answered"], &entry["code"]), (&json!(true), &Value::Null));
    assert_eq!((&entry["task_id"], &entry["request_id"]), (&json!(id), &answer["RequestId"]));
    assert_eq!(entry["signature_method"], "HmacSHA1");
    assert_eq!(entry["headers"]["host"], bench.running.address().to_string());
    assert_eq!(entry["at"].as_f64().unwrap(), bench.clock.now().unix_millis());
    let buckets = bench.get("/_sim/stats").await["buckets"].clone();
    let host = bench.running.address().to_string();
    let expected = json!([{
        "credential": ID, "host": host, "region": "ap-guangzhou", "action": "StopMigrateJob",
        "limit": 20, "calls": 1, "max_in_any_window": 1, "throttled": 0,
    }]);
    assert_eq!(buckets, expected);
    bench.control("DELETE", "/_sim/requests", None).await;
    assert!(bench.requests().await.is_empty());
    assert_eq!(bench.get("/_sim/stats").await, json!({ "buckets": [] }));
    bench.running.shutdown().await;
}

#[tokio::test]
async fn a_rejected_call_is_listed_too_and_counted_nowhere() {
    let bench = Bench::new().await;
    let forged = bench.request("StopMigrateJob", &[("JobId", "a")]).replace("JobId=a", "JobId=b");
    let (_, answer) = split(&bench.raw(&forged).await.unwrap());
    assert_eq!(answer["Response"]["Error"]["Code"], "AuthFailure.SignatureFailure");
    let (_, answer) = split(&bench.raw("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await.unwrap());
    assert_eq!(answer["Response"]["Error"]["Code"], "MissingParameter");
    let listed = bench.requests().await;
    assert_eq!(listed[0]["code"], "AuthFailure.SignatureFailure");
    assert_eq!((&listed[0]["params"], &listed[0]["done"]), (&json!({"JobId": "b"}), &json!(false)));
    assert_eq!((&listed[1]["code"], &listed[1]["action"]), (&json!("MissingParameter"), &Value::Null));
    assert_eq!(bench.get("/_sim/stats").await["buckets"], json!([]));
}

#[tokio::test]
async fn the_front_refuses_by_name() {
    let bench = Bench::new().await;
    assert_eq!(bench.code("Nothing", &[]).await, "InvalidAction");
    assert_eq!(bench.code("DescribeMigrateJobs", &[("Stray", "x")]).await, "UnknownParameter");
    assert_eq!(bench.code("DescribeMigrateJobs", &[("Limit", "x")]).await, "InvalidParameterValue");
    assert_eq!(bench.code("StopMigrateJob", &[]).await, "MissingParameter");
    assert_eq!(bench.code("DescribeMigrateJobs", &[("Token", "t")]).await, "AuthFailure.TokenFailure");
    for (host, version, region, expected) in [
        ("dts.tencentcloudapi.com", "1999-01-01", "ap-guangzhou", "NoSuchVersion"),
        ("dts.tencentcloudapi.com", "2018-03-30", "mars", "UnsupportedRegion"),
        ("dts.tencentcloudapi.com", "2018-03-30", "", "MissingParameter"),
        ("dts.tencentcloudapi.com", "2018-03-30", "ap-shanghai-fsi", "UnsupportedRegion"),
        ("dts.ap-shanghai-fsi.tencentcloudapi.com", "2018-03-30", "ap-shanghai-fsi", "none"),
        ("http://127.0.0.1:8088", "2018-03-30", "ap-guangzhou", "none"),
    ] {
        let request = bench.request_to(host, version, region, "DescribeMigrateJobs", &[]);
        let (_, answer) = split(&bench.raw(&request).await.unwrap());
        let code = answer["Response"]["Error"]["Code"].as_str().unwrap_or("none");
        assert_eq!(code, expected, "{host} {version} {region}");
    }
    let late = bench.request("DescribeMigrateJobs", &[]);
    bench.clock.advance(Duration::from_secs(302));
    let (_, answer) = split(&bench.raw(&late).await.unwrap());
    assert_eq!(answer["Response"]["Error"]["Code"], "AuthFailure.SignatureExpire");
}

#[tokio::test]
async fn the_access_point_has_the_rate_and_not_the_region_that_is_asked_for() {
    let bench = Bench::new().await;
    for (host, region) in [
        ("dts.ap-guangzhou.tencentcloudapi.com", "ap-guangzhou"),
        ("dts.ap-guangzhou.tencentcloudapi.com", "ap-beijing"),
        ("sim:1", "ap-guangzhou"),
        ("sim:1", "ap-beijing"),
    ] {
        let request = bench.request_to(host, "2018-03-30", region, "DescribeMigrateJobs", &[]);
        split(&bench.raw(&request).await.unwrap());
    }
    let buckets = bench.get("/_sim/stats").await["buckets"].as_array().unwrap().clone();
    let seen: Vec<_> =
        buckets.iter().map(|bucket| (bucket["region"].as_str().unwrap(), bucket["calls"].clone())).collect();
    assert_eq!(seen, [("ap-guangzhou", json!(2)), ("ap-beijing", json!(1)), ("ap-guangzhou", json!(1))]);
}

#[tokio::test]
async fn an_action_of_two_versions_has_one_rate() {
    let bench = Bench::new().await;
    let host = bench.running.address().to_string();
    for (version, code) in [("2018-03-30", "ResourceNotFound.JobNotExist"); 20]
        .into_iter()
        .chain([("2018-03-30", "RequestLimitExceeded"), ("2021-12-06", "RequestLimitExceeded")])
    {
        let request = bench.request_to(&host, version, "ap-guangzhou", "StopMigrateJob", &[("JobId", "a")]);
        let (_, answer) = split(&bench.raw(&request).await.unwrap());
        assert_eq!(answer["Response"]["Error"]["Code"], code, "{version}");
    }
}

#[tokio::test]
async fn tasks_of_every_kind_of_2021_are_put_here() {
    let bench = Bench::new().await;
    let host = bench.running.address().to_string();
    let put = async |kind: &str, status: &str, data: Value| {
        let order = json!({"kind": kind, "version": "2021-12-06", "status": status, "data": data});
        bench.post("/_sim/tasks", order).await["ids"][0].as_str().unwrap().to_owned()
    };
    let sync = put("sync", "Running", json!({})).await;
    let check = put("compare", "running", json!({ "JobId": sync })).await;
    let subscription = put("subscription", "running", json!({})).await;
    assert!(check.starts_with(&format!("{sync}-cmp-")) && subscription.starts_with("subs-"));
    let job = put("compare", "created", json!({})).await;
    assert!(job.starts_with("dts-"));
    let flat = [("JobId", sync.as_str()), ("CompareTaskId", &check), ("ForceStop", "true")];
    let request = bench.request_to(&host, "2021-12-06", "ap-guangzhou", "StopSyncCompare", &flat);
    let (_, answer) = split(&bench.raw(&request).await.unwrap());
    assert_eq!(answer["Response"].get("Error"), None, "{answer}");
    assert_eq!(bench.task_status(&check).await, "stopping");
    let groups = json!({"data": {"ConsumerGroups": [{"ConsumerGroupName": "g", "ConsumerGroupState": "Stable"}]}});
    bench.control("PUT", &format!("/_sim/tasks/{subscription}"), Some(groups)).await;
    let named = [("SubscribeId", subscription.as_str())];
    let request = bench.request_to(&host, "2021-12-06", "ap-guangzhou", "DescribeConsumerGroups", &named);
    let (_, answer) = split(&bench.raw(&request).await.unwrap());
    assert_eq!(answer["Response"]["Items"][0]["ConsumerGroupState"], "Stable");
}

#[tokio::test]
async fn the_rate_is_enforced_to_the_microsecond() {
    let bench = Bench::new().await;
    for call in 0..20 {
        assert_eq!(bench.code("StopMigrateJob", &[("JobId", "a")]).await, "ResourceNotFound.JobNotExist", "{call}");
    }
    assert_eq!(bench.code("StopMigrateJob", &[("JobId", "a")]).await, "RequestLimitExceeded");
    assert_eq!(bench.code("StartMigrateJob", &[("JobId", "a")]).await, "ResourceNotFound.JobNotExist");
    bench.clock.advance(Duration::from_micros(999_999));
    assert_eq!(bench.code("StopMigrateJob", &[("JobId", "a")]).await, "RequestLimitExceeded");
    bench.clock.advance(Duration::from_micros(1));
    assert_eq!(bench.code("StopMigrateJob", &[("JobId", "a")]).await, "ResourceNotFound.JobNotExist");
    let bucket = bench.get("/_sim/stats").await["buckets"][1].clone();
    assert_eq!(bucket["action"], "StopMigrateJob");
    assert_eq!((&bucket["calls"], &bucket["throttled"]), (&json!(23), &json!(2)));
    assert_eq!(bucket["max_in_any_window"], 22);
}

#[tokio::test]
async fn tasks_are_made_shown_and_changed() {
    let bench = Bench::new().await;
    let order = json!({"kind": "migration", "version": "2018-03-30", "status": 7, "count": 3});
    let made = bench.post("/_sim/tasks", order).await;
    assert_eq!(made["ids"].as_array().unwrap().len(), 3);
    let odd = json!({"kind": "subscription", "version": "2018-03-30", "status": "odd", "billing": "isolated", "id": "subs-x"});
    assert_eq!(bench.post("/_sim/tasks", odd.clone()).await, json!({"ids": ["subs-x"]}));
    assert_eq!(bench.control("POST", "/_sim/tasks", Some(odd)).await.0, 409);
    let shown = bench.get("/_sim/tasks/subs-x").await;
    assert_eq!((&shown["status"], &shown["billing"]), (&json!("odd"), &json!("isolated")));
    assert_eq!(bench.get("/_sim/tasks").await["tasks"].as_array().unwrap().len(), 4);
    let (status, changed) =
        bench.control("PUT", "/_sim/tasks/subs-x", Some(json!({"status": "configuring", "moves": true}))).await;
    assert_eq!((status, &changed["status"]), (200, &json!("configuring")));
    bench.clock.advance(Duration::from_millis(300));
    assert_eq!(bench.task_status("subs-x").await, "configured");
    for (method, path, body, expected) in [
        ("GET", "/_sim/tasks/none", None, 404),
        ("PUT", "/_sim/tasks/none", Some(json!({})), 404),
        ("POST", "/_sim/tasks", Some(json!({"kind": "migration", "version": "1999-01-01"})), 400),
        ("POST", "/_sim/tasks", Some(json!({"kind": "migration", "version": "2018-03-30", "stray": 1})), 400),
        ("POST", "/_sim/faults", Some(json!({"kind": "delay"})), 400),
        ("PATCH", "/_sim/tasks", None, 405),
        ("GET", "/_sim/nothing", None, 404),
    ] {
        assert_eq!(bench.control(method, path, body).await.0, expected, "{method} {path}");
    }
}

#[tokio::test]
async fn an_error_and_a_throttle_do_nothing_and_are_counted_down() {
    let bench = Bench::new().await;
    let id = bench.put_running_task().await;
    bench.post("/_sim/faults", json!({"action": "StopMigrateJob", "kind": "throttle", "times": 1})).await;
    bench.post("/_sim/faults", json!({"kind": "error", "code": "InternalError.LockError", "times": 1})).await;
    assert_eq!(bench.code("StopMigrateJob", &[("JobId", &id)]).await, "RequestLimitExceeded");
    assert_eq!(bench.code("StopMigrateJob", &[("JobId", &id)]).await, "InternalError.LockError");
    assert_eq!(bench.task_status(&id).await, 7);
    assert_eq!(bench.get("/_sim/stats").await["buckets"][0]["throttled"], 1);
    assert_eq!(bench.get("/_sim/faults").await, json!({ "faults": [] }));
    assert_eq!(bench.code("StopMigrateJob", &[("JobId", &id)]).await, "none");
}

#[tokio::test]
async fn a_reset_drops_the_connection_and_does_nothing() {
    let bench = Bench::new().await;
    let id = bench.put_running_task().await;
    bench.post("/_sim/faults", json!({"kind": "reset", "times": 1})).await;
    let result = bench.raw(&bench.request("StopMigrateJob", &[("JobId", &id)])).await;
    assert_eq!(result.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    assert_eq!(bench.task_status(&id).await, 7);
    let entry = &bench.requests().await[0];
    assert_eq!((&entry["answered"], &entry["done"]), (&json!(false), &json!(false)));
}

#[tokio::test]
async fn half_an_answer_comes_after_the_whole_effect() {
    let bench = Bench::new().await;
    let id = bench.put_running_task().await;
    bench.post("/_sim/faults", json!({"kind": "half", "times": 1})).await;
    let answer = bench.raw(&bench.request("StopMigrateJob", &[("JobId", &id)])).await.unwrap();
    let text = String::from_utf8(answer).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let promised: usize = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    assert_eq!(body.len(), promised / 2);
    assert_eq!(bench.task_status(&id).await, 11);
    let entry = &bench.requests().await[0];
    assert_eq!((&entry["answered"], &entry["done"]), (&json!(false), &json!(true)));
}

#[tokio::test]
async fn a_stalled_call_has_its_effect_and_no_answer() {
    let bench = Bench::new().await;
    let id = bench.put_running_task().await;
    bench.post("/_sim/faults", json!({"kind": "stall"})).await;
    let mut stream = TcpStream::connect(bench.running.address()).await.unwrap();
    stream.write_all(bench.request("StopMigrateJob", &[("JobId", &id)]).as_bytes()).await.unwrap();
    while bench.task_status(&id).await != 11 {}
    assert_eq!(bench.requests().await[0]["answered"], false);
    bench.control("DELETE", "/_sim/faults", None).await;
    assert_eq!(bench.code("StopMigrateJob", &[("JobId", &id)]).await, "FailedOperation.NotAllowOperation");
    bench.running.shutdown().await;
    let mut rest = Vec::new();
    let _ended_or_reset = stream.read_to_end(&mut rest).await;
    assert!(rest.is_empty());
}

#[tokio::test]
async fn a_delayed_answer_comes_late() {
    let bench = Bench::new().await;
    bench.post("/_sim/faults", json!({"kind": "delay", "ms": 150, "times": 1})).await;
    let before = tokio::time::Instant::now();
    assert_eq!(bench.code("DescribeMigrateJobs", &[]).await, "none");
    assert!(before.elapsed() >= Duration::from_millis(150));
    assert_eq!(bench.requests().await[0]["answered"], true);
}

#[tokio::test]
async fn a_body_over_the_limit_is_refused_and_listed() {
    let bench = Bench::new().await;
    let body = "x".repeat(10 * 1024 * 1024 + 1);
    let head = format!("POST / HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: {}", body.len());
    let mut stream = TcpStream::connect(bench.running.address()).await.unwrap();
    let _it_may_stop_reading = stream.write_all(format!("{head}\r\n\r\n{body}").as_bytes()).await;
    while bench.requests().await.is_empty() {}
    assert_eq!(bench.requests().await[0]["code"], "RequestSizeLimitExceeded");
}
