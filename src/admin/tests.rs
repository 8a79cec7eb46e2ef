mod console;
mod limits;
mod questions;
mod streams;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use bytes::Bytes;
use secrecy::ExposeSecret;
use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;
use uuid::Uuid;
use zeroize::Zeroizing;

use super::{Admin, Cursors, Limits, router};
use crate::call::{Closed, Outcome, Pattern, Record};
use crate::identity::{
    Claims, Fetch, FetchError, Identity, IssuerKeys, IssuerSettings, JwsAlgorithm, Keyring, KeyringLimits, Nonces,
    Roster, SealingKeys, SignatureRules, Tokens, VerifyingKey, Vocabulary, mint,
};
use crate::metrics::Metrics;
use crate::quota::Quota;
use crate::store::{Entry, Sqlite, Store, Writer, WriterOptions};

const SECRET: &[u8] = b"K7vQ2mXw9ZpL4sTnB8rYc3HdJ6fGaE1u";

struct NoNetwork;

#[async_trait]
impl Fetch for NoNetwork {
    async fn fetch(&self, _: &str, _: usize) -> Result<Bytes, FetchError> {
        Err(FetchError("there is no network here".to_owned()))
    }
}

/// An admin listener over a database of its own, without the listener.
struct Bench {
    router: Router,
    store: Arc<dyn Store>,
    writer: Writer,
    clock: crate::call::Clock,
    quota: Arc<Quota>,
    stopping: CancellationToken,
    _folder: tempfile::TempDir,
}

struct Answer {
    status: StatusCode,
    headers: axum::http::HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    fn callers(&self) -> Vec<String> {
        let records = self.json()["records"].as_array().unwrap().clone();
        records.iter().map(|record| record["caller"].as_str().unwrap().to_owned()).collect()
    }
}

impl Bench {
    async fn new() -> Bench {
        Bench::by(crate::call::Clock::system()).await
    }

    async fn by(clock: crate::call::Clock) -> Bench {
        let folder = tempfile::tempdir().unwrap();
        let team = "team = \"blue\"\n[[caller]]\nname = \"ann\"\naccounts = [\"main\"]\n";
        std::fs::write(folder.path().join("blue.toml"), team).unwrap();
        let store: Arc<dyn Store> = Arc::new(Sqlite::open(&folder.path().join("log.sqlite3"), clock.clone()).unwrap());
        store.migrate().await.unwrap();
        let writer = Writer::start(Arc::clone(&store), WriterOptions::default());
        let sealing = SealingKeys::new(vec![("one".to_owned(), Zeroizing::new(SECRET.to_vec()))]).unwrap();
        let limits = KeyringLimits::default();
        let keyring = Keyring::load(Arc::clone(&store), Arc::new(sealing), clock.clone(), limits).await.unwrap();
        let issuer = IssuerSettings {
            name: "test".to_owned(),
            issuer: "https://issuer.example".to_owned(),
            audiences: vec!["gateway".to_owned()],
            algorithms: vec![JwsAlgorithm::Hs256],
            caller_claim: "sub".to_owned(),
            roles_claim: Some("roles".to_owned()),
            callers: vec![Pattern::any()],
            leeway: Duration::ZERO,
            keys: IssuerKeys::Static(vec![VerifyingKey::from_secret(SECRET, None).unwrap()]),
        };
        let fetch: Arc<dyn Fetch> = Arc::new(NoNetwork);
        let identity = Arc::new(Identity {
            keyring,
            tokens: Tokens::new(vec![issuer], &fetch).unwrap(),
            roster: Arc::new(Roster::open(folder.path(), Vocabulary::default()).unwrap()),
            signatures: SignatureRules::default(),
            nonces: Nonces::default(),
        });
        let stopping = CancellationToken::new();
        let shutdown = stopping.clone();
        let quota = Arc::new(Quota::new());
        let state = Admin {
            store: Arc::clone(&store),
            writer: writer.clone(),
            cursors: Cursors::new(&"not-a-secret-of-anybody-0123456789".to_owned().into()),
            identity,
            metrics: Arc::new(Metrics::default()),
            limits: Limits::new(Arc::clone(&quota), [("100".to_owned(), "main".to_owned())]),
            origin: "gateway.example.com/audit".to_owned(),
            checkpoints: None,
            stopping: stopping.clone(),
            clock: clock.clone(),
            makeshift: Arc::new(|| None),
            complaints: Arc::new(move || shutdown.is_cancelled().then(|| "draining".to_owned()).into_iter().collect()),
        };
        Bench { router: router(state), store, writer, clock, quota, stopping, _folder: folder }
    }

    fn token(&self, caller: &str, roles: &[&str]) -> String {
        let claims = Claims {
            issuer: "https://issuer.example".to_owned(),
            audience: "gateway".to_owned(),
            caller: ("sub".to_owned(), caller.to_owned()),
            roles: ("roles".to_owned(), roles.iter().map(|role| (*role).to_owned()).collect()),
            lifetime: Duration::from_secs(60),
        };
        mint(SECRET, &claims, self.clock.now()).unwrap().expose_secret().to_owned()
    }

    async fn get(&self, path: &str, token: Option<&str>) -> Answer {
        let mut request = Request::get(path);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        self.send(request.body(Body::empty()).unwrap()).await
    }

    async fn send(&self, request: Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = to_bytes(body, usize::MAX).await.unwrap();
        Answer { status: head.status, headers: head.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    /// Puts `count` finished calls of `caller` into the log.
    async fn log(&self, caller: &str, count: u128) {
        for number in 0..count {
            let id =
                Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + number + (caller.len() as u128) * 1000);
            let record = Record {
                id,
                time: self.clock.now(),
                caller: caller.to_owned(),
                family: "cloudy".to_owned(),
                action: "DescribeMigrateJobs".to_owned(),
                outcome: Outcome::Ok,
                request_id: id.to_string(),
                ..Record::default()
            };
            self.writer.submit(Entry::Closed(Closed { record, intended: false, answer: None, window: None }));
        }
        self.writer.flushed().await;
    }
}

#[tokio::test]
async fn every_answer_bears_an_id_and_a_problem_says_it() {
    let bench = Bench::new().await;
    let answer = bench.get("/nowhere", None).await;
    assert_eq!(answer.status, StatusCode::NOT_FOUND);
    assert_eq!(answer.headers["content-type"], "application/problem+json");
    assert_eq!(answer.headers["cache-control"], "no-store");
    let problem = answer.json();
    assert_eq!(problem["request_id"], answer.headers["x-request-id"].to_str().unwrap());
    assert_eq!((&problem["status"], &problem["type"]), (&404.into(), &"urn:dts-gateway:not-found".into()));

    let post = Request::post("/v1/me").body(Body::empty()).unwrap();
    assert_eq!(bench.send(post).await.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn health_says_what_is_wrong() {
    let bench = Bench::new().await;
    assert_eq!(bench.get("/healthz", None).await.status, StatusCode::OK);
    assert_eq!(bench.get("/readyz", None).await.json()["status"], "ok");
    bench.stopping.cancel();
    let answer = bench.get("/readyz", None).await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.text.contains("draining"), "{}", answer.text);
    assert_eq!(bench.get("/healthz", None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn metrics_are_open_metrics() {
    let bench = Bench::new().await;
    let answer = bench.get("/metrics", None).await;
    assert!(
        answer.headers["content-type"].to_str().unwrap().starts_with("application/openmetrics-text; version=1.0.0")
    );
    assert!(answer.text.ends_with("# EOF\n"));
}

#[tokio::test]
async fn without_a_sound_token_there_is_nothing() {
    let bench = Bench::new().await;
    let token = bench.token("ann", &["auditor"]);
    for wrong in [None, Some("nonsense"), Some(&token[..token.len() - 3])] {
        let answer = bench.get("/v1/audit/records", wrong).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(answer.headers["www-authenticate"], "Bearer");
    }
    let twice = Request::get("/v1/me")
        .header("authorization", format!("Bearer {token}"))
        .header("authorization", format!("Bearer {token}"))
        .body(Body::empty())
        .unwrap();
    assert_eq!(bench.send(twice).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn me_is_the_caller_its_team_and_its_roles() {
    let bench = Bench::new().await;
    let me = bench.get("/v1/me", Some(&bench.token("ann", &["operator"]))).await.json();
    assert_eq!((&me["caller"], &me["team"], &me["issuer"]), (&"ann".into(), &"blue".into(), &"test".into()));
    assert_eq!(me["roles"], serde_json::json!(["operator"]));
}

#[tokio::test]
async fn an_auditor_reads_all_and_others_their_own() {
    let bench = Bench::new().await;
    bench.log("ann", 2).await;
    bench.log("robert", 3).await;
    let auditor = bench.token("zoe", &["auditor"]);
    assert_eq!(bench.get("/v1/audit/records?family=cloudy", Some(&auditor)).await.callers().len(), 5);
    assert_eq!(bench.get("/v1/audit/records?caller=robert", Some(&auditor)).await.callers().len(), 3);

    // An operator changes things; that does not make it an auditor.
    let ann = bench.token("ann", &["operator"]);
    let own = bench.get("/v1/audit/records?family=cloudy", Some(&ann)).await;
    assert_eq!(own.callers(), ["ann", "ann"]);
    assert_eq!(bench.get("/v1/audit/records?caller=ann&family=cloudy", Some(&ann)).await.callers().len(), 2);
    let other = bench.get("/v1/audit/records?caller=robert", Some(&ann)).await;
    assert_eq!(other.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn reading_the_log_is_a_record() {
    let bench = Bench::new().await;
    let auditor = bench.token("zoe", &["auditor"]);
    let ann = bench.token("ann", &[]);
    bench.get("/v1/audit/records?task_id=dts-1&limit=7", Some(&auditor)).await;
    bench.get("/v1/audit/records?caller=zoe", Some(&ann)).await;
    bench.writer.flushed().await;
    let page = bench.get("/v1/audit/records?action=audit.query", Some(&auditor)).await.json();
    let records = page["records"].as_array().unwrap();
    assert_eq!(records.len(), 2);
    assert_eq!((&records[0]["outcome"], &records[0]["reason"]), (&"refused".into(), &"not-granted".into()));
    assert_eq!((&records[0]["team"], &records[0]["key_id"]), (&"blue".into(), &"jwt:test".into()));
    assert_eq!((&records[1]["outcome"], &records[1]["family"]), (&"ok".into(), &"gateway".into()));
    assert_eq!(records[1]["detail"]["parameters"], r#"{"limit":"7","task_id":"dts-1"}"#);
}

#[tokio::test]
async fn pages_follow_one_another() {
    let bench = Bench::new().await;
    bench.log("ann", 5).await;
    let auditor = bench.token("zoe", &["auditor"]);
    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = bench.get(&format!("/v1/audit/records?caller=ann&limit=2{cursor}"), Some(&auditor)).await.json();
        seen.extend(page["records"].as_array().unwrap().iter().map(|record| record["id"].to_string()));
        match page["next_cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 5);
    assert!(seen.is_sorted_by(|newer, older| newer > older), "{seen:?}");
}

#[tokio::test]
async fn a_wrong_query_is_named() {
    let bench = Bench::new().await;
    let auditor = bench.token("zoe", &["auditor"]);
    let wrong = [
        ("callers=ann", "callers"),
        ("caller=", "caller"),
        ("caller=a&caller=b", "caller"),
        ("limit=0", "limit"),
        ("limit=1000000000", "limit"),
        ("outcome=good", "outcome"),
        ("from=yesterday", "from"),
        ("from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "from"),
        ("cursor=%27%20OR%201=1", "cursor"),
        ("id=1", "id"),
    ];
    for (query, named) in wrong {
        let answer = bench.get(&format!("/v1/audit/records?{query}"), Some(&auditor)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{query}");
        assert!(answer.json()["detail"].as_str().unwrap().contains(named), "{query}: {}", answer.text);
    }
    assert!(bench.store.ping().await.is_ok());
}
