//! Signature version 1: HMAC-SHA1 over the method and all parameters of query and form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use subtle::ConstantTimeEq;

use super::parameters::{Parameters, encode};
use super::{Signed, check_time, incomplete, mismatch, secret_key};
use crate::clock::Moment;
use crate::dialect::{ApiError, Credential, Incoming};

/// The scheme's name, as SignatureMethod says it.
pub(super) const NAME: &str = "HMAC-SHA1";

/// The parameters that every request can have beside the action's own; SecurityToken is one action's own as well.
pub(super) const COMMON: [&str; 10] = [
    "AccessKeyId",
    "Action",
    "Format",
    "Signature",
    "SignatureMethod",
    "SignatureNonce",
    "SignatureType",
    "SignatureVersion",
    "Timestamp",
    "Version",
];

/// Checks presence, scheme, key, time and signature, in that order.
pub(super) fn verify<'a>(
    incoming: &Incoming,
    parameters: &'a Parameters,
    credentials: &[Credential],
    now: Moment,
) -> Result<Signed<'a>, ApiError> {
    if let Some(problem) = parameters.problem() {
        return Err(problem.clone()); // which of the two was signed?
    }
    let required = |name: &str| parameters.text(name).filter(|text| !text.is_empty()).ok_or_else(|| incomplete(name));
    let key_id = required("AccessKeyId")?;
    let given = required("Signature")?;
    let nonce = required("SignatureNonce")?;
    let timestamp = required("Timestamp")?;
    if required("SignatureMethod")? != NAME {
        return Err(incomplete("SignatureMethod"));
    }
    if required("SignatureVersion")? != "1.0" || !parameters.text("SignatureType").unwrap_or("").is_empty() {
        return Err(incomplete("SignatureVersion and SignatureType"));
    }
    let key = secret_key(credentials, key_id)?;
    let seconds = check_time(timestamp, now)?;
    let signed = parameters.canonical_without("Signature");
    let text = format!("{}&{}&{}", incoming.method, encode("/"), encode(&signed));
    let expected = sign(key, &text).ok_or_else(|| mismatch(&text))?;
    if !bool::from(expected.as_bytes().ct_eq(given.as_bytes())) {
        return Err(mismatch(&text));
    }
    Ok(Signed { key_id, nonce, seconds, token: parameters.text("SecurityToken").unwrap_or("") })
}

fn sign(key: &str, text: &str) -> Option<String> {
    let mut mac = Hmac::<Sha1>::new_from_slice(format!("{key}&").as_bytes()).ok()?;
    mac.update(text.as_bytes());
    Some(STANDARD.encode(mac.finalize().into_bytes()))
}
