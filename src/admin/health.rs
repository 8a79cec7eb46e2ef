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

/// What readiness is judged by.
pub(super) struct Health {
    store: Arc<dyn Store>,
    complaints: Arc<dyn Fn() -> Vec<String> + Send + Sync>,
    last: Mutex<Option<(Instant, Option<String>)>>,
}

/// The answer: `ok`, or what is wrong.
#[derive(Debug, Serialize)]
pub(super) struct Verdict {
    status: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    problems: Vec<String>,
}

impl Health {
    pub(super) fn new(store: Arc<dyn Store>, complaints: Arc<dyn Fn() -> Vec<String> + Send + Sync>) -> Health {
        Health { store, complaints, last: Mutex::default() }
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
    let problems: Vec<String> = health.store().await.into_iter().chain((health.complaints)()).collect();
    if problems.is_empty() {
        (StatusCode::OK, Json(Verdict { status: "ok", problems }))
    } else {
        (StatusCode::SERVICE_UNAVAILABLE, Json(Verdict { status: "not ready", problems }))
    }
}
