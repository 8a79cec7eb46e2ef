//! A refusal in Tencent's envelope: HTTP 200, `Error` with `RequestId` beside it.

use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;
use uuid::Uuid;

use super::{JSON, Written};
use crate::call::Refusal;
use crate::provider::Family;

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Envelope<'a> {
    response: Response<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Response<'a> {
    error: Error<'a>,
    request_id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Error<'a> {
    code: &'a str,
    message: String,
}

/// HTTP 200 for errors too: with any other status the SDKs lose code and request id.
pub(super) fn refuse(refusal: &Refusal, code: &str, id: Uuid) -> Written {
    let error = Error { code, message: refusal.message_in(Family::Tencent.key_words()) };
    let envelope = Envelope { response: Response { error, request_id: id.to_string() } };
    let body = serde_json::to_vec(&envelope).unwrap_or_default();
    Written { status: StatusCode::OK, content_type: JSON, body: Bytes::from(body) }
}
