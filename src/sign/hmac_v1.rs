//! Tencent signature v1: every parameter in the query (GET) or in the form body (POST), decoded, sorted by name, under
//! HMAC-SHA1 or HMAC-SHA256 with the SecretKey as it is.
//!
//! The string is `METHOD + host + path + "?" + name=value&...` with nothing escaped, so it is not injective: only parsed
//! parameters may be judged and sent on, never the text that arrived.

use std::borrow::Cow;
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use http::Method;
use sha1::Sha1;
use sha2::Sha256;

use super::error::{SignError, printable};
use super::parts::{base64_proof, read_seconds, refuse_repeated};
use super::place::{self, Place};
use super::secret::{SecretKey, keyed};
use crate::call::Wire;

/// The name of the one parameter that is not signed.
const SIGNATURE: &str = "Signature";

/// Which HMAC. The client names it in `SignatureMethod`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Algorithm {
    /// The default where no SignatureMethod is sent.
    HmacSha1,
    /// `SignatureMethod=HmacSHA256`.
    HmacSha256,
}

/// A v1 signature and all that it covers, read from one place of one request.
pub struct Signature {
    algorithm: Algorithm,
    key_id: String,
    timestamp: i64,
    proof: Vec<u8>,
    params: Vec<(String, String)>,
}

/// How a client spells names inside the signed string. DTS names have no `_`, so the variants cost nothing in practice.
#[derive(Clone, Copy)]
pub(super) enum Spelling {
    AsSent,
    /// Python: `.` for `_`, then sorted.
    DottedThenSorted,
    /// Java: sorted, then `.` for `_`.
    SortedThenDotted,
}

/// A spelling, and the places that are tried with it.
type Attempt<'a> = (Spelling, Vec<Place<'a>>);

/// Signs a v1 request; the answer is the value of the `Signature` parameter, base64, not yet percent-encoded.
///
/// `params` are the decoded parameters without `Signature`, in any order, `SignatureMethod` among them.
pub fn sign<N: AsRef<str>, V: AsRef<str>>(
    method: &Method,
    host: &str,
    path: &str,
    params: &[(N, V)],
    secret: &SecretKey,
    algorithm: Algorithm,
) -> String {
    let params = params.iter().map(|(name, value)| (name.as_ref(), value.as_ref()));
    let params = spelled(params, Spelling::AsSent);
    let place = Place { host, path };
    match algorithm {
        Algorithm::HmacSha1 => {
            STANDARD.encode(mac::<Hmac<Sha1>>(secret, method, place, &params).finalize().into_bytes())
        }
        Algorithm::HmacSha256 => {
            STANDARD.encode(mac::<Hmac<Sha256>>(secret, method, place, &params).finalize().into_bytes())
        }
    }
}

impl Algorithm {
    /// The name as clients write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::HmacSha1 => "HmacSHA1",
            Self::HmacSha256 => "HmacSHA256",
        }
    }

    /// The documentation says that anything unknown means HmacSHA1; a caller who asked for more must not get less.
    fn read(name: Option<&str>) -> Result<Self, SignError> {
        match name {
            None | Some("HmacSHA1") => Ok(Self::HmacSha1),
            Some("HmacSHA256") => Ok(Self::HmacSha256),
            Some(other) => {
                let instead = "as SignatureMethod, only HmacSHA256 and HmacSHA1 are";
                Err(SignError::UnknownMethod { named: printable(other, 32), instead })
            }
        }
    }

    fn length(self) -> usize {
        match self {
            Self::HmacSha1 => 20,
            Self::HmacSha256 => 32,
        }
    }
}

impl Signature {
    /// Reads a signature out of decoded parameters.
    pub(super) fn read(mut params: Vec<(String, String)>) -> Result<Self, SignError> {
        refuse_repeated(&params)?;
        let at = params.iter().position(|(name, _)| name == SIGNATURE);
        let text = at.map(|at| params.remove(at).1).filter(|text| !text.is_empty());
        let get = |wanted: &str| params.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());

        let algorithm = Algorithm::read(get("SignatureMethod"))?;
        let key_id = get("SecretId").filter(|id| !id.is_empty());
        let key_id = key_id.ok_or(SignError::Malformed("the parameter SecretId is missing"))?.to_owned();
        let timestamp = get("Timestamp").ok_or(SignError::Malformed("the parameter Timestamp is missing"))?;
        let timestamp = read_seconds(timestamp)
            .ok_or(SignError::Malformed("the parameter Timestamp must be whole seconds since 1970"))?;
        let text = text.ok_or(SignError::Malformed("the parameter Signature is missing"))?;
        let proof = base64_proof(&text, algorithm.length())?;
        Ok(Self { algorithm, key_id, timestamp, proof, params })
    }

    /// Which HMAC the client used.
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// The SecretId.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// When the client says it signed, Unix seconds.
    pub fn timestamp(&self) -> i64 {
        self.timestamp
    }

    /// The `Token` parameter; it is under the signature.
    pub fn token(&self) -> Option<&str> {
        self.params.iter().find(|(name, _)| name == "Token").map(|(_, value)| value.as_str())
    }

    /// All that the signature covers, decoded, in the order sent, each name once; everything but `Signature`.
    pub fn params(&self) -> &[(String, String)] {
        &self.params
    }

    /// The signature's bytes: the same for every way of writing it.
    pub(super) fn proof(&self) -> &[u8] {
        &self.proof
    }

    pub(super) fn verify(&self, wire: &Wire, secret: &SecretKey, cloud_hosts: &[&str]) -> Result<(), SignError> {
        for (spelling, places) in self.attempts(wire, cloud_hosts)? {
            let params = self.params.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let params = spelled(params, spelling);
            if places.iter().any(|place| self.holds(secret, &wire.method, *place, &params)) {
                return Ok(());
            }
        }
        Err(SignError::Mismatch { scheme: self.algorithm.name(), host: printable(place::host_header(wire)?, 100) })
    }

    /// What is tried: each place is an HMAC over all parameters. Names with `_`, which DTS has none of, are spelled the
    /// other ways for our own names only.
    pub(super) fn attempts<'a>(&self, wire: &'a Wire, cloud_hosts: &[&'a str]) -> Result<Vec<Attempt<'a>>, SignError> {
        let mut attempts = vec![(Spelling::AsSent, place::candidates(wire, cloud_hosts)?)];
        if self.params.iter().any(|(name, _)| name.contains('_')) {
            attempts.push((Spelling::DottedThenSorted, place::ours(wire)?));
            attempts.push((Spelling::SortedThenDotted, place::ours(wire)?));
        }
        Ok(attempts)
    }

    fn holds(&self, secret: &SecretKey, method: &Method, place: Place<'_>, params: &[(Cow<'_, str>, &str)]) -> bool {
        match self.algorithm {
            Algorithm::HmacSha1 => mac::<Hmac<Sha1>>(secret, method, place, params).verify_slice(&self.proof).is_ok(),
            Algorithm::HmacSha256 => {
                mac::<Hmac<Sha256>>(secret, method, place, params).verify_slice(&self.proof).is_ok()
            }
        }
    }
}

impl fmt::Debug for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signature")
            .field("algorithm", &self.algorithm)
            .field("key_id", &self.key_id)
            .field("timestamp", &self.timestamp)
            .finish_non_exhaustive()
    }
}

/// The parameters in the order and spelling that a signer uses: by name, in byte order.
fn spelled<'a>(params: impl Iterator<Item = (&'a str, &'a str)>, spelling: Spelling) -> Vec<(Cow<'a, str>, &'a str)> {
    let dotted = |name: &str| Cow::Owned(name.replace('_', "."));
    let mut params: Vec<(Cow<'a, str>, &'a str)> = params.map(|(name, value)| (Cow::Borrowed(name), value)).collect();
    if matches!(spelling, Spelling::DottedThenSorted) {
        params.iter_mut().for_each(|(name, _)| *name = dotted(name));
    }
    params.sort_by(|one, other| one.0.cmp(&other.0));
    if matches!(spelling, Spelling::SortedThenDotted) {
        params.iter_mut().for_each(|(name, _)| *name = dotted(name));
    }
    params
}

/// The canonical form, shared by both directions, fed to the HMAC piece by piece instead of being written out.
fn mac<M: Mac + KeyInit>(secret: &SecretKey, method: &Method, place: Place<'_>, params: &[(Cow<'_, str>, &str)]) -> M {
    let mut mac = keyed::<M>(secret.bytes());
    for piece in [method.as_str(), place.host, place.path] {
        mac.update(piece.as_bytes());
    }
    let mut separator = "?";
    for (name, value) in params {
        for piece in [separator, name.as_ref(), "=", value] {
            mac.update(piece.as_bytes());
        }
        separator = "&";
    }
    mac
}
