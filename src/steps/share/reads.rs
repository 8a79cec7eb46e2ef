//! Answers that are being asked for, and those that were a moment ago. Bounded, and never about what has changed since.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::flight::{End, Flight, Outcome};
use super::key::Key;
use super::news::{Hearing, Others};

/// Answers remembered at most, and their bytes together. They are some seconds old at most, so with the quotas of the tables
/// (100 calls a second and less) an account fills a few hundred; beyond the bound an answer is not remembered.
const MOST: usize = 4_096;
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// What a remembered answer costs beside its body, in bytes: its key and its place.
const OVERHEAD: usize = 1_024;

/// Reads that are shared.
pub struct SharedReads {
    fresh_for: FreshFor,
    pub(super) others: Others,
    memory: Mutex<Memory>,
}

/// How long the answer of an action may be given to those who come later, by version and action; of others not at all.
pub type FreshFor = BTreeMap<String, BTreeMap<String, Duration>>;

/// What there is for a read.
pub(super) enum Found {
    /// An answer that is fresh.
    Answer(Arc<Outcome>),
    /// One that is to be waited for.
    Flight(Aboard),
}

/// A call that waits for an answer, or asks for it.
pub(super) struct Aboard {
    reads: Arc<SharedReads>,
    key: Arc<Key>,
    pub(super) flight: Arc<Flight>,
}

/// While a change is under way, and once more when it has ended, reads of its tasks are forgotten.
pub struct Passing {
    reads: Arc<SharedReads>,
    identity: String,
    tasks: Vec<String>,
}

#[derive(Default)]
struct Memory {
    /// What was heard of changes while all this was asked for.
    hearing: Hearing,
    flights: HashMap<Arc<Key>, Underway>,
    answers: HashMap<Arc<Key>, Remembered>,
    bytes: usize,
}

struct Underway {
    flight: Arc<Flight>,
    /// Calls that wait for it.
    aboard: usize,
}

struct Remembered {
    outcome: Arc<Outcome>,
    until: Instant,
    bytes: usize,
}

impl SharedReads {
    pub(super) fn with(fresh_for: FreshFor, others: Others) -> SharedReads {
        SharedReads { fresh_for, others, memory: Mutex::default() }
    }

    /// What there is for a read, now.
    pub(super) fn find(self: &Arc<SharedReads>, key: &Arc<Key>) -> Found {
        let mut memory = self.lock();
        let hears = memory.heed(self.others.hearing());
        if hears && let Some(outcome) = memory.fresh(key, Instant::now()) {
            return Found::Answer(outcome);
        }
        // A change that passed elsewhere and was not heard of may have overtaken what was asked for already.
        let may_wait = |flight: &Flight| if hears { flight.is_open() } else { flight.is_to_come() };
        let flight = match memory.flights.get_mut(key) {
            Some(underway) if may_wait(&underway.flight) => {
                underway.aboard += 1;
                Arc::clone(&underway.flight)
            }
            _ => {
                let flight = Flight::new();
                memory.flights.insert(Arc::clone(key), Underway { flight: Arc::clone(&flight), aboard: 1 });
                flight
            }
        };
        Found::Flight(Aboard { reads: Arc::clone(self), key: Arc::clone(key), flight })
    }

    /// A change of these tasks begins, on the account that the cloud knows by this identity.
    pub fn passing(self: &Arc<SharedReads>, identity: &str, tasks: Vec<String>) -> Passing {
        self.forget(identity, &tasks);
        Passing { reads: Arc::clone(self), identity: identity.to_owned(), tasks }
    }

    /// Something has become of these tasks: what is known of them here is not given to anybody who comes from now on, and what
    /// lists tasks is not either. Answers that are being asked for go to those who wait for them already.
    pub(super) fn forget(&self, identity: &str, tasks: &[String]) {
        let mut memory = self.lock();
        memory.flights.retain(|key, _| !key.is_about(identity, tasks));
        memory.retain_answers(|key, _| !key.is_about(identity, tasks));
    }

    /// Nobody knows what has changed.
    pub(super) fn forget_all(&self) {
        let mut memory = self.lock();
        *memory = Memory { hearing: memory.hearing.clone(), ..Memory::default() };
    }

    /// How many answers are being asked for, and how many are remembered.
    #[cfg(test)]
    pub(super) fn sizes(&self) -> (usize, usize) {
        let memory = self.lock();
        (memory.flights.len(), memory.answers.len())
    }

    fn fresh_for(&self, key: &Key) -> Duration {
        self.fresh_for.get(&key.version).and_then(|actions| actions.get(&key.action)).copied().unwrap_or_default()
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        // Nothing is half done where this could panic.
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    /// Whether changes are heard of. When that is different from before, what was asked for before may be from before a change
    /// that was missed.
    fn heed(&mut self, hearing: Hearing) -> bool {
        if self.hearing != hearing {
            *self = Memory { hearing, ..Memory::default() };
        }
        self.hearing != Hearing::Nothing
    }

    fn fresh(&mut self, key: &Arc<Key>, now: Instant) -> Option<Arc<Outcome>> {
        let known = self.answers.get(key)?;
        if known.until > now {
            return Some(Arc::clone(&known.outcome));
        }
        let gone = self.answers.remove(key)?;
        self.bytes -= gone.bytes;
        None
    }

    fn remember(&mut self, key: &Arc<Key>, outcome: &Arc<Outcome>, until: Instant, now: Instant) {
        let Ok(reply) = &outcome.answer else { return };
        let bytes = reply.body.len() + key.size() + OVERHEAD;
        let is_full = |memory: &Memory| memory.answers.len() >= MOST || memory.bytes + bytes > MOST_BYTES;
        if is_full(self) {
            self.retain_answers(|_, known| known.until > now);
        }
        if until <= now || is_full(self) {
            return;
        }
        self.bytes += bytes;
        let before = self.answers.insert(Arc::clone(key), Remembered { outcome: Arc::clone(outcome), until, bytes });
        self.bytes -= before.map_or(0, |before| before.bytes);
    }

    fn retain_answers(&mut self, keep: impl Fn(&Key, &Remembered) -> bool) {
        self.answers.retain(|key, known| keep(key, known));
        self.bytes = self.answers.values().map(|known| known.bytes).sum();
    }
}

impl Aboard {
    /// The answer is there, asked for at `asked_at`. A good one is remembered, unless a change has passed since.
    pub(super) fn landed(&self, asked_at: Instant, end: &End) {
        let mut memory = self.reads.lock();
        let hears = memory.heed(self.reads.others.hearing());
        let is_current =
            memory.flights.get(&self.key).is_some_and(|underway| Arc::ptr_eq(&underway.flight, &self.flight));
        if !is_current {
            return;
        }
        memory.flights.remove(&self.key);
        let End::Everybody(outcome) = end else { return };
        let is_good = outcome.answer.as_ref().is_ok_and(|reply| reply.upstream_code.is_none());
        if is_good && hears {
            let until = asked_at + self.reads.fresh_for(&self.key);
            memory.remember(&self.key, outcome, until, Instant::now());
        }
    }
}

impl Drop for Aboard {
    fn drop(&mut self) {
        let mut memory = self.reads.lock();
        let Some(underway) = memory.flights.get_mut(&self.key) else { return };
        if Arc::ptr_eq(&underway.flight, &self.flight) {
            underway.aboard -= 1;
            if underway.aboard == 0 {
                memory.flights.remove(&self.key);
            }
        }
    }
}

impl Passing {
    /// It has ended, however: whoever asks from now on, here or at another replica, gets an answer from after it.
    pub async fn ended(self) {
        self.reads.changed(&self.identity, &self.tasks).await;
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        self.reads.forget(&self.identity, &self.tasks);
    }
}

impl fmt::Debug for SharedReads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedReads").field("fresh_for", &self.fresh_for).finish_non_exhaustive()
    }
}
