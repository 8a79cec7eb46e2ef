//! A refusal in Alibaba's shape: a true HTTP status, and Code, Message, RequestId and HostId at the top.

use bytes::Bytes;
use http::StatusCode;
use quick_xml::escape::escape;
use serde::Serialize;
use uuid::Uuid;

use super::{JSON, Written, XML};
use crate::call::{AnswerForm, Refusal};
use crate::provider::Family;

/// Who says it, where the cloud names the host that it was called by.
const HOST_ID: &str = "dts-gateway";

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct Error<'a> {
    code: &'a str,
    message: String,
    request_id: String,
    host_id: &'a str,
}

/// Old SDKs split the message at its first colon, which every message of ours has behind its reason.
pub(super) fn refuse(refusal: &Refusal, status: StatusCode, code: &str, id: Uuid, form: AnswerForm) -> Written {
    let error = Error {
        code,
        message: refusal.message_in(Family::Aliyun.key_words()),
        request_id: id.to_string(),
        host_id: HOST_ID,
    };
    match form {
        AnswerForm::Json => {
            let body = serde_json::to_vec(&error).unwrap_or_default();
            Written { status, content_type: JSON, body: Bytes::from(body) }
        }
        AnswerForm::Xml => Written { status, content_type: XML, body: Bytes::from(xml(&error)) },
    }
}

fn xml(error: &Error<'_>) -> String {
    let mut text = String::from("<?xml version='1.0' encoding='UTF-8'?><Error>");
    for (name, value) in [
        ("RequestId", error.request_id.as_str()),
        ("HostId", error.host_id),
        ("Code", error.code),
        ("Message", &error.message),
    ] {
        text.push_str(&format!("<{name}>{}</{name}>", escape(printable(value))));
    }
    text.push_str("</Error>");
    text
}

/// XML 1.0 has no way to write most control characters.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') { '?' } else { c }).collect()
}
