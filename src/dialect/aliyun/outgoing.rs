//! A request to Alibaba, built anew: nothing of the caller's bytes is copied, only what was judged is message.
//!
//! The parameters go into the form body, whichever place they came in, so that they appear in nobody's access log. For the
//! cloud query and form are one map (its own SDK pop-core sends everything in the form).

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HOST};
use http::{Method, Request};
use http_body_util::Full;
use secrecy::ExposeSecret;

use super::super::Message;
use super::FIRST;
use crate::call::{AnswerForm, Refusal, Signing, UpstreamSigning};
use crate::parameters::flatten_from;
use crate::sign::{SecretKey, acs3, encode, rpc_v1};

const FORM: &str = "application/x-www-form-urlencoded";

/// The path is always `/`, whatever the caller's was.
const PATH: &str = "/";

/// A parameter by which the cloud tells a repeated change from a second one, at most 64 characters of ASCII.
const CLIENT_TOKEN: &str = "ClientToken";

type Pairs = Vec<(String, String)>;

/// Builds and signs.
pub(super) fn build(message: &Message<'_>, now: i64, nonce: u64) -> Result<Request<Full<Bytes>>, Refusal> {
    let secret = SecretKey::from(message.account.credential.secret_key.expose_secret().to_owned());
    // As long as those of the SDKs.
    let nonce = format!("{now:016x}{nonce:016x}");
    let business = business(message, &nonce);
    match (message.account.signing, message.signing) {
        (UpstreamSigning::V1, _) | (UpstreamSigning::AsCalled, Signing::InParameters) => {
            by_parameters(message, business, &secret, now, &nonce)
        }
        (UpstreamSigning::Tc3, _) | (UpstreamSigning::AsCalled, Signing::InHeaders) => {
            by_headers(message, &business, &secret, now, &nonce)
        }
    }
}

/// What was judged, with the region by the name that this action has for it, and a token for a change that can bear one.
fn business(message: &Message<'_>, nonce: &str) -> Pairs {
    let mut pairs = flatten_from(message.parameters, FIRST);
    let known = |name: &str| message.action.parameters.field(name).is_some();
    let region = &message.action.region_parameter;
    if !has_value(&pairs, region) {
        set(&mut pairs, region, message.region);
    }
    if message.action.kind.is_change() && known(CLIENT_TOKEN) && !has_value(&pairs, CLIENT_TOKEN) {
        set(&mut pairs, CLIENT_TOKEN, nonce);
    }
    pairs
}

fn by_parameters(
    message: &Message<'_>,
    mut pairs: Pairs,
    secret: &SecretKey,
    now: i64,
    nonce: &str,
) -> Result<Request<Full<Bytes>>, Refusal> {
    let timestamp = rpc_v1::timestamp(now).map_err(|_| Refusal::Internal)?;
    for (name, value) in [
        ("Action", message.action.name.as_str()),
        ("Version", &message.version.version),
        ("Format", format(message.answer_form)),
        ("AccessKeyId", &message.account.credential.secret_id),
        ("SignatureMethod", rpc_v1::SCHEME),
        ("SignatureVersion", rpc_v1::VERSION),
        ("SignatureNonce", nonce),
        ("Timestamp", &timestamp),
    ] {
        set(&mut pairs, name, value);
    }
    let signature = rpc_v1::sign(&Method::POST, &pairs, secret);
    pairs.push(("Signature".to_owned(), signature));
    Request::post(PATH)
        .header(HOST, message.host)
        .header(CONTENT_TYPE, FORM)
        .header(ACCEPT, media_type(message.answer_form))
        .body(Full::new(Bytes::from(encode::form(&pairs))))
        .map_err(|_| Refusal::Internal)
}

fn by_headers(
    message: &Message<'_>,
    pairs: &Pairs,
    secret: &SecretKey,
    now: i64,
    nonce: &str,
) -> Result<Request<Full<Bytes>>, Refusal> {
    let date = rpc_v1::timestamp(now).map_err(|_| Refusal::Internal)?;
    let body = encode::form(pairs);
    let body_hash = acs3::body_hash(body.as_bytes());
    let headers = [
        ("accept", media_type(message.answer_form)),
        ("content-type", FORM),
        ("host", message.host),
        ("x-acs-action", message.action.name.as_str()),
        ("x-acs-content-sha256", &body_hash),
        ("x-acs-date", &date),
        ("x-acs-signature-nonce", nonce),
        ("x-acs-version", &message.version.version),
    ];
    let outgoing =
        acs3::Outgoing { method: &Method::POST, path: PATH, query: &[], headers: &headers, body: body.as_bytes() };
    let authorization =
        acs3::sign(&message.account.credential.secret_id, secret, outgoing).map_err(|_| Refusal::Internal)?;
    let mut request = Request::post(PATH).header("authorization", authorization);
    for (name, value) in headers {
        request = request.header(name, value);
    }
    request.body(Full::new(Bytes::from(body))).map_err(|_| Refusal::Internal)
}

/// The caller's own language, so that the answer can pass byte for byte.
fn format(form: AnswerForm) -> &'static str {
    match form {
        AnswerForm::Json => "JSON",
        AnswerForm::Xml => "XML",
    }
}

fn media_type(form: AnswerForm) -> &'static str {
    match form {
        AnswerForm::Json => "application/json",
        AnswerForm::Xml => "application/xml",
    }
}

fn has_value(pairs: &Pairs, wanted: &str) -> bool {
    pairs.iter().any(|(name, value)| name == wanted && !value.is_empty())
}

/// Gives a parameter this one value.
fn set(pairs: &mut Pairs, name: &str, value: &str) {
    pairs.retain(|(known, _)| known != name);
    pairs.push((name.to_owned(), value.to_owned()));
}
