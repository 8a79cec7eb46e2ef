//! How a family of clouds speaks: bytes to a [`Reading`], a verdict on its signature, an answer to bytes.
//!
//! What is shared by every family is here; a family is a folder. It knows the tables, never a task.

pub(crate) mod aliyun;
pub(crate) mod tencent;

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode};
use serde_json::{Map, Value};

use crate::table::{Action, Family, Tables};

pub(crate) use aliyun::Nonces;

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
    pub(crate) family: Family,
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
    /// Whether it is to be answered in XML.
    pub(crate) wants_xml: bool,
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
    /// The HTTP status, where it is not the one that the code has.
    pub(crate) status: Option<u16>,
}

/// An answer before it is put on the wire.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: StatusCode,
    pub(crate) content_type: &'static str,
    pub(crate) bytes: Vec<u8>,
}

/// Reads what can be read, in the dialect that the request is in.
pub(crate) fn read(incoming: &Incoming, tables: &Tables) -> Reading {
    if aliyun::speaks(incoming) { aliyun::read(incoming, tables) } else { tencent::read(incoming) }
}

/// A request id in the capitals that the family writes.
pub(crate) fn spell_request_id(family: Family, id: String) -> String {
    match family {
        Family::Tencent => id,
        Family::Aliyun => id.to_ascii_uppercase(),
    }
}

/// Puts an answer into the words and the form that the caller asked for.
pub(crate) fn write(
    incoming: &Incoming,
    reading: &Reading,
    action: Option<&Action>,
    answer: &Result<Map<String, Value>, ApiError>,
    request_id: &str,
) -> Reply {
    match reading.family {
        Family::Aliyun => aliyun::write(incoming, reading, action, answer, request_id),
        Family::Tencent => Reply {
            status: StatusCode::OK,
            content_type: "application/json", // exactly: the SDKs compare with it
            bytes: tencent::envelope(answer, request_id),
        },
    }
}

impl ApiError {
    pub(crate) fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self { code: code.into(), message: message.into(), status: None }
    }

    /// A request that is larger than the cloud takes.
    pub(crate) fn too_large(family: Family) -> Self {
        match family {
            Family::Tencent => Self::new("RequestSizeLimitExceeded", "The request exceeds 10 MB."),
            Family::Aliyun => Self::new("InvalidParameter", "The request exceeds 10 MB."),
        }
    }

    /// A version that no table of the family has.
    pub(crate) fn no_version(family: Family, version: &str, tables: &Tables) -> Self {
        let listed = tables.versions(family).join(", ");
        let code = match family {
            Family::Tencent => "NoSuchVersion",
            Family::Aliyun => "InvalidVersion",
        };
        Self::new(code, format!("The version {version} does not exist; there is {listed}."))
    }

    /// An action that the version lacks.
    pub(crate) fn no_action(family: Family, version: &str) -> Self {
        let code = match family {
            Family::Tencent => "InvalidAction",
            Family::Aliyun => "InvalidAction.NotFound",
        };
        Self::new(code, format!("The action does not exist in the version {version}."))
    }

    /// A call that came too soon.
    pub(crate) fn too_fast(family: Family, action: &Action) -> Self {
        match family {
            Family::Tencent => Self::new(
                "RequestLimitExceeded",
                format!("{} may be called {} times a second.", action.name, action.rate.calls),
            ),
            Family::Aliyun => Self::new("Throttling.User", "Request was denied due to user flow control."),
        }
    }
}

impl Incoming {
    /// The Host header as it was sent; empty if there is none.
    pub(crate) fn host(&self) -> &str {
        self.headers.get(http::header::HOST).and_then(|value| std::str::from_utf8(value.as_bytes()).ok()).unwrap_or("")
    }
}
