//! Nonces that were seen: a signature with one of them is not accepted a second time.
//!
//! They are burnt after the signature was verified, so only callers with a key can fill this memory, and kept until the
//! signature is too old anyway. It ends with the process: a change that is sent again after a restart is found by its
//! signature, which the store remembers; a read merely runs again.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Mutex, PoisonError};

use sha2::{Digest, Sha256};

use crate::call::Refusal;

/// Nonces kept at most: about 70 MB. Half an hour (a signature dated 15 minutes ahead is accepted until 15 minutes after)
/// of 550 calls a second.
const KEPT: usize = 1_000_000;

/// Nonces are forgotten by the minute, so that no call has to look for the old ones.
const BUCKET_SECONDS: i64 = 60;

/// Enough of a digest that two nonces never meet, and that nobody can make them meet: 128 bits.
type Mark = [u8; 16];

/// Nonces that were seen.
#[derive(Default)]
pub struct Nonces(Mutex<BTreeMap<i64, HashSet<Mark>>>);

impl Nonces {
    /// Takes a nonce that `key_id` signed with, to be kept until `until` (Unix seconds).
    ///
    /// # Errors
    /// `NonceReused` when it is kept already; `Overloaded` when there is no room, because an unkept nonce could be used
    /// again.
    pub fn burn(&self, key_id: &str, nonce: &str, until: i64, now: i64) -> Result<(), Refusal> {
        let mark = mark(key_id, nonce);
        let mut buckets = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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

    #[test]
    fn a_nonce_is_accepted_once_until_its_signature_is_too_old() {
        let nonces = Nonces::default();
        assert_eq!(nonces.burn("key", "n", 1_000, 100), Ok(()));
        assert_eq!(nonces.burn("key", "n", 1_000, 999), Err(Refusal::NonceReused));
        assert_eq!(nonces.burn("key", "n", 1_500, 1_000), Err(Refusal::NonceReused), "dated anew, the same nonce");
        assert_eq!(nonces.burn("key", "n", 2_000, 1_100), Ok(()), "the first would be refused for its date");
    }

    #[test]
    fn keys_have_nonces_of_their_own() {
        let nonces = Nonces::default();
        assert_eq!(nonces.burn("one", "n", 1_000, 0), Ok(()));
        assert_eq!(nonces.burn("other", "n", 1_000, 0), Ok(()));
        assert_eq!(nonces.burn("onen", "", 1_000, 0), Ok(()), "no text passes from one part to the next");
    }

    #[test]
    fn of_many_at_once_one_is_first() {
        let nonces = Nonces::default();
        let burn = || nonces.burn("key", "n", 1_000, 0).is_ok();
        let first = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..16).map(|_| scope.spawn(burn)).collect();
            threads.into_iter().filter_map(|thread| thread.join().ok()).filter(|was_first| *was_first).count()
        });
        assert_eq!(first, 1);
    }
}
