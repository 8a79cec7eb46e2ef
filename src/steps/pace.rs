//! The caller's own limit, which protects callers from each other. Only callers who were authenticated have one, so
//! made-up identities cannot fill the table.

use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::Clock as _;
use governor::{DefaultDirectRateLimiter, Quota};

use crate::call::{Authorized, Limit, Pace, Refusal};
use crate::gate::Gate;

/// The step.
#[derive(Default)]
pub struct PaceCaller {
    limiters: Mutex<HashMap<String, (Pace, Arc<DefaultDirectRateLimiter>)>>,
}

impl PaceCaller {
    /// The caller's limiter; a new one when its pace was changed.
    fn limiter(&self, caller: &str, pace: Pace) -> Arc<DefaultDirectRateLimiter> {
        let mut limiters = self.limiters.lock().unwrap_or_else(PoisonError::into_inner);
        match limiters.get(caller) {
            Some((known, limiter)) if *known == pace => Arc::clone(limiter),
            _ => {
                let quota = Quota::per_second(pace.per_second).allow_burst(pace.burst);
                let limiter = Arc::new(DefaultDirectRateLimiter::direct(quota));
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
        match limiter.check() {
            Ok(()) => Ok(call),
            Err(early) => {
                let retry_after = early.wait_time_from(limiter.clock().now());
                Err(too_fast(&call.caller.name, pace.per_second, retry_after))
            }
        }
    }
}

fn too_fast(caller: &str, per_second: NonZeroU32, retry_after: Duration) -> Refusal {
    let window = Duration::from_secs(1);
    let limit = Limit { kind: "caller", name: caller.to_owned(), quota: per_second.get(), window };
    Refusal::RateLimited { limit, retry_after }
}
