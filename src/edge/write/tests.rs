//! What every answer says, and what only some do.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{Response, StatusCode};
use http_body_util::Full;
use uuid::Uuid;

use super::Answering;
use crate::call::{AnswerForm, Limit, Origin, Refusal, Reply};
use crate::dialect::Dialects;
use crate::provider::Providers;

const VERSION: &str = "2018-03-30";

fn answering() -> Answering {
    Answering {
        id: Uuid::nil(),
        family: Providers::embedded().unwrap().version(VERSION).unwrap().family,
        version: VERSION.to_owned(),
        action: "StopMigrateJob".to_owned(),
        wants_problem: false,
        answer_form: AnswerForm::Json,
        echo: Some((HeaderName::from_static("x-trace"), HeaderValue::from_static("trace-1"))),
        was_read: true,
        is_connect: false,
    }
}

fn written(answering: Answering, answer: Result<Reply, Refusal>) -> Response<Full<Bytes>> {
    answering.write(&answer, &Dialects::all(), &Providers::embedded().unwrap())
}

fn header<'a>(response: &'a Response<Full<Bytes>>, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}

fn too_fast() -> Refusal {
    let limit = Limit { kind: "cloud", name: "StopMigrateJob".to_owned(), quota: 20, window: Duration::from_secs(1) };
    Refusal::RateLimited { limit, retry_after: Duration::from_millis(1200) }
}

#[test]
fn an_answer_of_the_cloud_bears_our_id_and_no_reason() {
    let reply = Reply {
        status: StatusCode::OK,
        content_type: "application/json",
        body: Bytes::from_static(b"{}"),
        origin: Origin::Upstream,
        upstream_request_id: None,
        upstream_code: None,
    };
    let response = written(answering(), Ok(reply));
    let expected = [
        ("content-type", Some("application/json")),
        ("cache-control", Some("no-store")),
        ("x-dts-gateway-origin", Some("upstream")),
        ("x-request-id", Some("00000000-0000-0000-0000-000000000000")),
        ("x-trace", Some("trace-1")),
        ("x-dts-gateway-reason", None),
        ("connection", None),
    ];
    for (name, value) in expected {
        assert_eq!(header(&response, name), value, "{name}");
    }
}

#[test]
fn a_limit_says_when_to_come_back_in_whole_seconds_rounded_up() {
    let response = written(answering(), Err(too_fast()));
    assert_eq!(response.status(), StatusCode::OK);
    let expected = [
        ("x-dts-gateway-origin", "gateway"),
        ("x-dts-gateway-reason", "rate-limited"),
        ("retry-after", "2"),
        ("ratelimit-policy", "\"cloud\";q=20;w=1"),
        ("ratelimit", "\"cloud\";r=0;t=2"),
    ];
    for (name, value) in expected {
        assert_eq!(header(&response, name), Some(value), "{name}");
    }
}

#[test]
fn a_problem_has_its_true_status() {
    let response = written(Answering { wants_problem: true, ..answering() }, Err(too_fast()));
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(header(&response, "content-type"), Some("application/problem+json"));
}

#[test]
fn a_connection_with_bytes_left_on_it_is_closed_and_a_tunnel_never_opened() {
    let malformed = || Err(Refusal::RequestMalformed { why: "it is".to_owned() });
    let unread = written(Answering { was_read: false, ..answering() }, malformed());
    assert_eq!((unread.status(), header(&unread, "connection")), (StatusCode::OK, Some("close")));
    let connect = written(Answering { is_connect: true, ..answering() }, malformed());
    assert_eq!((connect.status(), header(&connect, "connection")), (StatusCode::METHOD_NOT_ALLOWED, Some("close")));
}
