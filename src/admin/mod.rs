//! The admin listener: whether the process is alive and ready, what it counts, and what the audit log says.
//!
//! It is apart from the public listener, because the cloud's API owns every path there, and so that a network policy can
//! close it. It answers in JSON and in `application/problem+json`, asks for bearer tokens, and writes down who has read
//! the log. A page for browsers asks the same questions. It knows nothing of the request path.

mod act;
mod console;
mod cursor;
mod desk;
mod evidence;
mod format;
mod health;
mod limits;
mod local;
mod me;
mod problem;
mod query;
mod reader;
mod records;
mod respond;
mod sheet;
mod stamp;
mod stream;
mod summary;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use axum::middleware;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use tokio_util::sync::CancellationToken;

pub use cursor::Cursors;
pub use limits::Limits;
pub use local::Local;
pub use respond::AdminResponder;
pub use sheet::{csv_head, csv_rows};

use crate::call::{Clock, Refusal};
use crate::evidence::Checkpoints;
use crate::identity::Identity;
use crate::metrics::Metrics;
use crate::store::{Store, Writer};
use desk::{Desk, Door};
use health::Health;
use problem::Problem;

/// Whom a record names for what is done at the command line: somebody who can read the configuration's secrets, and that
/// is all that is known.
pub const COMMAND_LINE: &str = "command-line";

/// What an auditor's token says in its claim of roles.
pub const AUDITOR: &str = "auditor";

/// What an operator's token says in its claim of roles.
pub const OPERATOR: &str = "operator";

/// OpenMetrics, as Prometheus asks for it.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// What the admin listener answers from.
#[derive(Clone)]
pub struct Admin {
    /// Where the log is.
    pub store: Arc<dyn Store>,
    /// Whose tokens are accepted, and who is in which team.
    pub identity: Arc<Identity>,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// The cloud's quotas.
    pub limits: Limits,
    /// Where records of reading the log go.
    pub writer: Writer,
    /// Signs where pages end.
    pub cursors: Cursors,
    /// What this deployment's checkpoints are of.
    pub origin: String,
    /// Who signs them, if anybody does.
    pub checkpoints: Option<Arc<Checkpoints>>,
    /// Ends what would go on as long as somebody listens.
    pub stopping: CancellationToken,
    /// The time.
    pub clock: Clock,
    /// What stands in the way of serving beside the store, in a few words each: a writer that fails, a shutdown.
    pub complaints: Arc<dyn Fn() -> Vec<String> + Send + Sync>,
    /// What goes on while the store is away, if anything does; then this instance is ready all the same.
    pub makeshift: Arc<dyn Fn() -> Option<String> + Send + Sync>,
}

/// Everything that the admin listener serves.
pub fn router(admin: Admin) -> Router {
    let clock = admin.clock.clone();
    let health = Health::new(Arc::clone(&admin.store), Arc::clone(&admin.complaints), Arc::clone(&admin.makeshift));
    let open = Router::new()
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .with_state(Arc::new(health))
        .route("/metrics", get(metrics).with_state((Arc::clone(&admin.metrics), admin.limits.clone())));
    let door = Door::Tokens(admin.identity);
    let desk = Desk::new(admin.store, admin.writer, admin.cursors, &admin.origin, admin.clock, door);
    let desk = desk.signed_by(admin.checkpoints).until(admin.stopping);
    let limits = get(limits::show).layer(Extension(admin.limits));
    let closed = questions().route("/v1/me", get(me::show)).route("/v1/limits", limits).with_state(desk);
    open.merge(closed)
        .merge(console::router())
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || Problem::wrong_method())
        // Inside the stamp: a handler that panics gets a request id and a problem too.
        .layer(tower_http::catch_panic::CatchPanicLayer::custom(|_| Problem::from(&Refusal::Internal).into_response()))
        .layer(middleware::from_fn_with_state(clock, stamp::stamp))
}

/// The questions to the audit log.
fn questions() -> Router<Desk> {
    Router::new()
        .route("/v1/audit/records", get(records::list))
        .route("/v1/audit/records/{id}", get(records::show))
        .route("/v1/audit/tasks/{id}", get(records::history))
        .route("/v1/audit/summary", get(summary::show))
        .route("/v1/audit/proof", get(evidence::proof))
        .route("/v1/audit/follow", get(evidence::follow))
}

async fn metrics(State((metrics, limits)): State<(Arc<Metrics>, Limits)>) -> Response {
    ([(CONTENT_TYPE, OPEN_METRICS)], metrics.render(limits.readings().await)).into_response()
}
