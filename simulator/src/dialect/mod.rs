//! How a family of clouds speaks: bytes to a [`Reading`], a verdict on its signature, an answer to bytes.
//!
//! What is shared by every family is here; a family is a folder. It knows the tables, never a task.

pub(crate) mod tencent;

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::{Map, Value};

/// The credentials that the simulated cloud accepts: id and key.
pub(crate) type Credential = (String, String);

/// A request as it came off the wire.
#[derive(Debug)]
pub(crate) struct Incoming {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// The text after `?`, never decoded or sorted.
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

/// What a request says of itself, before anybody believes it.
#[derive(Debug, Default)]
pub(crate) struct Reading {
    pub(crate) action: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) region: Option<String>,
    /// The id of the key that it claims to be signed with.
    pub(crate) credential: Option<String>,
    /// The name of the scheme that it is signed with.
    pub(crate) signature_method: Option<String>,
    /// The action's own parameters, without those that every request has.
    pub(crate) parameters: Map<String, Value>,
    /// Whether the parameters came as names and texts, so that numbers are texts.
    pub(crate) flat: bool,
    /// What is wrong with the request as a whole; the signature is not looked at.
    pub(crate) problem: Option<ApiError>,
    /// What is wrong with its parameters; told only to who signed it.
    pub(crate) parameters_problem: Option<ApiError>,
}

/// An error as the cloud tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) code: String,
    pub(crate) message: String,
}

impl ApiError {
    pub(crate) fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into() }
    }
}

impl Incoming {
    /// The Host header as it was sent; empty if there is none.
    pub(crate) fn host(&self) -> &str {
        self.headers.get(http::header::HOST).and_then(|value| std::str::from_utf8(value.as_bytes()).ok()).unwrap_or("")
    }
}
