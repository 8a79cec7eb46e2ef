//! The admin API behind a listener.

use std::net::IpAddr;

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse;
use http::{Request, Response};
use hyper::body::Incoming;
use tower::ServiceExt;

use super::reader::Peer;
use super::{Admin, router};
use crate::listener::Responder;

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

    async fn respond(&self, mut request: Request<Incoming>, peer: IpAddr) -> Response<Body> {
        request.extensions_mut().insert(Peer(peer));
        match self.0.clone().oneshot(request.map(Body::new)).await {
            Ok(response) => response,
            Err(never) => never.into_response(),
        }
    }

    fn connections_changed(&self, _by: i64) {}

    fn drain(&self) {}
}
