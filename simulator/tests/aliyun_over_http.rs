//! The second family over HTTP: signed both ways, counted in two scopes, listed, faulted, in JSON and in XML.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test says what went wrong by panicking

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use dts_simulator::{Clock, Options, Running, Simulator};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha1::Sha1;
use sha2::{Digest, Sha256};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

const ID: &str = "LTAItest";
const KEY: &str = "secret";

struct Bench {
    running: Running,
    clock: Clock,
    nonce: AtomicU64,
}

/// Status, head and body of an answer.
struct Answer(u16, String, String);

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.2).unwrap()
    }
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

    async fn send(&self, head: &str, body: &str) -> Answer {
        let mut stream = TcpStream::connect(self.running.address()).await.unwrap();
        let length = body.len();
        let request = format!("{head}\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{body}");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").expect("an answer has a head");
        Answer(head.split(' ').nth(1).unwrap().parse().unwrap(), head.to_lowercase(), body.to_owned())
    }

    async fn control(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.send(&format!("{method} {path} HTTP/1.1\r\nHost: sim"), &body.to_string()).await;
        assert_eq!(answer.0, 200, "{}", answer.2);
        answer.json()
    }

    fn nonce(&self) -> String {
        self.nonce.fetch_add(1, Ordering::Relaxed).to_string()
    }

    fn timestamp(&self) -> String {
        jiff::Timestamp::from_second(self.clock.now().seconds()).unwrap().to_string()
    }

    /// A call in the older way, everything in the form if `form`.
    async fn rpc(&self, version: &str, action: &str, parameters: &[(&str, &str)], form: bool) -> Answer {
        let (nonce, timestamp) = (self.nonce(), self.timestamp());
        let mut all = vec![
            ("Action", action),
            ("Version", version),
            ("AccessKeyId", ID),
            ("SignatureMethod", "HMAC-SHA1"),
            ("SignatureVersion", "1.0"),
            ("SignatureNonce", &nonce),
            ("Timestamp", &timestamp),
        ];
        all.extend(parameters);
        all.sort_unstable();
        let method = if form { "POST" } else { "GET" };
        let text = format!("{method}&%2F&{}", encode(&canonical(&all)));
        let mut mac = Hmac::<Sha1>::new_from_slice(format!("{KEY}&").as_bytes()).unwrap();
        mac.update(text.as_bytes());
        let signature = STANDARD.encode(mac.finalize().into_bytes());
        all.push(("Signature", &signature));
        let sent = canonical(&all);
        if form {
            let head = "POST / HTTP/1.1\r\nHost: sim\r\nContent-Type: application/x-www-form-urlencoded";
            self.send(head, &sent).await
        } else {
            self.send(&format!("GET /?{sent} HTTP/1.1\r\nHost: sim"), "").await
        }
    }

    /// A call in the newer way: `query` in the query, `form` in the body.
    async fn acs3(&self, action: &str, query: &[(&str, &str)], form: &[(&str, &str)], accept: &str) -> Answer {
        let (nonce, date, body) = (self.nonce(), self.timestamp(), canonical(form));
        let hashed = hex::encode(Sha256::digest(&body));
        let headers = [
            ("accept", accept),
            ("host", "sim"),
            ("x-acs-action", action),
            ("x-acs-content-sha256", &hashed),
            ("x-acs-date", &date),
            ("x-acs-signature-nonce", &nonce),
            ("x-acs-version", "2020-01-01"),
        ];
        let mut sorted = query.to_vec();
        sorted.sort_unstable();
        let listed = headers.map(|(name, _)| name).join(";");
        let lines: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
        let request = format!("POST\n/\n{}\n{lines}\n{listed}\n{hashed}", canonical(&sorted));
        let mut mac = Hmac::<Sha256>::new_from_slice(KEY.as_bytes()).unwrap();
        mac.update(format!("ACS3-HMAC-SHA256\n{}", hex::encode(Sha256::digest(&request))).as_bytes());
        let signature = hex::encode(mac.finalize().into_bytes());
        let sent: String = headers.iter().map(|(name, value)| format!("\r\n{name}: {value}")).collect();
        let authorization = format!("ACS3-HMAC-SHA256 Credential={ID},SignedHeaders={listed},Signature={signature}");
        let head = format!("POST /?{} HTTP/1.1{sent}\r\nAuthorization: {authorization}", canonical(query));
        self.send(&format!("{head}\r\nContent-Type: application/x-www-form-urlencoded"), &body).await
    }

    async fn json(&self, action: &str, parameters: &[(&str, &str)]) -> Answer {
        self.acs3(action, parameters, &[], "application/json").await
    }

    async fn put(&self, kind: &str, version: &str, status: &str) -> String {
        let order = json!({ "kind": kind, "version": version, "status": status });
        self.control("POST", "/_sim/tasks", order).await["ids"][0].as_str().unwrap().to_owned()
    }

    async fn buckets(&self) -> Vec<Value> {
        self.control("GET", "/_sim/stats", Value::Null).await["buckets"].as_array().unwrap().clone()
    }
}

fn encode(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn canonical(pairs: &[(&str, &str)]) -> String {
    pairs.iter().map(|(name, value)| format!("{}={}", encode(name), encode(value))).collect::<Vec<_>>().join("&")
}

#[tokio::test]
async fn a_call_signed_in_either_way_is_answered_counted_and_listed() {
    let bench = Bench::new().await;
    let id = bench.put("migration", "2020-01-01", "Migrating").await;
    let answer =
        bench.acs3("SuspendDtsJob", &[("RegionId", "cn-beijing")], &[("DtsJobId", &id)], "application/json").await;
    assert_eq!((answer.0, &answer.json()["Success"]), (200, &json!(true)));
    assert!(answer.1.contains("content-type: application/json;charset=utf-8"), "{}", answer.1);
    for form in [false, true] {
        let parameters = [("Region", "cn-beijing"), ("Format", "JSON"), ("Tags", "a b*~&=\u{e9}"), ("DtsJobId", &id)];
        let answer = bench.rpc("2020-01-01", "DescribeDtsJobs", &parameters, form).await;
        assert_eq!(answer.json()["DtsJobList"][0]["Status"], "Suspending", "{}", answer.2);
    }
    let requests = bench.control("GET", "/_sim/requests", Value::Null).await["requests"].clone();
    let entry = &requests[0];
    assert_eq!((&entry["action"], &entry["version"]), (&json!("SuspendDtsJob"), &json!("2020-01-01")));
    assert_eq!((&entry["region"], &entry["task_id"]), (&json!("cn-beijing"), &json!(id)));
    assert_eq!(entry["params"], json!({ "DtsJobId": id, "RegionId": "cn-beijing" }));
    assert_eq!((&entry["signature_method"], &entry["credential"]), (&json!("ACS3-HMAC-SHA256"), &json!(ID)));
    assert_eq!((&entry["answered"], &entry["done"], &entry["code"]), (&json!(true), &json!(true), &Value::Null));
    assert_eq!(entry["request_id"], answer.json()["RequestId"]);
    let entry = &requests[2];
    assert_eq!((&entry["signature_method"], &entry["method"]), (&json!("HMAC-SHA1"), &json!("POST")));
    assert_eq!(entry["params"], json!({ "Region": "cn-beijing", "Tags": "a b*~&=\u{e9}", "DtsJobId": id }));
}

#[tokio::test]
async fn nobody_has_to_ask_for_xml() {
    let bench = Bench::new().await;
    let id = bench.put("migration", "2018-08-01", "Migrating").await;
    assert!(id.starts_with("dts"));
    let answer = bench.rpc("2018-08-01", "DescribeMigrationJobStatus", &[("MigrationJobId", &id)], false).await;
    assert!(answer.1.contains("content-type: text/xml;charset=utf-8"), "{}", answer.1);
    assert!(answer.2.contains("<DescribeMigrationJobStatusResponse>"), "{}", answer.2);
    assert!(answer.2.contains("<MigrationJobStatus>Migrating</MigrationJobStatus>"), "{}", answer.2);
    assert!(answer.2.contains("<Detail><CheckItem>"), "{}", answer.2);
    bench.put("migration", "2020-01-01", "Finished").await;
    let answer = bench.acs3("DescribeDtsJobs", &[("Region", "cn-hangzhou")], &[], "application/xml").await;
    assert_eq!(answer.2.matches("<DtsJobList>").count(), 2, "{}", answer.2);
    let answer = bench.rpc("2018-08-01", "DescribeDtsJobs", &[], false).await;
    assert_eq!(answer.0, 404);
    assert!(answer.2.contains("<Error>") && answer.2.contains("<Code>InvalidAction.NotFound</Code>"), "{}", answer.2);
}

#[tokio::test]
async fn the_front_refuses_with_a_status_and_the_service_inside_a_success() {
    let bench = Bench::new().await;
    let id = bench.put("sync", "2020-01-01", "Suspending").await;
    let expected = [
        ("Nothing", vec![], 404, "InvalidAction.NotFound"),
        ("DescribeDtsJobs", vec![], 400, "MissingParameter"),
        ("DescribeDtsJobs", vec![("Region", "nowhere")], 400, "InvalidRegionId"),
        ("DescribeDtsJobs", vec![("Region", "cn-hangzhou"), ("PageSize", "x")], 400, "InvalidParameter"),
    ];
    for (action, parameters, status, code) in expected {
        let answer = bench.json(action, &parameters).await;
        assert_eq!((answer.0, &answer.json()["Code"]), (status, &json!(code)), "{}", answer.2);
        assert_eq!(answer.json()["HostId"], "sim");
    }
    let answer = bench.rpc("2020-02-02", "DescribeDtsJobs", &[("Format", "JSON")], false).await;
    assert_eq!((answer.0, &answer.json()["Code"]), (400, &json!("InvalidVersion")));
    for (id, code) in [(id.as_str(), "OperationDenied.JobStatus"), ("nobody", "InvalidJobId")] {
        let answer = bench.json("SuspendDtsJob", &[("DtsJobId", id)]).await;
        let body = answer.json();
        assert_eq!((answer.0, &body["Success"], &body["ErrCode"]), (200, &json!(false), &json!(code)));
        assert!(body.get("Code").is_none() && body["ErrMessage"].is_string(), "{body}");
    }
    let requests = bench.control("GET", "/_sim/requests", Value::Null).await["requests"].clone();
    let last = requests.as_array().unwrap().last().unwrap();
    assert_eq!((&last["done"], &last["code"]), (&json!(false), &json!("InvalidJobId")));
}

#[tokio::test]
async fn calls_are_counted_per_account_and_per_region_by_the_region_that_they_name() {
    let bench = Bench::new().await;
    let list = |region: &'static str| {
        let bench = &bench;
        async move { bench.json("DescribeDtsJobs", &[("Region", region), ("RegionId", "cn-qingdao")]).await }
    };
    for _ in 0..20 {
        assert_eq!(list("cn-hangzhou").await.0, 200);
    }
    let refused = list("cn-hangzhou").await;
    assert_eq!((refused.0, &refused.json()["Code"]), (400, &json!("Throttling.User")));
    assert_eq!(list("cn-beijing").await.0, 200, "another region");
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(list("cn-hangzhou").await.0, 200);
    let seen: Vec<Value> = bench.buckets().await;
    let of = |scope: &str, region: &str| {
        let bucket = seen.iter().find(|bucket| bucket["scope"] == scope && bucket["region"] == region).unwrap();
        ["credential", "host", "limit", "calls", "max_in_any_window", "throttled"].map(|name| bucket[name].clone())
    };
    assert_eq!(of("account", "cn-hangzhou"), [json!(ID), json!("*"), json!(20), json!(22), json!(21), json!(1)]);
    assert_eq!(of("region", "cn-hangzhou"), [json!("*"), json!("*"), json!(200), json!(22), json!(21), json!(0)]);
    assert_eq!(of("account", "cn-beijing")[3], 1);
    assert_eq!(seen.len(), 4);
}

#[tokio::test]
async fn configuring_is_counted_over_a_minute() {
    let bench = Bench::new().await;
    for _ in 0..40 {
        assert_eq!(bench.json("ConfigureDtsJob", &[]).await.json()["Code"], "MissingParameter");
    }
    bench.clock.advance(Duration::from_secs(59));
    assert_eq!(bench.json("ConfigureDtsJob", &[]).await.json()["Code"], "Throttling.User");
    bench.clock.advance(Duration::from_secs(1));
    assert_eq!(bench.json("ConfigureDtsJob", &[]).await.json()["Code"], "MissingParameter");
}

#[tokio::test]
async fn faults_come_in_this_familys_words() {
    let bench = Bench::new().await;
    let asked = [("Region", "cn-hangzhou")];
    for (fault, status, place, code) in [
        (json!({ "kind": "throttle", "times": 1 }), 400, "Code", "Throttling.User"),
        (json!({ "kind": "error", "times": 1 }), 500, "Code", "InternalError"),
        (json!({ "kind": "error", "code": "ServiceUnavailable", "times": 1 }), 500, "Code", "ServiceUnavailable"),
        (json!({ "kind": "error", "code": "InvalidJobStatus", "times": 1 }), 200, "ErrCode", "InvalidJobStatus"),
        (json!({ "kind": "error", "code": "LXBuyError", "status": 400, "times": 1 }), 400, "Code", "LXBuyError"),
    ] {
        bench.control("POST", "/_sim/faults", fault).await;
        let answer = bench.json("DescribeDtsJobs", &asked).await;
        assert_eq!((answer.0, &answer.json()[place]), (status, &json!(code)));
    }
    assert_eq!(bench.json("DescribeDtsJobs", &asked).await.0, 200);
}

#[tokio::test]
async fn a_test_finds_and_changes_a_task_by_either_id() {
    let bench = Bench::new().await;
    let job = bench.put("sync", "2020-01-01", "Synchronizing").await;
    let instance = format!("dts{job}");
    assert_eq!(bench.control("GET", &format!("/_sim/tasks/{instance}"), Value::Null).await["id"], json!(job));
    bench.control("PUT", &format!("/_sim/tasks/{instance}"), json!({ "status": "Failed", "billing": "PrePaid" })).await;
    let detail = bench.json("DescribeDtsJobDetail", &[("DtsJobId", &job)]).await.json();
    assert_eq!((&detail["Status"], &detail["PayType"]), (&json!("Failed"), &json!("PrePaid")));
    let wanted = json!({ "kind": "migration", "version": "2018-08-01", "id": "dtswanted", "status": "Migrating" });
    assert_eq!(bench.control("POST", "/_sim/tasks", wanted).await["ids"], json!(["dtswanted"]));
    let detail = bench.json("DescribeDtsJobDetail", &[("DtsJobId", "wanted")]).await.json();
    assert_eq!((&detail["Status"], &detail["DtsInstanceID"]), (&json!("Migrating"), &json!("dtswanted")));
}
