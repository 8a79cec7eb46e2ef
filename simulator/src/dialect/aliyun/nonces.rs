//! The nonces that were seen with a genuine signature, each until its signed time could not be used again anyway.

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};

use super::CLOCK_SKEW;
use crate::clock::Moment;

/// The nonces of every key.
#[derive(Debug, Default)]
pub(crate) struct Nonces(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    nonces: HashSet<(String, String)>,
    /// The same, by the last second in which they could be used.
    ends: BTreeSet<(i64, String, String)>,
}

impl Nonces {
    /// Remembers a nonce; false if it was there. `signed`: the signed time, in seconds.
    pub(super) fn take(&self, key_id: &str, nonce: &str, signed: i64, now: Moment) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut rest = seen.ends.split_off(&(now.seconds(), String::new(), String::new()));
        std::mem::swap(&mut seen.ends, &mut rest);
        for (_, key_id, nonce) in rest {
            seen.nonces.remove(&(key_id, nonce));
        }
        let fresh = seen.nonces.insert((key_id.to_owned(), nonce.to_owned()));
        if fresh {
            let end = signed.saturating_add_unsigned(CLOCK_SKEW);
            seen.ends.insert((end, key_id.to_owned(), nonce.to_owned()));
        }
        fresh
    }
}
