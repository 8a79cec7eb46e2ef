//! Answers: a success, the front's error with its own status, and the service's own failure inside a 200.

use http::StatusCode;
use serde_json::{Map, Value, json};

use super::xml;
use crate::dialect::{ApiError, Incoming, Reading, Reply};
use crate::table::{Action, Type};

/// What the front answers with a status of its own; any other code is the service's, inside a 200.
/// Statuses: seed, and what was recorded of the front; those of InvalidAccessKeyId.Inactive, InvalidVersion,
/// InvalidRegionId, MissingParameter, InvalidParameter and UnsupportedHTTPMethod are ours.
const FRONT: [(&str, u16); 19] = [
    ("IllegalTimestamp", 400),
    ("IncompleteSignature", 400),
    ("InternalError", 500),
    ("InvalidAccessKeyId.Inactive", 403),
    ("InvalidAccessKeyId.NotFound", 404),
    ("InvalidAction.NotFound", 404),
    ("InvalidParameter", 400),
    ("InvalidRegionId", 400),
    ("InvalidSecurityToken.Expired", 403),
    ("InvalidSecurityToken.Malformed", 403),
    ("InvalidVersion", 400),
    ("LXBuyError", 403),
    ("MissingParameter", 400),
    ("ServiceUnavailable", 500),
    ("SignatureDoesNotMatch", 400),
    ("SignatureNonceUsed", 400),
    ("Throttling", 400),
    ("Throttling.User", 400),
    ("UnsupportedHTTPMethod", 405),
];

/// The status of a failure inside a 200, as its HttpStatusCode member says it.
const FAILED: u16 = 400;

/// Puts an answer into the form that the caller asked for.
pub(crate) fn write(
    incoming: &Incoming,
    reading: &Reading,
    action: Option<&Action>,
    answer: &Result<Map<String, Value>, ApiError>,
    request_id: &str,
) -> Reply {
    let (status, root, mut members) = match answer {
        Ok(members) => (StatusCode::OK, root_of(reading), members.clone()),
        Err(error) => match status_of(error) {
            StatusCode::OK => (StatusCode::OK, root_of(reading), failure(error, action)),
            status => (status, "Error".to_owned(), front_error(error, incoming, request_id)),
        },
    };
    members.insert("RequestId".to_owned(), request_id.into());
    if reading.wants_xml {
        let bytes = xml::document(&root, &members).into_bytes();
        return Reply { status, content_type: "text/xml;charset=utf-8", bytes }; // exactly: SDKs compare with it
    }
    let bytes = Value::Object(members).to_string().into_bytes();
    Reply { status, content_type: "application/json;charset=utf-8", bytes }
}

fn root_of(reading: &Reading) -> String {
    format!("{}Response", reading.action.as_deref().unwrap_or("Unknown"))
}

fn status_of(error: &ApiError) -> StatusCode {
    let own = FRONT.iter().find(|(code, _)| *code == error.code).map(|(_, status)| *status);
    error.status.or(own).and_then(|status| StatusCode::from_u16(status).ok()).unwrap_or(StatusCode::OK)
}

fn front_error(error: &ApiError, incoming: &Incoming, request_id: &str) -> Map<String, Value> {
    let recommend = format!("https://api.aliyun.com/troubleshoot?q={}&product=Dts&requestId={request_id}", error.code);
    members_of(json!({
        "Code": error.code, "Message": error.message, "HostId": incoming.host(), "Recommend": recommend,
    }))
}

/// The service's own failure, its members of the types that the action's row gives them.
fn failure(error: &ApiError, action: Option<&Action>) -> Map<String, Value> {
    let kind_of = |name: &str| {
        let members = action.map_or(&[][..], |action| &action.answer);
        members.iter().find(|member| member.name == name).map(|member| &member.kind)
    };
    let mut members = members_of(json!({ "ErrCode": error.code, "ErrMessage": error.message, "Success": false }));
    if kind_of("Success") == Some(&Type::Text) {
        members.insert("Success".to_owned(), "false".into());
    }
    match kind_of("HttpStatusCode") {
        Some(Type::Text) => members.insert("HttpStatusCode".to_owned(), FAILED.to_string().into()),
        Some(_) => members.insert("HttpStatusCode".to_owned(), FAILED.into()),
        None => None,
    };
    members
}

fn members_of(value: Value) -> Map<String, Value> {
    if let Value::Object(members) = value { members } else { Map::new() }
}
