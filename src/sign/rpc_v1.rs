//! Alibaba's RPC signature, version 1.0: every parameter of query and form together, under HMAC-SHA1.
//!
//! The string is `METHOD&%2F&` and the canonical query, escaped once more. It covers no header, no Host and no path: what
//! is judged must come from the parameters alone. Verified from decoded values, since clients escape in several ways.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac};
use http::Method;
use sha1::Sha1;
use zeroize::Zeroizing;

use super::encode::{percent, read_form};
use super::error::{SignError, printable};
use super::parts::{Pairs, base64_proof, read_date, refuse_repeated, write_date};
use super::place;
use super::read::FORM;
use super::secret::{SecretKey, keyed};
use crate::call::Wire;

/// The scheme, as `SignatureMethod` names it.
pub const SCHEME: &str = "HMAC-SHA1";

/// The one `SignatureVersion` that is served.
pub const VERSION: &str = "1.0";

/// The name of the one parameter that is not signed.
const SIGNATURE: &str = "Signature";

/// Bytes of HMAC-SHA1.
const PROOF_BYTES: usize = 20;

/// Bytes of a nonce. SDKs send 32 or 64; whoever remembers nonces must be able to count on an end.
pub(super) const LONGEST_NONCE: usize = 256;

/// An RPC signature and all that it covers.
pub struct Signature {
    key_id: String,
    timestamp: i64,
    nonce: String,
    proof: Vec<u8>,
    params: Pairs,
}

/// Signs a request; the answer is the value of the `Signature` parameter, base64, not yet percent-encoded.
///
/// `params` are the decoded parameters of query and form without `Signature`, in any order, each name once.
pub fn sign<N: AsRef<str>, V: AsRef<str>>(method: &Method, params: &[(N, V)], secret: &SecretKey) -> String {
    let params = params.iter().map(|(name, value)| (name.as_ref(), value.as_ref()));
    STANDARD.encode(mac(method, params, secret).finalize().into_bytes())
}

/// The `Timestamp` parameter (and ACS3's `x-acs-date`) of a Unix second.
///
/// # Errors
/// The second is in no calendar year.
pub fn timestamp(seconds: i64) -> Result<String, SignError> {
    write_date(seconds)
}

/// The parameters that a signature covers: those of the query and of the form. Where both have a name, the form's counts,
/// as it does for the cloud (its Python SDK sends RegionId in both and signs one).
///
/// # Errors
/// A name twice in one place; what is no query or form; a body that is no form, as nothing would cover it.
pub fn merged(wire: &Wire) -> Result<Vec<(String, String)>, SignError> {
    let query = read_form(wire.raw_query.as_bytes())?;
    refuse_repeated(&query)?;
    if wire.body.is_empty() {
        return Ok(query);
    }
    if wire.media_type() != FORM {
        return Err(SignError::Malformed("this signature covers a form body only; send the parameters as a form"));
    }
    let mut merged = read_form(&wire.body)?;
    refuse_repeated(&merged)?;
    let names: std::collections::HashSet<String> = merged.iter().map(|(name, _)| name.clone()).collect();
    merged.extend(query.into_iter().filter(|(name, _)| !names.contains(name)));
    Ok(merged)
}

impl Signature {
    /// Reads a signature out of decoded parameters, each name once.
    pub(super) fn read(mut params: Pairs) -> Result<Self, SignError> {
        let at = params.iter().position(|(name, _)| name == SIGNATURE);
        let text = at.map(|at| params.swap_remove(at).1).filter(|text| !text.is_empty());
        let get = |wanted: &str| params.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
        let there = |wanted: &str, missing: &'static str| {
            get(wanted).filter(|value| !value.is_empty()).ok_or(SignError::Malformed(missing))
        };
        for (name, served) in [("SignatureMethod", SCHEME), ("SignatureVersion", VERSION), ("SignatureType", "")] {
            if let Some(other) = get(name).filter(|value| *value != served) {
                let named = format!("{name}={}", printable(other, 32));
                let instead =
                    "here, only SignatureMethod=HMAC-SHA1, SignatureVersion=1.0 and an empty SignatureType are";
                return Err(SignError::UnknownMethod { named, instead });
            }
        }
        let key_id = there("AccessKeyId", "the parameter AccessKeyId is missing")?.to_owned();
        let timestamp = there("Timestamp", "the parameter Timestamp is missing")?;
        let timestamp = read_date(timestamp)
            .ok_or(SignError::Malformed("the parameter Timestamp must be UTC as yyyy-MM-ddTHH:mm:ssZ"))?;
        let nonce = there("SignatureNonce", "the parameter SignatureNonce is missing")?.to_owned();
        if nonce.len() > LONGEST_NONCE {
            return Err(SignError::Malformed("the parameter SignatureNonce is longer than 256 bytes"));
        }
        let proof =
            base64_proof(&text.ok_or(SignError::Malformed("the parameter Signature is missing"))?, PROOF_BYTES)?;
        Ok(Self { key_id, timestamp, nonce, proof, params })
    }

    /// The AccessKeyId.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// When the client says it signed, Unix seconds.
    pub fn timestamp(&self) -> i64 {
        self.timestamp
    }

    /// The SignatureNonce.
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// The `SecurityToken` parameter; it is under the signature.
    pub fn token(&self) -> Option<&str> {
        self.params.iter().find(|(name, _)| name == "SecurityToken").map(|(_, value)| value.as_str())
    }

    /// All that the signature covers, decoded, each name once; everything but `Signature`.
    pub fn params(&self) -> &[(String, String)] {
        &self.params
    }

    /// The signature's bytes: the same for every way of writing it.
    pub(super) fn proof(&self) -> &[u8] {
        &self.proof
    }

    pub(super) fn verify(&self, wire: &Wire, secret: &SecretKey) -> Result<(), SignError> {
        let params = self.params.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        if mac(&wire.method, params, secret).verify_slice(&self.proof).is_ok() {
            return Ok(());
        }
        Err(SignError::Mismatch { scheme: SCHEME, host: printable(place::host_header(wire)?, 100) })
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signature")
            .field("key_id", &self.key_id)
            .field("timestamp", &self.timestamp)
            .finish_non_exhaustive()
    }
}

/// The canonical form, shared by both directions, fed to the HMAC piece by piece. What is escaped twice is escaped piece
/// by piece as well: escaping knows no neighbours.
fn mac<'a>(method: &Method, params: impl Iterator<Item = (&'a str, &'a str)>, secret: &SecretKey) -> Hmac<Sha1> {
    let mut params: Vec<(&str, &str)> = params.collect();
    params.sort_unstable();
    let key = Zeroizing::new([secret.bytes(), b"&"].concat());
    let mut mac = keyed::<Hmac<Sha1>>(&key);
    mac.update(method.as_str().as_bytes());
    mac.update(b"&%2F&");
    let mut separator = "";
    for (name, value) in params {
        for piece in [separator, &percent(&percent(name)), "%3D", &percent(&percent(value))] {
            mac.update(piece.as_bytes());
        }
        separator = "%26";
    }
    mac
}
