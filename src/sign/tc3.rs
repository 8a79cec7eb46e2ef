//! Tencent signature v3, TC3-HMAC-SHA256: both directions over one canonical form.
//!
//! What comes in is hashed as it was sent, byte for byte; the scope's service is whatever the client derived from its
//! endpoint. What goes out signs the action as well, which no SDK does.

use std::borrow::Cow;
use std::fmt;

use hmac::{Hmac, Mac};
use http::{HeaderMap, Method};
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::error::{SignError, printable};
use super::parts::{Fields, hex_proof, read_seconds, read_signed_headers, values};
use super::place::{self, Place};
use super::secret::{SecretKey, keyed};
use crate::call::Wire;

/// The scheme's name: in Authorization and as the first line of the string to sign.
pub const SCHEME: &str = "TC3-HMAC-SHA256";

const TERMINATOR: &str = "tc3_request";

/// What is hashed in the body's place when a client leaves its body out.
const UNSIGNED_PAYLOAD: &[u8] = b"UNSIGNED-PAYLOAD";

/// A parsed `Authorization` with the timestamp and token that belong to it.
pub struct Authorization {
    key_id: String,
    date: String,
    service: String,
    signed_headers: Vec<String>,
    proof: [u8; 32],
    timestamp: i64,
    token: Option<String>,
    is_payload_unsigned: bool,
}

/// The signing key of one UTC day and service: derive it once, sign with it until the day is over.
#[derive(Clone)]
pub struct DaySigningKey {
    date: String,
    service: String,
    mac: Hmac<Sha256>,
}

/// A request of our own that is about to be signed. The path is always `/`.
#[derive(Clone, Copy)]
pub struct Outgoing<'a> {
    /// GET or POST; a GET's query is signed, a POST's body.
    pub method: &'a Method,
    /// The Host header exactly as it will be sent, lower case.
    pub host: &'a str,
    /// The Content-Type header exactly as it will be sent, lower case.
    pub content_type: &'a str,
    /// The X-TC-Action header. It is signed in lower case, as documented; `None` leaves it unsigned, as SDKs do.
    pub action: Option<&'a str>,
    /// The text after `?`, as it will be sent.
    pub raw_query: &'a str,
    /// The body, as it will be sent.
    pub body: &'a [u8],
}

/// Signs a request; the answer is the value of its Authorization header.
///
/// `timestamp` is the X-TC-Timestamp that is sent, Unix seconds.
///
/// # Errors
/// The key is of another UTC day than `timestamp`.
pub fn sign(secret_id: &str, key: &DaySigningKey, request: Outgoing<'_>, timestamp: i64) -> Result<String, SignError> {
    if !key.covers(timestamp) {
        return Err(SignError::Malformed("the signing key is of another day than the timestamp"));
    }
    let mut headers = vec![
        ("content-type", Cow::Borrowed(request.content_type.as_bytes())),
        ("host", Cow::Borrowed(request.host.as_bytes())),
    ];
    if let Some(action) = request.action {
        headers.push(("x-tc-action", Cow::Owned(action.to_ascii_lowercase().into_bytes())));
    }
    let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let canonical = Canonical {
        method: request.method,
        path: "/",
        query: request.raw_query,
        headers: &headers,
        signed_headers: &names,
        payload_hash: &payload_hash(request.method, request.body, false),
    };
    let mac = canonical.mac(&key.mac, timestamp, &key.date, &key.service);
    let signature = hex::encode(mac.finalize().into_bytes());
    let (date, service) = (&key.date, &key.service);
    Ok(format!(
        "{SCHEME} Credential={secret_id}/{date}/{service}/{TERMINATOR}, SignedHeaders={names}, Signature={signature}"
    ))
}

impl DaySigningKey {
    /// Derives the key of the UTC day that `timestamp` (Unix seconds) falls on.
    ///
    /// # Errors
    /// The timestamp has no calendar date (before 1970 or after the year 9999).
    pub fn derive(secret: &SecretKey, timestamp: i64, service: &str) -> Result<Self, SignError> {
        let date = utc_date(timestamp)?;
        let mac = signing_mac(secret, &date, service);
        Ok(Self { date, service: service.to_owned(), mac })
    }

    /// Whether this key signs requests of that second (Unix seconds).
    pub fn covers(&self, timestamp: i64) -> bool {
        utc_date(timestamp).is_ok_and(|date| date == self.date)
    }
}

impl fmt::Debug for DaySigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DaySigningKey")
            .field("date", &self.date)
            .field("service", &self.service)
            .finish_non_exhaustive()
    }
}

impl Authorization {
    /// Reads what follows the scheme's name, and the X-TC-* headers that belong to the proof.
    pub(super) fn read(fields: &str, headers: &HeaderMap) -> Result<Self, SignError> {
        let Fields { credential, signed_headers, signature } = Fields::read(fields)?;
        let signed_headers = read_signed_headers(signed_headers)?;
        if !["content-type", "host"].iter().all(|must| signed_headers.iter().any(|name| name == must)) {
            return Err(SignError::Malformed("SignedHeaders must name content-type and host"));
        }
        let timestamp = headers.get("x-tc-timestamp").ok_or(SignError::Malformed("X-TC-Timestamp is missing"))?;
        let timestamp = timestamp.to_str().ok().and_then(read_seconds);
        let timestamp = timestamp.ok_or(SignError::Malformed("X-TC-Timestamp must be whole seconds since 1970"))?;

        let (key_id, scope) = credential.split_once('/').unwrap_or((credential, ""));
        let (date, scope) = scope.split_once('/').unwrap_or((scope, ""));
        // A service may contain slashes: Node takes the endpoint's text up to its first dot.
        let (service, terminator) = scope.rsplit_once('/').unwrap_or(("", scope));
        if key_id.is_empty() || service.is_empty() || terminator != TERMINATOR {
            return Err(SignError::Malformed("Credential must be SecretId/date/service/tc3_request"));
        }
        if date != utc_date(timestamp)? {
            return Err(SignError::Malformed("the date in Credential is not the UTC date of X-TC-Timestamp"));
        }
        let token = headers.get("x-tc-token").map(|token| token.to_str().map(str::to_owned));
        let token = token.transpose().map_err(|_| SignError::Malformed("X-TC-Token is not printable ASCII"))?;
        let payload = headers.get("x-tc-content-sha256");
        Ok(Self {
            key_id: key_id.to_owned(),
            date: date.to_owned(),
            service: service.to_owned(),
            signed_headers,
            proof: hex_proof(signature)?,
            timestamp,
            token,
            is_payload_unsigned: payload.is_some_and(|value| value.as_bytes() == UNSIGNED_PAYLOAD),
        })
    }

    /// The SecretId.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// X-TC-Timestamp, Unix seconds; it is under the signature.
    pub fn timestamp(&self) -> i64 {
        self.timestamp
    }

    /// X-TC-Token; **not** under the signature unless SignedHeaders names it.
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// The headers that the signature covers, lower case, in the client's order.
    pub fn signed_headers(&self) -> &[String] {
        &self.signed_headers
    }

    /// The signature's bytes.
    pub(super) fn proof(&self) -> &[u8] {
        &self.proof
    }

    pub(super) fn verify(&self, wire: &Wire, secret: &SecretKey, cloud_hosts: &[&str]) -> Result<(), SignError> {
        let places = place::candidates(wire, cloud_hosts)?;
        let key = signing_mac(secret, &self.date, &self.service);
        let payload_hash = payload_hash(&wire.method, &wire.body, self.is_payload_unsigned);
        let headers = values(&self.signed_headers, wire)?;
        let names = self.signed_headers.join(";");
        let holds = |place: &Place<'_>, change: fn(&[u8]) -> Cow<'_, [u8]>| {
            let value = |name: &str, value| if name == "host" { place.host.as_bytes() } else { value };
            let headers: Vec<_> = headers.iter().map(|(name, sent)| (*name, change(value(name, sent)))).collect();
            let canonical = Canonical {
                method: &wire.method,
                path: place.path,
                query: &wire.raw_query,
                headers: &headers,
                signed_headers: &names,
                payload_hash: &payload_hash,
            };
            canonical.mac(&key, self.timestamp, &self.date, &self.service).verify_slice(&self.proof).is_ok()
        };
        // Every SDK signs values as they are; the documentation's own samples sign them in lower case.
        if places.iter().any(|place| holds(place, verbatim) || holds(place, lower_case)) {
            return Ok(());
        }
        Err(SignError::Mismatch { scheme: SCHEME, host: printable(place::host_header(wire)?, 100) })
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorization")
            .field("key_id", &self.key_id)
            .field("service", &self.service)
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
    payload_hash: &'a str,
}

impl Canonical<'_> {
    /// Hashed piece by piece instead of being written out.
    fn hash(&self) -> String {
        // A POST's query string is not covered by the scheme.
        let query = if self.method == Method::GET { self.query } else { "" };
        let mut hash = Sha256::new();
        for piece in [self.method.as_str(), "\n", self.path, "\n", query, "\n"] {
            hash.update(piece);
        }
        for (name, value) in self.headers {
            hash.update(name);
            hash.update(":");
            hash.update(value);
            hash.update("\n");
        }
        for piece in ["\n", self.signed_headers, "\n", self.payload_hash] {
            hash.update(piece);
        }
        hex::encode(hash.finalize())
    }

    /// The HMAC over the string to sign, not yet finished: to be compared, or to be written.
    fn mac(&self, key: &Hmac<Sha256>, timestamp: i64, date: &str, service: &str) -> Hmac<Sha256> {
        let text = format!("{SCHEME}\n{timestamp}\n{date}/{service}/{TERMINATOR}\n{}", self.hash());
        key.clone().chain_update(text)
    }
}

/// `HMAC(HMAC(HMAC("TC3" + key, date), service), "tc3_request")`, as the key of the last HMAC.
fn signing_mac(secret: &SecretKey, date: &str, service: &str) -> Hmac<Sha256> {
    let start = Zeroizing::new([b"TC3".as_slice(), secret.bytes()].concat());
    let date = derived(&start, date);
    let service = derived(&*date, service);
    keyed(&*derived(&*service, TERMINATOR))
}

fn derived(key: &[u8], text: &str) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(keyed::<Hmac<Sha256>>(key).chain_update(text).finalize().into_bytes().into())
}

fn payload_hash(method: &Method, body: &[u8], is_unsigned: bool) -> String {
    let payload = match (is_unsigned, method == Method::GET) {
        (true, _) => UNSIGNED_PAYLOAD,
        (false, true) => b"",
        (false, false) => body,
    };
    hex::encode(Sha256::digest(payload))
}

fn verbatim(value: &[u8]) -> Cow<'_, [u8]> {
    Cow::Borrowed(value)
}

fn lower_case(value: &[u8]) -> Cow<'_, [u8]> {
    Cow::Owned(value.to_ascii_lowercase())
}

fn utc_date(timestamp: i64) -> Result<String, SignError> {
    let out_of_range = SignError::Malformed("the timestamp has no calendar date");
    match Timestamp::from_second(timestamp) {
        Ok(time) if timestamp >= 0 => Ok(time.to_zoned(TimeZone::UTC).date().to_string()),
        _ => Err(out_of_range),
    }
}

#[cfg(test)]
mod tests;
