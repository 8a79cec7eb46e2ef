//! Tencent's vectors: HmacSHA1, HmacSHA256 and TC3.

use std::collections::BTreeMap;

use dts_gateway::call::Wire;
use dts_gateway::sign::hmac_v1::{self, Algorithm};
use dts_gateway::sign::tc3::{self, DaySigningKey, Outgoing};
use dts_gateway::sign::{SecretKey, SignError, UnsignedPayload, read_presented, read_presented_with, verify};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use serde::Deserialize;

use super::Tally;

/// Tencent's clock window (`AuthFailure.SignatureExpire`: "cannot exceed 5 minutes").
const SKEW_SECONDS: i64 = 300;

#[derive(Deserialize)]
pub(super) struct File {
    vectors: Vec<Vector>,
}

/// One request with the answer that it must get; the fields of other uses are ignored.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vector {
    name: String,
    protocol: Protocol,
    expect_valid: bool,
    expected_code: Option<String>,
    method: String,
    path: String,
    raw_query: String,
    headers: Vec<(String, String)>,
    body: Option<String>,
    body_base64: Option<String>,
    #[serde(default)]
    host_aliases: Vec<String>,
    secret_id: String,
    secret_key: String,
    timestamp: i64,
    now: Option<i64>,
    signed_host: String,
    signed_path: String,
    signature: Option<String>,
    #[serde(default)]
    sign_method: String,
    #[serde(default)]
    underscore_to_dot: bool,
    decoded_params: Option<BTreeMap<String, String>>,
    service: Option<String>,
    signed_headers: Option<String>,
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Protocol {
    V1,
    V3,
}

impl File {
    /// Every vector against the verifier.
    pub(super) fn verify(&self, tally: &mut Tally) {
        for vector in &self.vectors {
            match (vector.expect_valid, answer(vector)) {
                (true, Ok(())) => tally.verified += 1,
                (true, Err(code)) => tally.fail(&vector.name, &format!("refused with {code}")),
                (false, Ok(())) => tally.fail(&vector.name, "verified, must be refused"),
                (false, Err(code)) if is_expected(vector, &code) => tally.refused += 1,
                (false, Err(code)) => {
                    let expected = vector.expected_code.as_deref().unwrap_or_default();
                    tally.fail(&vector.name, &format!("refused with {code}, expected {expected}"));
                }
            }
        }
    }

    /// The valid ones against our own signer.
    pub(super) fn sign(&self, tally: &mut Tally) {
        for vector in self.vectors.iter().filter(|vector| vector.expect_valid && is_ours(vector)) {
            let expected = vector.signature.as_deref().expect("a valid vector has its signature").trim_end();
            let made = match vector.protocol {
                Protocol::V1 => sign_v1(vector),
                Protocol::V3 => sign_v3(vector),
            };
            match made == expected {
                true => tally.verified += 1,
                false => tally.fail(&vector.name, &format!("{made}, expected {expected}")),
            }
        }
    }

    /// The gateway's own rule, on top of what the cloud accepts: an unsigned body is refused by name.
    pub(super) fn check_unsigned_payloads(&self, tally: &mut Tally) {
        for vector in self.vectors.iter().filter(|vector| vector.expect_valid) {
            let is_unsigned = header(vector, "x-tc-content-sha256").is_some();
            match read_presented(&wire(vector)) {
                Err(SignError::UnsignedPayload) if is_unsigned => tally.refused += 1,
                Ok(_) if !is_unsigned => tally.verified += 1,
                other => tally.fail(&vector.name, &format!("{other:?}")),
            }
        }
    }
}

/// What we never send, so the signer need not make it: `.` for `_`, a path other than `/` in TC3, an unsigned body.
fn is_ours(vector: &Vector) -> bool {
    match vector.protocol {
        Protocol::V1 => !vector.underscore_to_dot,
        Protocol::V3 => vector.signed_path == "/" && header(vector, "x-tc-content-sha256").is_none(),
    }
}

fn sign_v1(vector: &Vector) -> String {
    let params = vector.decoded_params.as_ref().expect("a valid v1 vector has its decoded parameters");
    let params: Vec<_> = params.iter().filter(|(name, _)| *name != "Signature").collect();
    let algorithm = match vector.sign_method.as_str() {
        "HmacSHA1" => Algorithm::HmacSha1,
        "HmacSHA256" => Algorithm::HmacSha256,
        other => panic!("{}: signMethod {other}", vector.name),
    };
    hmac_v1::sign(&method(vector), &vector.signed_host, &vector.signed_path, &params, &secret(vector), algorithm)
}

fn sign_v3(vector: &Vector) -> String {
    assert_eq!(vector.signed_headers.as_deref(), Some("content-type;host"), "{}", vector.name);
    let service = vector.service.as_deref().expect("a v3 vector has its service");
    let key = DaySigningKey::derive(&secret(vector), vector.timestamp, service).unwrap();
    let request = Outgoing {
        method: &method(vector),
        host: &vector.signed_host,
        content_type: header(vector, "content-type").expect("a v3 vector has its Content-Type"),
        action: None,
        raw_query: &vector.raw_query,
        body: &body(vector),
    };
    let value = tc3::sign(&vector.secret_id, &key, request, vector.timestamp).unwrap();
    assert_eq!(Some(value.as_str()), header(vector, "authorization"), "{}", vector.name);
    value.rsplit_once("Signature=").unwrap().1.to_owned()
}

/// The verifier with a table of one key; the refusal as the error code that a caller would see.
fn answer(vector: &Vector) -> Result<(), String> {
    let wire = wire(vector);
    let check = || {
        let presented = read_presented_with(&wire, UnsignedPayload::Accept).map_err(|error| code(&error))?;
        if presented.key_id() != Some(vector.secret_id.as_str()) {
            return Err("AuthFailure.SecretIdNotFound".to_owned());
        }
        let now = vector.now.unwrap_or(vector.timestamp);
        let hosts: Vec<&str> = vector.host_aliases.iter().map(String::as_str).collect();
        verify(&presented, &wire, &secret(vector), now, SKEW_SECONDS, &hosts).map_err(|error| code(&error))
    };
    check()
}

fn code(error: &SignError) -> String {
    match error {
        SignError::Expired { .. } => "AuthFailure.SignatureExpire",
        SignError::Missing
        | SignError::Malformed(_)
        | SignError::Mismatch { .. }
        | SignError::UnknownMethod { .. }
        | SignError::UnsignedPayload
        | SignError::Skipped
        | SignError::Repeated(_) => "AuthFailure.SignatureFailure",
    }
    .to_owned()
}

/// `A|B*|C`: one of several codes, a star standing for any end. An unknown key is named as the vector's own key.
fn is_expected(vector: &Vector, code: &str) -> bool {
    let Some(expected) = &vector.expected_code else { return true };
    expected.split('|').any(|expected| match expected.strip_suffix('*') {
        Some(start) => code.starts_with(start),
        None => code == expected,
    })
}

fn wire(vector: &Vector) -> Wire {
    let mut headers = HeaderMap::new();
    for (name, value) in &vector.headers {
        headers.append(
            HeaderName::from_bytes(name.as_bytes()).unwrap(),
            HeaderValue::from_bytes(value.as_bytes()).unwrap(),
        );
    }
    Wire {
        method: method(vector),
        path: vector.path.clone(),
        raw_query: vector.raw_query.clone(),
        headers,
        body: body(vector).into(),
        peer: None,
    }
}

fn method(vector: &Vector) -> Method {
    vector.method.parse().unwrap()
}

fn secret(vector: &Vector) -> SecretKey {
    SecretKey::from(vector.secret_key.clone())
}

fn body(vector: &Vector) -> Vec<u8> {
    use base64::Engine;
    match &vector.body_base64 {
        Some(text) => base64::engine::general_purpose::STANDARD.decode(text).unwrap(),
        None => vector.body.clone().unwrap_or_default().into_bytes(),
    }
}

fn header<'a>(vector: &'a Vector, wanted: &str) -> Option<&'a str> {
    vector.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.as_str())
}
