//! One action of one version: everything that the request path needs to know of it, out of one row.

use std::collections::BTreeMap;

use super::limit::Bucket;
use super::path::{Path, Tree};
use super::sensitive::PathSet;
use super::shape::Shape;
use super::state::{Conditions, Observation, StateRule, TaskKind};
use crate::parameters::Value;

/// An action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Action {
    /// Its name, exactly as a caller must write it.
    pub name: String,
    /// What it does to the world.
    pub kind: Kind,
    /// The kind of task that it is about; look it up with `Version::task_kind`.
    pub task: String,
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

/// A parameter that names tasks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskIdPath {
    /// Where it is; a path through a list names several.
    pub path: Path,
    /// The kind of the tasks.
    pub task: String,
    /// The call is refused unless it names one.
    pub required: bool,
    /// What the call does to them.
    pub role: Role,
    /// The parameter that names the task to which these belong.
    pub of: Option<Path>,
}

/// What a call does to a task that it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// The call is about it: its state is judged, and a change holds its lease.
    Subject,
    /// The call only copies from it: the caller must be allowed to use it, and that is all.
    Template,
}

/// A task that a call names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskRef {
    /// Its kind.
    pub kind: String,
    /// Its id as the caller wrote it.
    pub id: String,
    /// The id of the task that it belongs to, as the same call names it.
    pub parent: Option<String>,
    /// What the call does to it.
    pub role: Role,
}

/// Where the answer of an action names the tasks that it made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// The ids, inside the answer's envelope.
    pub path: Path,
    /// Their kind.
    pub task: String,
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
        /// The values, compared without regard to case and surrounding blanks: whatever the cloud might take for it.
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
    /// The tasks that a call names, each once, in the order of the parameters. An empty id names none.
    pub fn task_ids(&self, parameters: &Value) -> Vec<TaskRef> {
        let mut named: Vec<TaskRef> = Vec::new();
        for id in &self.ids {
            let parent = id.of.as_ref().and_then(|path| texts(path, parameters).next()).map(str::to_owned);
            for text in texts(&id.path, parameters) {
                let task =
                    TaskRef { kind: id.task.clone(), id: text.to_owned(), parent: parent.clone(), role: id.role };
                if !named.contains(&task) {
                    named.push(task);
                }
            }
        }
        named
    }

    /// The dangerous things that a call asks for by its parameters, and the parameter of each.
    pub fn dangers(&self, parameters: &Value) -> Vec<(&Dangerous, &Path)> {
        self.dangerous.iter().filter_map(|danger| Some((danger, danger.trigger.asked_for_by(parameters)?))).collect()
    }
}

impl TaskRef {
    /// Whether the call is about it: judged, and leased by a change.
    pub fn is_subject(&self) -> bool {
        self.role == Role::Subject
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

impl TaskIdPath {
    /// Whether one call can name several tasks here.
    pub fn names_many(&self) -> bool {
        self.path.segments().iter().any(|segment| segment.list.is_some())
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
        let Trigger::Parameter { path, equals } = self else { return None };
        let is_meant = |text: &str| match equals {
            None => true,
            Some(values) => values.iter().any(|value| value.eq_ignore_ascii_case(text.trim())),
        };
        path.select(parameters).into_iter().filter_map(Tree::text).any(is_meant).then_some(path)
    }
}

/// The texts at a path that are not empty.
fn texts<'t>(path: &Path, tree: &'t Value) -> impl Iterator<Item = &'t str> {
    path.select(tree).into_iter().filter_map(Tree::text).filter(|text| !text.is_empty())
}
