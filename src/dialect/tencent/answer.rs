//! What Tencent answered. Success is the absence of `Response.Error`; the HTTP status is 200 either way.

use std::borrow::Cow;

use http::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::Received;
use super::super::blank::blank;
use super::JSON;
use crate::call::{Origin, Reply};
use crate::parameters::{JsonLimits, Value, read_json};
use crate::provider::Action;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, rename = "Response")]
    response: &'a RawValue,
}

#[derive(Deserialize)]
struct Response<'a> {
    #[serde(borrow, rename = "Error")]
    error: Option<Fault<'a>>,
    #[serde(borrow, rename = "RequestId")]
    request_id: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
struct Fault<'a> {
    #[serde(borrow, rename = "Code")]
    code: Cow<'a, str>,
}

/// The reply, or why this is none.
pub(super) fn read(action: &Action, received: &Received) -> Result<Reply, String> {
    if received.status != StatusCode::OK {
        return Err(format!("it answered with HTTP status {}", received.status.as_u16()));
    }
    let no_answer = || "its answer is not in the API's shape".to_owned();
    let envelope: Envelope<'_> = serde_json::from_slice(&received.body).map_err(|_| no_answer())?;
    let response: Response<'_> = serde_json::from_str(envelope.response.get()).map_err(|_| no_answer())?;
    let body = match action.answer_secrets.is_empty() {
        true => received.body.clone(),
        false => blank(&received.body, envelope.response, action.answer_secrets.root()),
    };
    Ok(Reply {
        status: StatusCode::OK,
        content_type: JSON,
        body,
        origin: Origin::Upstream,
        upstream_request_id: response.request_id.map(Cow::into_owned),
        upstream_code: response.error.map(|fault| fault.code.into_owned()),
    })
}

/// What is inside the envelope.
pub(super) fn members(body: &[u8]) -> Option<Value> {
    let limits = JsonLimits { members: usize::MAX, ..JsonLimits::default() };
    match read_json(body, &limits).ok()? {
        Value::Object(members) => members.into_iter().find(|(name, _)| name == "Response").map(|(_, value)| value),
        _ => None,
    }
}
