//! An issuer's published key set: read when it is due, and once more when a token names a key that is not in it.
//!
//! What a caller can cause is one fetch a minute, however many unknown keys it names. A set that can't be read leaves the
//! last one in force; one that can replaces it whole, so a key that its issuer withdrew is not accepted any more.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use arc_swap::ArcSwap;
use async_trait::async_trait;
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::issuer::has_twins;
use super::verifying_key::VerifyingKey;

/// The largest key set in bytes.
pub const LARGEST_KEY_SET: usize = 256 * 1024;

/// The most keys that are taken from a set, so that a token without `kid` costs at most so many verifications.
const MOST_KEYS: usize = 64;

/// Between two fetches that unknown keys cause.
const BETWEEN_LOOKS: Duration = Duration::from_secs(60);

/// How long one fetch may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// After a fetch that failed the job tries again so soon.
const AFTER_FAILURE: Duration = Duration::from_secs(15);

/// How often a set may be read at most and must be read at least.
const BOUNDS: (Duration, Duration) = (Duration::from_secs(300), Duration::from_secs(86_400));

/// Something that can read a URL.
#[async_trait]
pub trait Fetch: Send + Sync {
    /// The body of a `200` answer, at most `limit` bytes. Redirects are not followed.
    ///
    /// # Errors
    /// No answer, another status, more bytes; the text is for the log.
    async fn fetch(&self, url: &str, limit: usize) -> Result<Bytes, FetchError>;
}

/// Why a URL could not be read.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("{0}")]
pub struct FetchError(pub String);

/// One issuer's key set.
pub(super) struct Jwks {
    issuer: String,
    url: String,
    every: Duration,
    fetch: Arc<dyn Fetch>,
    keys: ArcSwap<Vec<VerifyingKey>>,
    generation: AtomicU64,
    /// The bytes last read: equal ones change nothing. Held while a fetch is under way: one at a time.
    reading: Mutex<Reading>,
}

#[derive(Default)]
struct Reading {
    bytes: Bytes,
    due: Option<Instant>,
    looked: Option<Instant>,
}

#[derive(Deserialize)]
struct KeySet<'j> {
    #[serde(borrow)]
    keys: Vec<&'j RawValue>,
}

impl Jwks {
    pub(super) fn new(issuer: &str, url: &str, every: Duration, fetch: Arc<dyn Fetch>) -> Result<Jwks, &'static str> {
        let local = ["http://127.0.0.1", "http://localhost", "http://[::1]"];
        let is_local = local.iter().filter_map(|own| url.strip_prefix(own)).any(|rest| rest.starts_with([':', '/']));
        if !url.starts_with("https://") && !is_local {
            return Err("its JWKS URL must be https, or http on this machine");
        }
        Ok(Jwks {
            issuer: issuer.to_owned(),
            url: url.to_owned(),
            every: every.clamp(BOUNDS.0, BOUNDS.1),
            fetch,
            keys: ArcSwap::default(),
            generation: AtomicU64::new(0),
            reading: Mutex::default(),
        })
    }

    pub(super) fn keys(&self) -> Arc<Vec<VerifyingKey>> {
        self.keys.load_full()
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The keys, read anew if nobody looked within the last minute. All who come while one looks get what it finds.
    pub(super) async fn look_again(&self) -> Arc<Vec<VerifyingKey>> {
        let before = self.generation();
        let mut reading = self.reading.lock().await;
        let has_changed = self.generation() != before;
        let looked_lately = reading.looked.is_some_and(|at| at.elapsed() < BETWEEN_LOOKS);
        if !has_changed && !looked_lately {
            reading.looked = Some(Instant::now());
            self.read(&mut reading).await;
        }
        self.keys()
    }

    /// Reads the set when it is due; while another reading is under way there is nothing to do.
    pub(super) async fn refresh_if_due(&self) {
        let Ok(mut reading) = self.reading.try_lock() else { return };
        if reading.due.is_none_or(|due| due <= Instant::now()) {
            self.read(&mut reading).await;
        }
    }

    async fn read(&self, reading: &mut Reading) {
        let fetched = tokio::time::timeout(PATIENCE, self.fetch.fetch(&self.url, LARGEST_KEY_SET)).await;
        let outcome = match fetched {
            Ok(Ok(bytes)) if bytes.len() > LARGEST_KEY_SET => Err("it is larger than 256 KiB".to_owned()),
            Ok(Ok(bytes)) => self.take(reading, bytes),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("no answer within 5 s".to_owned()),
        };
        let wait = match outcome {
            Ok(()) => self.every,
            Err(why) => {
                tracing::warn!(issuer = %self.issuer, why, "the key set can't be read, the last one stays in force");
                AFTER_FAILURE
            }
        };
        reading.due = Some(Instant::now() + wait);
    }

    fn take(&self, reading: &mut Reading, bytes: Bytes) -> Result<(), String> {
        if self.generation() > 0 && reading.bytes == bytes {
            return Ok(());
        }
        let keys = read_key_set(&bytes)?;
        tracing::info!(issuer = %self.issuer, keys = keys.len(), "the key set was read");
        self.keys.store(Arc::new(keys));
        self.generation.fetch_add(1, Ordering::AcqRel);
        reading.bytes = bytes;
        Ok(())
    }
}

impl fmt::Debug for Jwks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jwks").field("url", &self.url).field("keys", &self.keys()).finish_non_exhaustive()
    }
}

/// The keys of a set that can be used here; others, symmetric and weak ones among them, are passed over. One that can't
/// tell its keys apart is refused whole.
pub(super) fn read_key_set(bytes: &[u8]) -> Result<Vec<VerifyingKey>, String> {
    let set: KeySet<'_> = serde_json::from_slice(bytes).map_err(|_| "it is not a JWK set".to_owned())?;
    let usable = set.keys.iter().filter_map(|key| VerifyingKey::from_jwk(key.get()).ok());
    let keys: Vec<VerifyingKey> = usable.take(MOST_KEYS).collect();
    if has_twins(&keys) { Err("two of its keys have the same kid and algorithm".to_owned()) } else { Ok(keys) }
}

#[cfg(test)]
mod tests;
