//! A request to Tencent, built anew: nothing of the caller's bytes is copied, only what was judged is message.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{Method, Request};
use http_body_util::Full;
use secrecy::ExposeSecret;

use super::super::Message;
use crate::call::{Form, Refusal, UpstreamSigning};
use crate::parameters::{Value, flatten, write_json};
use crate::provider::{Shape, Type};
use crate::sign::{SecretKey, encode, hmac_v1, tc3};

const FORM: &str = "application/x-www-form-urlencoded";

/// The path is always `/`, whatever the caller's was.
const PATH: &str = "/";

/// Builds and signs. A form call goes out as a form, in the body, even if it came in a query: parameters then appear
/// in nobody's access log.
pub(super) fn build(message: &Message<'_>, now: i64, nonce: u64) -> Result<Request<Full<Bytes>>, Refusal> {
    let as_json = match (message.account.signing, message.form) {
        (UpstreamSigning::Tc3, _) | (UpstreamSigning::AsCalled, Form::Json) => true,
        (UpstreamSigning::V1, _) | (UpstreamSigning::AsCalled, Form::Query | Form::FormBody) => false,
    };
    let secret = SecretKey::from(message.account.credential.secret_key.expose_secret().to_owned());
    if as_json { json(message, &secret, now) } else { form(message, &secret, now, nonce) }
}

fn json(message: &Message<'_>, secret: &SecretKey, now: i64) -> Result<Request<Full<Bytes>>, Refusal> {
    let body = match message.form {
        // What came as JSON has its types already.
        Form::Json => write_json(message.parameters),
        Form::Query | Form::FormBody => write_json(&typed(message.parameters, &message.action.parameters)),
    };
    let key = tc3::DaySigningKey::derive(secret, now, &message.version.service).map_err(|_| Refusal::Internal)?;
    let outgoing = tc3::Outgoing {
        method: &Method::POST,
        host: message.host,
        content_type: super::JSON,
        action: Some(&message.action.name),
        raw_query: "",
        body: body.as_bytes(),
    };
    let authorization =
        tc3::sign(&message.account.credential.secret_id, &key, outgoing, now).map_err(|_| Refusal::Internal)?;
    Request::post(PATH)
        .header(HOST, message.host)
        .header(CONTENT_TYPE, super::JSON)
        .header(AUTHORIZATION, authorization)
        .header("x-tc-action", &message.action.name)
        .header("x-tc-version", &message.version.version)
        .header("x-tc-region", message.region)
        .header("x-tc-timestamp", now)
        .body(Full::new(Bytes::from(body)))
        .map_err(|_| Refusal::Internal)
}

fn form(message: &Message<'_>, secret: &SecretKey, now: i64, nonce: u64) -> Result<Request<Full<Bytes>>, Refusal> {
    let algorithm = hmac_v1::Algorithm::HmacSha256;
    let mut pairs = flatten(message.parameters);
    for (name, value) in [
        ("Action", message.action.name.as_str()),
        ("Version", &message.version.version),
        (&message.version.region_parameter, message.region),
        ("Timestamp", &now.to_string()),
        ("Nonce", &nonce.to_string()),
        ("SecretId", &message.account.credential.secret_id),
        ("SignatureMethod", algorithm.name()),
    ] {
        pairs.push((name.to_owned(), value.to_owned()));
    }
    let signature = hmac_v1::sign(&Method::POST, message.host, PATH, &pairs, secret, algorithm);
    pairs.push(("Signature".to_owned(), signature));
    Request::post(PATH)
        .header(HOST, message.host)
        .header(CONTENT_TYPE, FORM)
        .body(Full::new(Bytes::from(encode::form(&pairs))))
        .map_err(|_| Refusal::Internal)
}

/// The untyped text of a form, as the JSON type that the row says. What is JSON already stays as it was written.
fn typed(parameters: &Value, shape: &Shape) -> Value {
    let Value::Object(members) = parameters else { return parameters.clone() };
    let typed = |(name, value): &(String, Value)| {
        let value = shape.field(name).map_or_else(|| value.clone(), |field| typed_as(value, &field.value));
        (name.clone(), value)
    };
    Value::Object(members.iter().map(typed).collect())
}

fn typed_as(value: &Value, expected: &Type) -> Value {
    match (value, expected) {
        (Value::Text(text), Type::Integer | Type::Float) => number(text),
        (Value::Text(text), Type::Boolean) => Value::Bool(expected.canonical(text) == "true"),
        (Value::Text(text), _) => Value::String(text.clone()),
        (Value::List(elements), Type::List(element)) => {
            Value::List(elements.iter().map(|value| typed_as(value, element)).collect())
        }
        (Value::Object(_), Type::Structure(structure)) => typed(value, &structure.shape),
        (other, _) => other.clone(),
    }
}

/// A number where the text is one as JSON writes it; otherwise the text, which is the cloud's to judge.
fn number(text: &str) -> Value {
    match serde_json::from_str::<serde_json::Number>(text) {
        Ok(_) => Value::Number(text.to_owned()),
        Err(_) => Value::String(text.to_owned()),
    }
}
