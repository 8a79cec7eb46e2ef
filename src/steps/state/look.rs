//! Before a turn is spent: learn the states that a change depends on, and refuse what they already forbid.

use std::sync::Arc;

use super::super::turn::wanted;
use super::StateReader;
use crate::call::{Authorized, Limit, Refusal};
use crate::cloud::Cloud;
use crate::gate::Gate;

/// The step.
pub struct Look {
    reader: Arc<StateReader>,
    cloud: Arc<Cloud>,
}

impl Look {
    /// Looks through `reader`.
    pub fn new(reader: Arc<StateReader>, cloud: Arc<Cloud>) -> Look {
        Look { reader, cloud }
    }

    /// A call that will be refused for want of a turn must not spend a look-up, which others are waiting for.
    fn refuse_hopeless(&self, call: &Authorized) -> Result<(), Refusal> {
        let wanted = wanted(call);
        let expected = self.cloud.expected_wait(&wanted);
        if expected <= wanted.max_wait {
            return Ok(());
        }
        let bucket = &call.action.bucket;
        let narrowest = bucket.limits.iter().min_by_key(|limit| limit.calls).ok_or(Refusal::Internal)?;
        let (quota, window) = (narrowest.calls, narrowest.window);
        let limit = Limit { kind: "cloud", name: bucket.name.clone(), quota, window };
        call.call.record.update(|record| record.detail.limit.clone_from(&bucket.name));
        Err(Refusal::RateLimited { limit, retry_after: expected })
    }
}

impl Gate for Look {
    type In = Authorized;
    type Out = Authorized;

    async fn check(&self, mut call: Authorized) -> Result<Authorized, Refusal> {
        if !call.changes_a_task() {
            return Ok(call);
        }
        if !self.reader.knows(&call) {
            self.refuse_hopeless(&call)?;
        }
        call.seen = self.reader.judge(&call).await?;
        Ok(call)
    }
}
