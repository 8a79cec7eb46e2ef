//! Signature v1: HmacSHA1 or HmacSHA256 over method, host, path and the sorted, decoded parameters.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use sha1::Sha1;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::hosts::signed_as;
use super::{check_time, mismatch, missing, refuse_token, secret_key};
use crate::clock::Moment;
use crate::dialect::{ApiError, Credential, Incoming};

/// The parameters that every v1 request can have beside the action's own.
pub(super) const COMMON: [&str; 11] = [
    "Action",
    "Language",
    "Nonce",
    "Region",
    "RequestClient",
    "SecretId",
    "Signature",
    "SignatureMethod",
    "Timestamp",
    "Token",
    "Version",
];

/// The parameters in the order of the wire: of the query for GET, of the form for POST.
pub(super) fn pairs(incoming: &Incoming) -> Vec<(String, String)> {
    let source: &[u8] = if incoming.method == Method::GET { incoming.query.as_bytes() } else { &incoming.body };
    form_urlencoded::parse(source).into_owned().collect()
}

/// Checks presence, key, time and signature, in that order.
pub(super) fn verify(incoming: &Incoming, credentials: &[Credential], now: Moment) -> Result<(), ApiError> {
    let pairs = pairs(incoming);
    let mut parameters: BTreeMap<&str, &str> = BTreeMap::new();
    for (name, value) in &pairs {
        if parameters.insert(name, value).is_some() {
            return Err(mismatch()); // which of the two was signed?
        }
    }
    let required = |name: &str| parameters.get(name).copied().ok_or_else(|| missing(name));
    required("Action")?;
    let timestamp = required("Timestamp")?;
    let id = required("SecretId")?;
    // The Ruby SDK ends it with a newline; a plus sign that nobody escaped arrives as a space.
    let given = required("Signature")?.trim().replace(' ', "+");
    let digest: fn(&str, &str) -> Option<String> = match parameters.get("SignatureMethod").copied() {
        None | Some("HmacSHA1") => hmac_sha1,
        Some("HmacSHA256") => hmac_sha256,
        Some(_) => return Err(mismatch()),
    };
    let key = secret_key(credentials, id)?;
    check_time(timestamp, now)?;
    let hosts = signed_as(incoming.host());
    let genuine = hosts.iter().flat_map(|host| [false, true].map(|dotted| (host, dotted))).any(|(host, dotted)| {
        let text = string_to_sign(&incoming.method, host, &parameters, dotted);
        digest(key, &text).is_some_and(|expected| expected.as_bytes().ct_eq(given.as_bytes()).into())
    });
    if !genuine {
        return Err(mismatch());
    }
    required("Version")?;
    required("Nonce")?;
    refuse_token(parameters.get("Token").copied().unwrap_or(""))
}

/// `dotted`: the Python and Java SDKs sign `.` where they send `_` in a parameter's name.
fn string_to_sign(method: &Method, host: &str, parameters: &BTreeMap<&str, &str>, dotted: bool) -> String {
    let spelled = |name: &str| if dotted { name.replace('_', ".") } else { name.to_owned() };
    let mut signed: Vec<(String, &str)> = parameters
        .iter()
        .filter(|(name, _)| **name != "Signature")
        .map(|(name, value)| (spelled(name), *value))
        .collect();
    signed.sort();
    let listed: Vec<String> = signed.iter().map(|(name, value)| format!("{name}={value}")).collect();
    format!("{method}{host}/?{}", listed.join("&"))
}

fn hmac_sha1(key: &str, text: &str) -> Option<String> {
    let mut mac = Hmac::<Sha1>::new_from_slice(key.as_bytes()).ok()?;
    mac.update(text.as_bytes());
    Some(STANDARD.encode(mac.finalize().into_bytes()))
}

fn hmac_sha256(key: &str, text: &str) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).ok()?;
    mac.update(text.as_bytes());
    Some(STANDARD.encode(mac.finalize().into_bytes()))
}
