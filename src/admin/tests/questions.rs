//! Each question: who may ask it, what it answers, and that it is written down.

use std::sync::{LazyLock, Mutex};

use axum::http::StatusCode;
use serde_json::{Value, json};

use super::{Answer, Bench};
use crate::call::{Calls, Closed, Outcome, Record};
use crate::store::{Entry, Intent};

/// Ids of one millisecond in the order in which they are made.
static IN_ORDER: LazyLock<Mutex<uuid::ContextV7>> = LazyLock::new(|| Mutex::new(uuid::ContextV7::new()));

const TASK: &str = "dts/1 ü";

impl Bench {
    /// Puts a finished call into the log, made now.
    pub(super) async fn call(&self, caller: &str, change: impl FnOnce(&mut Record)) -> Record {
        let record = self.made(caller, change);
        self.writer.submit(Entry::Closed(Closed {
            record: record.clone(),
            intended: false,
            answer: None,
            window: None,
        }));
        self.writer.flushed().await;
        record
    }

    fn made(&self, caller: &str, change: impl FnOnce(&mut Record)) -> Record {
        let time = self.clock.now();
        let (seconds, nanoseconds) = (time.as_second().unsigned_abs(), time.subsec_nanosecond().unsigned_abs());
        let id = uuid::Uuid::new_v7(uuid::Timestamp::from_unix(&*IN_ORDER.lock().unwrap(), seconds, nanoseconds));
        let mut record = Record {
            id,
            time,
            caller: caller.to_owned(),
            family: "first".to_owned(),
            action: "DescribeMigrateJobs".to_owned(),
            task_ids: vec![TASK.to_owned()],
            outcome: Outcome::Ok,
            request_id: id.to_string(),
            ..Record::default()
        };
        record.detail.kind = "read".to_owned();
        change(&mut record);
        record
    }
}

fn ids(answer: &Answer) -> Vec<String> {
    let records = answer.json()["records"].as_array().unwrap_or_else(|| panic!("{}", answer.text)).clone();
    records.iter().map(|record| record["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_record_is_shown_with_its_phases_to_those_who_may_see_it() {
    let bench = Bench::new().await;
    let (auditor, ann, bob) =
        (bench.token("zoe", &["auditor"]), bench.token("ann", &[]), bench.token("bob", &["operator"]));
    let intended = bench.made("ann", |record| record.outcome = Outcome::Open);
    let intent = Intent { record: intended.clone(), tasks: Vec::new(), replay: Vec::new(), emergency: false };
    bench.writer.commit(Entry::Intent(intent)).await.unwrap();
    let path = format!("/v1/audit/records/{}", intended.id);
    let begun = bench.get(&path, Some(&auditor)).await.json();
    assert_eq!(begun["intent"]["record"]["outcome"], "open");
    assert_eq!((begun.get("ended"), begun.get("proof")), (None, None));

    let record = Record { outcome: Outcome::Failed, upstream_code: Some("Busy".to_owned()), ..intended };
    bench.writer.submit(Entry::Closed(Closed { record, intended: true, answer: None, window: None }));
    bench.writer.flushed().await;
    for token in [&auditor, &ann] {
        let both = bench.get(&path, Some(token)).await.json();
        assert_eq!(
            (&both["intent"]["record"]["outcome"], &both["ended"]["record"]["outcome"]),
            (&json!("open"), &json!("failed"))
        );
        assert_eq!(
            (&both["id"], &both["ended"]["record"]["upstream_code"]),
            (&both["intent"]["record"]["id"], &json!("Busy"))
        );
    }
    let hidden = bench.get(&path, Some(&bob)).await;
    let missing = bench.get(&format!("/v1/audit/records/{}", uuid::Uuid::nil()), Some(&auditor)).await;
    for nothing in [hidden, missing] {
        assert_eq!(
            (nothing.status, &nothing.headers["content-type"]),
            (StatusCode::NOT_FOUND, &"application/problem+json".parse().unwrap())
        );
        assert_eq!(nothing.json()["detail"], "there is no record with this id that you may see");
    }
    for wrong in ["/v1/audit/records/1", "/v1/audit/records/%ff", &format!("{path}?format=csv")] {
        assert_eq!(bench.get(wrong, Some(&auditor)).await.status, StatusCode::BAD_REQUEST, "{wrong}");
    }
}

#[tokio::test]
async fn a_history_is_what_was_done_and_refused_oldest_first() {
    let bench = Bench::new().await;
    let (auditor, ann) = (bench.token("zoe", &["auditor"]), bench.token("ann", &[]));
    bench.call("ann", |_| {}).await;
    let refused = bench.call("ann", |record| record.outcome = Outcome::Refused).await.id.to_string();
    let done = bench.call("bob", |record| record.detail.kind = "destructive".to_owned()).await.id.to_string();
    bench.call("bob", |record| record.task_ids = vec!["dts-2".to_owned()]).await;
    let path = "/v1/audit/tasks/dts%2F1%20%C3%BC";
    assert_eq!(ids(&bench.get(path, Some(&auditor)).await), [refused.clone(), done.clone()]);
    assert_eq!(ids(&bench.get(&format!("{path}?order=newest&limit=1"), Some(&auditor)).await), [done]);
    assert_eq!(ids(&bench.get(&format!("{path}?kind=read,change"), Some(&auditor)).await).len(), 2);
    assert_eq!(ids(&bench.get(path, Some(&ann)).await), [refused]);
    assert_eq!(bench.get(&format!("{path}?caller=bob"), Some(&ann)).await.status, StatusCode::FORBIDDEN);
    let other = bench.get(&format!("{path}?task_id=dts-2"), Some(&auditor)).await;
    assert_eq!(other.status, StatusCode::BAD_REQUEST, "one task's history is not another's");
}

#[tokio::test]
async fn a_summary_has_every_bucket() {
    let bench = Bench::new().await;
    let (auditor, ann) = (bench.token("zoe", &["auditor"]), bench.token("ann", &[]));
    bench.call("ann", |_| {}).await;
    bench.call("ann", |record| record.outcome = Outcome::Refused).await;
    bench.call("bob", |record| (record.outcome, record.calls) = (Outcome::Refused, Calls::from(5))).await;
    let hour = jiff::SignedDuration::from_hours(1);
    let (from, to) = (bench.clock.now() - hour * 2, bench.clock.now() + hour);
    let range = format!("from={from}&to={to}&family=first");
    let summary = bench.get(&format!("/v1/audit/summary?{range}"), Some(&auditor)).await.json();
    assert_eq!((&summary["per"], &summary["by"], &summary["total"]), (&json!("hour"), &json!("outcome"), &json!(7)));
    assert_eq!(summary["records"], 3, "one of them stands for five calls");
    let buckets = summary["buckets"].as_array().unwrap();
    assert_eq!(buckets.len(), 4, "{summary}");
    let now = buckets.iter().find(|bucket| bucket["total"] != 0).unwrap();
    assert_eq!(now["counts"], json!({"ok": 1, "refused": 6}));
    assert_eq!((&buckets[0]["counts"], &buckets[0]["total"]), (&json!({}), &json!(0)));
    assert!(buckets[0]["start"].as_str().unwrap().ends_with(":00:00Z"));

    let callers = bench.get(&format!("/v1/audit/summary?{range}&per=day&by=caller"), Some(&auditor)).await.json();
    let counted: Vec<&Value> = callers["buckets"].as_array().unwrap().iter().map(|bucket| &bucket["counts"]).collect();
    assert!(counted.contains(&&json!({"ann": 2, "bob": 5})), "{callers}");
    let own = bench.get(&format!("/v1/audit/summary?{range}&per=minute&by=action"), Some(&ann)).await.json();
    assert_eq!((&own["total"], own["buckets"].as_array().unwrap().len()), (&json!(2), 181));

    for (query, named) in [
        ("", "from"),
        ("from=2020-01-01T00:00:00Z&to=2026-01-01T00:00:00Z", "per"),
        ("from=2020-01-01T00:00:00Z&per=week", "minute, hour, day"),
        ("from=2020-01-01T00:00:00Z&by=detail", "outcome, action, caller"),
        ("from=2020-01-01T00:00:00Z&limit=3", "limit"),
        ("from=2020-01-02T00:00:00Z&to=2020-01-01T00:00:00Z", "before"),
    ] {
        let answer = bench.get(&format!("/v1/audit/summary?{query}"), Some(&auditor)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(answer.json()["detail"].as_str().unwrap().contains(named), "{query}: {}", answer.text);
    }
    let other = bench.get(&format!("/v1/audit/summary?{range}&caller=bob"), Some(&ann)).await;
    assert_eq!(other.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn every_question_is_a_record_refused_or_not() {
    let bench = Bench::new().await;
    let (auditor, ann) = (bench.token("zoe", &["auditor"]), bench.token("ann", &[]));
    let finder = bench.token("finder", &["auditor"]);
    let id = uuid::Uuid::nil();
    let from = bench.clock.now() - jiff::SignedDuration::from_hours(1);
    let cases = [
        ("audit.query", "/v1/audit/records?caller=zoe".to_owned(), json!({"caller": "zoe"})),
        ("audit.history", "/v1/audit/tasks/dts-1?caller=zoe".to_owned(), json!({"caller": "zoe", "task_id": "dts-1"})),
        ("audit.summary", format!("/v1/audit/summary?caller=zoe&from={from}"), json!({"caller": "zoe", "from": from})),
        ("audit.record", format!("/v1/audit/records/{id}"), json!({"id": id})),
        (
            "audit.export",
            "/v1/audit/records?format=csv&caller=nobody".to_owned(),
            json!({"caller": "nobody", "format": "csv", "given": 0}),
        ),
    ];
    for (action, path, asked) in cases {
        bench.get(&path, Some(&ann)).await;
        bench.get(&path, Some(&auditor)).await;
        bench.writer.flushed().await;
        let newest = async |caller| {
            let path = format!("/v1/audit/records?action={action}&caller={caller}&limit=1");
            bench.get(&path, Some(&finder)).await.json()["records"][0].clone()
        };
        let (last, refused) = (newest("zoe").await, newest("ann").await);
        let parameters: Value = serde_json::from_str(last["detail"]["parameters"].as_str().unwrap()).unwrap();
        assert_eq!((&last["caller"], &parameters), (&json!("zoe"), &asked), "{action}");
        assert_eq!((&last["family"], &last["key_id"]), (&json!("gateway"), &json!("jwt:test")), "{action}");
        assert_eq!((&refused["caller"], &refused["outcome"]), (&json!("ann"), &json!("refused")), "{action}");
        let reason = if action == "audit.record" { "not-found" } else { "not-granted" };
        assert_eq!(refused["reason"], reason, "{action}");
        assert_eq!(last["outcome"], if action == "audit.record" { "refused" } else { "ok" }, "{action}");
    }
    for path in ["/v1/audit/records", "/v1/audit/records/1", "/v1/audit/tasks/1", "/v1/audit/summary"] {
        assert_eq!(bench.get(path, None).await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
}

#[tokio::test]
async fn administrative_acts_can_be_left_out() {
    let bench = Bench::new().await;
    let call = bench.call("ann", |_| {}).await;
    let auditor = bench.token("zoe", &["auditor"]);
    for _ in 0..2 {
        assert_eq!(bench.get("/v1/audit/records?caller=zoe", Some(&auditor)).await.status, StatusCode::OK);
    }
    bench.writer.flushed().await;
    let without = bench.get("/v1/audit/records?administrative=false", Some(&auditor)).await;
    assert_eq!(ids(&without), [call.id.to_string()]);
    bench.writer.flushed().await;
    let only = bench.get("/v1/audit/records?administrative=true", Some(&auditor)).await;
    assert_eq!(ids(&only).len(), 3, "{}", only.text);
    let day = call.time.strftime("%Y-%m-%d").to_string();
    let counted = bench
        .get(&format!("/v1/audit/summary?from={day}T00:00:00Z&per=day&administrative=false"), Some(&auditor))
        .await;
    assert_eq!(counted.json()["total"], 1, "{}", counted.text);
}

#[tokio::test]
async fn a_cursor_is_good_for_its_question_only() {
    let bench = Bench::new().await;
    for _ in 0..5 {
        bench.call("ann", |record| record.detail.kind = "change".to_owned()).await;
    }
    let (auditor, ann) = (bench.token("zoe", &["auditor"]), bench.token("ann", &[]));
    let filters = "family=first&caller=ann&task_id=dts%2F1%20%C3%BC&order=oldest";
    let first = bench.get(&format!("/v1/audit/records?{filters}&limit=2"), Some(&auditor)).await;
    let cursor = first.json()["next_cursor"].as_str().unwrap().to_owned();
    let next = bench.get(&format!("/v1/audit/records?{filters}&limit=100&cursor={cursor}"), Some(&auditor)).await;
    assert_eq!(ids(&next).len(), 3, "another limit is no other question");
    let own = bench.get(&format!("/v1/audit/records?{filters}&cursor={cursor}"), Some(&ann)).await;
    assert_eq!(ids(&own).len(), 3, "whoever may see the same");

    let mut wrong: Vec<String> = (0..cursor.len())
        .map(|place| {
            let other = if &cursor[place..=place] == "A" { "B" } else { "A" };
            format!("{filters}&cursor={}{other}{}", &cursor[..place], &cursor[place + 1..])
        })
        .collect();
    for other in [
        format!("cursor={cursor}"),
        format!("{filters}&outcome=ok&cursor={cursor}"),
        format!("{}&cursor={cursor}", filters.replace("oldest", "newest")),
        format!("{filters}&cursor={cursor}A"),
        format!("{filters}&cursor={}", uuid::Uuid::nil().simple()),
        format!("{filters}&cursor={cursor}&format=ndjson"),
    ] {
        wrong.push(other);
    }
    // The last bits of the text are none of the bytes: the decoder refuses them itself.
    let good = wrong.pop().unwrap();
    for query in wrong {
        let answer = bench.get(&format!("/v1/audit/records?{query}"), Some(&auditor)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        let problem = answer.json();
        assert_eq!(problem["type"], "urn:dts-gateway:cursor-invalid", "{query}");
        assert!(problem["detail"].as_str().unwrap().contains("begin again without it"));
    }
    assert_eq!(bench.get(&format!("/v1/audit/records?{good}"), Some(&auditor)).await.status, StatusCode::OK);
    let history = format!("/v1/audit/tasks/dts%2F1%20%C3%BC?family=first&caller=ann&cursor={cursor}");
    assert_eq!(bench.get(&history, Some(&auditor)).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn whatever_is_written_into_a_filter_is_a_text() {
    let bench = Bench::new().await;
    bench.call("ann", |_| {}).await;
    let auditor = bench.token("zoe", &["auditor"]);
    let strings = include_str!("../../../tests/corpora/json/strings.json");
    let strings: Vec<String> = serde_json::from_str(strings).unwrap();
    let names = [
        "account",
        "team",
        "caller",
        "key_id",
        "action",
        "version",
        "family",
        "region",
        "task_id",
        "reason",
        "request_id",
        "text",
    ];
    for text in strings.iter().filter(|text| !text.is_empty()) {
        for name in names {
            let pairs = [(name, text.as_str()), ("from", "2020-01-01T00:00:00Z"), ("caller", "ann")];
            let pairs = pairs.into_iter().take(if name == "caller" { 2 } else { 3 });
            let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
            let answer = bench.get(&format!("/v1/audit/records?{query}"), Some(&auditor)).await;
            assert_eq!((answer.status, ids(&answer).len()), (StatusCode::OK, 0), "{name}={text:?}");
        }
        let task = percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC);
        assert!(ids(&bench.get(&format!("/v1/audit/tasks/{task}"), Some(&auditor)).await).is_empty(), "{text:?}");
    }
    for (query, named) in [
        ("text=a", "from"),
        ("outcome=ok,", "outcome"),
        ("kind=chnage", "kind"),
        ("administrative=no", "true, false"),
        ("order=up", "newest, oldest"),
        ("format=xml", "ndjson"),
        ("limit=1001", "format=ndjson"),
        ("limit=0&format=csv", "limit"),
        ("per=day", "per"),
    ] {
        let answer = bench.get(&format!("/v1/audit/records?{query}"), Some(&auditor)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(answer.json()["detail"].as_str().unwrap().contains(named), "{query}: {}", answer.text);
    }
}
