//! The caller's own limit, which protects callers from each other. Only callers who were authenticated have one, so
//! made-up identities cannot fill the table.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::Clock as _;
use governor::clock::DefaultClock;
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};

use crate::call::{Authorized, Limit, LimitAsked, Pace, Refusal};
use crate::gate::Gate;

/// A limiter that says how many calls are left at once, for the record.
type Limiter = RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>;

/// A caller's pace is told per second.
const WINDOW: Duration = Duration::from_secs(1);

/// The step.
#[derive(Default)]
pub struct PaceCaller {
    limiters: Mutex<HashMap<String, (Pace, Arc<Limiter>)>>,
}

impl PaceCaller {
    /// The caller's limiter; a new one when its pace was changed.
    fn limiter(&self, caller: &str, pace: Pace) -> Arc<Limiter> {
        let mut limiters = self.limiters.lock().unwrap_or_else(PoisonError::into_inner);
        match limiters.get(caller) {
            Some((known, limiter)) if *known == pace => Arc::clone(limiter),
            _ => {
                let quota = Quota::per_second(pace.per_second).allow_burst(pace.burst);
                let limiter = Arc::new(RateLimiter::direct(quota).with_middleware());
                limiters.insert(caller.to_owned(), (pace, Arc::clone(&limiter)));
                limiter
            }
        }
    }
}

impl Gate for PaceCaller {
    type In = Authorized;
    type Out = Authorized;

    async fn check(&self, call: Authorized) -> Result<Authorized, Refusal> {
        let Some(pace) = call.caller.pace else { return Ok(call) };
        let limiter = self.limiter(&call.caller.name, pace);
        let note = |remaining: u32, retry_after: Option<Duration>| {
            let asked = LimitAsked {
                kind: "caller".to_owned(),
                name: call.caller.name.clone(),
                calls: pace.per_second.get(),
                window_ms: milliseconds(WINDOW),
                waited_ms: 0,
                remaining: Some(remaining),
                retry_after_ms: retry_after.map(milliseconds),
            };
            call.call.record.update(|record| record.detail.note_limit(asked));
        };
        match limiter.check() {
            Ok(left) => {
                note(left.remaining_burst_capacity(), None);
                Ok(call)
            }
            Err(early) => {
                let retry_after = early.wait_time_from(limiter.clock().now());
                note(0, Some(retry_after));
                Err(too_fast(&call.caller.name, pace.per_second, retry_after))
            }
        }
    }
}

fn too_fast(caller: &str, per_second: NonZeroU32, retry_after: Duration) -> Refusal {
    let limit = Limit { kind: "caller", name: caller.to_owned(), quota: per_second.get(), window: WINDOW };
    Refusal::RateLimited { limit, retry_after }
}

fn milliseconds(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}
