//! What a caller put forward as proof, read once: who it claims to be and the proof are parts of one parsed object, so
//! that nobody can check one place and believe another.

use std::collections::HashMap;
use std::fmt;

use http::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use http::{HeaderMap, Method};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::encode::{FormError, read_form};
use super::error::{SignError, printable};
use super::{hmac_v1, tc3};
use crate::call::Wire;

/// What a caller put forward as proof.
#[derive(Debug)]
pub enum Presented {
    /// `Authorization: TC3-HMAC-SHA256 …`.
    Tc3(tc3::Authorization),
    /// v1 parameters in the query or the form body.
    V1(hmac_v1::Signature),
    /// `Authorization: Bearer …`; nothing about it has been checked.
    Bearer(Token),
}

/// A bearer token as it was sent. It does not print, and its memory is wiped.
pub struct Token(Zeroizing<String>);

/// Whether a TC3 request may leave its body out of the signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnsignedPayload {
    /// The gateway's rule.
    Refuse,
    /// What the cloud itself does; for verifying known answers.
    Accept,
}

/// Reads the proof of a request under the gateway's rules: [`read_presented_with`] and [`UnsignedPayload::Refuse`].
///
/// # Errors
/// See [`read_presented_with`].
pub fn read_presented(wire: &Wire) -> Result<Presented, SignError> {
    read_presented_with(wire, UnsignedPayload::Refuse)
}

/// Reads the proof of a request: by the scheme of Authorization if there is one, otherwise from v1 parameters, in the
/// query of a GET or the form body of a POST. (A JWT request that an SDK in v1 mode makes carries v1 parameters too.)
///
/// # Errors
/// No proof at all; more than one; one that cannot be read; one whose signature would not cover what was sent beside
/// it; a scheme that is not served.
pub fn read_presented_with(wire: &Wire, unsigned_payload: UnsignedPayload) -> Result<Presented, SignError> {
    refuse_repeated(&wire.headers)?;
    let payload = wire.headers.get("x-tc-content-sha256");
    let is_unsigned = payload.is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"UNSIGNED-PAYLOAD"));
    if is_unsigned && unsigned_payload == UnsignedPayload::Refuse {
        return Err(SignError::UnsignedPayload);
    }
    let presented = match wire.headers.get(AUTHORIZATION) {
        Some(value) => {
            let text = value.to_str().map_err(|_| SignError::Malformed("Authorization is not printable ASCII"))?;
            read_authorization(text.trim(), &wire.headers)?
        }
        None => Presented::V1(hmac_v1::Signature::read(signed_params(wire)?)?),
    };
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

impl Presented {
    /// The scheme, as clients write it.
    pub fn scheme(&self) -> &'static str {
        match self {
            Self::Tc3(_) => tc3::SCHEME,
            Self::V1(signature) => signature.algorithm().name(),
            Self::Bearer(_) => "Bearer",
        }
    }

    /// The SecretId; none beside a bearer token.
    pub fn key_id(&self) -> Option<&str> {
        match self {
            Self::Tc3(authorization) => Some(authorization.key_id()),
            Self::V1(signature) => Some(signature.key_id()),
            Self::Bearer(_) => None,
        }
    }

    /// When the client says it signed, Unix seconds; none for a bearer token.
    pub fn timestamp(&self) -> Option<i64> {
        match self {
            Self::Tc3(authorization) => Some(authorization.timestamp()),
            Self::V1(signature) => Some(signature.timestamp()),
            Self::Bearer(_) => None,
        }
    }

    /// The token sent beside a signature (X-TC-Token, or v1's Token). Empty is not absent. A bearer token is no such.
    pub fn token(&self) -> Option<&str> {
        match self {
            Self::Tc3(authorization) => authorization.token(),
            Self::V1(signature) => signature.token(),
            Self::Bearer(_) => None,
        }
    }

    /// The headers that a TC3 signature covers. Empty for v1, which covers every parameter, Action among them.
    pub fn signed_headers(&self) -> &[String] {
        match self {
            Self::Tc3(authorization) => authorization.signed_headers(),
            Self::V1(_) | Self::Bearer(_) => &[],
        }
    }

    /// SHA-256 over scheme, key id and the proof's bytes: equal for every way of writing the same signature.
    pub fn fingerprint(&self) -> [u8; 32] {
        let key_id = self.key_id().unwrap_or_default();
        let proof = match self {
            Self::Tc3(authorization) => authorization.proof(),
            Self::V1(signature) => signature.proof(),
            Self::Bearer(token) => token.expose().as_bytes(),
        };
        let mut hash = Sha256::new();
        for part in [self.scheme().as_bytes(), key_id.as_bytes(), proof] {
            hash.update(part.len().to_be_bytes());
            hash.update(part);
        }
        hash.finalize().into()
    }
}

impl Token {
    /// The token itself.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(..)")
    }
}

impl From<FormError> for SignError {
    fn from(error: FormError) -> Self {
        Self::Malformed(match error {
            FormError::BadEscape => "the parameters have a % that is not followed by two hexadecimal digits",
            FormError::NotUtf8 => "the parameters are not UTF-8",
            FormError::NoName => "the parameters have a value without a name",
            FormError::TooMany => "there are more than 10,000 parameters",
        })
    }
}

/// Whole seconds, as every client writes them: one text for one number, so digits only and no leading zero.
pub(super) fn read_timestamp(text: &str) -> Option<i64> {
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    is_plain.then(|| text.parse().ok()).flatten()
}

/// Headers of which two would let one be checked and the other be believed.
fn refuse_repeated(headers: &HeaderMap) -> Result<(), SignError> {
    let is_single = |name: &http::HeaderName| {
        [AUTHORIZATION, HOST, CONTENT_TYPE].contains(name) || name.as_str().starts_with("x-tc-")
    };
    match headers.keys().find(|name| is_single(name) && headers.get_all(*name).iter().nth(1).is_some()) {
        Some(name) => Err(SignError::Repeated(printable(name.as_str(), 64))),
        None => Ok(()),
    }
}

fn read_authorization(text: &str, headers: &HeaderMap) -> Result<Presented, SignError> {
    if text.is_empty() {
        return Err(SignError::Malformed("the Authorization header is empty"));
    }
    if text.eq_ignore_ascii_case("SKIP") {
        return Err(SignError::Skipped);
    }
    // Without a space there is no scheme, and the whole may be somebody's token: say nothing of it.
    let Some((scheme, rest)) = text.split_once(' ') else {
        return Err(SignError::Malformed("the Authorization header has no scheme with something after it"));
    };
    let rest = rest.trim();
    if scheme == tc3::SCHEME {
        return tc3::Authorization::read(rest, headers).map(Presented::Tc3);
    }
    if !scheme.eq_ignore_ascii_case("Bearer") {
        return Err(SignError::UnknownMethod(printable(scheme, 32)));
    }
    if rest.is_empty() || rest.bytes().any(|byte| !byte.is_ascii_graphic()) {
        return Err(SignError::Malformed("Authorization Bearer must be followed by one token"));
    }
    Ok(Presented::Bearer(Token(Zeroizing::new(rest.to_owned()))))
}

/// The parameters that a v1 signature covers: those of the query for GET, those of the form body for POST.
///
/// A POST's query is not covered. What stands there may repeat the body word for word, anything else is refused.
fn signed_params(wire: &Wire) -> Result<Vec<(String, String)>, SignError> {
    let query = || read_form(wire.raw_query.as_bytes());
    if wire.method == Method::GET {
        return proof_of(query()?);
    }
    if wire.media_type() != "application/x-www-form-urlencoded" {
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
