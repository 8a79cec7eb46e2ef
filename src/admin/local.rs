//! The same questions without a listener, for whoever can read the configuration's secrets and so needs no token. They
//! are recorded all the same.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{Request, Response};
use axum::middleware;
use axum::response::IntoResponse;
use tower::ServiceExt;

use super::cursor::Cursors;
use super::desk::{Desk, Door};
use super::problem::Problem;
use super::{questions, stamp};
use crate::call::Clock;
use crate::evidence::Checkpoints;
use crate::store::{Store, Writer};

/// Answers in this process.
#[derive(Debug)]
pub struct Local(Router);

impl Local {
    /// Answers from `store`; that it did goes to `writer`.
    pub fn new(
        store: Arc<dyn Store>,
        writer: Writer,
        cursors: Cursors,
        origin: &str,
        checkpoints: Option<Arc<Checkpoints>>,
        clock: Clock,
    ) -> Local {
        let desk = Desk::new(store, writer, cursors, origin, clock.clone(), Door::CommandLine);
        let desk = desk.signed_by(checkpoints);
        Local(questions().with_state(desk).layer(middleware::from_fn_with_state(clock, stamp::stamp)))
    }

    /// What the admin listener would answer an auditor who gets this path and query.
    pub async fn get(&self, path: &str) -> Response<Body> {
        let Ok(request) = Request::get(path).body(Body::empty()) else {
            return Problem::bad_query("parameter-type", "this can't be asked").into_response();
        };
        match self.0.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}
