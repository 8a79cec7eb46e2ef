//! JWS in its compact form: whether a text was signed with one of some keys. Nothing here knows claims, issuers or time.
//!
//! A key fixes the algorithm that it verifies; the header's `alg` only has to agree, so a public key can never serve as
//! an HMAC secret. Header members that bring keys or change what is signed are refused by name, and so are two members
//! of one name. The signatures themselves are jsonwebtoken's and aws-lc's business; jsonwebtoken's own `decode` is not
//! used because it takes the time from the system and keeps the last of two equal members.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::members::{Members, members};
use super::verifying_key::{JwsAlgorithm, VerifyingKey};

/// The longest token that is looked at, in bytes. Real ones have one to four thousand.
pub const LONGEST_TOKEN: usize = 16 * 1024;

/// Header members that name or bring a key, or change how the token is read (RFC 7515, 7516, 7797).
const REFUSED_MEMBERS: [&str; 9] = ["jku", "jwk", "x5u", "x5c", "crit", "b64", "zip", "enc", "epk"];

/// Why a text is not accepted as a JWS, as the end of the sentence "the token is not accepted, …". Never any of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct JwsFault(pub &'static str);

/// A JWS taken apart; nothing about it is proven yet.
pub(super) struct Compact<'t> {
    pub(super) algorithm: JwsAlgorithm,
    pub(super) key_id: Option<String>,
    pub(super) media_type: Option<String>,
    pub(super) payload: Vec<u8>,
    signed: &'t str,
    signature: &'t str,
}

/// The payload of a JWS that one of `keys` signed.
///
/// # Errors
/// It is not one, or none of the keys made it.
pub fn verify_jws(text: &str, keys: &[VerifyingKey]) -> Result<Vec<u8>, JwsFault> {
    let compact = Compact::read(text)?;
    compact.verify(keys.iter())?;
    Ok(compact.payload)
}

impl<'t> Compact<'t> {
    /// Takes a text apart.
    pub(super) fn read(text: &'t str) -> Result<Compact<'t>, JwsFault> {
        if text.len() > LONGEST_TOKEN {
            return Err(JwsFault("it is longer than 16 KiB"));
        }
        let three_parts = JwsFault("it does not have three parts with dots in between");
        let (signed, signature) = text.rsplit_once('.').ok_or(three_parts)?;
        let (header, payload) = signed.split_once('.').filter(|(_, rest)| !rest.contains('.')).ok_or(three_parts)?;
        let header = decode(header)?;
        let header = members(&header).map_err(|_| JwsFault("its header is not a JSON object with unique members"))?;
        if REFUSED_MEMBERS.iter().any(|name| header.has(name)) {
            return Err(JwsFault("its header has one of jku, jwk, x5u, x5c, crit, b64, zip, enc, epk"));
        }
        let algorithm = header.text("alg").ok().flatten().and_then(|name| JwsAlgorithm::by_name(&name));
        let algorithm = algorithm.ok_or(JwsFault("its alg is not one of HS256, RS256, ES256, EdDSA"))?;
        let (key_id, media_type) = (text_member(&header, "kid")?, text_member(&header, "typ")?);
        Ok(Compact { algorithm, key_id, media_type, payload: decode(payload)?, signed, signature })
    }

    /// Whether the key could have signed this: its algorithm is that of the header, and its id too, if both have one.
    pub(super) fn may_be_by(&self, key: &VerifyingKey) -> bool {
        let names_other = matches!((&self.key_id, key.key_id()), (Some(named), Some(id)) if named != id);
        key.algorithm() == self.algorithm && !names_other
    }

    /// Whether one of the keys signed this.
    pub(super) fn verify<'k>(&self, mut keys: impl Iterator<Item = &'k VerifyingKey>) -> Result<(), JwsFault> {
        let signed = |key: &VerifyingKey| self.may_be_by(key) && key.verifies(self.signed.as_bytes(), self.signature);
        if keys.any(signed) { Ok(()) } else { Err(JwsFault("no key of its issuer verifies its signature")) }
    }
}

/// base64url without padding, and in the one way of writing it: no unused bits, no other characters.
fn decode(part: &str) -> Result<Vec<u8>, JwsFault> {
    URL_SAFE_NO_PAD.decode(part).map_err(|_| JwsFault("a part of it is not base64url without padding"))
}

fn text_member(header: &Members<'_>, name: &str) -> Result<Option<String>, JwsFault> {
    header.text(name).map_err(|_| JwsFault("its kid or typ is not text"))
}

#[cfg(test)]
mod tests;
