//! Time as an argument.
//!
//! Wall-clock time is for signatures, records and expiry. Limits and time-outs use `tokio::time::Instant`, which is
//! monotonic and which tests can pause.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

/// Something that knows what time it is.
pub trait Wall: Send + Sync {
    /// Now, in UTC.
    fn now(&self) -> Timestamp;
}

/// The clock that every part of the gateway is given.
#[derive(Clone)]
pub struct Clock(Arc<dyn Wall>);

struct System;

impl Clock {
    /// The machine's clock.
    pub fn system() -> Clock {
        Clock(Arc::new(System))
    }

    /// Any other clock, for tests.
    pub fn from_wall(wall: Arc<dyn Wall>) -> Clock {
        Clock(wall)
    }

    /// Now, in whole microseconds: what both databases can hold.
    pub fn now(&self) -> Timestamp {
        let now = self.0.now();
        Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
    }

    /// Now, as Unix seconds.
    pub fn unix_seconds(&self) -> i64 {
        self.now().as_second()
    }
}

impl Wall for System {
    #[expect(clippy::disallowed_methods, reason = "the one place where the machine's clock is read")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}
