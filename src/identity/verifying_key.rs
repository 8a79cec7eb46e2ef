//! A key that verifies tokens: its kind fixes the one algorithm that it can be used for. Weak keys are refused here,
//! before any token is seen.

mod roca;

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};

/// The shortest HMAC secret in bytes, RFC 7518 section 3.2.
pub const SHORTEST_SECRET: usize = 32;

/// The shortest RSA modulus in bits, RFC 7518 section 3.3; aws-lc takes up to 8192.
const SHORTEST_MODULUS: usize = 2048;

/// Secrets that stand in documentation, examples and default configurations, and are tried first by everyone.
const KNOWN_SECRETS: [&str; 14] = [
    "your-256-bit-secret",
    "your-384-bit-secret",
    "your-512-bit-secret",
    "your-secret-key",
    "a-string-secret-at-least-256-bits-long",
    "a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long",
    "qwertyuiopasdfghjklzxcvbnm123456",
    "secret",
    "changeme",
    "change-me",
    "password",
    "example",
    "default",
    "keyboard cat",
];

/// The algorithms that are served.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, serde::Deserialize, serde::Serialize)]
#[expect(missing_docs, reason = "RFC 7518 and RFC 8037 name them")]
pub enum JwsAlgorithm {
    #[serde(rename = "HS256")]
    Hs256,
    #[serde(rename = "RS256")]
    Rs256,
    #[serde(rename = "ES256")]
    Es256,
    #[serde(rename = "EdDSA")]
    EdDsa,
}

/// A key that verifies. It does not print.
#[derive(Clone)]
pub struct VerifyingKey {
    key_id: Option<String>,
    algorithm: JwsAlgorithm,
    key: DecodingKey,
}

/// Why a key is not taken, as the end of a sentence. Never any of it.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct KeyFault(pub &'static str);

impl JwsAlgorithm {
    /// Every algorithm.
    pub const ALL: [JwsAlgorithm; 4] =
        [JwsAlgorithm::Hs256, JwsAlgorithm::Rs256, JwsAlgorithm::Es256, JwsAlgorithm::EdDsa];

    /// The name as a header writes it, case and all.
    pub fn name(self) -> &'static str {
        match self {
            JwsAlgorithm::Hs256 => "HS256",
            JwsAlgorithm::Rs256 => "RS256",
            JwsAlgorithm::Es256 => "ES256",
            JwsAlgorithm::EdDsa => "EdDSA",
        }
    }

    /// The algorithm of this very name.
    pub fn by_name(name: &str) -> Option<JwsAlgorithm> {
        JwsAlgorithm::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    pub(super) fn of_library(self) -> Algorithm {
        match self {
            JwsAlgorithm::Hs256 => Algorithm::HS256,
            JwsAlgorithm::Rs256 => Algorithm::RS256,
            JwsAlgorithm::Es256 => Algorithm::ES256,
            JwsAlgorithm::EdDsa => Algorithm::EdDSA,
        }
    }
}

impl VerifyingKey {
    /// An HMAC secret, for HS256.
    ///
    /// # Errors
    /// Shorter than 32 bytes, all bytes equal, or publicly known.
    pub fn from_secret(secret: &[u8], key_id: Option<String>) -> Result<VerifyingKey, KeyFault> {
        check_secret(secret)?;
        Ok(VerifyingKey { key_id, algorithm: JwsAlgorithm::Hs256, key: DecodingKey::from_secret(secret) })
    }

    /// A public key in PEM (`PUBLIC KEY`, or `RSA PUBLIC KEY`), for one algorithm.
    ///
    /// # Errors
    /// It is not the public key of that algorithm, or too weak for it.
    pub fn from_pem(pem: &str, algorithm: JwsAlgorithm, key_id: Option<String>) -> Result<VerifyingKey, KeyFault> {
        // jsonwebtoken would take private keys and certificates too and guess which part of them is the key.
        let is_public = ["-----BEGIN PUBLIC KEY-----", "-----BEGIN RSA PUBLIC KEY-----"];
        if !is_public.iter().any(|begin| pem.trim_start().starts_with(begin)) {
            return Err(KeyFault("it is not a PEM file that begins with BEGIN PUBLIC KEY"));
        }
        let key = match algorithm {
            JwsAlgorithm::Hs256 => return Err(KeyFault("HS256 has a secret, not a public key")),
            JwsAlgorithm::Rs256 => DecodingKey::from_rsa_pem(pem.as_bytes()),
            JwsAlgorithm::Es256 => DecodingKey::from_ec_pem(pem.as_bytes()),
            JwsAlgorithm::EdDsa => DecodingKey::from_ed_pem(pem.as_bytes()),
        };
        let not_this_kind = KeyFault("it is not a public key of the kind that the algorithm needs");
        let key = key.map_err(|_| not_this_kind)?;
        let jwk = Jwk::from_decoding_key(&key, Some(algorithm.of_library())).map_err(|_| not_this_kind)?;
        VerifyingKey::new(&jwk, algorithm, key_id)
    }

    /// A public key out of a JWK. Symmetric ones are refused: what is published is no secret.
    ///
    /// # Errors
    /// Not for signatures, not for one of the algorithms served, malformed, or too weak.
    pub fn from_jwk(json: &str) -> Result<VerifyingKey, KeyFault> {
        let jwk: Jwk = serde_json::from_str(json).map_err(|_| KeyFault("it is not a JWK"))?;
        if !matches!(jwk.common.public_key_use, None | Some(PublicKeyUse::Signature)) {
            return Err(KeyFault("its use is not sig"));
        }
        if jwk.common.key_operations.as_ref().is_some_and(|uses| !uses.contains(&KeyOperations::Verify)) {
            return Err(KeyFault("its key_ops do not have verify"));
        }
        let algorithm = match &jwk.algorithm {
            AlgorithmParameters::RSA(_) => JwsAlgorithm::Rs256,
            AlgorithmParameters::EllipticCurve(_) => JwsAlgorithm::Es256,
            AlgorithmParameters::OctetKeyPair(_) => JwsAlgorithm::EdDsa,
            AlgorithmParameters::OctetKey(_) => return Err(KeyFault("it is symmetric")),
            _ => return Err(KeyFault("its kty is not one of RSA, EC, OKP")),
        };
        if jwk.common.key_algorithm.is_some_and(|named| named != algorithm.of_library().into()) {
            return Err(KeyFault("its alg is not one of RS256, ES256, EdDSA, or does not fit its kty"));
        }
        VerifyingKey::new(&jwk, algorithm, jwk.common.key_id.clone())
    }

    /// The id that a token's `kid` is compared with.
    pub fn key_id(&self) -> Option<&str> {
        self.key_id.as_deref()
    }

    /// The one algorithm of this key.
    pub fn algorithm(&self) -> JwsAlgorithm {
        self.algorithm
    }

    /// Whether `signature` (base64url) is this key's over `signed`.
    pub(super) fn verifies(&self, signed: &[u8], signature: &str) -> bool {
        jsonwebtoken::crypto::verify(signature, signed, &self.key, self.algorithm.of_library()).unwrap_or(false)
    }

    fn new(jwk: &Jwk, algorithm: JwsAlgorithm, key_id: Option<String>) -> Result<VerifyingKey, KeyFault> {
        match &jwk.algorithm {
            AlgorithmParameters::RSA(key) => check_rsa(&decode(&key.n)?, &decode(&key.e)?)?,
            AlgorithmParameters::EllipticCurve(key) => {
                if key.curve != EllipticCurve::P256 || decode(&key.x)?.len() != 32 || decode(&key.y)?.len() != 32 {
                    return Err(KeyFault("it is not a point of P-256"));
                }
            }
            AlgorithmParameters::OctetKeyPair(key) => {
                if key.curve != EllipticCurve::Ed25519 || decode(&key.x)?.len() != 32 {
                    return Err(KeyFault("it is not an Ed25519 key"));
                }
            }
            _ => return Err(KeyFault("its kty is not one of RSA, EC, OKP")),
        }
        let key = DecodingKey::from_jwk(jwk).map_err(|_| KeyFault("it is not a JWK"))?;
        Ok(VerifyingKey { key_id, algorithm, key })
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey")
            .field("key_id", &self.key_id)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}

/// Whether a secret is good enough to sign or verify with.
pub(super) fn check_secret(secret: &[u8]) -> Result<(), KeyFault> {
    let text = String::from_utf8_lossy(secret);
    let plain = text.trim().to_ascii_lowercase();
    // "secretsecretsecret…" is as well known as "secret".
    let repeats = |known: &str| {
        plain.contains(known)
            && plain.replace(known, "").bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_alphabetic())
    };
    if secret.len() < SHORTEST_SECRET {
        return Err(KeyFault("it is shorter than 32 bytes"));
    }
    if KNOWN_SECRETS.iter().any(|known| *known == plain || repeats(known)) {
        return Err(KeyFault("it is a publicly known secret"));
    }
    let distinct: std::collections::BTreeSet<u8> = secret.iter().copied().collect();
    if distinct.len() < 8 {
        return Err(KeyFault("it is not random, fewer than 8 of its bytes differ"));
    }
    Ok(())
}

fn check_rsa(modulus: &[u8], exponent: &[u8]) -> Result<(), KeyFault> {
    let significant = |bytes: &[u8]| bytes.iter().position(|byte| *byte != 0).map(|at| (bytes.len() - at, bytes[at]));
    let bits = significant(modulus).map_or(0, |(length, first)| length * 8 - first.leading_zeros() as usize);
    if bits < SHORTEST_MODULUS {
        return Err(KeyFault("its RSA modulus is shorter than 2048 bits"));
    }
    let is_odd = exponent.last().is_some_and(|last| last & 1 == 1);
    let is_more_than_one = significant(exponent).is_some_and(|(length, first)| length > 1 || first > 1);
    if !is_odd || !is_more_than_one {
        return Err(KeyFault("its RSA exponent is even or 1"));
    }
    if roca::is_vulnerable(modulus) {
        return Err(KeyFault("its RSA modulus has the weakness ROCA (CVE-2017-15361)"));
    }
    Ok(())
}

fn decode(text: &str) -> Result<Vec<u8>, KeyFault> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| KeyFault("a part of it is not base64url without padding"))
}

#[cfg(test)]
mod tests;
