//! What the parts of the request path cost, each alone: to see which one moved when the whole did.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a measurement without its ground is worth stopping

use std::hint::black_box;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use dts_gateway::call::{
    Account, AnswerForm, Authenticated, Call, Caller, Closed, Credential, Detail, Effect, Form, Grant, Outcome,
    Pattern, Progress, Proof, Record, RecordHandle, RecordSink, Request, Signing, TaskScope, UpstreamSigning, Wire,
};
use dts_gateway::dialect::{Dialects, Received};
use dts_gateway::gate::Gate;
use dts_gateway::parameters::{JsonLimits, Value, read_json, write_json};
use dts_gateway::provider::{Action, Family, Observation, Providers, Version};
use dts_gateway::quota::{Asker, BucketKey, BucketSpec, Class, Quota};
use dts_gateway::sign::{SecretKey, encode, hmac_v1, read_presented, tc3, verify};
use dts_gateway::steps::{Accounts, Authorize, AuthorizeOptions, Owners};
use dts_gateway::store;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use tokio::time::Instant;

/// 2026-01-02 03:04:05 UTC.
const NOW: i64 = 1_767_323_045;

const HOST: &str = "dts.tencentcloudapi.com";

/// 402 bytes.
const BODY: &str = r#"{"JobId":"dts-0000abcd","JobName":"orders to the new region, second attempt after the network was changed","MigrateOption":{"RunMode":1,"MigrateType":2,"MigrateObject":1,"ConsistencyType":1},"SrcAccessType":"extranet","SrcInfo":{"Ip":"10.0.0.8","Port":3306,"User":"replicator","Password":"not-a-real-one"},"DstAccessType":"cdb","DstInfo":{"InstanceId":"cdb-0000abcd","Region":"ap-guangzhou"}}      "#;

/// An answer with two secrets in it.
const ANSWER: &str = r#"{"Response":{"TotalCount":1,"JobList":[{"JobId":"dts-0000abcd","JobName":"orders to the new region","CreateTime":"2026-01-02 03:04:05","StartTime":"","EndTime":"","BriefMsg":"","Status":4,"RunMode":1,"ExpectRunTime":"","Action":{"AllAction":["start","modify"],"AllowedAction":["start","modify"]},"MigrateOption":{"RunMode":1,"MigrateType":2},"SrcInfo":{"Ip":"10.0.0.8","Port":3306,"User":"replicator","Password":"not-a-real-one","AccessKey":"nor-this"},"DstInfo":{"InstanceId":"cdb-0000abcd","Region":"ap-guangzhou"}}],"RequestId":"5f0f3fb5-5e9f-4a0e-9d47-000000000001"}}"#;

struct Nowhere;

impl RecordSink for Nowhere {
    fn close(&self, closed: Closed) {
        black_box(closed);
    }
}

fn secret() -> SecretKey {
    SecretKey::from("tR5vXq2Lm9Zk4Wc7Yp1Hs8Nd3Jf6Ga0Q".to_owned())
}

fn tables() -> (Arc<Version>, Arc<Action>) {
    let providers = Providers::embedded().unwrap();
    let version = Arc::clone(providers.version("2018-03-30").unwrap());
    let action = Arc::clone(version.action("ModifyMigrateJob").unwrap());
    (version, action)
}

fn parameters() -> Value {
    read_json(BODY.as_bytes(), &JsonLimits::default()).unwrap()
}

fn tc3_request() -> Wire {
    let outgoing = outgoing();
    let key = tc3::DaySigningKey::derive(&secret(), NOW, "dts").unwrap();
    let authorization = tc3::sign("AKIDbench", &key, outgoing, NOW).unwrap();
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static(HOST));
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    headers.insert("x-tc-action", HeaderValue::from_static("ModifyMigrateJob"));
    headers.insert("x-tc-timestamp", HeaderValue::from(NOW));
    headers.insert("authorization", HeaderValue::try_from(authorization).unwrap());
    wire(Method::POST, headers, "", BODY)
}

fn v1_pairs() -> Vec<(String, String)> {
    let fixed = [
        ("Action", "DescribeMigrateJobs"),
        ("Version", "2018-03-30"),
        ("Region", "ap-guangzhou"),
        ("Timestamp", "1767323045"),
        ("Nonce", "1234567"),
        ("SecretId", "AKIDbench"),
        ("SignatureMethod", "HmacSHA256"),
        ("JobId", "dts-0000abcd"),
        ("JobName", "orders to the new region"),
        ("Offset", "0"),
        ("Limit", "20"),
    ];
    fixed.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
}

fn v1_request() -> Wire {
    let mut pairs = v1_pairs();
    let algorithm = hmac_v1::Algorithm::HmacSha256;
    let signature = hmac_v1::sign(&Method::GET, HOST, "/", &pairs, &secret(), algorithm);
    pairs.push(("Signature".to_owned(), signature));
    let mut headers = HeaderMap::new();
    headers.insert("host", HeaderValue::from_static(HOST));
    wire(Method::GET, headers, &encode::form(&pairs), "")
}

fn outgoing() -> tc3::Outgoing<'static> {
    tc3::Outgoing {
        method: &Method::POST,
        host: HOST,
        content_type: "application/json",
        action: Some("ModifyMigrateJob"),
        raw_query: "",
        body: BODY.as_bytes(),
    }
}

fn wire(method: Method, headers: HeaderMap, query: &str, body: &'static str) -> Wire {
    let body = Bytes::from_static(body.as_bytes());
    Wire { method, path: "/".to_owned(), raw_query: query.to_owned(), headers, body, peer: None }
}

fn signatures(criterion: &mut Criterion) {
    let (secret, pairs) = (secret(), v1_pairs());
    let key = tc3::DaySigningKey::derive(&secret, NOW, "dts").unwrap();
    criterion.bench_function("derive the day's TC3 key", |bench| {
        bench.iter(|| tc3::DaySigningKey::derive(black_box(&secret), NOW, "dts"));
    });
    criterion.bench_function("sign, TC3", |bench| {
        bench.iter(|| tc3::sign("AKIDbench", black_box(&key), outgoing(), NOW));
    });
    criterion.bench_function("sign, v1", |bench| {
        let algorithm = hmac_v1::Algorithm::HmacSha256;
        bench.iter(|| hmac_v1::sign(&Method::POST, HOST, "/", black_box(&pairs), &secret, algorithm));
    });
    for (name, wire) in [("verify, TC3", tc3_request()), ("verify, v1", v1_request())] {
        criterion.bench_function(name, |bench| {
            bench.iter(|| {
                let presented = read_presented(black_box(&wire)).unwrap();
                verify(&presented, &wire, &secret, NOW, 300, &[]).unwrap();
            });
        });
    }
}

fn parameter_trees(criterion: &mut Criterion) {
    let (_, action) = tables();
    let limits = JsonLimits::default();
    criterion.bench_function("read JSON, check parameters", |bench| {
        bench.iter(|| {
            let parameters = read_json(black_box(BODY.as_bytes()), &limits).unwrap();
            action.check_parameters(&parameters).unwrap();
        });
    });
    let parameters = parameters();
    criterion.bench_function("redact and write parameters", |bench| {
        bench.iter(|| write_json(&action.redacted(black_box(&parameters))));
    });
}

fn answers(criterion: &mut Criterion) {
    let (version, _) = tables();
    let action = version.action("DescribeMigrateJobs").unwrap();
    let dialects = Dialects::all();
    let body = Bytes::from_static(ANSWER.as_bytes());
    let received = Received { status: StatusCode::OK, headers: HeaderMap::new(), body };
    criterion.bench_function("read and redact an answer", |bench| {
        bench.iter(|| dialects.of(Family::Tencent).answer(action, black_box(&received)).unwrap());
    });
    criterion.bench_function("learn states from an answer", |bench| {
        bench.iter(|| {
            let members = dialects.of(Family::Tencent).members(black_box(&received.body)).unwrap();
            let sources = version.state_sources("DescribeMigrateJobs");
            sources.map(|(_, source)| source.observe(&members).len()).sum::<usize>()
        });
    });
}

fn decisions(criterion: &mut Criterion) {
    let (version, action) = tables();
    let folder = tempfile::TempDir::new().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let _inside = runtime.enter();
    let url = format!("sqlite:{}", folder.path().join("unused.sqlite3").display());
    let owners = Owners::new(store::open(&url.into(), dts_gateway::call::Clock::system()).unwrap());
    let authorize = Authorize::new(
        Arc::new(Accounts::new([account()])),
        Arc::new(owners),
        AuthorizeOptions {
            max_wait: Duration::from_secs(5),
            max_wait_cap: Duration::from_secs(20),
            check_parents: true,
        },
    );
    let caller = Arc::new(caller());
    criterion.bench_function("authorize: account, region, parameters, 10 grants", |bench| {
        let call = || Authenticated {
            call: call(),
            version: Arc::clone(&version),
            action: Arc::clone(&action),
            caller: Arc::clone(&caller),
            proof: Proof::Token { issuer: "bench".to_owned() },
        };
        bench.iter_batched(call, |call| authorize.check(call).now_or_never().unwrap().unwrap(), BatchSize::SmallInput);
    });
    criterion.bench_function("judge a state", |bench| {
        let kind = version.task_kind("migration").unwrap();
        let rule = action.rule.as_ref().unwrap();
        let seen = Observation { state: "4".to_owned(), ..Observation::default() };
        bench.iter(|| rule.objection(kind, &action.name, black_box(&seen)).is_none());
    });
}

fn turns(criterion: &mut Criterion) {
    let quota = Quota::new();
    let key = BucketKey { identity: "100012345678".into(), host: HOST.into(), name: "ModifyMigrateJob".into() };
    let wanted = [BucketSpec { key, per: 1_000, window: Duration::ZERO, reserve: 0 }];
    let asker = Asker { who: "bench", weight: NonZeroU32::MIN, class: Class::Change };
    criterion.bench_function("take and settle a turn, nobody waits", |bench| {
        bench.iter(|| {
            let turn = quota.acquire(black_box(&wanted), &asker, Duration::ZERO).now_or_never().unwrap().unwrap();
            turn.settle(Instant::now());
        });
    });
}

fn records(criterion: &mut Criterion) {
    let (_, action) = tables();
    let record = record(&action);
    criterion.bench_function("encode a record", |bench| {
        bench.iter(|| serde_json::to_vec(black_box(&record)).unwrap());
    });
}

fn record(action: &Action) -> Record {
    let text = str::to_owned;
    Record {
        account: text("main"),
        team: text("orders"),
        caller: text("orders-migrator"),
        key_id: text("AKIDbench"),
        address: text("127.0.0.1"),
        family: text("tencent"),
        version: text("2018-03-30"),
        action: action.name.clone(),
        region: text("ap-guangzhou"),
        task_ids: vec![text("dts-0000abcd")],
        outcome: Outcome::Ok,
        request_id: text("5f0f3fb5-5e9f-4a0e-9d47-000000000001"),
        detail: Detail {
            kind: text("change"),
            parameters: write_json(&action.redacted(&parameters())),
            parameters_digest: "0".repeat(64),
            table: "0".repeat(64),
            grant: text("orders/2"),
            upstream_status: Some(200),
            upstream_ms: Some(12),
            total_ms: 13,
            ..Detail::default()
        },
        ..Record::default()
    }
}

fn call() -> Call {
    let request = Request {
        family: Family::Tencent,
        version: "2018-03-30".to_owned(),
        action: "ModifyMigrateJob".to_owned(),
        region: Some("ap-guangzhou".to_owned()),
        form: Form::Json,
        answer_form: AnswerForm::Json,
        signing: Signing::InHeaders,
        parameters: parameters(),
        unless_own: &[],
        account: None,
        max_wait: None,
        idempotency_key: None,
        wants_problem: false,
    };
    Call {
        id: uuid::Uuid::nil(),
        received: Instant::now(),
        wire: tc3_request(),
        request,
        unreadable: None,
        record: RecordHandle::new(Record::default(), Arc::new(Nowhere)),
        progress: Progress::default(),
    }
}

/// Ten grants, of which the last one matters.
fn caller() -> Caller {
    let grant = |position: usize| Grant {
        repeat_purchases: false,
        name: format!("orders/{position}"),
        effect: Effect::Allow,
        accounts: vec![Pattern::any()],
        versions: vec![Pattern::any()],
        actions: vec![Pattern::new(if position == 10 { "*MigrateJob" } else { "Describe*" })],
        regions: vec![Pattern::any()],
        tasks: TaskScope::Any,
        conditions: Vec::new(),
        dangers: vec!["*".to_owned()],
    };
    Caller {
        name: "orders-migrator".to_owned(),
        team: "orders".to_owned(),
        accounts: vec!["main".to_owned()],
        weight: NonZeroU32::MIN,
        require_signed_headers: Vec::new(),
        pace: None,
        grants: (1..=10).map(grant).collect(),
        policy: "".into(),
    }
}

fn account() -> Account {
    Account {
        alias: "main".to_owned(),
        family: Family::Tencent,
        site: "mainland".to_owned(),
        identity: "100012345678".to_owned(),
        default_region: None,
        endpoint: None,
        signing: UpstreamSigning::AsCalled,
        credential: Credential { secret_id: "AKIDbench".to_owned(), secret_key: "not-a-real-one".to_owned().into() },
    }
}

criterion_group! {
    name = parts;
    config = Criterion::default().warm_up_time(Duration::from_millis(300)).measurement_time(Duration::from_secs(1));
    targets = signatures, parameter_trees, answers, decisions, turns, records
}
criterion_main!(parts);
