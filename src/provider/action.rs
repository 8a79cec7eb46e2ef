//! One action of one version: everything that the request path needs to know of it, out of one row.

use std::collections::BTreeMap;

use super::limit::Bucket;
use super::path::{Path, Tree};
use super::sensitive::PathSet;
use super::shape::Shape;
use super::state::StateRule;
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
    /// Where the answer names the tasks that the call made, inside its envelope. They are of the action's task kind.
    pub creates: Option<Path>,
    /// Without an id it answers with every task of the account.
    pub lists: bool,
    /// The gateway asks for task states with it.
    pub is_lookup: bool,
    /// What is sensitive in its parameters.
    pub secrets: PathSet,
    /// What is sensitive in its answer, inside its envelope.
    pub answer_secrets: PathSet,
    /// Parameter values that need a grant of their own.
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
}

/// A task that a call names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TaskRef {
    /// Its kind.
    pub kind: String,
    /// Its id as the caller wrote it.
    pub id: String,
}

/// Values of a parameter that need a grant of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dangerous {
    /// The name by which it is granted and refused.
    pub name: String,
    /// The parameter.
    pub parameter: Path,
    /// The values, compared without regard to case and surrounding blanks: whatever the cloud might take for it.
    pub equals: Vec<String>,
    /// What happens with it.
    pub reason: String,
    /// Short names of the sources.
    pub sources: Vec<String>,
}

impl Action {
    /// The tasks that a call names, each once, in the order of the parameters. An empty id names none.
    pub fn task_ids(&self, parameters: &Value) -> Vec<TaskRef> {
        let mut named = Vec::new();
        for id in &self.ids {
            for text in id.path.select(parameters).into_iter().filter_map(Tree::text).filter(|text| !text.is_empty()) {
                let task = TaskRef { kind: id.task.clone(), id: text.to_owned() };
                if !named.contains(&task) {
                    named.push(task);
                }
            }
        }
        named
    }

    /// The dangerous things that a call asks for.
    pub fn dangers(&self, parameters: &Value) -> Vec<&Dangerous> {
        self.dangerous.iter().filter(|danger| danger.is_asked_for(parameters)).collect()
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

impl Dangerous {
    fn is_asked_for(&self, parameters: &Value) -> bool {
        let given = self.parameter.select(parameters).into_iter().filter_map(Tree::text);
        given.into_iter().any(|text| self.equals.iter().any(|value| value.eq_ignore_ascii_case(text.trim())))
    }
}
