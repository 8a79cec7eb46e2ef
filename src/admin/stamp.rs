//! What every answer of the admin listener bears: a request id, and that nobody may keep it unless it says otherwise.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_LENGTH, X_CONTENT_TYPE_OPTIONS};
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use uuid::{NoContext, Timestamp, Uuid};

use super::problem::Problem;
use crate::call::Clock;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The id of a request, for its record.
#[derive(Clone, Copy, Debug)]
pub(super) struct RequestId(pub(super) Uuid);

/// Gives the request an id and writes it on the answer, into the body of a problem too.
pub(super) async fn stamp(State(clock): State<Clock>, mut request: Request, next: Next) -> Response {
    let now = clock.now();
    let seconds = u64::try_from(now.as_second()).unwrap_or_default();
    let id = Uuid::new_v7(Timestamp::from_unix(NoContext, seconds, now.subsec_nanosecond().unsigned_abs()));
    request.extensions_mut().insert(RequestId(id));
    let mut response = next.run(request).await;
    let text = id.to_string();
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response.headers_mut().remove(CONTENT_LENGTH);
        *response.body_mut() = Body::from(problem.document(&text));
    }
    let headers = response.headers_mut();
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(value) = HeaderValue::from_str(&text) {
        headers.insert(REQUEST_ID, value);
    }
    response
}
