//! The secret half of a key pair. It can be signed with and nothing else: it does not print, and its memory is wiped.

use std::fmt;

use hmac::{KeyInit, Mac};
use zeroize::Zeroizing;

/// A SecretKey, wiped from memory when dropped. `Debug` shows that there is one, never what it is.
#[derive(Clone)]
pub struct SecretKey(Zeroizing<Vec<u8>>);

impl SecretKey {
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl From<String> for SecretKey {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text.into_bytes()))
    }
}

impl From<Vec<u8>> for SecretKey {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(..)")
    }
}

/// An HMAC that is ready for its first byte.
#[expect(clippy::expect_used, reason = "HMAC is defined for keys of every length; the crate's error is its trait's")]
pub(super) fn keyed<M: Mac + KeyInit>(key: &[u8]) -> M {
    <M as KeyInit>::new_from_slice(key).expect("HMAC takes a key of any length")
}
