//! Secrets in the configuration: written there, in the environment, or in a file of their own.
//!
//! A secret is never echoed: not by `Debug`, not by a type error, not in the lines that a mistake shows.

use secrecy::SecretString;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// Keys whose values are never shown.
pub(super) const NAMES: [&str; 4] = ["secret_key", "digest_key", "key", "url"];

/// Shortest text that may serve as an HMAC secret, in bytes: the output length of HMAC-SHA256 (RFC 7518, 3.2).
pub(super) const MINIMUM_HMAC_BYTES: usize = 32;

/// Secrets of 32 bytes and more that everybody knows: the examples of jwt.io and of RFC 7515, A.1.
const PUBLIC: [&str; 3] = [
    "a-string-secret-at-least-256-bits-long",
    "your-256-bit-secret-your-256-bit-secret",
    "AyM1SysPpbyDfZkqu3NaLrw4VPLxbpzlMrJ6LnbaWNhTCvfoJ9LC6yoE5Lw2MyNQ1xLC7jvpxX0vWLbpIxh2aw",
];

/// Distinct bytes below which a secret is a pattern, not a random text: 32 random hexadecimal digits have about 14.
const MINIMUM_DISTINCT: usize = 8;

/// A secret as written.
#[derive(Clone, Debug)]
pub(super) struct Written(pub(super) SecretString);

/// Why a text must not be an HMAC secret, if so.
pub(super) fn weakness(secret: &str) -> Option<String> {
    let mut seen = [false; 256];
    secret.bytes().for_each(|byte| seen[usize::from(byte)] = true);
    let distinct = seen.iter().filter(|seen| **seen).count();
    if secret.len() < MINIMUM_HMAC_BYTES {
        Some(format!("the secret has {} bytes, it needs {MINIMUM_HMAC_BYTES} or more", secret.len()))
    } else if PUBLIC.iter().any(|public| secret.contains(public)) {
        Some("the secret is publicly known".to_owned())
    } else if distinct < MINIMUM_DISTINCT {
        Some("the secret repeats a few characters".to_owned())
    } else {
        None
    }
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Written, D::Error> {
        // The original error would quote the value.
        let text = String::deserialize(deserializer).map_err(|_| D::Error::custom("a secret must be a text"))?;
        Ok(Written(SecretString::from(text)))
    }
}
