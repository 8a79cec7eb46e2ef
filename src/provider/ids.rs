//! How calls and answers name tasks: which parameters do, in which of a task's ids, and what the call does to it.

use super::action::Action;
use super::path::{Path, Tree};
use crate::parameters::Value;

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
    /// How many ids one call may name here; none: no source says.
    pub at_most: Option<u32>,
    /// What is put before an id to make it the task's canonical one.
    pub prefix: Option<String>,
}

/// How several ids stand in one text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Several {
    /// With this sign between them, and blanks that count for nothing.
    Separated(char),
    /// As a JSON list of texts. Any other text is taken for one id, which is nobody's.
    Json,
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
    pub fn task_ids(&self, parameters: &Value) -> Vec<TaskRef> {
        let mut named: Vec<TaskRef> = Vec::new();
        for id in &self.ids {
            let parent = id.of.as_ref().and_then(|path| texts(path, parameters).next()).map(str::to_owned);
            for written in texts(&id.path, parameters).flat_map(|text| id.split(text)) {
                let task = TaskRef {
                    kind: id.task.clone(),
                    id: canonical(id.prefix.as_deref(), &written),
                    written,
                    parent: parent.clone(),
                    role: id.role,
                };
                if !named.iter().any(|other| other.is_the_same(&task)) {
                    named.push(task);
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

    /// Whether both name the same task for the same purpose, however it was written.
    fn is_the_same(&self, other: &TaskRef) -> bool {
        let parts = |task: &TaskRef| (task.kind.clone(), task.id.clone(), task.parent.clone(), task.role);
        parts(self) == parts(other)
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

    /// How many ids a call names here, each as often as it does.
    pub(super) fn count(&self, parameters: &Value) -> usize {
        texts(&self.path, parameters).map(|text| self.split(text).len()).sum()
    }

    /// The ids in a text that is not empty.
    fn split(&self, text: &str) -> Vec<String> {
        let found: Vec<String> = match self.several {
            None => vec![text.to_owned()],
            Some(Several::Separated(sign)) => text.split(sign).map(|id| id.trim().to_owned()).collect(),
            Some(Several::Json) => serde_json::from_str(text).unwrap_or_else(|_| vec![text.to_owned()]),
        };
        found.into_iter().filter(|id| !id.is_empty()).collect()
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
