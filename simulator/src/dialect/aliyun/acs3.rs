//! Signature version 3, ACS3-HMAC-SHA256: over the query, the headers that it lists, and the body's hash.

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::parameters::Parameters;
use super::{Signed, check_time, header, incomplete, mismatch, secret_key};
use crate::clock::Moment;
use crate::dialect::{ApiError, Credential, Incoming};

/// The scheme's name, as the Authorization header begins.
pub(super) const NAME: &str = "ACS3-HMAC-SHA256";

/// What must be signed, or somebody on the way could change what is asked for.
const REQUIRED: [&str; 6] =
    ["host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"];

/// The parts of an Authorization header.
struct Authorization<'a> {
    id: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

/// The id that an Authorization header claims, if it can be read.
pub(super) fn claimed_id(text: &str) -> Option<String> {
    parse(text).map(|authorization| authorization.id.to_owned())
}

/// Checks presence, what is signed, key, time, body and signature, in that order.
pub(super) fn verify<'a>(
    incoming: &'a Incoming,
    parameters: &Parameters,
    credentials: &[Credential],
    now: Moment,
) -> Result<Signed<'a>, ApiError> {
    let authorization =
        header(incoming, "authorization")?.and_then(parse).ok_or_else(|| incomplete("Authorization"))?;
    let required = |name: &str| header(incoming, name)?.ok_or_else(|| incomplete(name));
    let names: Vec<&str> = authorization.signed_headers.split(';').collect();
    for name in REQUIRED {
        required(name)?;
        if !names.contains(&name) {
            return Err(incomplete(name));
        }
    }
    let token = header(incoming, "x-acs-security-token")?.unwrap_or("");
    if !token.is_empty() && !names.contains(&"x-acs-security-token") {
        return Err(incomplete("x-acs-security-token"));
    }
    let key = secret_key(credentials, authorization.id)?;
    let seconds = check_time(required("x-acs-date")?, now)?;
    let hashed = hex::encode(Sha256::digest(&incoming.body));
    let request = canonical_request(incoming, parameters, &names, authorization.signed_headers, &hashed)?;
    let text = format!("{NAME}\n{}", hex::encode(Sha256::digest(&request)));
    let expected = sign(key, &text).ok_or_else(|| mismatch(&text))?;
    let genuine = bool::from(expected.as_bytes().ct_eq(authorization.signature.as_bytes()));
    if !genuine || required("x-acs-content-sha256")? != hashed {
        return Err(mismatch(&text));
    }
    if let Some(problem) = parameters.problem() {
        return Err(problem.clone());
    }
    Ok(Signed { key_id: authorization.id, nonce: required("x-acs-signature-nonce")?, seconds, token })
}

fn parse(text: &str) -> Option<Authorization<'_>> {
    let parts: Vec<(&str, &str)> =
        text.strip_prefix(NAME)?.strip_prefix(' ')?.split(',').filter_map(|part| part.trim().split_once('=')).collect();
    let value = |name: &str| parts.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
    Some(Authorization {
        id: value("Credential")?,
        signed_headers: value("SignedHeaders")?,
        signature: value("Signature")?,
    })
}

/// The path is always `/`, whatever a client wrote: one Node client asks for `//` and signs `/`.
fn canonical_request(
    incoming: &Incoming,
    parameters: &Parameters,
    names: &[&str],
    listed: &str,
    hashed: &str,
) -> Result<Vec<u8>, ApiError> {
    let mut text = format!("{}\n/\n{}\n", incoming.method, parameters.canonical_query());
    for name in names {
        let value = header(incoming, name)?.ok_or_else(|| incomplete(name))?;
        text.push_str(name);
        text.push(':');
        text.push_str(value.trim());
        text.push('\n');
    }
    text.push_str(&format!("\n{listed}\n{hashed}"));
    Ok(text.into_bytes())
}

fn sign(key: &str, text: &str) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).ok()?;
    mac.update(text.as_bytes());
    Some(hex::encode(mac.finalize().into_bytes()))
}
