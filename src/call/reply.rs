//! What goes back to the caller.

use bytes::Bytes;
use http::StatusCode;

/// Where an answer came from: `X-DTS-Gateway-Origin`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Origin {
    /// The gateway refused.
    Gateway,
    /// The cloud answered this very call.
    Upstream,
    /// The cloud answered an identical read.
    Shared,
    /// The cloud answered this change when it was first seen.
    Replayed,
}

/// An answer of the cloud, redacted.
#[derive(Clone, Debug)]
pub struct Reply {
    /// The cloud's HTTP status.
    pub status: StatusCode,
    /// The cloud's media type, as its dialect prescribes it.
    pub content_type: &'static str,
    /// The body, byte for byte but for blanked secret members.
    pub body: Bytes,
    /// Where it came from.
    pub origin: Origin,
    /// The cloud's request id, if it gave one.
    pub upstream_request_id: Option<String>,
    /// The cloud's error code; none when it succeeded.
    pub upstream_code: Option<String>,
}

impl Origin {
    /// The header's text.
    pub fn as_str(self) -> &'static str {
        match self {
            Origin::Gateway => "gateway",
            Origin::Upstream => "upstream",
            Origin::Shared => "shared",
            Origin::Replayed => "replayed",
        }
    }
}
