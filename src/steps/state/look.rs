//! Before a turn is spent: learn the states that a change depends on, and refuse what they already forbid.

use std::sync::Arc;

use super::super::turn::{note_refused, wanted};
use super::StateReader;
use super::ahead::{Ahead, Looker};
use crate::call::{Authorized, Limit, Refusal};
use crate::cloud::Cloud;
use crate::gate::Gate;
use crate::provider;

/// The step.
pub struct Look {
    reader: Arc<StateReader>,
    cloud: Arc<Cloud>,
    ahead: Ahead,
}

impl Look {
    /// Looks through `reader`.
    pub fn new(reader: Arc<StateReader>, cloud: Arc<Cloud>) -> Look {
        Look { reader, cloud, ahead: Ahead::default() }
    }

    /// A call that will be refused for want of a turn must not spend a look-up, which others are waiting for.
    /// One that has a chance is counted for as long as it looks.
    async fn refuse_hopeless(&self, call: &Authorized) -> Result<Looker, Refusal> {
        let wanted = wanted(call);
        let bucket = &call.action.bucket;
        let turn = |limit: &provider::Limit| limit.window / limit.calls.max(1);
        let narrowest = bucket.limits.iter().max_by_key(|limit| turn(limit)).ok_or(Refusal::Internal)?;
        let quota = format!("{} {} {}", call.account.alias, call.host, bucket.name);
        let expected = self.cloud.expected_wait(&wanted).await;
        let ahead = u32::try_from(self.ahead.of(&quota, &call.caller.name)).unwrap_or(u32::MAX);
        let expected = expected.saturating_add(turn(narrowest).saturating_mul(ahead));
        if expected <= wanted.max_wait {
            return Ok(self.ahead.enter(quota, &call.caller.name));
        }
        let (quota, window) = (narrowest.calls, narrowest.window);
        let limit = Limit { kind: "cloud", name: bucket.name.clone(), quota, window };
        let refusal = Refusal::RateLimited { limit, retry_after: expected };
        note_refused(&call.call.record, &call.action, &refusal);
        Err(refusal)
    }
}

impl Gate for Look {
    type In = Authorized;
    type Out = Authorized;

    async fn check(&self, mut call: Authorized) -> Result<Authorized, Refusal> {
        if !call.changes_a_task() {
            return Ok(call);
        }
        let _looker = match self.reader.knows(&call) {
            true => None,
            false => Some(self.refuse_hopeless(&call).await?),
        };
        call.seen = self.reader.judge(&call).await?;
        Ok(call)
    }
}
