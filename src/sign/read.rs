//! Finds the proof in a request: by the marks of a family, then by the scheme of Authorization, then in the parameters.

use std::collections::HashMap;

use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, Method};

use super::encode::{has_name, read_form};
use super::error::{SignError, printable};
use super::presented::{Presented, Token, UnsignedPayload};
use super::{acs3, hmac_v1, rpc_v1, tc3};
use crate::call::Wire;

/// The media type of a form.
pub(super) const FORM: &str = "application/x-www-form-urlencoded";

/// Parameters that only Alibaba's v1 has.
const ALIBABA_PARAMETERS: [&str; 2] = ["AccessKeyId", "SignatureNonce"];

/// What Authorization can be where a request has a mark of Alibaba's family, and where it has none.
const BESIDE_MARKS: &str =
    "beside an x-acs- header, AccessKeyId or SignatureNonce, only ACS3-HMAC-SHA256 and Bearer are";
const WITHOUT_MARKS: &str = "as Authorization, only TC3-HMAC-SHA256, ACS3-HMAC-SHA256 and Bearer are";

/// Reads the proof of a request under the gateway's rules: [`read_presented_with`] and [`UnsignedPayload::Refuse`].
///
/// # Errors
/// See [`read_presented_with`].
pub fn read_presented(wire: &Wire) -> Result<Presented, SignError> {
    read_presented_with(wire, UnsignedPayload::Refuse)
}

/// Reads the proof of a request: by the scheme of Authorization if there is one, otherwise from v1 parameters. Tencent's
/// stand in the query of a GET or the form body of a POST, Alibaba's in both together. (A JWT request that an SDK in v1
/// mode makes carries v1 parameters too.)
///
/// # Errors
/// No proof at all; more than one; one that cannot be read; one whose signature would not cover what was sent beside
/// it; a scheme that is not served, or not in this family.
pub fn read_presented_with(wire: &Wire, unsigned_payload: UnsignedPayload) -> Result<Presented, SignError> {
    refuse_repeated(&wire.headers)?;
    let presented = if has_alibaba_marks(wire) { alibaba(wire)? } else { tencent(wire, unsigned_payload)? };
    let is_signed = !matches!(presented, Presented::Bearer(_));
    if is_signed && wire.method == Method::GET && !wire.body.is_empty() {
        return Err(SignError::Malformed("a GET's signature does not cover a body; send the parameters in the query"));
    }
    Ok(presented)
}

/// Whose key a request claims to be signed with, whatever becomes of it: short, and nothing that a terminal acts on.
pub fn claimed_key_id(wire: &Wire) -> Option<String> {
    let presented = read_presented(wire).ok()?;
    presented.key_id().map(|key_id| key_id.chars().filter(char::is_ascii_graphic).take(64).collect())
}

/// Whether a request bears a mark of Alibaba's family: an `x-acs-*` header, an ACS3 Authorization, or one of the
/// parameters that only its v1 has.
pub fn has_alibaba_marks(wire: &Wire) -> bool {
    let in_form = || wire.media_type() == FORM && has_name(&wire.body, &ALIBABA_PARAMETERS);
    wire.headers.keys().any(|name| name.as_str().starts_with("x-acs-"))
        || wire
            .headers
            .get(AUTHORIZATION)
            .is_some_and(|value| value.as_bytes().trim_ascii_start().starts_with(b"ACS3-"))
        || has_name(wire.raw_query.as_bytes(), &ALIBABA_PARAMETERS)
        || in_form()
}

/// Headers of which two would let one be checked and the other be believed.
fn refuse_repeated(headers: &HeaderMap) -> Result<(), SignError> {
    let is_single = |name: &http::HeaderName| {
        let text = name.as_str();
        [AUTHORIZATION, HOST, CONTENT_TYPE].contains(name) || text.starts_with("x-tc-") || text.starts_with("x-acs-")
    };
    match headers.keys().find(|name| is_single(name) && headers.get_all(*name).iter().nth(1).is_some()) {
        Some(name) => Err(SignError::Repeated(printable(name.as_str(), 64))),
        None => Ok(()),
    }
}

fn tencent(wire: &Wire, unsigned_payload: UnsignedPayload) -> Result<Presented, SignError> {
    let payload = wire.headers.get("x-tc-content-sha256");
    let is_unsigned = payload.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"UNSIGNED-PAYLOAD"));
    if is_unsigned && unsigned_payload == UnsignedPayload::Refuse {
        return Err(SignError::UnsignedPayload);
    }
    let Some((scheme, rest)) = authorization(&wire.headers)? else {
        return hmac_v1::Signature::read(signed_params(wire)?).map(Presented::V1);
    };
    match scheme {
        tc3::SCHEME => tc3::Authorization::read(rest, &wire.headers).map(Presented::Tc3),
        _ => bearer(scheme, rest, WITHOUT_MARKS),
    }
}

fn alibaba(wire: &Wire) -> Result<Presented, SignError> {
    let Some((scheme, rest)) = authorization(&wire.headers)? else {
        let params = rpc_v1::merged(wire)?;
        let is_proof = params.iter().any(|(name, _)| ["Signature", "AccessKeyId"].contains(&name.as_str()));
        return if is_proof { rpc_v1::Signature::read(params).map(Presented::Rpc) } else { Err(SignError::Missing) };
    };
    match scheme {
        acs3::SCHEME => acs3::Authorization::read(rest, wire).map(Presented::Acs3),
        _ => bearer(scheme, rest, BESIDE_MARKS),
    }
}

/// Authorization's scheme and what follows it.
fn authorization(headers: &HeaderMap) -> Result<Option<(&str, &str)>, SignError> {
    let Some(value) = headers.get(AUTHORIZATION) else { return Ok(None) };
    let text = value.to_str().map_err(|_| SignError::Malformed("Authorization is not printable ASCII"))?.trim();
    if text.is_empty() {
        return Err(SignError::Malformed("the Authorization header is empty"));
    }
    if text.eq_ignore_ascii_case("SKIP") {
        return Err(SignError::Skipped);
    }
    // Without a space there is no scheme, and the whole may be somebody's token: say nothing of it.
    let no_scheme = SignError::Malformed("the Authorization header has no scheme with something after it");
    let (scheme, rest) = text.split_once(' ').ok_or(no_scheme)?;
    Ok(Some((scheme, rest.trim())))
}

fn bearer(scheme: &str, token: &str, instead: &'static str) -> Result<Presented, SignError> {
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return Err(SignError::UnknownMethod { named: printable(scheme, 32), instead });
    }
    if token.is_empty() || token.bytes().any(|byte| !byte.is_ascii_graphic()) {
        return Err(SignError::Malformed("Authorization Bearer must be followed by one token"));
    }
    Ok(Presented::Bearer(Token::new(token)))
}

/// The parameters that Tencent's v1 signature covers: those of the query for GET, those of the form body for POST.
///
/// A POST's query is not covered. What stands there may repeat the body word for word, anything else is refused.
fn signed_params(wire: &Wire) -> Result<Vec<(String, String)>, SignError> {
    let query = || read_form(wire.raw_query.as_bytes());
    if wire.method == Method::GET {
        return proof_of(query()?);
    }
    if wire.media_type() != FORM {
        return match proof_of(query()?) {
            Ok(_) => Err(SignError::Malformed("the signed parameters of a POST belong in its form body")),
            Err(missing) => Err(missing),
        };
    }
    let body = read_form(&wire.body)?;
    let signed: HashMap<&str, &str> = body.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    for (name, value) in query()? {
        match signed.get(name.as_str()) {
            Some(signed) if *signed == value => {}
            Some(_) => return Err(SignError::Repeated(printable(&name, 64))),
            None => {
                return Err(SignError::Malformed(
                    "a POST's signature does not cover its query; send every parameter in the form body",
                ));
            }
        }
    }
    proof_of(body)
}

/// The parameters, if they try to prove anything.
fn proof_of(params: Vec<(String, String)>) -> Result<Vec<(String, String)>, SignError> {
    let is_proof = params.iter().any(|(name, _)| name == "Signature" || name == "SecretId");
    if is_proof { Ok(params) } else { Err(SignError::Missing) }
}
