//! With the turn in hand: of the calls that stand in line for one answer the first asks, the others hand their turns back.

use crate::call::{Authorized, Refusal};
use crate::gate::Gate;

/// The step.
#[derive(Debug)]
pub struct Carry;

impl Gate for Carry {
    type In = Authorized;
    type Out = Authorized;

    async fn check(&self, call: Authorized) -> Result<Authorized, Refusal> {
        if let Some(errand) = &call.errand {
            if !errand.claim() {
                // Nobody is told this: the step `share` knows who asks, and waits for that one's answer.
                return Err(Refusal::Internal);
            }
            // Others wait for it, whatever its own caller does.
            call.call.progress.commit();
        }
        Ok(call)
    }
}
