//! The hashes of a log: RFC 6962 section 2.1, with SHA-256.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

/// The length of a hash in bytes.
pub const HASH_BYTES: usize = 32;

/// A node of a log's tree. Shown in lower-case hexadecimal.
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Hash([u8; HASH_BYTES]);

/// A text or a column that holds no hashes.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("that is not a SHA-256 hash")]
pub struct NotAHash;

/// The hash of an entry with this content.
pub fn leaf(content: &[u8]) -> Hash {
    // The first byte keeps a leaf from being taken for a node, and the other way round.
    Hash(Sha256::new().chain_update([0]).chain_update(content).finalize().into())
}

/// The hash of a node with these children.
pub fn node(left: &Hash, right: &Hash) -> Hash {
    Hash(Sha256::new().chain_update([1]).chain_update(left.0).chain_update(right.0).finalize().into())
}

/// The hash of a tree over these, each taken for a leaf: how perfect subtrees of one height, and at the right end one
/// that is smaller, become a tree.
pub(super) fn join(hashes: &[Hash]) -> Hash {
    match hashes {
        [] => Hash::empty(),
        [one] => *one,
        several => {
            let (left, right) = several.split_at(1 << (several.len() - 1).ilog2());
            node(&join(left), &join(right))
        }
    }
}

impl Hash {
    /// The root of a log without entries: SHA-256 of nothing.
    pub fn empty() -> Hash {
        Hash(Sha256::digest([]).into())
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8; HASH_BYTES] {
        &self.0
    }

    /// As a checkpoint writes it: standard base64 with padding.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.0)
    }

    /// What [`Hash::to_base64`] wrote.
    ///
    /// # Errors
    /// Anything else.
    pub fn from_base64(text: &str) -> Result<Hash, NotAHash> {
        Hash::try_from(STANDARD.decode(text).map_err(|_| NotAHash)?.as_slice())
    }

    /// Hashes one after another, 32 bytes each: a tile's column.
    pub fn concat(hashes: &[Hash]) -> Vec<u8> {
        hashes.iter().flat_map(|hash| hash.0).collect()
    }

    /// What [`Hash::concat`] wrote.
    ///
    /// # Errors
    /// Not a multiple of 32 bytes.
    pub fn split(bytes: &[u8]) -> Result<Vec<Hash>, NotAHash> {
        match bytes.as_chunks() {
            (hashes, []) => Ok(hashes.iter().copied().map(Hash).collect()),
            _ => Err(NotAHash),
        }
    }

    /// [`Hash::concat`] in standard base64: a tile's line in an export.
    pub fn concat_base64(hashes: &[Hash]) -> String {
        STANDARD.encode(Hash::concat(hashes))
    }

    /// What [`Hash::concat_base64`] wrote.
    ///
    /// # Errors
    /// Anything else.
    pub fn split_base64(text: &str) -> Result<Vec<Hash>, NotAHash> {
        Hash::split(&STANDARD.decode(text).map_err(|_| NotAHash)?)
    }
}

impl From<[u8; HASH_BYTES]> for Hash {
    fn from(bytes: [u8; HASH_BYTES]) -> Hash {
        Hash(bytes)
    }
}

impl TryFrom<&[u8]> for Hash {
    type Error = NotAHash;

    fn try_from(bytes: &[u8]) -> Result<Hash, NotAHash> {
        bytes.try_into().map(Hash).map_err(|_| NotAHash)
    }
}

impl FromStr for Hash {
    type Err = NotAHash;

    fn from_str(text: &str) -> Result<Hash, NotAHash> {
        // One way of writing it, so that no change of a text goes unnoticed.
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(NotAHash);
        }
        let mut bytes = [0; HASH_BYTES];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| NotAHash)?;
        Ok(Hash(bytes))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Hash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Hash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Hash, D::Error> {
        std::borrow::Cow::<'_, str>::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
