//! A change that arrives a second time gets its first answer and is not sent again: the same signed bytes (an SDK's
//! retry, a captured request), or the same `Idempotency-Key`. A purchase that is equal to one just made, but no second
//! arrival of it, is refused.
//!
//! Not every scheme has a nonce, SDK retries send the same bytes, and old Go builds repeat theirs in every
//! process. So a read runs again, and a change that reached its intent is answered from memory.

mod keys;
mod replays;

use std::sync::Arc;

pub use replays::{ReplayOptions, Replays};

use replays::Asked;

use crate::call::{Authorized, Clock, Refusal, Reply};
use crate::gate::{Around, Next};

/// The step.
pub struct Replay {
    replays: Arc<Replays>,
    clock: Clock,
}

impl Replay {
    /// Looks into `replays`.
    pub fn new(replays: Arc<Replays>, clock: Clock) -> Replay {
        Replay { replays, clock }
    }
}

impl Around for Replay {
    type In = Authorized;
    type Out = Authorized;

    async fn around<N: Next<Authorized>>(&self, mut call: Authorized, next: N) -> Result<Reply, Refusal> {
        call.replay = keys::replay(&call, self.clock.now());
        call.purchase = keys::purchase(&call).filter(|_| self.replays.guards_purchases());
        let (asked, known_by) = (Asked::of(&call), call.replay.clone());
        if let Some(reply) = self.replays.answer(&asked, &known_by).await? {
            return Ok(reply);
        }
        if let Some(key) = &call.purchase {
            self.replays.refuse_duplicate(&call, key).await?;
        }
        match next.run(call).await {
            // It may be the first arrival, seen by nobody yet when this one came by, that stands in the way; it is waited
            // for here, where no turn of the quota is held. Neither refusal comes after an intent of this call's own.
            Err(refusal @ (Refusal::TaskBusy { .. } | Refusal::StateForbids { .. })) => {
                self.replays.answer(&asked, &known_by).await?.ok_or(refusal)
            }
            answer => answer,
        }
    }
}
