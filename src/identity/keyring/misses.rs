//! How often ids that are not in memory may cost a look-up: one for each id at a time, shared by all who ask for it,
//! and few in a second over all ids.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::Instant;

use super::Held;

/// How many ids are remembered; a flood of different ids takes no more memory than this.
const REMEMBERED: usize = 1_024;

/// Ids are as long as the clouds' or a little longer; nothing longer is looked up or remembered.
const LONGEST_ID: usize = 128;

/// What a look-up found.
#[derive(Clone)]
pub(super) enum Found {
    Unknown,
    Key(Arc<Held>),
    StoreAway,
}

/// A look-up under way, whose answer is for all who wait for it.
pub(super) type Flight = Arc<OnceCell<Found>>;

/// Look-ups under way and those that found nothing, and how many more there may be.
pub(super) struct Misses {
    flights: HashMap<String, Flight>,
    unknown: HashMap<String, Instant>,
    miss_for: Duration,
    per_second: u32,
    left: u32,
    second: Instant,
}

impl Misses {
    pub(super) fn new(per_second: u32, miss_for: Duration, now: Instant) -> Misses {
        let (flights, unknown) = (HashMap::new(), HashMap::new());
        Misses { flights, unknown, miss_for, per_second, left: per_second, second: now }
    }

    /// The look-up of this id, a new one if none is under way; none when the id counts as unknown without one.
    pub(super) fn join(&mut self, key_id: &str, now: Instant) -> Option<Flight> {
        if key_id.len() > LONGEST_ID {
            return None;
        }
        if let Some(flight) = self.flights.get(key_id) {
            return Some(Arc::clone(flight));
        }
        if self.unknown.get(key_id).is_some_and(|asked| now.duration_since(*asked) < self.miss_for) {
            return None;
        }
        if now.duration_since(self.second) >= Duration::from_secs(1) {
            self.second = now;
            self.left = self.per_second;
        }
        self.left = self.left.checked_sub(1)?;
        if self.flights.len() >= REMEMBERED {
            // Those whose callers all hung up before the answer came.
            self.flights.retain(|_, flight| Arc::strong_count(flight) > 1);
        }
        let flight = Flight::default();
        self.flights.insert(key_id.to_owned(), Arc::clone(&flight));
        Some(flight)
    }

    /// The answer is there.
    pub(super) fn landed(&mut self, key_id: &str, flight: &Flight, now: Instant) {
        if !self.flights.get(key_id).is_some_and(|known| Arc::ptr_eq(known, flight)) {
            return;
        }
        self.flights.remove(key_id);
        if !matches!(flight.get(), Some(Found::Unknown)) {
            return;
        }
        if self.unknown.len() >= REMEMBERED {
            let miss_for = self.miss_for;
            self.unknown.retain(|_, asked| now.duration_since(*asked) < miss_for);
        }
        if self.unknown.len() < REMEMBERED {
            self.unknown.insert(key_id.to_owned(), now);
        }
    }
}
