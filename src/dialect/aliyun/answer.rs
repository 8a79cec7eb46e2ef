//! What Alibaba answered. It fails in two ways: the front of the API with an HTTP status and a Code, the service behind it
//! with HTTP 200 and `Success` false, which no SDK raises.

use http::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::super::Received;
use super::super::blank::blank;
use super::xml::{self, Element};
use super::{JSON, XML};
use crate::call::{Origin, Reply};
use crate::parameters::{JsonLimits, Value, read_json};
use crate::provider::Action;

/// What a Code says that is no error.
const FINE: [&str; 3] = ["200", "OK", "Success"];

/// The members that tell how a call went.
#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Members {
    request_id: Option<serde_json::Value>,
    code: Option<serde_json::Value>,
    message: Option<serde_json::Value>,
    err_code: Option<serde_json::Value>,
    success: Option<serde_json::Value>,
}

/// The same, as texts.
#[derive(Default)]
struct Facts {
    request_id: Option<String>,
    code: Option<String>,
    has_message: bool,
    err_code: Option<String>,
    success: Option<String>,
}

/// The reply, or why this is none.
pub(super) fn read(action: &Action, received: &Received) -> Result<Reply, String> {
    let status = received.status;
    if !status.is_success() && !status.is_client_error() && !status.is_server_error() {
        return Err(format!("it answered with HTTP status {}", status.as_u16()));
    }
    let no_answer = || format!("it answered with HTTP status {}, and not in the API's shape", status.as_u16());
    let secrets = (!action.answer_secrets.is_empty()).then(|| action.answer_secrets.root());
    let (facts, content_type, body) = match received.body.trim_ascii_start().first() {
        Some(b'{') => {
            let (facts, root) = json(&received.body).ok_or_else(no_answer)?;
            let body = secrets.map_or_else(|| received.body.clone(), |secrets| blank(&received.body, root, secrets));
            (facts, JSON, body)
        }
        Some(b'<') => {
            let root = xml::parse(&received.body).filter(is_answer).ok_or_else(no_answer)?;
            let body = secrets.map_or_else(|| received.body.clone(), |secrets| root.blanked(&received.body, secrets));
            (of_xml(&root), XML, body)
        }
        _ => return Err(no_answer()),
    };
    let (status, upstream_code) = judge(status, &facts).ok_or_else(no_answer)?;
    Ok(Reply {
        status,
        content_type,
        body,
        origin: Origin::Upstream,
        upstream_request_id: facts.request_id,
        upstream_code,
    })
}

/// Everything in the answer.
pub(super) fn members(body: &[u8]) -> Option<Value> {
    if body.trim_ascii_start().first() == Some(&b'<') {
        return xml::parse(body).filter(is_answer).map(|root| root.value());
    }
    let limits = JsonLimits { members: usize::MAX, ..JsonLimits::default() };
    read_json(body, &limits).ok().filter(|value| matches!(value, Value::Object(_)))
}

/// The status to give back and the code of a failure; none for what is no answer.
fn judge(status: StatusCode, facts: &Facts) -> Option<(StatusCode, Option<String>)> {
    let code = || facts.code.clone().filter(|code| !FINE.contains(&code.as_str()));
    if !status.is_success() {
        return code().or_else(|| facts.err_code.clone()).map(|code| (status, Some(code)));
    }
    match facts.success.as_deref() {
        Some(success) if success.eq_ignore_ascii_case("false") => {
            let code = facts.err_code.clone().or_else(code).unwrap_or_else(|| "Success=false".to_owned());
            Some((status, Some(code)))
        }
        Some(_) => Some((status, None)),
        // The front's own error, which it never answers with 200: remembered from a first arrival, without its status.
        None if facts.has_message && code().is_some() => Some((StatusCode::BAD_REQUEST, code())),
        None => facts.request_id.is_some().then_some((status, None)),
    }
}

fn json(body: &[u8]) -> Option<(Facts, &RawValue)> {
    let root: &RawValue = serde_json::from_slice(body).ok()?;
    let members: Members = serde_json::from_str(root.get()).ok()?;
    let text = |value: Option<serde_json::Value>| match value? {
        serde_json::Value::String(text) => Some(text).filter(|text| !text.is_empty()),
        serde_json::Value::Null => None,
        other => Some(other.to_string()),
    };
    let facts = Facts {
        request_id: text(members.request_id),
        code: text(members.code),
        has_message: members.message.is_some(),
        err_code: text(members.err_code),
        success: text(members.success),
    };
    Some((facts, root))
}

/// `<Error>`, or `<…Response>` (not always of the very action).
fn is_answer(root: &Element) -> bool {
    root.name == "Error" || root.name.ends_with("Response")
}

fn of_xml(root: &Element) -> Facts {
    let text = |name: &str| root.text_of(name).filter(|text| !text.is_empty()).map(str::to_owned);
    Facts {
        request_id: text("RequestId"),
        code: text("Code"),
        has_message: root.text_of("Message").is_some(),
        err_code: text("ErrCode"),
        success: text("Success"),
    }
}
