//! The state of a task, and what it forbids. `look` asks before a turn is spent, `judge` decides again right before
//! the change is sent; both learn through the same reader.

mod decide;
mod judge;
mod look;
mod memory;
mod reader;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

pub use judge::Judge;
pub use look::Look;
pub use memory::States;
use memory::Known;
pub use reader::StateReader;

use crate::provider::{Action, Mode};
use crate::quota::Class;

/// How strict the state policy is.
#[derive(Clone, Debug)]
pub struct StateOptions {
    /// How old the knowledge of a state may be when a change is judged by it.
    pub max_age: Duration,
    /// For every action, in place of the tables' modes; none: as the tables say.
    pub mode: Option<Mode>,
    /// For single actions, by `version/action`.
    pub actions: BTreeMap<String, Mode>,
}

impl StateOptions {
    /// The mode of one action, whose table says `tabled`.
    fn mode_of(&self, version: &str, action: &str, tabled: Mode) -> Mode {
        self.actions.get(&format!("{version}/{action}")).copied().or(self.mode).unwrap_or(tabled)
    }
}

/// The class in which an action waits for its turn; what it has to ask first waits in the same one.
pub(super) fn class_of(action: &Action) -> Class {
    if action.kind.is_change() { Class::Change } else { Class::Read }
}
