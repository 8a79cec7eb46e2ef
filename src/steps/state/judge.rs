//! With the turn in hand: judge again, by a state that is fresh and that no change has overtaken.

use std::sync::Arc;

use super::StateReader;
use crate::call::{Authorized, Refusal};
use crate::gate::Gate;

/// The step.
pub struct Judge {
    reader: Arc<StateReader>,
}

impl Judge {
    /// Judges through `reader`.
    pub fn new(reader: Arc<StateReader>) -> Judge {
        Judge { reader }
    }
}

impl Gate for Judge {
    type In = Authorized;
    type Out = Authorized;

    async fn check(&self, mut call: Authorized) -> Result<Authorized, Refusal> {
        if call.changes_a_task() {
            call.seen = self.reader.judge(&call).await?;
        }
        Ok(call)
    }
}
