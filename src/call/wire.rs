//! One request as it arrived, whole.

use std::net::IpAddr;

use bytes::Bytes;
use http::{HeaderMap, Method};

/// One request as it arrived: read completely, interpreted not at all. Signatures are verified over this.
#[derive(Clone, Debug)]
pub struct Wire {
    /// GET or POST; the edge refuses everything else before a `Wire` is made.
    pub method: Method,
    /// The path, verbatim; `/` for every official SDK.
    pub path: String,
    /// What follows `?`, verbatim, without it; empty when there is none.
    pub raw_query: String,
    /// All headers, in the order of arrival, repeated ones too.
    pub headers: HeaderMap,
    /// The body's bytes, at most `server.max_body_bytes`.
    pub body: Bytes,
    /// The address of the peer's end of the connection.
    pub peer: Option<IpAddr>,
}

impl Wire {
    /// A header's value as text, if it is there once or more and is visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The media type without parameters, in lower case; empty when there is no Content-Type.
    pub fn media_type(&self) -> String {
        let whole = self.header("content-type").unwrap_or_default();
        whole.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }
}
