//! Secrets in the configuration: written there, in the environment, or in a file of their own.
//!
//! A secret is never echoed: not by `Debug`, not by a type error, not in the lines that a mistake shows.

use secrecy::SecretString;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// Keys whose values are never shown.
pub(super) const NAMES: [&str; 7] =
    ["secret_key", "digest_key", "key", "previous_key", "url", "migrate_url", "second_url"];

/// A secret as written.
#[derive(Clone, Debug)]
pub(super) struct Written(pub(super) SecretString);

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Written, D::Error> {
        // The original error would quote the value.
        let text = String::deserialize(deserializer).map_err(|_| D::Error::custom("a secret must be a text"))?;
        Ok(Written(SecretString::from(text)))
    }
}
