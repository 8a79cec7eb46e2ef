//! Who is calling? Before anything is counted: or anyone could use up a caller's share.

use std::sync::Arc;

use crate::call::{Authenticated, Clock, Identified, Refusal};
use crate::gate::Gate;
use crate::identity::Identity;

/// The step.
pub struct Authenticate {
    identity: Arc<Identity>,
    clock: Clock,
}

impl Authenticate {
    /// Authenticates by `identity`.
    pub fn new(identity: Arc<Identity>, clock: Clock) -> Authenticate {
        Authenticate { identity, clock }
    }
}

impl Gate for Authenticate {
    type In = Identified;
    type Out = Authenticated;

    async fn check(&self, identified: Identified) -> Result<Authenticated, Refusal> {
        let Identified { call, version, action } = identified;
        let presented = Identity::presented(&call.wire)?;
        // Whose key is claimed is worth knowing, proven or not.
        call.record.update(|record| record.key_id = presented.key_id().map(bounded).unwrap_or_default());
        let (caller, proof) = self.identity.prove(&presented, &call.wire, self.clock.now()).await?;
        call.record.update(|record| {
            record.caller.clone_from(&caller.name);
            record.team.clone_from(&caller.team);
            record.key_id = proof.key_id();
        });
        Ok(Authenticated { call, version, action, caller, proof })
    }
}

/// A key id is at most 64 characters in a record, and none that a terminal would act on.
fn bounded(key_id: &str) -> String {
    key_id.chars().filter(char::is_ascii_graphic).take(64).collect()
}
