//! Whether the process is alive, and whether it can serve: two questions, because the answer to the first restarts it
//! and the answer to the second only keeps callers away.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::store::Store;

/// How long the store may take to answer: probes give up after a few seconds themselves.
const PATIENCE: Duration = Duration::from_secs(2);

/// How long an answer of the store is good for: these paths need no token and must not become a load on it.
const REMEMBERED: Duration = Duration::from_secs(1);

/// What is wrong.
pub(super) type Complaints = Arc<dyn Fn() -> Vec<String> + Send + Sync>;

/// What goes on while the store is away, if anything does.
pub(super) type Makeshift = Arc<dyn Fn() -> Option<String> + Send + Sync>;

/// What readiness is judged by.
pub(super) struct Health {
    store: Arc<dyn Store>,
    complaints: Complaints,
    makeshift: Makeshift,
    last: Mutex<Option<(Instant, Option<String>)>>,
}

/// The answer: `ok`, `journaling` and what goes on without the store, or what is wrong.
#[derive(Debug, Serialize)]
pub(super) struct Verdict {
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<String>,
}

impl Health {
    pub(super) fn new(store: Arc<dyn Store>, complaints: Complaints, makeshift: Makeshift) -> Health {
        Health { store, complaints, makeshift, last: Mutex::default() }
    }

    async fn store(&self) -> Option<String> {
        let mut last = self.last.lock().await;
        if let Some((_, known)) = last.as_ref().filter(|(at, _)| at.elapsed() < REMEMBERED) {
            return known.clone();
        }
        let found = match timeout(PATIENCE, self.store.ping()).await {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(format!("store: {error}")),
            Err(_) => Some(format!("store: no answer within {} s", PATIENCE.as_secs())),
        };
        *last = Some((Instant::now(), found.clone()));
        found
    }
}

pub(super) async fn alive() -> Json<Verdict> {
    Json(Verdict { status: "ok", problems: Vec::new() })
}

pub(super) async fn ready(State(health): State<Arc<Health>>) -> (StatusCode, Json<Verdict>) {
    let (away, complaints) = (health.store().await, (health.complaints)());
    // Whoever keeps callers away now keeps those away who would be served.
    let makeshift = away.as_ref().and_then(|_| (health.makeshift)()).filter(|_| complaints.is_empty());
    let (code, status) = match (&away, &makeshift) {
        (_, Some(_)) => (StatusCode::OK, "journaling"),
        (None, None) if complaints.is_empty() => (StatusCode::OK, "ok"),
        _ => (StatusCode::SERVICE_UNAVAILABLE, "not ready"),
    };
    (code, Json(Verdict { status, problems: away.into_iter().chain(makeshift).chain(complaints).collect() }))
}
