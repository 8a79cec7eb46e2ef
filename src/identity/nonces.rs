//! Nonces that were seen: a signature with one of them is not accepted a second time.
//!
//! They are burnt after the signature was verified, so only callers with a key can fill this memory, and kept until the
//! signature is too old anyway. It ends with the process: a change that is sent again after a restart is found by its
//! signature, which the store remembers; a read merely runs again.
//!
//! Replicas burn them in Redis as well. While that is away each remembers those that it has seen itself: a read could be
//! sent once to each of them.

use std::collections::{BTreeMap, HashSet};
use std::fmt::Write as _;
use std::sync::{LazyLock, Mutex, PoisonError};

use redis::Script;

use sha2::{Digest, Sha256};

use crate::call::Refusal;
use crate::coordinate::{Link, Mode};

/// Nonces kept at most: about 70 MB. Half an hour (a signature dated 15 minutes ahead is accepted until 15 minutes after)
/// of 550 calls a second.
const KEPT: usize = 1_000_000;

/// Nonces are forgotten by the minute, so that no call has to look for the old ones.
const BUCKET_SECONDS: i64 = 60;

/// Enough of a digest that two nonces never meet, and that nobody can make them meet: 128 bits.
type Mark = [u8; 16];

static BURN: LazyLock<Script> =
    LazyLock::new(|| Script::new("return redis.call('SET', KEYS[1], '', 'NX', 'EX', ARGV[1]) and 1 or 0"));

/// Nonces that were seen.
#[derive(Default)]
pub struct Nonces {
    own: Mutex<BTreeMap<i64, HashSet<Mark>>>,
    link: Option<Link>,
}

impl Nonces {
    /// Nonces that replicas burn together.
    pub fn shared(link: Link) -> Nonces {
        Nonces { own: Mutex::default(), link: Some(link) }
    }

    /// Takes a nonce that `key_id` signed with, to be kept until `until` (Unix seconds).
    ///
    /// # Errors
    /// `NonceReused` when it is kept already; `Overloaded` when there is no room, because an unkept nonce could be used
    /// again.
    pub async fn burn(&self, key_id: &str, nonce: &str, until: i64, now: i64) -> Result<(), Refusal> {
        let mark = mark(key_id, nonce);
        self.burn_here(mark, until, now)?;
        let Some(link) = &self.link else { return Ok(()) };
        let Mode::Joined { session, .. } = link.mode() else { return Ok(()) };
        let name = mark.iter().fold(String::new(), |mut name, byte| {
            // Writing to a text cannot fail.
            let _written = write!(name, "{byte:02x}");
            name
        });
        let seconds = until.saturating_sub(now).max(1).to_string();
        match session.run::<u8>(&BURN, &link.key("nonce", &name), &[&seconds]).await {
            Ok(0) => Err(Refusal::NonceReused),
            // Redis is away: what this replica has seen is what it knows.
            Ok(_) | Err(_) => Ok(()),
        }
    }

    fn burn_here(&self, mark: Mark, until: i64, now: i64) -> Result<(), Refusal> {
        let mut buckets = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = buckets.split_off(&now.div_euclid(BUCKET_SECONDS));
        *buckets = kept;
        if buckets.values().any(|bucket| bucket.contains(&mark)) {
            return Err(Refusal::NonceReused);
        }
        if buckets.values().map(HashSet::len).sum::<usize>() >= KEPT {
            return Err(Refusal::Overloaded);
        }
        buckets.entry(until.div_euclid(BUCKET_SECONDS)).or_default().insert(mark);
        Ok(())
    }
}

fn mark(key_id: &str, nonce: &str) -> Mark {
    let mut hash = Sha256::new();
    for part in [key_id, nonce] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    let mut mark = Mark::default();
    mark.copy_from_slice(&hash.finalize()[..16]);
    mark
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_nonce_is_accepted_once_until_its_signature_is_too_old() {
        let nonces = Nonces::default();
        assert_eq!(nonces.burn("key", "n", 1_000, 100).await, Ok(()));
        assert_eq!(nonces.burn("key", "n", 1_000, 999).await, Err(Refusal::NonceReused));
        assert_eq!(
            nonces.burn("key", "n", 1_500, 1_000).await,
            Err(Refusal::NonceReused),
            "dated anew, the same nonce"
        );
        assert_eq!(nonces.burn("key", "n", 2_000, 1_100).await, Ok(()), "the first would be refused for its date");
    }

    #[tokio::test]
    async fn keys_have_nonces_of_their_own() {
        let nonces = Nonces::default();
        assert_eq!(nonces.burn("one", "n", 1_000, 0).await, Ok(()));
        assert_eq!(nonces.burn("other", "n", 1_000, 0).await, Ok(()));
        assert_eq!(nonces.burn("onen", "", 1_000, 0).await, Ok(()), "no text passes from one part to the next");
    }

    #[test]
    fn of_many_at_once_one_is_first() {
        let nonces = Nonces::default();
        let burn = || nonces.burn_here(mark("key", "n"), 1_000, 0).is_ok();
        let first = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..16).map(|_| scope.spawn(burn)).collect();
            threads.into_iter().filter_map(|thread| thread.join().ok()).filter(|was_first| *was_first).count()
        });
        assert_eq!(first, 1);
    }
}
