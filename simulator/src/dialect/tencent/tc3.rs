//! Signature v3, TC3-HMAC-SHA256: over the raw query or the raw body and some headers, with a key of the day.

use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use super::hosts::signed_as;
use super::{check_time, header, mismatch, missing, refuse_token, secret_key};
use crate::clock::Moment;
use crate::dialect::{ApiError, Credential, Incoming};

/// The scheme's name, as the Authorization header begins.
pub(super) const NAME: &str = "TC3-HMAC-SHA256";

/// What a client that does not hash its body says instead of the hash.
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";

/// The parts of an Authorization header.
struct Authorization<'a> {
    id: &'a str,
    date: &'a str,
    /// Everything between date and terminator, whatever the client derived: `dts`, `127`, `localhost:8080/x`.
    service: &'a str,
    signed_headers: &'a str,
    signature: &'a str,
}

/// The id that an Authorization header claims, if it can be read.
pub(super) fn claimed_id(text: &str) -> Option<String> {
    parse(text).map(|authorization| authorization.id.to_owned())
}

/// Checks presence, key, time and signature, in that order.
pub(super) fn verify(incoming: &Incoming, credentials: &[Credential], now: Moment) -> Result<(), ApiError> {
    let unreadable = || ApiError::new("AuthFailure.InvalidAuthorization", "The Authorization header is not valid.");
    let authorization = header(incoming, "authorization")?.and_then(parse).ok_or_else(unreadable)?;
    if header(incoming, "x-tc-action")?.is_none() {
        return Err(missing("Action"));
    }
    let timestamp = header(incoming, "x-tc-timestamp")?.ok_or_else(|| missing("Timestamp"))?;
    let names: Vec<&str> = authorization.signed_headers.split(';').collect();
    if !names.contains(&"host") || !names.contains(&"content-type") {
        return Err(unreadable());
    }
    let key = secret_key(credentials, authorization.id)?;
    let seconds = check_time(timestamp, now)?;
    let day = Timestamp::from_second(seconds).map_err(|_| mismatch())?.strftime("%Y-%m-%d").to_string();
    if day != authorization.date {
        return Err(mismatch());
    }
    let genuine = signed_as(incoming.host()).iter().flat_map(|host| [false, true].map(|lower| (host, lower))).any(
        |(host, lower)| {
            canonical_request(incoming, host, &names, authorization.signed_headers, lower)
                .and_then(|request| sign(key, &authorization, timestamp, &request))
                .is_some_and(|expected| expected.as_bytes().ct_eq(authorization.signature.as_bytes()).into())
        },
    );
    if !genuine {
        return Err(mismatch());
    }
    if header(incoming, "x-tc-version")?.is_none() {
        return Err(missing("Version"));
    }
    refuse_token(header(incoming, "x-tc-token")?.unwrap_or(""))
}

fn parse(text: &str) -> Option<Authorization<'_>> {
    let parts: Vec<(&str, &str)> =
        text.strip_prefix(NAME)?.strip_prefix(' ')?.split(',').filter_map(|part| part.trim().split_once('=')).collect();
    let value = |name: &str| parts.iter().find(|(key, _)| *key == name).map(|(_, value)| *value);
    let (id, scope) = value("Credential")?.split_once('/')?;
    let (date, rest) = scope.split_once('/')?;
    let (service, terminator) = rest.rsplit_once('/')?;
    (terminator == "tc3_request").then_some(())?;
    Some(Authorization { id, date, service, signed_headers: value("SignedHeaders")?, signature: value("Signature")? })
}

/// None if a header is missing that is said to be signed. `lower`: values in lower case, as the documentation says;
/// the SDKs sign them as they send them.
fn canonical_request(incoming: &Incoming, host: &str, names: &[&str], listed: &str, lower: bool) -> Option<Vec<u8>> {
    let get = incoming.method == Method::GET;
    let query = if get { incoming.query.as_str() } else { "" };
    let mut text = format!("{}\n/\n{query}\n", incoming.method).into_bytes();
    for name in names {
        let value: &[u8] = if *name == "host" { host.as_bytes() } else { incoming.headers.get(*name)?.as_bytes() };
        text.extend_from_slice(name.as_bytes());
        text.push(b':');
        if lower {
            text.extend(value.to_ascii_lowercase())
        } else {
            text.extend_from_slice(value)
        }
        text.push(b'\n');
    }
    let unsigned = incoming.headers.get("x-tc-content-sha256").is_some_and(|value| value == UNSIGNED);
    let payload: &[u8] = match (unsigned, get) {
        (true, _) => UNSIGNED.as_bytes(),
        (false, true) => b"",
        (false, false) => &incoming.body,
    };
    text.extend_from_slice(format!("\n{listed}\n{}", hex::encode(Sha256::digest(payload))).as_bytes());
    Some(text)
}

fn sign(key: &str, authorization: &Authorization<'_>, timestamp: &str, canonical_request: &[u8]) -> Option<String> {
    let Authorization { date, service, .. } = authorization;
    let hashed = hex::encode(Sha256::digest(canonical_request));
    let text = format!("{NAME}\n{timestamp}\n{date}/{service}/tc3_request\n{hashed}");
    let of_day = hmac(format!("TC3{key}").as_bytes(), date.as_bytes())?;
    let of_service = hmac(&of_day, service.as_bytes())?;
    let of_request = hmac(&of_service, b"tc3_request")?;
    hmac(&of_request, text.as_bytes()).map(hex::encode)
}

fn hmac(key: &[u8], text: &[u8]) -> Option<Vec<u8>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    mac.update(text);
    Some(mac.finalize().into_bytes().to_vec())
}
