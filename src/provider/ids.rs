//! How calls and answers name tasks: which parameters do, in which of a task's ids, and what the call does to it.

use std::collections::HashSet;

use super::action::Action;
use super::path::{Path, Tree};
use super::several::Several;
use crate::parameters::Value;

/// Ids that one call may name in one parameter where no source has a number: many times what any call needs, and little
/// enough that a stranger's list costs nothing.
const MOST_IDS: u32 = 1_000;

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
    /// How several ids stand in one text.
    pub several: Option<Several>,
    /// How many ids one call may name here; none: no source says, and [`TaskIdPath::limit`] does.
    pub at_most: Option<u32>,
    /// What is put before an id to make it the task's canonical one.
    pub prefix: Option<String>,
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
    /// Its canonical id: under which it is owned, leased and remembered.
    pub id: String,
    /// The id as the caller wrote it; another than `id` where the cloud has two names for a task.
    pub written: String,
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
    /// What is put before an id to make it the task's canonical one.
    pub prefix: Option<String>,
    /// The answer names a task that was there before if the call did.
    pub unless_named: bool,
    /// In which of several lists of tasks it stands.
    pub listed_as: Option<ListedAs>,
    /// Parameters that name further regions in which it may stand, beside the call's own.
    pub regions: Vec<Path>,
}

/// In which of several lists of tasks a new task stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ListedAs {
    /// In the one of this word.
    Word(String),
    /// In the one that the call says with this parameter.
    Parameter(Path),
}

impl Action {
    /// The tasks that a call names, each once, in the order of the parameters. An empty id names none.
    ///
    /// Of a parameter that names more than its limit, one more than that and no further: `check_parameters` refuses such a
    /// call, but it is asked later, when the caller has proven who it is.
    pub fn task_ids(&self, parameters: &Value) -> Vec<TaskRef> {
        let mut named = Vec::new();
        let mut seen = HashSet::new();
        for id in &self.ids {
            let parent = id.of.as_ref().and_then(|path| texts(path, parameters).next());
            for written in id.written(parameters) {
                let canonical = canonical(id.prefix.as_deref(), &written);
                // The same task for the same purpose, however it was written.
                if seen.insert((id.task.as_str(), canonical.clone(), parent, id.role)) {
                    named.push(TaskRef {
                        kind: id.task.clone(),
                        id: canonical,
                        written,
                        parent: parent.map(str::to_owned),
                        role: id.role,
                    });
                }
            }
        }
        named
    }
}

impl TaskRef {
    /// Whether the call is about it: judged, and leased by a change.
    pub fn is_subject(&self) -> bool {
        self.role == Role::Subject
    }
}

impl Created {
    /// The canonical ids of the tasks that an answer says were made.
    pub fn ids<T: Tree>(&self, answer: &T) -> Vec<String> {
        let found = self.path.select(answer).into_iter().filter_map(Tree::text).filter(|id| !id.is_empty());
        found.map(|id| self.canonical(id)).collect()
    }

    /// The word of the list in which the task stands that a call makes; none where nothing says it.
    pub fn list(&self, parameters: &Value) -> Option<String> {
        match self.listed_as.as_ref()? {
            ListedAs::Word(word) => Some(word.clone()),
            ListedAs::Parameter(path) => texts(path, parameters).next().map(str::to_owned),
        }
    }

    /// The regions, beside the call's own, in which the task may stand that a call makes.
    pub fn further_regions<'t>(&'t self, parameters: &'t Value) -> impl Iterator<Item = &'t str> {
        self.regions.iter().flat_map(|path| texts(path, parameters))
    }

    /// The canonical id of a task that an answer calls by `id`.
    pub fn canonical(&self, id: &str) -> String {
        canonical(self.prefix.as_deref(), id)
    }
}

impl TaskIdPath {
    /// Whether one call can name several tasks here.
    pub fn names_many(&self) -> bool {
        self.several.is_some() || self.path.segments().iter().any(|segment| segment.list.is_some())
    }

    /// How many ids one call may name here.
    pub fn limit(&self) -> u32 {
        self.at_most.unwrap_or(MOST_IDS)
    }

    /// Whether a call names more ids here than it may; one that is named twice counts twice.
    pub(super) fn is_exceeded(&self, parameters: &Value) -> bool {
        self.written(parameters).count() == self.enough()
    }

    /// The ids that a call names here, each as often as it does, but no more than are enough to refuse it: what a
    /// stranger sends costs one look at it.
    fn written<'t>(&'t self, parameters: &'t Value) -> impl Iterator<Item = String> + 't {
        texts(&self.path, parameters).flat_map(|text| self.split(text)).take(self.enough())
    }

    /// As many ids as are too many.
    fn enough(&self) -> usize {
        self.limit() as usize + 1
    }

    /// The ids in a text that is not empty, but no more than are enough.
    fn split(&self, text: &str) -> Vec<String> {
        self.several.map_or_else(|| vec![text.to_owned()], |several| several.split(text, self.enough()))
    }

    /// Whether a call names ids here in a text of which nobody knows what the cloud makes.
    pub(super) fn is_unclear(&self, parameters: &Value) -> bool {
        self.several.is_some_and(|several| texts(&self.path, parameters).any(|text| several.is_unclear(text)))
    }
}

/// The id under which a task is known, however the cloud's parameter abridges it.
pub(super) fn canonical(prefix: Option<&str>, id: &str) -> String {
    format!("{}{id}", prefix.unwrap_or_default())
}

/// The texts at a path that are not empty.
fn texts<'t>(path: &Path, tree: &'t Value) -> impl Iterator<Item = &'t str> {
    path.select(tree).into_iter().filter_map(Tree::text).filter(|text| !text.is_empty())
}
