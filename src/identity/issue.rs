//! Making, listing, rotating and revoking key pairs. The secret half leaves this file once, when it is made; after
//! that only sealed bytes exist, in the store.

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use super::random::{Random, RandomUnavailable, alphanumeric};
use super::seal::{SealError, SealingKeys};
use crate::store::{KeyRow, KeyState, Store, StoreError};

/// What every key id begins with. Every family's SDKs take any text; this is how real ones of one cloud begin.
const PREFIX: &str = "AKID";

/// Random characters after the prefix: with it 36, as long as those.
const ID_CHARACTERS: usize = 32;

/// Characters of a secret: 40 out of 62 are 238 bits.
const SECRET_CHARACTERS: usize = 40;

/// Issues key pairs into a store.
pub struct KeyIssuer<'a> {
    store: &'a dyn Store,
    sealing: &'a SealingKeys,
    random: &'a dyn Random,
}

/// A key pair just made. This is the only time that its secret can be read.
#[derive(Debug)]
pub struct IssuedPair {
    /// The public half (SecretId, AccessKeyId).
    pub key_id: String,
    /// The secret half.
    pub secret_key: SecretString,
    /// The caller that it was issued to.
    pub caller: String,
    /// When it stops to be accepted.
    pub expires_at: Option<Timestamp>,
}

/// A key pair as a list shows it.
#[derive(Clone, Debug, Eq, PartialEq, serde::Serialize)]
pub struct KeyListing {
    /// The public half.
    pub secret_id: String,
    /// The caller that it was issued to.
    pub caller: String,
    /// Whether it is accepted now.
    pub status: KeyStatus,
    /// When it was issued.
    pub created_at: Timestamp,
    /// When it stops, or stopped, to be accepted.
    pub expires_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
    /// When it was last used, to the minute.
    pub last_used_at: Option<Timestamp>,
    /// Which sealing key seals its secret.
    pub sealed_with: String,
}

/// Whether a key is accepted.
#[derive(Clone, Copy, Debug, Eq, PartialEq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum KeyStatus {
    /// It is.
    Active,
    /// Not any more, its time is over.
    Expired,
    /// Not any more, somebody said so.
    Revoked,
}

/// Why a key could not be issued or ended.
#[derive(Debug, thiserror::Error)]
pub enum IssueError {
    /// There is no such key.
    #[error("there is no key {0}")]
    NoSuchKey(String),
    /// A key that is not accepted any more can't be rotated.
    #[error("the key {0} is revoked or expired; create a new one instead")]
    Ended(String),
    /// It would end before it begins.
    #[error("the key would expire at {0}, which is not in the future")]
    ExpiresTooEarly(Timestamp),
    /// Its secret could not be sealed.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// No randomness.
    #[error(transparent)]
    Random(#[from] RandomUnavailable),
    /// The store did not do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl<'a> KeyIssuer<'a> {
    /// An issuer over a store.
    pub fn new(store: &'a dyn Store, sealing: &'a SealingKeys, random: &'a dyn Random) -> KeyIssuer<'a> {
        KeyIssuer { store, sealing, random }
    }

    /// A new key pair for `caller`.
    ///
    /// # Errors
    /// `expires_at` is not after `now`; no randomness; the store.
    pub async fn create(
        &self,
        caller: &str,
        now: Timestamp,
        expires_at: Option<Timestamp>,
    ) -> Result<IssuedPair, IssueError> {
        if let Some(early) = expires_at.filter(|at| *at <= now) {
            return Err(IssueError::ExpiresTooEarly(early));
        }
        let key_id = format!("{PREFIX}{}", alphanumeric(self.random, ID_CHARACTERS)?);
        let secret = zeroize::Zeroizing::new(alphanumeric(self.random, SECRET_CHARACTERS)?);
        self.insert(&key_id, &secret, caller, now, expires_at).await?;
        let secret_key = SecretString::from(secret.as_str());
        Ok(IssuedPair { key_id, secret_key, caller: caller.to_owned(), expires_at })
    }

    /// Takes in a pair that was made elsewhere, such as the one that quickstart keeps in its data folder and that
    /// several instances bring along at once. False when a key of that id is there already; it is left as it is.
    ///
    /// # Errors
    /// No randomness; the store.
    pub async fn adopt(&self, key_id: &str, secret: &str, caller: &str, now: Timestamp) -> Result<bool, IssueError> {
        if self.store.key(key_id).await?.is_some() {
            return Ok(false);
        }
        match self.insert(key_id, secret, caller, now, None).await {
            Ok(()) => Ok(true),
            Err(IssueError::Store(StoreError::Exists(_))) => Ok(false),
            Err(other) => Err(other),
        }
    }

    /// Every key, oldest first.
    ///
    /// # Errors
    /// The store.
    pub async fn list(&self, now: Timestamp) -> Result<Vec<KeyListing>, IssueError> {
        let rows = self.store.keys().await?;
        Ok(rows.into_iter().map(|row| KeyListing::of(row, now)).collect())
    }

    /// A new pair for the caller of `key_id`; the old one is accepted for `overlap` more, or until it ends anyway.
    ///
    /// # Errors
    /// No such key; one that is not accepted any more; no randomness; the store.
    pub async fn rotate(
        &self,
        key_id: &str,
        overlap: SignedDuration,
        now: Timestamp,
    ) -> Result<IssuedPair, IssueError> {
        let old = self.store.key(key_id).await?.ok_or_else(|| IssueError::NoSuchKey(key_id.to_owned()))?;
        let ends = now.checked_add(overlap).unwrap_or(Timestamp::MAX);
        if KeyStatus::of(&old, now) != KeyStatus::Active {
            return Err(IssueError::Ended(key_id.to_owned()));
        }
        // The new one first: whatever fails in between, the caller has a pair that works.
        let new = self.create(&old.caller, now, None).await?;
        if old.expires_at.is_none_or(|at| at > ends) {
            self.end(key_id, KeyState::Expires(ends)).await?;
        }
        Ok(new)
    }

    /// Ends a key for good; every replica refuses it once it has refreshed its keys.
    ///
    /// # Errors
    /// No such key; the store.
    pub async fn revoke(&self, key_id: &str, now: Timestamp) -> Result<(), IssueError> {
        self.end(key_id, KeyState::Revoked(now)).await
    }

    /// Seals every key anew that is not sealed with the first sealing key, so that the others can be retired. How many
    /// that were.
    ///
    /// # Errors
    /// A seal that does not open, with whose key; no randomness; the store. What was done until then stays.
    pub async fn reseal_all(&self) -> Result<usize, IssueError> {
        let mut resealed = 0;
        for row in self.store.keys().await? {
            if let Some(sealed) = self.sealing.reseal(self.random, &row)? {
                let done = self.store.reseal_key(&row, &sealed.bytes, &sealed.with).await?;
                resealed += usize::from(done);
            }
        }
        Ok(resealed)
    }

    async fn end(&self, key_id: &str, state: KeyState) -> Result<(), IssueError> {
        if self.store.end_key(key_id, state).await? { Ok(()) } else { Err(IssueError::NoSuchKey(key_id.to_owned())) }
    }

    async fn insert(
        &self,
        key_id: &str,
        secret: &str,
        caller: &str,
        now: Timestamp,
        expires_at: Option<Timestamp>,
    ) -> Result<(), IssueError> {
        let sealed = self.sealing.seal(self.random, key_id, caller, secret.as_bytes())?;
        let row = KeyRow {
            key_id: key_id.to_owned(),
            caller: caller.to_owned(),
            sealed_secret: sealed.bytes,
            sealed_with: sealed.with,
            created_at: now,
            expires_at,
            revoked_at: None,
            last_used_at: None,
        };
        Ok(self.store.insert_key(&row).await?)
    }
}

impl KeyStatus {
    /// The state of a key at a time. A revoked key is revoked whatever the time: the clock of the machine that revoked
    /// it may be ahead of ours.
    pub fn of(row: &KeyRow, now: Timestamp) -> KeyStatus {
        match (row.revoked_at, row.expires_at) {
            (Some(_), _) => KeyStatus::Revoked,
            (None, Some(at)) if at <= now => KeyStatus::Expired,
            (None, _) => KeyStatus::Active,
        }
    }
}

impl KeyListing {
    fn of(row: KeyRow, now: Timestamp) -> KeyListing {
        KeyListing {
            status: KeyStatus::of(&row, now),
            secret_id: row.key_id,
            caller: row.caller,
            created_at: row.created_at,
            expires_at: row.expires_at,
            revoked_at: row.revoked_at,
            last_used_at: row.last_used_at,
            sealed_with: row.sealed_with,
        }
    }
}

#[cfg(test)]
mod tests;
