//! Records as streams: whole, limited, left, and broken off.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tower::ServiceExt;

use super::Bench;
use crate::call::{Clock, Closed, Outcome, Record, Wall};
use crate::store::Entry;

impl Bench {
    /// An answer that has begun.
    async fn begin(&self, path: &str, accept: &str) -> Response<Body> {
        let token = self.token("zoe", &["auditor"]);
        let request = Request::get(path).header("accept", accept).header("authorization", format!("Bearer {token}"));
        self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    async fn lines(&self, path: &str) -> Vec<Value> {
        let response = self.begin(path, "application/x-ndjson").await;
        assert_eq!(
            (response.status(), &response.headers()["content-type"]),
            (StatusCode::OK, &"application/x-ndjson".parse().unwrap())
        );
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        assert!(text.ends_with('\n'));
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The newest record of an export, once there is one.
    async fn exported(&self) -> Value {
        self.writer.flushed().await;
        let auditor = self.token("zoe", &["auditor"]);
        let page = self.get("/v1/audit/records?action=audit.export&limit=1", Some(&auditor)).await.json();
        page["records"][0].clone()
    }
}

fn parameters(record: &Value) -> Value {
    serde_json::from_str(record["detail"]["parameters"].as_str().unwrap()).unwrap()
}

#[tokio::test]
async fn a_stream_is_the_whole_and_says_so() {
    let bench = Bench::new().await;
    bench.log("ann", 600).await;
    let lines = bench.lines("/v1/audit/records?caller=ann").await;
    assert_eq!(lines.len(), 601);
    assert_eq!(lines[600], json!({"end": {"records": 600}}));
    let ids: Vec<&str> = lines[..600].iter().map(|line| line["id"].as_str().unwrap()).collect();
    assert!(ids.is_sorted_by(|newer, older| newer > older), "all, newest first, none twice");
    let record = bench.exported().await;
    assert_eq!(
        (&record["outcome"], &record["caller_gone"], &record["caller"]),
        (&json!("ok"), &json!(false), &json!("zoe"))
    );
    assert_eq!(parameters(&record), json!({"caller": "ann", "format": "ndjson", "given": 600}));

    assert_eq!(bench.lines("/v1/audit/records?caller=nobody").await, [json!({"end": {"records": 0}})]);
    for (limit, given) in [(1, 1), (250, 250), (251, 251), (600, 600), (1_000_000_000, 600), (u64::MAX, 600)] {
        let lines = bench.lines(&format!("/v1/audit/records?caller=ann&limit={limit}")).await;
        assert_eq!((lines.len() - 1, &lines[given]["end"]["records"]), (given, &json!(given)));
        assert_eq!(lines[given]["end"]["next_cursor"].is_string(), given < 600);
    }
    let first = bench.lines("/v1/audit/records?caller=ann&limit=251").await;
    let cursor = first[251]["end"]["next_cursor"].as_str().unwrap();
    let rest = bench.lines(&format!("/v1/audit/records?caller=ann&cursor={cursor}")).await;
    assert_eq!((rest.len(), &rest[0]["id"]), (350, &json!(ids[251])));
}

#[tokio::test]
async fn csv_is_safe_for_spreadsheets_and_a_history_is_a_stream_too() {
    let bench = Bench::new().await;
    let formula = "=HYPERLINK(\"http://evil\",\"a,b\")";
    bench.call(formula, |record| record.detail.kind = "change".to_owned()).await;
    for path in ["/v1/audit/records?family=first", "/v1/audit/tasks/dts%2F1%20%C3%BC"] {
        let response = bench.begin(path, "text/csv").await;
        assert_eq!(response.headers()["content-type"], "text/csv; charset=utf-8; header=present");
        assert_eq!(response.headers()["content-disposition"], "attachment; filename=\"audit-records.csv\"");
        let bytes = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let mut lines = csv::Reader::from_reader(bytes.as_ref());
        assert_eq!(&lines.headers().unwrap()[4], "caller");
        let rows: Vec<csv::StringRecord> = lines.records().map(Result::unwrap).collect();
        assert_eq!((rows.len(), &rows[0][4]), (1, format!("'{formula}").as_str()));
    }
    // The parameter says more than the header.
    let page = bench.begin("/v1/audit/records?format=json", "text/csv").await;
    assert_eq!(page.headers()["content-type"], "application/json");
}

#[tokio::test]
async fn whoever_leaves_a_stream_is_in_the_log_with_what_it_got() {
    let bench = Bench::new().await;
    bench.log("ann", 600).await;
    for format in ["ndjson", "csv"] {
        let response = bench.begin(&format!("/v1/audit/records?caller=ann&format={format}"), "*/*").await;
        let mut body = response.into_body();
        body.frame().await.unwrap().unwrap();
        let begun = bench.exported().await;
        assert_eq!(begun["outcome"], "open", "that it has begun was durable before anything was given");
        drop(body);
        let record = bench.exported().await;
        assert_eq!(record["id"], begun["id"]);
        assert_eq!((&record["outcome"], &record["caller_gone"]), (&json!("failed"), &json!(true)));
        assert_eq!(parameters(&record)["given"], 250);
    }
}

#[tokio::test]
async fn a_stream_that_breaks_can_be_told_from_a_whole_one() {
    for format in ["ndjson", "csv"] {
        let bench = Bench::new().await;
        bench.log("ann", 300).await;
        let response = bench.begin(&format!("/v1/audit/records?caller=ann&format={format}"), "*/*").await;
        let mut body = response.into_body();
        body.frame().await.unwrap().unwrap();
        // The instance stops in the middle of it.
        assert_eq!(bench.writer.drain(Duration::from_secs(10)).await, 0);
        let next = body.frame().await.unwrap();
        if format == "csv" {
            assert!(next.is_err(), "the connection is broken off");
        } else {
            let line = next.unwrap().into_data().unwrap();
            let told: Value = serde_json::from_slice(&line).unwrap();
            assert_eq!((&told["error"]["type"], &told["error"]["records"]), (&json!("draining"), &json!(250)));
        }
        assert!(body.frame().await.is_none());
    }
}

#[tokio::test]
async fn what_can_not_be_recorded_is_not_read() {
    let bench = Bench::new().await;
    bench.log("ann", 1).await;
    bench.writer.drain(Duration::from_secs(10)).await;
    let auditor = bench.token("zoe", &["auditor"]);
    for path in ["records", "records?format=csv", "tasks/dts-1", "summary?from=2026-01-01T00:00:00Z", "records/1"] {
        let answer = bench.get(&format!("/v1/audit/{path}"), Some(&auditor)).await;
        assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert_eq!(answer.headers["retry-after"], "1");
    }
}

#[tokio::test]
async fn a_stream_is_read_as_it_is_taken() {
    let bench = Bench::new().await;
    bench.log("ann", 600).await;
    let path = "/v1/audit/records?caller=ann&format=ndjson&order=oldest";
    let mut body = bench.begin(path, "*/*").await.into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first.iter().filter(|byte| **byte == b'\n').count(), 250);
    // What is written now, behind what was read, comes with the pages that were not read yet.
    let id = uuid::Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0001_0000);
    let record = Record { id, caller: "ann".to_owned(), outcome: Outcome::Ok, ..Record::default() };
    bench.writer.submit(Entry::Closed(Closed { record, intended: false, answer: None, window: None }));
    bench.writer.flushed().await;
    let rest = to_bytes(body, usize::MAX).await.unwrap();
    assert_eq!(rest.iter().filter(|byte| **byte == b'\n').count(), 600 + 1 - 250 + 1);
}

/// The system's clock, and so many seconds.
#[derive(Debug, Default)]
struct Ahead(AtomicI64);

impl Wall for Ahead {
    fn now(&self) -> Timestamp {
        Clock::system().now() + SignedDuration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

#[tokio::test]
async fn who_follows_is_told_nothing_that_comes_after_the_token_s_end() {
    let wall = Arc::new(Ahead::default());
    let bench = Bench::by(Clock::from_wall(Arc::clone(&wall) as _)).await;
    let mut followed = bench.begin("/v1/audit/follow?since=start", "application/x-ndjson").await.into_body();
    let first = followed.frame().await.unwrap().unwrap().into_data().unwrap();
    let position = first.split(|byte| *byte == b'\n').rev().find(|line| !line.is_empty()).unwrap();
    let position: Value = serde_json::from_slice(position).unwrap();
    wall.0.store(61, Ordering::Relaxed);
    bench.log("ann", 3).await;
    let rest = to_bytes(Body::new(followed), usize::MAX).await.unwrap();
    let end: Value = serde_json::from_slice(&rest).unwrap();
    assert_eq!(end, json!({"end": position}), "one line, which says from where to go on");
}
