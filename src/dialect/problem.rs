//! `application/problem+json` (RFC 9457), for callers who ask for it, and for the gateway's own API.

use bytes::Bytes;
use http::StatusCode;
use serde::Serialize;
use uuid::Uuid;

use super::Written;
use crate::call::{Reason, Refusal};
use crate::provider::KeyWords;

#[derive(Serialize)]
struct Problem<'a> {
    r#type: String,
    title: &'a str,
    status: u16,
    detail: String,
    reason: &'a str,
    code: &'a str,
    request_id: String,
}

/// A refusal with its true HTTP status.
pub fn problem(refusal: &Refusal, words: KeyWords, code: &str, id: Uuid) -> Written {
    let reason = refusal.reason();
    let status = problem_status(reason);
    let problem = Problem {
        r#type: format!("urn:dts-gateway:{reason}"),
        title: status.canonical_reason().unwrap_or("refused"),
        status: status.as_u16(),
        detail: refusal.message_in(words),
        reason: reason.slug(),
        code,
        request_id: id.to_string(),
    };
    let body = serde_json::to_vec(&problem).unwrap_or_default();
    Written { status, content_type: "application/problem+json", body: Bytes::from(body) }
}

/// The true HTTP status of a reason. No wildcard: a new reason must be given its status here.
pub fn problem_status(reason: Reason) -> StatusCode {
    match reason {
        Reason::CredentialsMissing
        | Reason::SignatureMismatch
        | Reason::KeyUnknown
        | Reason::KeyRevoked
        | Reason::KeyExpired
        | Reason::SignatureExpired
        | Reason::NonceReused
        | Reason::TokenInvalid => StatusCode::UNAUTHORIZED,
        Reason::NotGranted | Reason::DangerousParameter => StatusCode::FORBIDDEN,
        Reason::ActionUnknown | Reason::VersionUnknown | Reason::TaskNotFound => StatusCode::NOT_FOUND,
        Reason::RegionUnknown
        | Reason::ParameterMissing
        | Reason::ParameterUnknown
        | Reason::ParameterType
        | Reason::RequestMalformed
        | Reason::ParameterConflict => StatusCode::BAD_REQUEST,
        Reason::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        Reason::RateLimited => StatusCode::TOO_MANY_REQUESTS,
        Reason::StateForbids
        | Reason::StateUnknown
        | Reason::TaskBusy
        | Reason::PurchaseDuplicate
        | Reason::IdempotencyConflict => StatusCode::CONFLICT,
        Reason::StateUnavailable | Reason::AuditUnavailable | Reason::Overloaded | Reason::Draining => {
            StatusCode::SERVICE_UNAVAILABLE
        }
        Reason::UpstreamUnreachable | Reason::OutcomeUnknown => StatusCode::BAD_GATEWAY,
        Reason::CallerGone | Reason::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
