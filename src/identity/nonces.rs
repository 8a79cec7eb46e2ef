//! Nonces that were seen: a signature with one of them is not accepted a second time.
//!
//! They are burnt after the signature was verified, so only callers with a key can fill this memory, and kept until the
//! signature is too old anyway. It ends with the process: a change that is sent again after a restart is found by its
//! signature, which the store remembers; a read merely runs again.
//!
//! The room is everybody's, so one key takes at most as much of it as is left over: one that signs in a loop ends at half,
//! two at a third each, and who has burnt few always finds room.
//!
//! Replicas burn them in Redis as well. While that is away each remembers those that it has seen itself: a read could be
//! sent once to each of them.

use std::collections::{BTreeMap, HashMap, HashSet};
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

/// The nonces to be forgotten in one minute.
#[derive(Default)]
struct Bucket {
    of_key: HashMap<Box<str>, HashSet<Mark>>,
    all: usize,
}

/// Nonces that were seen.
pub struct Nonces {
    own: Mutex<BTreeMap<i64, Bucket>>,
    room: usize,
    link: Option<Link>,
}

impl Default for Nonces {
    fn default() -> Nonces {
        Nonces { own: Mutex::default(), room: KEPT, link: None }
    }
}

impl Nonces {
    /// Nonces that replicas burn together.
    pub fn shared(link: Link) -> Nonces {
        Nonces { link: Some(link), ..Nonces::default() }
    }

    /// Takes a nonce that `key_id` signed with, to be kept until `until` (Unix seconds).
    ///
    /// # Errors
    /// `NonceReused` when it is kept already; `Overloaded` when the key has no room, because an unkept nonce could be used
    /// again.
    pub async fn burn(&self, key_id: &str, nonce: &str, until: i64, now: i64) -> Result<(), Refusal> {
        let mark = mark(key_id, nonce);
        self.burn_here(key_id, mark, until, now)?;
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

    fn burn_here(&self, key_id: &str, mark: Mark, until: i64, now: i64) -> Result<(), Refusal> {
        let mut buckets = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = buckets.split_off(&now.div_euclid(BUCKET_SECONDS));
        *buckets = kept;
        let keys = || buckets.values().filter_map(|bucket| bucket.of_key.get(key_id));
        if keys().any(|marks| marks.contains(&mark)) {
            return Err(Refusal::NonceReused);
        }
        let own: usize = keys().map(HashSet::len).sum();
        let all: usize = buckets.values().map(|bucket| bucket.all).sum();
        if own >= self.room.saturating_sub(all) {
            return Err(Refusal::Overloaded);
        }
        let bucket = buckets.entry(until.div_euclid(BUCKET_SECONDS)).or_default();
        bucket.of_key.entry(key_id.into()).or_default().insert(mark);
        bucket.all += 1;
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

    #[tokio::test]
    async fn a_key_that_signs_in_a_loop_leaves_room_for_the_others() {
        let nonces = Nonces { room: 16, ..Nonces::default() };
        let burn = async |key: &str, nonce: usize, now: i64| nonces.burn(key, &nonce.to_string(), now + 900, now).await;
        for nonce in 0..8 {
            assert_eq!(burn("loop", nonce, 0).await, Ok(()));
        }
        assert_eq!(burn("loop", 8, 0).await, Err(Refusal::Overloaded));
        assert_eq!(burn("loop", 7, 0).await, Err(Refusal::NonceReused));
        for nonce in 0..4 {
            assert_eq!(burn("other", nonce, 0).await, Ok(()), "half of what is left is another's");
        }
        assert_eq!(burn("other", 4, 0).await, Err(Refusal::Overloaded));
        assert_eq!(burn("third", 0, 0).await, Ok(()));
        assert_eq!(burn("loop", 8, 60).await, Err(Refusal::Overloaded), "nothing is forgotten yet");
        assert_eq!(burn("loop", 8, 960).await, Ok(()), "what is too old anyway makes room");
    }

    #[test]
    fn of_many_at_once_one_is_first() {
        let nonces = Nonces::default();
        let burn = || nonces.burn_here("key", mark("key", "n"), 1_000, 0).is_ok();
        let first = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..16).map(|_| scope.spawn(burn)).collect();
            threads.into_iter().filter_map(|thread| thread.join().ok()).filter(|was_first| *was_first).count()
        });
        assert_eq!(first, 1);
    }
}
