//! The state of a task, and what it forbids. `look` asks before a turn is spent, `judge` decides again right before
//! the change is sent; both learn through the same reader.

mod ahead;
mod decide;
mod judge;
mod look;
mod memory;
mod reader;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

pub use decide::{state_in, state_name};
pub use judge::Judge;
pub use look::Look;
use memory::Known;
pub use memory::States;
pub use reader::StateReader;

use crate::provider::Mode;

/// How strict the state policy is.
#[derive(Clone, Debug)]
pub struct StateOptions {
    /// How old the knowledge of a state may be when a change is judged by it.
    pub max_age: Duration,
    /// Modes that differ from the tables', by `version/action`.
    pub modes: BTreeMap<String, Mode>,
}
