//! What time it is for the simulated cloud: one line of microseconds that never runs backwards.
//!
//! It knows nothing of signatures, windows or tasks; they are given a [`Moment`].

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A point in time, in microseconds since the Unix epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(u64);

/// Where the simulator reads the time.
#[derive(Clone, Debug)]
pub struct Clock(Source);

#[derive(Clone, Debug)]
enum Source {
    /// Unix time at the start plus what the monotonic clock has counted since: a corrected system clock bends no window.
    System { started: Instant, unix_micros: u64 },
    /// Stands still until a test moves it.
    Manual(Arc<AtomicU64>),
}

impl Moment {
    /// The moment that many microseconds after the Unix epoch.
    #[must_use]
    pub const fn from_micros(micros: u64) -> Self {
        Self(micros)
    }

    /// Microseconds since the Unix epoch.
    #[must_use]
    pub const fn micros(self) -> u64 {
        self.0
    }

    /// Whole seconds since the Unix epoch.
    #[must_use]
    pub fn seconds(self) -> i64 {
        i64::try_from(self.0 / 1_000_000).unwrap_or(i64::MAX)
    }

    /// Milliseconds since the Unix epoch, with the microseconds as a fraction.
    #[must_use]
    pub fn unix_millis(self) -> f64 {
        self.0 as f64 / 1000.0
    }

    /// This moment and then `later`.
    #[must_use]
    pub fn plus(self, later: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(later.as_micros()).unwrap_or(u64::MAX)))
    }

    /// How long after `start` this is; nothing if it is before.
    #[must_use]
    pub fn since(self, start: Self) -> Duration {
        Duration::from_micros(self.0.saturating_sub(start.0))
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::system()
    }
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place where the machine's clock is read")]
    pub fn system() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let unix_micros = u64::try_from(since.as_micros()).unwrap_or(u64::MAX);
        Self(Source::System { started: Instant::now(), unix_micros })
    }

    /// A clock that stands at `at` until [`Clock::advance`] moves it; clones share it.
    #[must_use]
    pub fn manual(at: Moment) -> Self {
        Self(Source::Manual(Arc::new(AtomicU64::new(at.0))))
    }

    /// Moves a manual clock on; the machine's clock is not ours to move and stays as it is.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(micros) = &self.0 {
            micros.fetch_add(u64::try_from(by.as_micros()).unwrap_or(u64::MAX), Ordering::SeqCst);
        }
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Moment {
        match &self.0 {
            Source::System { started, unix_micros } => Moment(*unix_micros).plus(started.elapsed()),
            Source::Manual(micros) => Moment(micros.load(Ordering::SeqCst)),
        }
    }
}
