//! What goes wrong on the admin listener, as `application/problem+json` (RFC 9457). The request id is filled in by the
//! stamp around all answers.

use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::call::Refusal;
use crate::evidence::ExportError;
use crate::store::StoreError;

/// A problem.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Problem {
    r#type: String,
    title: &'static str,
    #[serde(serialize_with = "as_number")]
    status: StatusCode,
    detail: String,
}

impl Problem {
    /// A problem whose type is one of the gateway's reasons.
    fn new(status: StatusCode, slug: &str, detail: impl Into<String>) -> Problem {
        let title = status.canonical_reason().unwrap_or("Error");
        Problem { r#type: format!("urn:dts-gateway:{slug}"), title, status, detail: detail.into() }
    }

    /// A query parameter that is not one, or not as it should be.
    pub(super) fn bad_query(slug: &str, detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::BAD_REQUEST, slug, detail)
    }

    pub(super) fn forbidden(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::FORBIDDEN, "not-granted", detail)
    }

    pub(super) fn not_found() -> Problem {
        let there = "there are /healthz, /readyz, /metrics, /v1/me, /v1/audit/records, /v1/audit/records/ID, \
                     /v1/audit/tasks/ID, /v1/audit/summary and, for a browser, /console/audit";
        Problem::new(StatusCode::NOT_FOUND, "not-found", there)
    }

    /// No record of this id, or none for this asker, who is not told which.
    pub(super) fn no_record() -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "not-found", "there is no record with this id that you may see")
    }

    /// The same for an id from before a log's beginning. `begins` says of each class since when it is there.
    pub(super) fn record_dropped(begins: &str) -> Problem {
        let detail = format!(
            "there is no record with this id that you may see; if there was one, retention has dropped it: {begins}"
        );
        Problem::new(StatusCode::NOT_FOUND, "not-found", detail)
    }

    pub(super) fn wrong_method() -> Problem {
        Problem::new(StatusCode::METHOD_NOT_ALLOWED, "method-not-allowed", "this is only read, with GET")
    }

    /// The type without its prefix.
    pub(super) fn slug(&self) -> &str {
        self.r#type.rsplit(':').next().unwrap_or_default()
    }

    pub(super) fn detail(&self) -> &str {
        &self.detail
    }

    /// The document, for an answer with this request id.
    pub(super) fn document(&self, request_id: &str) -> Vec<u8> {
        #[derive(Serialize)]
        struct Document<'a> {
            #[serde(flatten)]
            problem: &'a Problem,
            request_id: &'a str,
        }
        serde_json::to_vec(&Document { problem: self, request_id }).unwrap_or_default()
    }
}

impl From<&Refusal> for Problem {
    fn from(refusal: &Refusal) -> Problem {
        let status = match refusal {
            Refusal::CredentialsMissing | Refusal::TokenInvalid { .. } => StatusCode::UNAUTHORIZED,
            Refusal::NotGranted { .. } => StatusCode::FORBIDDEN,
            Refusal::AuditUnavailable | Refusal::Draining | Refusal::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let detail = match refusal {
            Refusal::CredentialsMissing => "send Authorization with a bearer token".to_owned(),
            other => other.message(),
        };
        Problem::new(status, refusal.reason().slug(), detail)
    }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Problem {
        match error {
            StoreError::TooBroad(_) => Problem::bad_query("question-too-broad", error.to_string()),
            other => {
                tracing::warn!(error = %other, "the audit log could not be read");
                Problem::new(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "audit-unavailable",
                    "the audit log can't be read, try again shortly",
                )
            }
        }
    }
}

impl From<ExportError> for Problem {
    fn from(error: ExportError) -> Problem {
        match error {
            ExportError::Store(error) => Problem::from(error),
            dropped @ ExportError::Dropped(_) => {
                Problem::new(StatusCode::CONFLICT, "export-overtaken", dropped.to_string())
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        // The stamp writes the body, with the request id in it.
        response.extensions_mut().insert(self);
        response
    }
}

fn as_number<S: serde::Serializer>(status: &StatusCode, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u16(status.as_u16())
}
