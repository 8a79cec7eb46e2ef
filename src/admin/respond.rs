//! The admin API behind a listener.

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse;
use http::header::CONNECTION;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use tower::ServiceExt;

use super::reader::Peer;
use super::{Admin, router};
use crate::listener::{Arrival, Responder};

/// Answers on the admin listener.
pub struct AdminResponder(Router);

impl AdminResponder {
    /// Answers from `admin`.
    pub fn new(admin: Admin) -> AdminResponder {
        AdminResponder(router(admin))
    }
}

impl Responder for AdminResponder {
    type Body = Body;

    async fn respond(&self, mut request: Request<Incoming>, arrival: Arrival) -> Response<Body> {
        if arrival.head().is_err() {
            // As hyper answers what it does not accept.
            return (StatusCode::BAD_REQUEST, [(CONNECTION, "close")]).into_response();
        }
        request.extensions_mut().insert(Peer(arrival.peer));
        match self.0.clone().oneshot(request.map(Body::new)).await {
            Ok(response) => response,
            Err(never) => never.into_response(),
        }
    }

    fn connections_changed(&self, _by: i64) {}

    fn drain(&self) {}
}
