//! The issued keys as the request path sees them: all of them in memory, read again every second or two by a job, so
//! that a revocation reaches every replica within 5 s and a store that is away does not stop those who call.
//!
//! What somebody unknown can make it do is bounded: an id that is not in memory is looked up in the store at most
//! [`KeyringLimits::lookups_per_second`] times a second over all ids, and not twice for the same id within
//! [`KeyringLimits::miss_for`]. It verifies nothing; it says whose key it is.

mod misses;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use jiff::Timestamp;
use tokio::time::Instant;

use self::misses::{Found, Misses};
use super::seal::SealingKeys;
use crate::call::{Clock, Refusal};
use crate::sign::SecretKey;
use crate::store::{KeyRow, Store, StoreError};

/// How long and how often; the defaults are those of the configuration.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct KeyringLimits {
    /// How long keys in memory are believed after the store was last read. Default 10 min.
    pub stale_for: Duration,
    /// How long an id that the store does not know is taken as unknown without asking again. Default 1 s: a key that
    /// was just created elsewhere works that soon.
    pub miss_for: Duration,
    /// How many look-ups of unknown ids reach the store in a second. Default 20.
    pub lookups_per_second: u32,
}

/// All issued keys.
pub struct Keyring {
    store: Arc<dyn Store>,
    sealing: Arc<SealingKeys>,
    clock: Clock,
    limits: KeyringLimits,
    keys: ArcSwap<HashMap<String, Arc<Held>>>,
    read_at: Mutex<Instant>,
    misses: Mutex<Misses>,
    used: Mutex<HashMap<String, Timestamp>>,
    refreshing: tokio::sync::Mutex<()>,
}

/// An issued key that is accepted now.
#[derive(Clone, Debug)]
pub struct IssuedKey {
    /// The public half.
    pub key_id: String,
    /// The caller that it was issued to.
    pub caller: String,
    /// What signatures are verified with.
    pub secret: SecretKey,
    /// When it stops to be accepted.
    pub expires_at: Option<Timestamp>,
}

/// A key as it is held: its row, and its secret if the sealing keys open it.
struct Held {
    row: KeyRow,
    secret: Option<SecretKey>,
}

impl Default for KeyringLimits {
    fn default() -> KeyringLimits {
        KeyringLimits { stale_for: Duration::from_secs(600), miss_for: Duration::from_secs(1), lookups_per_second: 20 }
    }
}

impl Keyring {
    /// Reads every key. One whose secret does not open is told in the log and refused when it is used.
    ///
    /// # Errors
    /// The store does not answer: there is nothing to start with.
    pub async fn load(
        store: Arc<dyn Store>,
        sealing: Arc<SealingKeys>,
        clock: Clock,
        limits: KeyringLimits,
    ) -> Result<Keyring, StoreError> {
        let now = Instant::now();
        let keyring = Keyring {
            store,
            sealing,
            clock,
            limits,
            keys: ArcSwap::default(),
            read_at: Mutex::new(now),
            misses: Mutex::new(Misses::new(limits.lookups_per_second, limits.miss_for, now)),
            used: Mutex::default(),
            refreshing: tokio::sync::Mutex::default(),
        };
        keyring.read_all().await?;
        Ok(keyring)
    }

    /// The key of this id, if it is accepted now.
    ///
    /// # Errors
    /// `KeyUnknown`, `KeyRevoked`, `KeyExpired`; `AuditUnavailable` when the store has been away for too long to
    /// tell, or is away while an id has to be looked up; `Internal` when the key's secret does not open.
    pub async fn find(&self, key_id: &str) -> Result<IssuedKey, Refusal> {
        if lock(&self.read_at).elapsed() > self.limits.stale_for {
            return Err(Refusal::AuditUnavailable);
        }
        let held = match self.keys.load().get(key_id).cloned() {
            Some(held) => held,
            None => self.look_up(key_id).await?,
        };
        self.accepted(&held)
    }

    /// Notes that a key was used, in memory; [`Keyring::refresh`] writes it down.
    pub fn note_use(&self, key_id: &str) {
        let now = self.clock.now();
        let minute = Timestamp::from_second(now.as_second() - now.as_second().rem_euclid(60)).unwrap_or(now);
        let is_new = |held: &Arc<Held>| held.row.last_used_at.is_none_or(|noted| noted < minute);
        if self.keys.load().get(key_id).is_some_and(is_new) {
            lock(&self.used).insert(key_id.to_owned(), minute);
        }
    }

    /// Writes down when keys were used and reads all keys again. A job calls it every second or two; two at once wait
    /// for each other, so an older reading never replaces a newer one.
    ///
    /// # Errors
    /// The store; what was known stays.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        // Read first: a store that can't be written to must not hide a revocation.
        self.read_all().await?;
        self.write_uses().await
    }

    /// How long ago the store was last read, for the metrics and for readiness.
    pub fn age(&self) -> Duration {
        lock(&self.read_at).elapsed()
    }

    /// How many keys are held.
    pub fn len(&self) -> usize {
        self.keys.load().len()
    }

    /// Whether there is no key at all.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn accepted(&self, held: &Held) -> Result<IssuedKey, Refusal> {
        let row = &held.row;
        // Revoked is revoked whatever our clock says: the one of who revoked it may be ahead.
        if row.revoked_at.is_some() {
            return Err(Refusal::KeyRevoked);
        }
        if row.expires_at.is_some_and(|at| at <= self.clock.now()) {
            return Err(Refusal::KeyExpired);
        }
        let secret = held.secret.clone().ok_or(Refusal::Internal)?;
        Ok(IssuedKey { key_id: row.key_id.clone(), caller: row.caller.clone(), secret, expires_at: row.expires_at })
    }

    async fn look_up(&self, key_id: &str) -> Result<Arc<Held>, Refusal> {
        let Some(flight) = lock(&self.misses).join(key_id, Instant::now()) else {
            return Err(Refusal::KeyUnknown);
        };
        let found = flight.get_or_init(|| self.ask_store(key_id)).await.clone();
        lock(&self.misses).landed(key_id, &flight, Instant::now());
        match found {
            Found::Unknown => Err(Refusal::KeyUnknown),
            Found::StoreAway => Err(Refusal::AuditUnavailable),
            Found::Key(held) => Ok(self.keys.load().get(key_id).cloned().unwrap_or(held)),
        }
    }

    async fn ask_store(&self, key_id: &str) -> Found {
        match self.store.key(key_id).await {
            Ok(None) => Found::Unknown,
            Ok(Some(row)) => {
                let held = Arc::new(self.hold(row));
                self.keys.rcu(|keys| {
                    let mut keys = HashMap::clone(keys);
                    // A refresh that came in between knows better.
                    keys.entry(key_id.to_owned()).or_insert_with(|| Arc::clone(&held));
                    keys
                });
                Found::Key(held)
            }
            Err(error) => {
                tracing::warn!(%error, "an unknown key could not be looked up");
                Found::StoreAway
            }
        }
    }

    async fn read_all(&self) -> Result<(), StoreError> {
        let _one_at_a_time = self.refreshing.lock().await;
        let started = Instant::now();
        let rows = self.store.keys().await?;
        let before = self.keys.load_full();
        let keys = rows.into_iter().map(|row| {
            let held = match before.get(&row.key_id) {
                Some(known) if known.row == row => Arc::clone(known),
                // Opening costs; only what was sealed anew is opened anew.
                Some(known) if known.row.sealed_secret == row.sealed_secret && known.secret.is_some() => {
                    Arc::new(Held { secret: known.secret.clone(), row })
                }
                _ => Arc::new(self.hold(row)),
            };
            (held.row.key_id.clone(), held)
        });
        self.keys.store(Arc::new(keys.collect()));
        *lock(&self.read_at) = started;
        Ok(())
    }

    async fn write_uses(&self) -> Result<(), StoreError> {
        let used: Vec<(String, Timestamp)> = lock(&self.used).drain().collect();
        if used.is_empty() {
            return Ok(());
        }
        let written = self.store.touch_keys(&used).await;
        if written.is_err() {
            let mut waiting = lock(&self.used);
            for (key_id, at) in used {
                waiting.entry(key_id).or_insert(at);
            }
        }
        written
    }

    fn hold(&self, row: KeyRow) -> Held {
        let secret = match self.sealing.open(&row) {
            Ok(secret) => Some(secret),
            Err(error) => {
                tracing::error!(key.id = %row.key_id, %error, "an issued key can't be used");
                None
            }
        };
        Held { row, secret }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
