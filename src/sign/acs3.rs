//! Alibaba's signature version 3, ACS3-HMAC-SHA256: method, path, query, the headers that it lists, and the body's hash.
//!
//! SDKs list different headers, so those that decide must be among them, or whoever is on the way could take them out. The
//! query is verified from decoded values: clients escape in several ways.

use std::borrow::Cow;
use std::fmt;

use hmac::{Hmac, Mac};
use http::Method;
use sha2::{Digest, Sha256};

use super::encode::{form, percent, read_form};
use super::error::{SignError, printable};
use super::parts::{Fields, Pairs, hex_proof, read_date, read_signed_headers, refuse_repeated, values};
use super::place;
use super::rpc_v1::LONGEST_NONCE;
use super::secret::{SecretKey, keyed};
use crate::call::Wire;

/// The scheme's name: in Authorization and as the first line of the string to sign.
pub const SCHEME: &str = "ACS3-HMAC-SHA256";

/// The headers that a signature must cover.
pub const REQUIRED_HEADERS: [&str; 6] =
    ["host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"];

/// Covered too, when it is sent.
const TOKEN: &str = "x-acs-security-token";

/// A parsed `Authorization` with what belongs to it.
pub struct Authorization {
    key_id: String,
    signed_headers: Vec<String>,
    proof: [u8; 32],
    timestamp: i64,
    nonce: String,
    token: Option<String>,
    query: Pairs,
}

/// A request of our own that is about to be signed.
#[derive(Clone, Copy)]
pub struct Outgoing<'a> {
    /// GET or POST.
    pub method: &'a Method,
    /// The path.
    pub path: &'a str,
    /// The decoded parameters of the query, in any order, each name once.
    pub query: &'a [(&'a str, &'a str)],
    /// The headers to be signed exactly as they will be sent, names in lower case, those of [`REQUIRED_HEADERS`] among them.
    pub headers: &'a [(&'a str, &'a str)],
    /// The body, as it will be sent.
    pub body: &'a [u8],
}

/// Signs a request; the answer is the value of its Authorization header.
///
/// # Errors
/// A header that a signature must cover is not among the headers.
pub fn sign(key_id: &str, secret: &SecretKey, request: Outgoing<'_>) -> Result<String, SignError> {
    let mut headers: Vec<_> =
        request.headers.iter().map(|(name, value)| (*name, Cow::Borrowed(value.trim().as_bytes()))).collect();
    headers.sort();
    let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    require(&names, names.contains(&TOKEN))?;
    let names = names.join(";");
    let canonical = Canonical {
        method: request.method,
        path: request.path,
        query: &canonical_query(request.query.iter().copied()),
        headers: &headers,
        signed_headers: &names,
        body_hash: &body_hash(request.body),
    };
    let signature = hex::encode(canonical.mac(secret).finalize().into_bytes());
    Ok(format!("{SCHEME} Credential={key_id},SignedHeaders={names},Signature={signature}"))
}

/// The value of `x-acs-content-sha256`.
pub fn body_hash(body: &[u8]) -> String {
    hex::encode(Sha256::digest(body))
}

impl Authorization {
    /// Reads what follows the scheme's name, and the x-acs-* headers and the query that belong to the proof.
    pub(super) fn read(fields: &str, wire: &Wire) -> Result<Self, SignError> {
        let Fields { credential, signed_headers, signature } = Fields::read(fields)?;
        let signed_headers = read_signed_headers(signed_headers)?;
        let names: Vec<&str> = signed_headers.iter().map(String::as_str).collect();
        require(&names, wire.headers.contains_key(TOKEN))?;
        let get = |name: &str| {
            let value = wire.headers.get(name).map(|value| value.to_str().map(str::trim));
            value.transpose().map_err(|_| SignError::Malformed("an x-acs-* header is not printable ASCII"))
        };
        if credential.is_empty() || credential.contains('/') {
            return Err(SignError::Malformed("Credential must be the AccessKeyId and nothing else"));
        }
        if get("x-acs-accesskey-id")?.is_some_and(|key_id| key_id != credential) {
            return Err(SignError::Malformed("x-acs-accesskey-id names another key than Credential"));
        }
        let timestamp = get("x-acs-date")?.and_then(read_date);
        let timestamp = timestamp.ok_or(SignError::Malformed("x-acs-date must be UTC as yyyy-MM-ddTHH:mm:ssZ"))?;
        let nonce = get("x-acs-signature-nonce")?.filter(|nonce| (1..=LONGEST_NONCE).contains(&nonce.len()));
        let nonce = nonce.ok_or(SignError::Malformed("x-acs-signature-nonce must have 1 to 256 characters"))?;
        if get("x-acs-content-sha256")?.is_some_and(|hash| hash.eq_ignore_ascii_case("UNSIGNED-PAYLOAD")) {
            return Err(SignError::UnsignedPayload);
        }
        let query = read_form(wire.raw_query.as_bytes())?;
        refuse_repeated(&query)?;
        let (nonce, token) = (nonce.to_owned(), get(TOKEN)?.map(str::to_owned));
        let (key_id, proof) = (credential.to_owned(), hex_proof(signature)?);
        Ok(Self { key_id, signed_headers, proof, timestamp, nonce, token, query })
    }

    /// The AccessKeyId.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// x-acs-date, Unix seconds; it is under the signature.
    pub fn timestamp(&self) -> i64 {
        self.timestamp
    }

    /// x-acs-signature-nonce; it is under the signature.
    pub fn nonce(&self) -> &str {
        &self.nonce
    }

    /// x-acs-security-token; it is under the signature.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The headers that the signature covers, lower case, in the client's order.
    pub fn signed_headers(&self) -> &[String] {
        &self.signed_headers
    }

    /// The parameters of the query, decoded, each name once; they are under the signature.
    pub(super) fn query(&self) -> &[(String, String)] {
        &self.query
    }

    /// The signature's bytes.
    pub(super) fn proof(&self) -> &[u8] {
        &self.proof
    }

    pub(super) fn verify(&self, wire: &Wire, secret: &SecretKey, cloud_hosts: &[&str]) -> Result<(), SignError> {
        let places = place::candidates(wire, cloud_hosts)?;
        let mismatch = SignError::Mismatch { scheme: SCHEME, host: printable(place::host_header(wire)?, 100) };
        // The header is a claim, and signed as such; what counts is the body that arrived.
        let body_hash = body_hash(&wire.body);
        let claimed = wire.headers.get("x-acs-content-sha256");
        if claimed.is_none_or(|claimed| claimed.as_bytes().trim_ascii() != body_hash.as_bytes()) {
            return Err(mismatch);
        }
        let values = values(&self.signed_headers, wire)?;
        let names = self.signed_headers.join(";");
        let query = || self.query.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let mut queries = vec![canonical_query(query())];
        queries.extend(query_with_bare_names(query()).filter(|bare| *bare != queries[0]));
        for place in places {
            let value = |name: &str, value| if name == "host" { place.host.as_bytes() } else { value };
            let headers: Vec<_> = values.iter().map(|(name, sent)| (*name, Cow::Borrowed(value(name, sent)))).collect();
            for query in &queries {
                let canonical = Canonical {
                    method: &wire.method,
                    path: place.path,
                    query,
                    headers: &headers,
                    signed_headers: &names,
                    body_hash: &body_hash,
                };
                if canonical.mac(secret).verify_slice(&self.proof).is_ok() {
                    return Ok(());
                }
            }
        }
        Err(mismatch)
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorization")
            .field("key_id", &self.key_id)
            .field("signed_headers", &self.signed_headers)
            .field("timestamp", &self.timestamp)
            .finish_non_exhaustive()
    }
}

/// The canonical form, shared by both directions.
struct Canonical<'a> {
    method: &'a Method,
    path: &'a str,
    query: &'a str,
    headers: &'a [(&'a str, Cow<'a, [u8]>)],
    signed_headers: &'a str,
    body_hash: &'a str,
}

impl Canonical<'_> {
    /// Hashed piece by piece instead of being written out.
    fn hash(&self) -> String {
        let mut hash = Sha256::new();
        for piece in [self.method.as_str(), "\n", self.path, "\n", self.query, "\n"] {
            hash.update(piece);
        }
        for (name, value) in self.headers {
            hash.update(name);
            hash.update(":");
            hash.update(value);
            hash.update("\n");
        }
        for piece in ["\n", self.signed_headers, "\n", self.body_hash] {
            hash.update(piece);
        }
        hex::encode(hash.finalize())
    }

    /// The HMAC over the string to sign, not yet finished: to be compared, or to be written.
    fn mac(&self, secret: &SecretKey) -> Hmac<Sha256> {
        keyed::<Hmac<Sha256>>(secret.bytes()).chain_update(format!("{SCHEME}\n{}", self.hash()))
    }
}

/// Names and values escaped, sorted by name.
fn canonical_query<'a>(query: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let mut pairs: Vec<(&str, &str)> = query.collect();
    pairs.sort_unstable();
    form(&pairs)
}

/// As SDKs sign it: names as they are. Only for names that such a text cannot be read with in two ways.
fn query_with_bare_names<'a>(query: impl Iterator<Item = (&'a str, &'a str)>) -> Option<String> {
    let mut pairs: Vec<(&str, &str)> = query.collect();
    let is_clear = |name: &str| !name.chars().any(|c| matches!(c, '&' | '=' | '%') || c.is_control());
    if !pairs.iter().all(|(name, _)| is_clear(name)) {
        return None;
    }
    pairs.sort_unstable();
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", percent(value))).collect();
    Some(pairs.join("&"))
}

fn require(names: &[&str], has_token: bool) -> Result<(), SignError> {
    let covers = |must: &&str| names.contains(must);
    if !REQUIRED_HEADERS.iter().all(covers) || (has_token && !covers(&TOKEN)) {
        return Err(SignError::Malformed(
            "SignedHeaders must name host, x-acs-action, x-acs-version, x-acs-date, x-acs-signature-nonce, \
             x-acs-content-sha256, and x-acs-security-token if it is sent",
        ));
    }
    Ok(())
}
