//! One action of one version: everything that the request path needs to know of it, out of one row.

use std::collections::BTreeMap;

use super::ids::{Created, TaskIdPath};
use super::limit::Bucket;
use super::path::{Path, Tree};
use super::sensitive::PathSet;
use super::shape::{Shape, Type};
use super::state::{Conditions, Observation, StateRule, TaskKind};
use crate::parameters::Value;

/// An action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// Its name, exactly as a caller must write it.
    pub name: String,
    /// What it does to the world.
    pub kind: Kind,
    /// It stops or pauses what runs and does nothing else: what an operator must still be able to do when other changes
    /// can't be made.
    pub emergency: bool,
    /// The kind of task that it is about; look it up with `Version::task_kind`.
    pub task: String,
    /// The name of the parameter that chooses the region.
    pub region_parameter: String,
    /// The number of a list's first element in a flattened name, as of the version.
    pub first_index: usize,
    /// Its parameters.
    pub parameters: Shape,
    /// The parameters that name tasks.
    pub ids: Vec<TaskIdPath>,
    /// Where the answer names the tasks that the call made.
    pub creates: Option<Created>,
    /// Without an id it answers with every task of the account.
    pub lists: bool,
    /// The gateway asks for task states with it.
    pub is_lookup: bool,
    /// What is sensitive in its parameters.
    pub secrets: PathSet,
    /// What is sensitive in its answer, inside its envelope.
    pub answer_secrets: PathSet,
    /// What needs a grant of its own.
    pub dangerous: Vec<Dangerous>,
    /// What its calls are counted in.
    pub bucket: Bucket,
    /// When it is allowed; every action that changes a named task has one.
    pub rule: Option<StateRule>,
    /// Short names of the sources.
    pub sources: Vec<String>,
    pub(super) refusals: BTreeMap<String, String>,
}

/// What an action does to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// Changes nothing.
    Read,
    /// Changes a task, and can be undone or repeated.
    Change,
    /// Ends, deletes or wipes something.
    Destructive,
    /// Costs money: never sent twice.
    Purchase,
}

/// Something that needs a grant of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dangerous {
    /// The name by which it is granted and refused.
    pub name: String,
    /// What makes a call dangerous.
    pub trigger: Trigger,
    /// What happens with it.
    pub reason: String,
    /// Short names of the sources.
    pub sources: Vec<String>,
}

/// What makes a call dangerous.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// A parameter's value.
    Parameter {
        /// The parameter.
        path: Path,
        /// Its type.
        value: Type,
        /// The values in their one spelling, compared without regard to case and surrounding blanks: whatever the cloud
        /// might take for it.
        /// None: whatever is given.
        equals: Option<Vec<String>>,
    },
    /// A task of this kind that the call names is in any other state than these, an unknown one too.
    UnlessState {
        /// The kind of the task.
        task: String,
        /// The harmless states, by name.
        states: Vec<String>,
    },
    /// A task of this kind that the call names is in one of these billing states.
    Billing {
        /// The kind of the task.
        task: String,
        /// The billing states.
        states: Vec<String>,
    },
    /// Something else is true of a task of this kind that the call names.
    Fact {
        /// The kind of the task.
        task: String,
        /// One of these is enough.
        when: Conditions,
    },
}

impl Action {
    /// The region that the call's own parameters choose; an empty one is none.
    pub fn region<'t>(&self, parameters: &'t Value) -> Option<&'t str> {
        parameters.member(&self.region_parameter).and_then(Tree::text).filter(|region| !region.is_empty())
    }

    /// The type of what stands at a path of its parameters, if there is such a path.
    pub fn type_at(&self, path: &Path) -> Option<&Type> {
        self.parameters.at(path).map(|(_, of)| of)
    }

    /// The dangerous things that a call asks for by its parameters, and the parameter of each.
    pub fn dangers(&self, parameters: &Value) -> Vec<(&Dangerous, &Path)> {
        self.dangerous.iter().filter_map(|danger| Some((danger, danger.trigger.asked_for_by(parameters)?))).collect()
    }
}

impl Kind {
    pub(super) const NAMES: &'static [(&'static str, Kind)] = &[
        ("read", Kind::Read),
        ("change", Kind::Change),
        ("destructive", Kind::Destructive),
        ("purchase", Kind::Purchase),
    ];

    /// As the tables call it.
    pub fn name(self) -> &'static str {
        Kind::NAMES.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    /// Whether a call needs a durable intent.
    pub fn is_change(self) -> bool {
        self != Kind::Read
    }
}

impl Trigger {
    /// Whether a task of `kind` that the call names, seen like this, makes the call dangerous.
    pub fn is_pulled_by(&self, kind: &TaskKind, seen: &Observation) -> bool {
        match self {
            Trigger::Parameter { .. } => false,
            Trigger::UnlessState { task, states } => {
                let is_harmless = kind.state(&seen.state).is_some_and(|state| states.contains(&state.name));
                *task == kind.name && !is_harmless
            }
            Trigger::Billing { task, states } => {
                *task == kind.name && seen.billing.as_ref().is_some_and(|billing| states.contains(billing))
            }
            Trigger::Fact { task, when } => *task == kind.name && when.any_holds(seen),
        }
    }

    /// The parameter, if it has such a value.
    fn asked_for_by(&self, parameters: &Value) -> Option<&Path> {
        let Trigger::Parameter { path, value: of, equals } = self else { return None };
        let is_meant = |text: &str| match equals {
            None => true,
            Some(values) => {
                let said = of.canonical(text.trim());
                values.iter().any(|value| value.eq_ignore_ascii_case(&said))
            }
        };
        path.select(parameters).into_iter().filter_map(Tree::text).any(is_meant).then_some(path)
    }
}
