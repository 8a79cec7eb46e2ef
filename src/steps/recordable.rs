//! Can this call be recorded? While the database is away a journal may take reads, or stops and pauses, or both; what it
//! does not take is refused before anybody is asked who is calling.

use crate::call::{Identified, Refusal};
use crate::gate::Gate;
use crate::provider::Action;
use crate::store::{Demand, Writer};

/// The step.
pub struct Recordable {
    writer: Writer,
}

impl Recordable {
    /// Asks `writer`.
    pub fn new(writer: Writer) -> Recordable {
        Recordable { writer }
    }
}

impl Gate for Recordable {
    type In = Identified;
    type Out = Identified;

    async fn check(&self, call: Identified) -> Result<Identified, Refusal> {
        if self.writer.takes(demand(&call.action)) { Ok(call) } else { Err(Refusal::AuditUnavailable) }
    }
}

fn demand(action: &Action) -> Demand {
    match action.kind.is_change() {
        false => Demand::Read,
        true if action.emergency => Demand::Emergency,
        true => Demand::Change,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Providers;

    #[test]
    fn what_a_call_demands_is_what_its_row_says() {
        let providers = Providers::embedded().unwrap();
        for (version, action, expected) in [
            ("2018-03-30", "DescribeMigrateJobs", Demand::Read),
            ("2018-03-30", "StopMigrateJob", Demand::Emergency),
            ("2018-03-30", "StartMigrateJob", Demand::Change),
            ("2021-12-06", "PauseSyncJob", Demand::Emergency),
            ("2021-12-06", "IsolateMigrateJob", Demand::Change),
            ("2020-01-01", "SuspendDtsJob", Demand::Emergency),
            ("2020-01-01", "StopDedicatedCluster", Demand::Change),
        ] {
            assert_eq!(demand(providers.version(version).unwrap().action(action).unwrap()), expected, "{action}");
        }
    }
}
