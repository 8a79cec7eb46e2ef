//! Issued secrets at rest: AES-256-GCM under a ring of sealing keys, the first of which seals while all of them open.
//!
//! What is sealed is bound to the key id and caller that it belongs to and to the sealing key's name, so a row's secret moved to
//! another row does not open. Where the sealing keys come from is the configuration's business.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use zeroize::Zeroizing;

use super::random::{Random, RandomUnavailable};
use crate::sign::SecretKey;
use crate::store::KeyRow;

/// The length of a sealing key in bytes.
pub const SEALING_KEY_BYTES: usize = 32;

/// The first byte of everything sealed; another layout gets another number.
const LAYOUT: u8 = 1;

/// The sealing keys: the first seals, all open.
pub struct SealingKeys(Vec<SealingKey>);

/// What came of sealing.
#[derive(Clone, Eq, PartialEq)]
pub struct Sealed {
    /// The sealed bytes, for [`KeyRow::sealed_secret`].
    pub bytes: Vec<u8>,
    /// The sealing key's name, for [`KeyRow::sealed_with`].
    pub with: String,
}

/// Why a secret could not be sealed or opened. No variant carries key material.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum SealError {
    /// A ring without keys.
    #[error("at least one sealing key is needed")]
    NoKey,
    /// A key of another length than 32 bytes.
    #[error("the sealing key {name} has {length} bytes, it must have 32")]
    WrongLength {
        /// The key's name.
        name: String,
        /// Its length in bytes.
        length: usize,
    },
    /// A key that is easily guessed: all its bytes are equal.
    #[error("the sealing key {0} is not random, all its bytes are equal")]
    NotRandom(String),
    /// Two keys with one name, or a key without one.
    #[error("sealing keys need names of their own, {0:?} is empty or given twice")]
    BadName(String),
    /// The row was sealed with a key that the ring lacks.
    #[error("the key {key_id} was sealed with {sealed_with}, which is not among the sealing keys")]
    UnknownKey {
        /// The issued key's id.
        key_id: String,
        /// The sealing key's name.
        sealed_with: String,
    },
    /// The bytes were altered, belong to another key id, or the sealing key of this name is another one now.
    #[error("the secret of key {0} does not open, it was altered or the sealing key of that name has changed")]
    DoesNotOpen(String),
    /// No randomness for a nonce.
    #[error(transparent)]
    Random(#[from] RandomUnavailable),
}

struct SealingKey {
    name: String,
    key: LessSafeKey,
}

impl SealingKeys {
    /// A ring out of names and keys, the one that seals first.
    ///
    /// # Errors
    /// No key at all, a key that is not 32 bytes or not random, a name that is empty or given twice.
    pub fn new(keys: Vec<(String, Zeroizing<Vec<u8>>)>) -> Result<SealingKeys, SealError> {
        let mut ring: Vec<SealingKey> = Vec::with_capacity(keys.len());
        for (name, bytes) in keys {
            if name.is_empty() || ring.iter().any(|known| known.name == name) {
                return Err(SealError::BadName(name));
            }
            if bytes.iter().all(|byte| Some(byte) == bytes.first()) && bytes.len() == SEALING_KEY_BYTES {
                return Err(SealError::NotRandom(name));
            }
            let wrong_length = SealError::WrongLength { name: name.clone(), length: bytes.len() };
            let key = UnboundKey::new(&AES_256_GCM, &bytes).map_err(|_| wrong_length)?;
            ring.push(SealingKey { name, key: LessSafeKey::new(key) });
        }
        if ring.is_empty() { Err(SealError::NoKey) } else { Ok(SealingKeys(ring)) }
    }

    /// Seals the secret of `key_id` with the first key.
    ///
    /// # Errors
    /// No randomness, or no key.
    pub fn seal(&self, random: &dyn Random, key_id: &str, caller: &str, secret: &[u8]) -> Result<Sealed, SealError> {
        let sealing = self.0.first().ok_or(SealError::NoKey)?;
        let mut nonce = [0_u8; NONCE_LEN];
        random.fill(&mut nonce)?;
        // Sealed in a buffer that is large enough from the start: growing would leave the plain secret behind.
        let mut sealed = Vec::with_capacity(secret.len() + AES_256_GCM.tag_len());
        sealed.extend_from_slice(secret);
        let bound = Aad::from(bound_to(&sealing.name, key_id, caller));
        let nonce_used = Nonce::assume_unique_for_key(nonce);
        let outcome = sealing.key.seal_in_place_append_tag(nonce_used, bound, &mut sealed);
        outcome.map_err(|_| SealError::DoesNotOpen(key_id.to_owned()))?;
        let bytes = [&[LAYOUT], nonce.as_slice(), &sealed].concat();
        Ok(Sealed { bytes, with: sealing.name.clone() })
    }

    /// Opens the secret of an issued key.
    ///
    /// # Errors
    /// The sealing key is not in the ring, or the bytes are not what was sealed for this key id.
    pub fn open(&self, row: &KeyRow) -> Result<SecretKey, SealError> {
        let plain = self.open_bytes(row)?;
        Ok(SecretKey::from(plain.to_vec()))
    }

    /// Seals a row anew with the first key; none when that is how it is sealed already.
    ///
    /// # Errors
    /// As [`SealingKeys::open`] and [`SealingKeys::seal`].
    pub fn reseal(&self, random: &dyn Random, row: &KeyRow) -> Result<Option<Sealed>, SealError> {
        if self.0.first().is_some_and(|first| first.name == row.sealed_with) {
            return Ok(None);
        }
        let plain = self.open_bytes(row)?;
        self.seal(random, &row.key_id, &row.caller, &plain).map(Some)
    }

    fn open_bytes(&self, row: &KeyRow) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let found = self.0.iter().find(|known| known.name == row.sealed_with);
        let sealing = found.ok_or_else(|| SealError::UnknownKey {
            key_id: row.key_id.clone(),
            sealed_with: row.sealed_with.clone(),
        })?;
        let does_not_open = || SealError::DoesNotOpen(row.key_id.clone());
        let (layout, rest) = row.sealed_secret.split_first().ok_or_else(does_not_open)?;
        let (nonce, sealed) = rest.split_at_checked(NONCE_LEN).ok_or_else(does_not_open)?;
        if *layout != LAYOUT {
            return Err(does_not_open());
        }
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| does_not_open())?;
        let mut plain = Zeroizing::new(sealed.to_vec());
        let bound = Aad::from(bound_to(&sealing.name, &row.key_id, &row.caller));
        let length = sealing.key.open_in_place(nonce, bound, &mut plain).map_err(|_| does_not_open())?.len();
        plain.truncate(length);
        Ok(plain)
    }
}

/// Lengths are part of it, so that no other pair of names gives the same bytes.
fn bound_to(sealing_key: &str, key_id: &str, caller: &str) -> Vec<u8> {
    let mut bound = b"dts-gateway issued key".to_vec();
    for part in [sealing_key, key_id, caller] {
        bound.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bound.extend_from_slice(part.as_bytes());
    }
    bound
}

impl fmt::Debug for SealingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|key| &key.name)).finish()
    }
}

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sealed").field("with", &self.with).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
