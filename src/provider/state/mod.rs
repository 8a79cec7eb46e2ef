//! Kinds of task: their states, where the states are read, and in which of them a changing action is allowed. Asks
//! nobody and remembers nothing: the step that judges brings what it knows.

mod newest;
mod read;
mod rule;

use std::collections::BTreeMap;

use super::ids::TaskRef;

pub use newest::{Listed, Newest, Typed};
pub use read::{JobIdPath, Observation, Offered, OfferedPaths, StateRead, StateSource};
pub use rule::{Allowed, Also, Conditions, Confidence, Effect, Mode, Objection, StateRule};

/// A kind of task and everything known of its states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskKind {
    /// Its name in the tables, for example `migration`.
    pub name: String,
    /// The kind whose tasks these belong to; they are owned through it.
    pub parent: Option<Parent>,
    /// What a task's canonical id begins with, where the cloud also names tasks without it.
    pub prefix: Option<String>,
    /// The known states by their value on the wire.
    pub states: BTreeMap<String, State>,
    /// Other spellings of states that answers have, and the value that each stands for.
    pub aliases: BTreeMap<String, String>,
    /// The billing state's field, for kinds that have one.
    pub billing: Option<Billing>,
    /// How the gateway asks for a task's state.
    pub read: StateRead,
    /// Further actions whose answers tell states.
    pub learn: Vec<StateSource>,
    /// Where a task is looked for whose making was never answered.
    pub newest: Option<Newest>,
    /// The cloud's own words for operations, and the actions that they stand for.
    pub offers: BTreeMap<String, String>,
    pub(super) refusals: BTreeMap<String, String>,
}

/// How a kind of task belongs to another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parent {
    /// The other kind.
    pub task: String,
    /// What an id begins with, with `{parent}` for the id of the task that it belongs to.
    pub id_begins: String,
}

/// A state that the tables know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Its name.
    pub name: String,
    /// Its value on the wire; a number as its digits.
    pub wire: String,
    /// It ends by itself before long.
    pub moves: bool,
    /// Nothing but a destructive action leaves it.
    pub is_final: bool,
    /// Short names of the sources.
    pub sources: Vec<String>,
}

/// The billing state: a second field beside the task's state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Billing {
    /// The known values.
    pub states: Vec<String>,
    /// What a rule needs that says nothing of billing.
    pub unless_stated: Allowed,
    /// Why.
    pub reason: Option<String>,
    /// Short names of the sources.
    pub sources: Vec<String>,
}

impl TaskKind {
    /// The state with this value on the wire; none: the tables do not know it, and every change is refused.
    pub fn state(&self, wire: &str) -> Option<&State> {
        self.states.get(wire).or_else(|| self.states.get(self.aliases.get(wire)?))
    }

    /// The state of this name.
    pub fn state_named(&self, name: &str) -> Option<&State> {
        self.states.values().find(|state| state.name == name)
    }

    /// What stands against any change of a task that was seen like this, and that no rule of its own speaks of.
    pub fn objection(&self, seen: &Observation) -> Option<Objection> {
        if self.state(&seen.state).is_none() {
            return Some(Objection::UnknownState);
        }
        let unless_stated = self.billing.as_ref().map(|billing| &billing.unless_stated)?;
        let allows = seen.billing.as_ref().is_some_and(|billing| unless_stated.contains(billing));
        (!allows).then_some(Objection::Billing)
    }

    /// Whether the cloud itself says that it would refuse an action: its word for it is in the list of all, and not
    /// among those that it offers now. Words that are not mapped, and answers without lists, say nothing.
    pub fn is_withheld(&self, action: &str, seen: &Observation) -> bool {
        let Some(offered) = &seen.offered else { return false };
        let has = |words: &[String], word: &str| words.iter().any(|offered| offered == word);
        let mut words = self.offers.iter().filter(|(_, means)| *means == action).map(|(word, _)| word.as_str());
        words.any(|word| has(&offered.all, word) && !has(&offered.allowed, word))
    }
}

impl Parent {
    /// Whether a task can belong to the parent that the call names with it.
    pub fn fits(&self, task: &TaskRef) -> bool {
        let Some(parent) = &task.parent else { return false };
        let begins = self.id_begins.replace("{parent}", parent);
        task.id.len() > begins.len() && task.id.starts_with(&begins)
    }
}
